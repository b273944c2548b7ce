package iac_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	tenantID = "c0175050-0000-4000-8000-0000000000c0"
	sub      = "11111111-1111-4111-8111-111111111111"
	group    = "/subscriptions/" + sub + "/resourceGroups/web"
)

// snapshot makes one of rows.
func snapshot(t *testing.T, coverage backend.Coverage, rows ...graph.Row) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: tenantID, TenantName: "Contoso */ <b>", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	if err := w.Add(rows); err != nil {
		t.Fatal(err)
	}
	made, err := w.Finish(t.Context(), coverage)
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, store, made.ID)
}

// thing is a resource of a type of which only an api-version is known.
func thing(name, properties string) graph.Row {
	return graph.Row{Table: graph.TableResources, ID: group + "/providers/Contoso.Own/things/" + name, Name: name, Type: "Contoso.Own/things", APIVersion: "2024-01-01",
		Location: "westeurope", SubscriptionID: sub, ResourceGroup: "web", Properties: []byte(properties)}
}

// planted are secrets of each form.
var planted = []string{
	"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=PLANTEDabcdefghijklmnopqrstuvwxyz0123456789==", "https://x.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=PLANTEDabcdefghijklmnopqrstuvwxyz",
	"Server=x;User ID=u;Password=PLANTED1;", "amqp://user:PLANTED2@host/x", "-----BEGIN PRIVATE KEY-----\\nPLANTEDMIIE\\n-----END PRIVATE KEY-----", "eyJhbGciOiJIUzI1NiJ9.eyJQTEFOVEVE123.PLANTEDdozjgNryP4J3",
	"PLAN8Q~PLANTED" + strings.Repeat("a", 26), "ghp_PLANTED" + strings.Repeat("a1", 20), "xoxb-PLANTED-123456789", strings.Repeat("PLANTEDx", 10) + "PLANTE==",
}

// TestNoSecretIsWritten: of secrets in properties, settings and tags nothing is in any file, nor in the result.
func TestNoSecretIsWritten(t *testing.T) {
	rows := []graph.Row{{Table: graph.TableContainers, ID: group, Name: "web", Type: "microsoft.resources/subscriptions/resourcegroups", Location: "westeurope", SubscriptionID: sub}}
	for i, s := range planted {
		name := string(rune('a' + i))
		for j, properties := range []string{`{"x":"%s"}`, `{"list":["y","%s"],"deep":{"er":[[{"x":"%s"}]]}}`, `{"env":[{"name":"X","value":"%s"}]}`, `{"text":"before %s"}`} {
			row := thing(name+string(rune('0'+j)), strings.ReplaceAll(properties, "%s", s))
			row.Tags = []byte(`{"t":"` + s + `"}`)
			rows = append(rows, row)
		}
		rows = append(rows, graph.Row{Table: graph.TableResources, ID: group + "/providers/Microsoft.Web/sites/" + name, Name: name, Type: "Microsoft.Web/sites", Location: "westeurope", SubscriptionID: sub,
			Properties: []byte(`{"siteConfig":{"appSettings":[{"name":"A","value":"` + s + `"},{"name":"DB_PASSWORD","value":"PLANTED3"},{"name":"my_key","value":"PLANTED45"}],"connectionStrings":[{"name":"c","connectionString":"PLANTED6","type":"Custom"}]}}`)})
	}
	rows = append(rows, graph.Row{Table: graph.TableResources, ID: group + "/providers/Microsoft.Compute/virtualMachines/vm", Name: "vm", Type: "Microsoft.Compute/virtualMachines", Location: "westeurope", SubscriptionID: sub,
		Properties: []byte(`{"osProfile":{"adminUsername":"u","adminPassword":"PLANTED7","customData":"PLANTED8"},"userData":"PLANTED9"}`)})
	r := snapshot(t, backend.Coverage{Complete: true}, rows...)
	for _, request := range []backend.IaCGenerationRequest{{OutputFormat: iac.Terraform, Import: true}, {OutputFormat: iac.Terraform, Split: "none"}, {OutputFormat: iac.Bicep}, {OutputFormat: iac.ARM}, {OutputFormat: iac.ARM, IncludeDefaults: true}} {
		result, files := generate(t, r, request)
		answer, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		files["the result"] = string(answer)
		for name, text := range files {
			if at := strings.Index(text, "PLANTED"); at >= 0 {
				t.Errorf("%s: %s has a secret: %q", request.OutputFormat, name, text[max(0, at-80):min(len(text), at+40)])
			}
			if kind, found := secrets.Looks(text); found {
				t.Errorf("%s: %s has what looks like %s", request.OutputFormat, name, kind)
			}
		}
		if result.ResourcesIncluded != int64(len(rows)) {
			t.Errorf("%d of %d rows are in the code", result.ResourcesIncluded, len(rows))
		}
		if !strings.Contains(files[iac.LinesFile], `"property":"tags.t"`) || !strings.Contains(files[iac.ReportFile], "a secret: it is a parameter now") {
			t.Error("the report tells of no secrets")
		}
	}
}

// TestSecretsThatCannotBeParameters: a name cannot be one, so that nothing is written at all.
func TestSecretsThatCannotBeParameters(t *testing.T) {
	r := snapshot(t, backend.Coverage{Complete: true}, thing("x", `{"`+planted[2]+`":{"a":1}}`))
	for _, format := range iac.Formats() {
		g := iac.Generator{Reader: r, Dir: t.TempDir()}
		_, err := g.Generate(t.Context(), &backend.IaCGenerationRequest{OutputFormat: format})
		if f := fault.As(err); f == nil || f.Code != fault.ExecutionFailed || f.Hint == "" || strings.Contains(f.Error(), "PLANTED") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// hostile are names that Markdown, JSON and each format have their trouble with.
var hostile = []string{"a|b", "`c`", "<script>alert(1)<", "# d", "[e](x)", "f\ng", "*h*", "${i}", "'j'", `"k"`, `\l`, "m\u2028n", "\u202eo", "%{p}", "q\x00r", "\x1b[31ms", "日本"}

// TestTheReportHoldsAnyName: each row that is not generated has a line, and no name begins a new one or is more than text.
func TestTheReportHoldsAnyName(t *testing.T) {
	var rows []graph.Row
	for _, name := range hostile {
		unknown := thing(name, `{}`)
		unknown.APIVersion, unknown.Type = "", "Contoso.None/"+name
		unknown.ID = group + "/providers/Contoso.None/" + name + "/" + name
		secret := thing(name, `{}`)
		secret.Tags, _ = json.Marshal(map[string]string{name + "_token": "abc"})
		rows = append(rows, unknown, secret, graph.Row{Table: "advisorresources", Name: name, Type: name})
	}
	r := snapshot(t, backend.Coverage{Complete: true}, rows...)
	for _, format := range iac.Formats() {
		result, files := generate(t, r, backend.IaCGenerationRequest{OutputFormat: format})
		states := map[string]int{}
		for line := range strings.Lines(files[iac.LinesFile]) {
			var l struct{ Resource, Type, State, Property, Reason, Detail string }
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.Reason == "" || l.Resource == "" {
				t.Errorf("%v: %s", err, line)
			}
			states[l.State]++
		}
		if diff := cmp.Diff(map[string]int{"omitted": 2 * len(hostile), "changed": len(hostile)}, states); diff != "" {
			t.Error(diff)
		}
		if result.Complete || int(result.ResourcesOmitted) != 2*len(hostile) || len(result.Omitted) != 2*len(hostile) || int(result.ResourcesIncluded) != len(hostile) {
			t.Errorf("result is %+v", result)
		}
		for line := range strings.Lines(files[iac.ReportFile]) {
			begins := []string{"#", "|", "- ", "`report.ndjson`", "\n", "For example", "Azure sets", "Resource Graph", "And ", "<details><summary>which</summary>\n", "</details>\n"}
			if !slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(line, b) }) || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "## ") && !strings.HasPrefix(line, "### ") {
				t.Errorf("a line of the report is %q", line)
			}
			if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x00\x1b\r\u2028\u202e") {
				t.Errorf("%q has signs that control a terminal", line)
			}
			if strings.Count(line, "`")%2 != 0 || strings.Contains(line, "``") {
				t.Errorf("%q opens code that does not end", line)
			}
		}
	}
}

// TestIncompleteSnapshotsMarkWhatIsMadeOfThem.
func TestIncompleteSnapshotsMarkWhatIsMadeOfThem(t *testing.T) {
	gap := backend.Coverage{Entries: []backend.CoverageEntry{{Scope: sub, Name: "Prod|uction", Kind: "children", State: backend.CoverageDenied, Expected: -1}}}
	for _, format := range iac.Formats() {
		result, files := generate(t, snapshot(t, gap, thing("x", `{"a":1}`)), backend.IaCGenerationRequest{OutputFormat: format})
		if result.Complete || result.ResourcesOmitted != 0 {
			t.Errorf("%s: the result is %+v", format, result)
		}
		if !strings.Contains(files[iac.ReportFile], "INCOMPLETE") || !strings.Contains(files[iac.ReportFile], "children of Prod\\|uction: denied") {
			t.Errorf("%s: the report is %s", format, files[iac.ReportFile])
		}
		marked := 0
		for name, text := range files {
			if strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".bicep") || strings.HasSuffix(name, ".json") && !strings.Contains(name, "parameters") {
				if !strings.Contains(text, "INCOMPLETE") {
					t.Errorf("%s does not say that it is incomplete", name)
				}
				marked++
			}
		}
		if marked == 0 {
			t.Errorf("%s: there is no code", format)
		}
	}
}

// TestTooDeepIsMissing: what is left out of a body makes a result incomplete.
func TestTooDeepIsMissing(t *testing.T) {
	deep := thing("x", `{"a":`+strings.Repeat("[", 400)+strings.Repeat("]", 400)+`,"b":1}`)
	result, _ := generate(t, snapshot(t, backend.Coverage{Complete: true}, deep), backend.IaCGenerationRequest{OutputFormat: iac.Terraform})
	if result.Complete || len(result.Omitted) != 1 || result.Omitted[0].Resource != deep.ID || result.Omitted[0].Property == "" || result.Omitted[0].Trimmed {
		t.Errorf("the result is %v %+v", result.Complete, result.Omitted)
	}
}

// TestCheckTellsEveryProblem at once.
func TestCheckTellsEveryProblem(t *testing.T) {
	guid := "11111111-1111-4111-8111-111111111111"
	for name, c := range map[string]struct {
		request backend.IaCGenerationRequest
		keys    []string
	}{
		"nothing wrong": {request: backend.IaCGenerationRequest{OutputFormat: "terraform", Split: "type", Check: true,
			Target: backend.Target{TenantID: guid, SubscriptionID: strings.ToUpper(guid), Location: "West Europe", ResourceGroupPrefix: "a-_.()9"}}},
		"what-if with check": {request: backend.IaCGenerationRequest{OutputFormat: "bicep", Check: true, WhatIf: true}},
		"no format":          {backend.IaCGenerationRequest{}, []string{"output_format"}},
		"everything": {backend.IaCGenerationRequest{OutputFormat: "pulumi", Split: "x", Import: true, WhatIf: true,
			Target: backend.Target{TenantID: "contoso.com", SubscriptionID: "prod", Location: "-x", ResourceGroupPrefix: "a/b"}},
			[]string{"output_format", "split", "import", "import", "what_if", "target.subscription_id", "target.tenant_id", "target.location", "target.resource_group_prefix"}},
		"a split that Terraform has not": {backend.IaCGenerationRequest{OutputFormat: "terraform", Split: "deployment"}, []string{"split"}},
		"a split of Bicep":               {backend.IaCGenerationRequest{OutputFormat: "bicep", Split: "rg", Import: true}, []string{"split", "import"}},
		"lines and quotes":               {backend.IaCGenerationRequest{OutputFormat: "arm", Target: backend.Target{SubscriptionID: guid + "\n", TenantID: guid + " ", Location: "west\neurope", ResourceGroupPrefix: "a\n"}}, []string{"target.subscription_id", "target.tenant_id", "target.location", "target.resource_group_prefix"}},
		"a long prefix":                  {backend.IaCGenerationRequest{OutputFormat: "arm", Target: backend.Target{ResourceGroupPrefix: strings.Repeat("x", 61)}}, []string{"target.resource_group_prefix"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := iac.Check(&c.request)
			if len(c.keys) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			f := fault.As(err)
			if f == nil || f.Code != fault.InvalidArgument {
				t.Fatalf("the error is %v", err)
			}
			var keys []string
			for _, p := range f.Problems {
				keys = append(keys, p.Key)
			}
			if diff := cmp.Diff(c.keys, keys); diff != "" {
				t.Error(diff)
			}
			g := iac.Generator{Dir: t.TempDir()}
			if _, err := g.Generate(t.Context(), &c.request); fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("Generate: %v", err)
			}
		})
	}
}

// TestNothingPasses a filter that is mistaken.
func TestNothingPasses(t *testing.T) {
	g := iac.Generator{Reader: snapshot(t, backend.Coverage{Complete: true}, thing("x", `{}`)), Dir: t.TempDir()}
	_, err := g.Generate(t.Context(), &backend.IaCGenerationRequest{OutputFormat: iac.ARM, Filter: backend.Filter{ResourceTypes: []string{"contoso.own/thing"}}})
	if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || f.Hint == "" {
		t.Errorf("the error is %v", err)
	}
	if left := tree(t, g.Dir); len(left) > 0 {
		t.Errorf("files are %v", left)
	}
}
