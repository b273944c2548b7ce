package create

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// team is a specification of people, and of what they may do.
func (b *bench) team() string {
	return strings.NewReplacer("SUB", b.sub, "DOMAIN", domainOf(b)).Replace("```yaml\n" + `
users:
  - {name: Ada, full_name: Ada L., user_principal_name: ada@DOMAIN, job_title: Analyst, password: "${secret:ada}"}
  - {name: Bob, user_principal_name: bob@DOMAIN}
groups:
  - {name: Builders, description: They build, members: ["${user:Ada}", "${user:Bob}", "${group:Readers}", "${service_principal:pipeline}"]}
  - {name: Readers, mail_nickname: readers-of-shop}
service_principals:
  - {name: pipeline}
subscriptions:
  - name: main
    subscription_id: SUB
    resource_groups:
      - name: team
        location: westeurope
        resources:
          - {type: Microsoft.ManagedIdentity/userAssignedIdentities, name: mine, location: westeurope}
role_assignments:
  - {principal: "${user:Ada}", role: Reader, scope: "${resource_group:team}"}
  - {principal: "${group:Builders}", role: Contributor, scope: "${resource_group:team}"}
  - {principal: "${service_principal:pipeline}", role: Contributor, scope: "${resource_group:team}"}
` + "```\n")
}

// domainOf is the verified domain of the bench's tenant.
func domainOf(b *bench) string {
	var page struct {
		Value []struct {
			VerifiedDomains []struct {
				Name      string
				IsDefault bool
			}
		}
	}
	b.graph("/organization", &page)
	for _, d := range page.Value[0].VerifiedDomains {
		if d.IsDefault {
			return d.Name
		}
	}
	b.t.Fatal("the tenant has no domain")
	return ""
}

// graph reads from Microsoft Graph.
func (b *bench) graph(path string, into any) {
	b.t.Helper()
	a, err := b.creator.Azure.Session("").SendDirectory(b.t.Context(), azure.DirectoryRequest{Method: http.MethodGet, Path: path})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		b.t.Fatal(err)
	}
}

// named are the ids of the objects of a collection that have some names.
func (b *bench) named(collection string, names ...string) map[string][]string {
	all := map[string][]string{}
	for _, name := range names {
		var page struct{ Value []struct{ ID string } }
		b.graph("/"+collection+"?"+url.Values{"$select": {"id"}, "$filter": {"displayName eq '" + name + "'"}}.Encode(), &page)
		for _, o := range page.Value {
			all[name] = append(all[name], o.ID)
		}
	}
	return all
}

// counts are how many objects of the team the directory has.
func (b *bench) counts() map[string]int {
	n := map[string]int{}
	for _, collection := range []string{"users", "groups", "applications", "servicePrincipals"} {
		for name, ids := range b.named(collection, "Ada L.", "Bob", "Builders", "Readers", "pipeline") {
			n[collection+" "+name] = len(ids)
		}
	}
	return n
}

var wholeTeam = map[string]int{"users Ada L.": 1, "users Bob": 1, "groups Builders": 1, "groups Readers": 1, "applications pipeline": 1, "servicePrincipals pipeline": 1}

func (b *bench) planTeam(spec string) *backend.TenantCreationResult {
	b.t.Helper()
	out, err := b.run(b.t.Context(), "plan", spec, backend.TenantCreationRequest{DryRun: true, CreateIdentities: true}, &heard{})
	if err != nil {
		b.t.Fatalf("plan: %v %+v", err, fault.Of(err).Problems)
	}
	return out
}

func (b *bench) makeTeam(ctx context.Context, job, spec string, h *heard) (*backend.TenantCreationResult, error) {
	b.t.Helper()
	return b.run(ctx, job, spec, backend.TenantCreationRequest{CreateIdentities: true, PlanDigest: b.planTeam(spec).Plan.Digest}, h)
}

func newTeam(t *testing.T) *bench {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.secrets["ATG_SECRET_ADA"] = "planted-S3cret!"
	return b
}

func TestPeopleAreMade(t *testing.T) {
	b := newTeam(t)
	spec := b.team()
	want := map[string]string{"Ada": "create", "Bob": "create", "Builders": "create", "Readers": "create", "pipeline": "create", "team": "create", "mine": "create"}
	plan := actionsOf(b.planTeam(spec))
	for id := range plan {
		if strings.Count(id, "-") == 4 { // a role assignment
			want[id] = "create"
		}
	}
	if d := cmp.Diff(want, plan); d != "" || len(plan) != 10 {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	h := &heard{}
	out, err := b.makeTeam(t.Context(), jobA, spec, h)
	if err != nil || !out.Success || !out.Complete || out.ResourcesCreated != 10 {
		t.Fatalf("%+v, %v", out, err)
	}
	if d := cmp.Diff(wholeTeam, b.counts()); d != "" {
		t.Errorf("the directory (-want +got):\n%s", d)
	}
	var members struct{ Value []struct{ ID string } }
	builders := b.named("groups", "Builders")["Builders"][0]
	b.graph("/groups/"+builders+"?$expand=members", &struct{ Members *[]struct{ ID string } }{&members.Value})
	if len(members.Value) != 4 {
		t.Errorf("the group has the members %+v", members.Value)
	}
	said, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range b.sim.Requests() {
		if strings.Contains(r.Body, "planted-S3cret!") && r.Path != "/v1.0/users" {
			t.Errorf("the password is in %s %s", r.Method, r.Path)
		}
	}
	if strings.Contains(string(said)+strings.Join(h.logs, ""), "planted") {
		t.Error("the password was told")
	}
	for id, action := range actionsOf(b.planTeam(spec)) {
		if action != actionExists {
			t.Errorf("once more: %s %s", action, id)
		}
	}
	for _, c := range b.plan(spec).Plan.Changes { // without the flag they are not looked for
		if c.Type == "user" && c.Action != actionUnsupported || c.Type == "Microsoft.Authorization/roleAssignments" && !strings.Contains(c.Reason, "of which no object id is known") {
			t.Errorf("without the flag: %+v", c)
		}
	}
	b.sim.ResetRequests()
	if again, err := b.makeTeam(t.Context(), jobB, spec, &heard{}); err != nil || again.ResourcesCreated != 0 || b.sim.Count("POST", "/v1.0/") != 0 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// TestPeopleComeBack: what people were made with is read by a scan, and written down as it was.
func TestPeopleComeBack(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	text := strings.ReplaceAll("```yaml\n"+`
users:
  - {name: Ada L., user_principal_name: ada@DOMAIN, email_address: ada.l@DOMAIN, mail_nickname: countess, job_title: Analyst, department: Engines}
  - {name: Bob, user_principal_name: bob@DOMAIN}
groups:
  - {name: Builders, description: They build, mail_nickname: builders-of-shop, members: ["${user:Ada L.}"]}
`+"```\n", "DOMAIN", domainOf(b))
	if out, err := b.makeTeam(t.Context(), jobA, text, &heard{}); err != nil || !out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	written, _, _ := b.writtenOf(b.scannedWith(backend.IdentitiesAll))
	ids := regexp.MustCompile(`(?m)^    id: .*\n`)
	for _, want := range []string{
		"  - name: Ada L.\n    user_principal_name: ada@DOMAIN\n    email_address: ada.l@DOMAIN\n    mail_nickname: countess\n    job_title: Analyst\n    department: Engines\n",
		"  - name: Bob\n    user_principal_name: bob@DOMAIN\n  -",
		"  - name: Builders\n    description: They build\n    mail_nickname: builders-of-shop\n    members:\n      - ${user:Ada L.}\n",
	} {
		if want = strings.ReplaceAll(want, "DOMAIN", domainOf(b)); !strings.Contains(ids.ReplaceAllString(written, ""), want) {
			t.Errorf("the specification does not say\n%s", want)
		}
	}
	if t.Failed() {
		at := strings.Index(written, "## Users")
		t.Log(written[max(at, 0):min(len(written), max(at, 0)+6000)])
	}
}

func TestAMemberIsAdded(t *testing.T) {
	b := newTeam(t)
	spec := b.team()
	without := strings.Replace(spec, `"${user:Ada}", `, "", 1)
	if out, err := b.makeTeam(t.Context(), jobA, without, &heard{}); err != nil || !out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := actionsOf(b.planTeam(spec))["Builders"]; got != "differs members.Ada" {
		t.Errorf("the plan says %q", got)
	}
	if out, err := b.makeTeam(t.Context(), jobB, spec, &heard{}); err != nil || !out.Success || out.ResourcesCreated != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	plan, err := b.run(t.Context(), "rollback", "", backend.TenantCreationRequest{Rollback: true, RollbackJob: jobB, DryRun: true}, &heard{})
	if err != nil || len(plan.Plan.Changes) != 1 || plan.Plan.Changes[0].Action != actionExists {
		t.Errorf("taking it back: %+v, %v", plan, err)
	}
}

// Only what the run made is taken back: who has the name of one of them and was there before stays.
func TestPeopleAreTakenBack(t *testing.T) {
	b := newTeam(t)
	spec := b.team()
	users, _, _ := strings.Cut(spec, "groups:")
	if out, err := b.makeTeam(t.Context(), jobB, strings.Replace(users, "name: Ada,", "name: Ada0,", 1)+"```\n", &heard{}); err != nil || !out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	if out, err := b.makeTeam(t.Context(), jobA, spec, &heard{}); err != nil || !out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	plan, out := b.rollback(jobA)
	if !out.Success || len(plan.Plan.Changes) == 0 {
		t.Errorf("%+v", out)
	}
	if d := cmp.Diff(map[string]int{"users Ada L.": 1, "users Bob": 1}, b.counts()); d != "" {
		t.Errorf("what stands (-want +got):\n%s", d)
	}
	if _, out := b.rollback(jobB); !out.Success || len(b.counts()) != 0 {
		t.Errorf("%+v, and %v stand", out, b.counts())
	}
}

// A run that is killed after any of its calls makes nothing twice when it goes on, also where the directory is late.
func TestPeopleAreMadeOnce(t *testing.T) {
	for _, path := range []string{"/v1.0/users$", "/v1.0/groups$", "/v1.0/applications$", "/v1.0/servicePrincipals$", `/members/\$ref$`} {
		t.Run(path, func(t *testing.T) {
			b := newTeam(t)
			spec := b.team()
			digest := b.planTeam(spec).Plan.Digest
			request := backend.TenantCreationRequest{CreateIdentities: true, PlanDigest: digest}
			ctx, kill := context.WithCancelCause(t.Context())
			seen := regexp.MustCompile(path)
			h := &heard{said: func(p backend.Progress) {
				for _, r := range b.sim.Requests() {
					if r.Method == http.MethodPost && seen.MatchString(r.Path) {
						kill(context.Canceled)
					}
				}
			}}
			if _, err := b.run(ctx, jobA, spec, request, h); err == nil && path != `/members/\$ref$` {
				t.Fatal("it was not killed")
			}
			out, err := b.run(t.Context(), jobA, spec, request, &heard{})
			if err != nil || !out.Success {
				t.Fatalf("%+v, %v", out, err)
			}
			if d := cmp.Diff(wholeTeam, b.counts()); d != "" {
				t.Errorf("the directory (-want +got):\n%s", d)
			}
			if _, out := b.rollback(jobA); !out.Success || len(b.counts()) != 0 {
				t.Errorf("%+v, and %v stand", out, b.counts())
			}
		})
	}
}

// What is made is found after a while only: what needs it waits, and a run that goes on looks more than once.
func TestTheDirectoryIsLate(t *testing.T) {
	b := newTeam(t)
	settings := b.sim.Settings()
	settings.DirectoryDelay, settings.DirectoryMisses = azuresim.Duration(60*time.Millisecond), 2
	if err := b.sim.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: http.MethodPost, Path: "/v1.0/groups$", Truncate: true, Times: 1}}})
	spec, h := b.team(), &heard{}
	out, err := b.makeTeam(t.Context(), jobA, spec, h)
	if err != nil || !out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	waited := false
	for _, p := range h.progress {
		waited = waited || strings.Contains(p.Message, "the directory does not find yet")
	}
	if d := cmp.Diff(wholeTeam, b.counts()); d != "" || !waited {
		t.Errorf("waited visibly: %v; the directory (-want +got):\n%s", waited, d)
	}
}

// A call whose answer is lost is not made again before somebody has looked whether it was done.
func TestLostAnswersMakeNothingTwice(t *testing.T) {
	for _, path := range []string{"/v1.0/users$", "/v1.0/groups$", "/v1.0/applications$", "/v1.0/servicePrincipals$"} {
		t.Run(path, func(t *testing.T) {
			b := newTeam(t)
			spec := b.team()
			b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: http.MethodPost, Path: path, Truncate: true, Times: 1}}})
			out, err := b.makeTeam(t.Context(), jobA, spec, &heard{})
			if err != nil || !out.Success {
				t.Fatalf("%+v, %v", out, err)
			}
			if d := cmp.Diff(wholeTeam, b.counts()); d != "" {
				t.Errorf("the directory (-want +got):\n%s", d)
			}
		})
	}
}
