package create

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Without a permission the plan or the result names it; what needs whom it makes is not tried, and the rest is made.
func TestMissingPermissionsAreNamed(t *testing.T) {
	b := newTeam(t)
	spec := b.team()
	settings := b.sim.Settings()
	all := settings.MSGraphPermissions
	settings.MSGraphPermissions = []string{"Directory.Read.All", "Group.ReadWrite.All", "Application.ReadWrite.All"}
	if err := b.sim.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	out, err := b.makeTeam(t.Context(), jobA, spec, &heard{})
	if err != nil || out.Success || out.ResourcesFailed != 4 || out.ResourcesCreated != 7 { // two users, the group that was to have them and stands, and the role of one
		t.Fatalf("%+v, %v", out, err)
	}
	told := ""
	for _, f := range out.Failures {
		told += f.Resource + ": " + f.Fault.Message + " " + f.Fault.Hint + "\n"
	}
	for _, word := range []string{"user Ada: ", azure.PermissionWriteUsers, "not tried: it names the user Ada", "group Builders: its members "} {
		if !strings.Contains(told, word) {
			t.Errorf("%q is not in:\n%s", word, told)
		}
	}
	settings.MSGraphPermissions = []string{"User.Read.All"}
	if err := b.sim.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	denied := b.planTeam(spec)
	if again := b.planTeam(spec); again.Plan.Digest != denied.Plan.Digest {
		t.Error("a plan without permissions is another one each time")
	}
	for _, c := range denied.Plan.Changes {
		if c.Type == "group" && (c.Action != actionUnsupported || !strings.Contains(c.Reason, azure.PermissionGroups)) {
			t.Errorf("%+v", c)
		}
	}
	settings.MSGraphPermissions = all
	if err := b.sim.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	if out, err := b.makeTeam(t.Context(), jobB, spec, &heard{}); err != nil || !out.Success {
		t.Errorf("%+v, %v", out, err)
	}
}

// A user of another tenant's domain is told before anything is made, and so is a guest.
func TestWhoCannotBeMadeIsInThePlan(t *testing.T) {
	b := newTeam(t)
	plan := b.planTeam("```yaml\nusers:\n  - {name: A, user_principal_name: a@elsewhere.example}\n  - {name: B, user_principal_name: \"b_c.com#EXT#@" + domainOf(b) + "\"}\n" +
		"  - {name: C, user_principal_name: c@" + domainOf(b) + ", mfa_enabled: true}\n  - {name: D}\ngroups:\n  - {name: E, members: [\"${user:A}\", \"${user:C}\"]}\n```\n")
	got := map[string]string{}
	for _, c := range plan.Plan.Changes {
		got[c.Resource] = c.Action + ": " + c.Reason
	}
	for who, word := range map[string]string{
		"A": `unsupported: "elsewhere.example" is none of the domains of this tenant`, "B": "unsupported: it is a guest", "C": "create: not set: mfa_enabled",
		"D": "unsupported: it has no user_principal_name", "E": "create: its member A cannot be made",
	} {
		if !strings.HasPrefix(got[who], word) {
			t.Errorf("%s is told with %q", who, got[who])
		}
	}
	if plan.Complete {
		t.Error("the plan is told as complete")
	}
}

// A cloud of which no Microsoft Graph is known makes nobody, and says so.
func TestNobodyIsMadeWithoutMicrosoftGraph(t *testing.T) {
	b := newTeam(t)
	spec, env := b.team(), b.sim.Env()
	client, err := azure.New(azure.Config{Patience: 30 * time.Second, Getenv: func(name string) string {
		if name == "ATG_AZURE_GRAPH_ENDPOINT" {
			return ""
		}
		return env[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b.creator.Azure = client
	for _, c := range b.planTeam(spec).Plan.Changes {
		if c.Type == "user" && (c.Action != actionUnsupported || !strings.Contains(c.Reason, "no address of Microsoft Graph")) {
			t.Errorf("%+v", c)
		}
	}
}

func TestANameOfSeveralIsAnError(t *testing.T) {
	b := newTeam(t)
	for _, nickname := range []string{"one", "two"} {
		body := `{"displayName":"Builders","mailEnabled":false,"mailNickname":"` + nickname + `","securityEnabled":true}`
		if _, err := b.creator.Azure.Session("").SendDirectory(t.Context(), azure.DirectoryRequest{Method: http.MethodPost, Path: "/groups", Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.run(t.Context(), "plan", b.team(), backend.TenantCreationRequest{DryRun: true, CreateIdentities: true}, &heard{})
	if f := fault.Of(err); f.Code != fault.InvalidArgument || len(f.Problems) != 1 || f.Problems[0].Line != 7 || !strings.Contains(f.Message, `several groups are called "Builders"`) {
		t.Errorf("%v %+v", err, f)
	}
}
