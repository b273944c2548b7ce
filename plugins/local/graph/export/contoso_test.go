package export_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/export"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// contoso scans the simulator's tenant as deep as a scan goes, with all its identities.
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
		"cloud": "custom", "resource_manager_endpoint": sim.URL(), "authority_host": sim.URL(), "graph_endpoint": sim.URL(), "ca_file": sim.CAFile(),
		"auth": "client-secret", "tenant_id": sim.Tenant().ID, "client_id": sim.ClientID(), "client_secret": sim.ClientSecret(), "store_dir": dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.WithoutCancel(t.Context())) })
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{Depth: backend.DepthExtensions, Identities: backend.IdentitiesAll}})
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

func files(t *testing.T, r *graph.Reader, format string, hidden bool) map[string]string {
	t.Helper()
	dir := t.TempDir()
	x := export.Exporter{Reader: r, Dir: dir}
	if _, err := x.Export(t.Context(), &backend.SnapshotExportRequest{Format: format, Pseudonymize: hidden}); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range found {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(content)
	}
	return all
}

// TestContosoUnderPseudonyms: nothing of what an export passes on tells whose tenant it is, and nothing is a secret.
func TestContosoUnderPseudonyms(t *testing.T) {
	r := contoso(t)
	var names []string
	own := regexp.MustCompile(`^[a-zA-Z]+[-.][a-zA-Z0-9.-]+$|^[A-Z][a-z]+ [A-Z][a-z]+$`)
	err := r.Nodes(t.Context(), func(n graph.Node) error {
		if n.Kind != graph.NodeRoleDefinition && n.State != graph.NodeMissing && len(n.Name) > 5 && own.MatchString(n.Name) && !strings.HasPrefix(n.Name, "privatelink.") {
			names = append(names, strings.ToLower(n.Name))
		}
		return nil
	})
	if err != nil || len(names) < 100 {
		t.Fatal(len(names), err)
	}
	guids := regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	words := regexp.MustCompile(`[a-z0-9.-]+`)
	for _, format := range export.Formats() {
		all := files(t, r, format, true)
		var said struct {
			Note  string
			Pairs []struct{ Pseudonym, Original, Kind string }
		}
		if err := json.Unmarshal([]byte(all[export.MapFile]), &said); err != nil || !strings.HasPrefix(said.Note, "PRIVATE.") || len(said.Pairs) < 500 {
			t.Fatal(len(said.Pairs), err)
		}
		original := map[string]string{}
		for _, p := range said.Pairs {
			if other, ok := original[p.Pseudonym]; ok && other != p.Original && p.Kind != "address" {
				t.Errorf("%q stands for %q and for %q", p.Pseudonym, other, p.Original)
			}
			original[p.Pseudonym] = p.Original
		}
		delete(all, export.MapFile)
		for name, text := range all {
			lower := strings.ToLower(text)
			if at := strings.Index(lower, "contoso"); at >= 0 {
				t.Errorf("%s tells of contoso: %q", name, lower[max(0, at-80):at+20])
			}
			present := map[string]bool{}
			for _, w := range words.FindAllString(lower, -1) {
				present[w] = true
			}
			for _, n := range names {
				if strings.Contains(n, " ") && strings.Contains(lower, n) || present[n] {
					t.Errorf("%s tells of %s", name, n)
				}
			}
			for _, id := range guids.FindAllString(lower, -1) {
				if !strings.HasPrefix(id, "00000000-0000-") && original[id] == "" && !pseudonym.BuiltInRole(id) {
					t.Errorf("%s tells of %s", name, id)
				}
			}
		}
		for name, text := range files(t, r, format, false) {
			scanner := &secrets.Scanner{}
			_, _ = scanner.Write([]byte(text))
			if found := scanner.Found(); len(found) > 0 {
				t.Errorf("%s holds %q", name, found)
			}
		}
	}
}

// TestExportsAreTheSame: the same snapshot gives the same bytes.
func TestExportsAreTheSame(t *testing.T) {
	r := contoso(t)
	for _, format := range export.Formats() {
		for _, hidden := range []bool{false, true} {
			one, other := files(t, r, format, hidden), files(t, r, format, hidden)
			for name := range one {
				if one[name] != other[name] {
					t.Errorf("%s differs the second time", name)
				}
			}
		}
	}
}
