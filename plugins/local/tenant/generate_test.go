package tenant_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// contoso scans the simulator's tenant as deep as a scan goes.
func contoso(t *testing.T) *graph.Reader {
	t.Helper()
	for _, v := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "ATG_AZURE_CLOUD", "SSL_CERT_FILE"} {
		t.Setenv(v, "")
	}
	sim, err := azuresim.New(azuresim.Config{Quota: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	dir := t.TempDir()
	b := local.New()
	err = b.Configure(t.Context(), backend.Settings{
		"cloud": "custom", "resource_manager_endpoint": sim.URL(), "authority_host": sim.URL(), "ca_file": sim.CAFile(),
		"auth": "client-secret", "tenant_id": sim.Tenant().ID, "client_id": sim.ClientID(), "client_secret": sim.ClientSecret(), "store_dir": dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.WithoutCancel(t.Context())) })
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{Depth: backend.DepthExtensions}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.WatchJob(t.Context(), job.JobID, 0, func(backend.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	result, err := b.GetResult(t.Context(), job.JobID)
	if err != nil {
		t.Fatal(err)
	}
	store, err := graph.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), result.(*backend.ScanResult).Snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// generate writes the specification of a snapshot.
func generate(t *testing.T, r *graph.Reader, request backend.SpecGenerationRequest) (text string, result *backend.SpecGenerationResult, dir string) {
	t.Helper()
	dir = t.TempDir()
	result, err := generator(r, dir).Generate(t.Context(), &request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, tenant.SpecFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(content), result, dir
}

// parsed parses a specification that has no problem at all.
func parsed(t *testing.T, text string) *spec.Spec {
	t.Helper()
	s, problems, err := spec.Parse(t.Context(), strings.NewReader(text), spec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if problems = slices.DeleteFunc(problems, misnamed); len(problems) > 0 {
		t.Fatalf("%d problems, such as %v", len(problems), problems[:min(len(problems), 20)])
	}
	return s
}

// snapshot makes a snapshot of a specification.
func snapshot(t *testing.T, s *spec.Spec) *graph.Reader {
	t.Helper()
	var rows []graph.Row
	made, err := s.Rows(spec.Places{}, func(r graph.Row) error {
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var people []graph.Identity
	var members []graph.Membership
	kinds := map[spec.PrincipalKind]graph.IdentityKind{spec.User: graph.KindUser, spec.EntraGroup: graph.KindGroup, spec.ServicePrincipal: graph.KindServicePrincipal}
	for _, p := range s.Given(spec.Places{}) {
		d := map[string]any{"mail": p.Text("email_address"), "description": p.Text("description"), "jobTitle": p.Text("job_title"), "mailNickname": p.Text("mail_nickname")}
		if p.Text("group_type") == "microsoft365" {
			d["groupTypes"] = []string{"Unified"}
		}
		if p.Text("app_id") != "" {
			d["appOwnerOrganizationId"] = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
		}
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, graph.Identity{ObjectID: p.ObjectID, Kind: kinds[p.Kind], State: graph.IdentityPresent, Name: p.DisplayName(), Login: p.Text("user_principal_name"), AppID: p.Text("app_id"), Raw: raw})
		for _, m := range p.Members {
			members = append(members, graph.Membership{GroupID: p.ObjectID, MemberID: m})
		}
	}
	return open(t, made.TenantID, made.TenantName, made.Subscriptions, rows, people, members)
}

// open makes a snapshot of rows, and opens it.
func open(t testing.TB, tenantID, name string, subs []graph.Subscription, rows []graph.Row, people []graph.Identity, members []graph.Membership) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: tenantID, TenantName: name, CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	if err := w.Add(rows); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.AddSubscriptions(subs), w.AddIdentities(people), w.AddMemberships(members)); err != nil {
		t.Fatal(err)
	}
	finished, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), finished.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func generator(r *graph.Reader, dir string) *tenant.Generator {
	return &tenant.Generator{Reader: r, Dir: dir}
}
