package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var update = flag.Bool("update", false, "write testdata anew")

const (
	tenantID = "11111111-0000-4000-8000-000000000000"
	sub      = "/subscriptions/22222222-0000-4000-8000-000000000000"
	group    = sub + "/resourceGroups/rg-Shop"
	ada      = "aaaaaaaa-0000-4000-8000-000000000001"
	// hostile is what names must not be taken for: the end of a text, of a statement, of a tag, a formula, another line.
	hostile = "O'Brien \"x\" \\u0027 \\\\u0027} ]) DETACH DELETE (n) //; <b>&amp;]]> --> `a` $x {{y}} ;\t\n\r\n,=1+1 \x01\x00\u2028é🙂\\"
)

// small is a snapshot of a few of everything; name is that of a machine.
func small(t testing.TB, name string, coverage backend.Coverage) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: tenantID, TenantName: "Contoso Ltd", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	quoted, _ := json.Marshal(name)
	yes := true
	vm := group + "/providers/Microsoft.Compute/virtualMachines/vm-1"
	err = errors.Join(w.Add([]graph.Row{
		{Table: graph.TableContainers, ID: sub, Name: "Production", Type: "microsoft.resources/subscriptions", SubscriptionID: sub[15:]},
		{Table: graph.TableContainers, ID: group, Name: "rg-Shop", Type: "microsoft.resources/subscriptions/resourcegroups", SubscriptionID: sub[15:], ResourceGroup: "rg-shop", Tags: []byte(`{"owner":"ada@contoso.com"}`)},
		{Table: graph.TableResources, ID: vm, Name: name, Type: "Microsoft.Compute/virtualMachines", Location: "westeurope", SubscriptionID: sub[15:], ResourceGroup: "rg-shop", APIVersion: "2024-07-01",
			Tags:       []byte(`{"cost center":"Contoso-4711","env":"prod"}`),
			Properties: []byte(`{"name":` + string(quoted) + `,"osProfile":{"adminPassword":"hunter22hunter","computerName":"vm-1"},"n":12345678901234567890,"vmId":"99999999-0000-4000-8000-000000000099","ip":"10.1.2.3","nested":{"deep":[1,2.50,true,null]}}`)},
		{Table: graph.TableResources, ID: vm + "/extensions/agent", Name: "agent", Type: "Microsoft.Compute/virtualMachines/extensions", SubscriptionID: sub[15:], ResourceGroup: "rg-shop"},
		{Table: graph.TableResources, ID: group + "/providers/Microsoft.Web/sites/shop", Name: "shop", Type: "Microsoft.Web/sites", Location: "North Europe", SubscriptionID: sub[15:], ResourceGroup: "rg-shop",
			Properties: []byte(`{"vm":"` + vm + `","disk":"` + group + `/providers/Microsoft.Compute/disks/gone","appSettings":[{"name":"API_KEY","value":"abcdefgh12345678"},{"name":"MODE","value":"fast"}],"url":"https://shop.contoso.com/x"}`)},
		{Table: graph.TableAuthorization, ID: group + "/providers/Microsoft.Authorization/roleAssignments/1", Name: "1", Type: "microsoft.authorization/roleassignments",
			Properties: []byte(`{"principalId":"` + ada + `","principalType":"User","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/r1","scope":"` + group + `"}`)},
		{Table: graph.TableAuthorization, ID: "/providers/Microsoft.Authorization/roleDefinitions/r1", Name: "r1", Type: "microsoft.authorization/roledefinitions",
			Properties: []byte(`{"roleName":"Shop Keeper","type":"CustomRole","permissions":[{"actions":["*/read"]}]}`)},
	}), w.AddIdentities([]graph.Identity{{ObjectID: ada, Kind: graph.KindUser, State: graph.IdentityPresent, Name: "Ada Lovelace", Login: "ada@contoso.com", Enabled: &yes,
		Raw: []byte(`{"displayName":"Ada Lovelace","userPrincipalName":"ada@contoso.com"}`)}}))
	if err != nil {
		t.Fatal(err)
	}
	finished, err := w.Finish(t.Context(), coverage)
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

var complete = backend.Coverage{Complete: true}

// exported are the files of an export.
func exported(t testing.TB, r *graph.Reader, request backend.SnapshotExportRequest) (map[string]string, *backend.SnapshotExportResult) {
	t.Helper()
	dir := t.TempDir()
	x := Exporter{Reader: r, Dir: dir}
	result, err := x.Export(t.Context(), &request)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(content)
	}
	return files, result
}

func TestGolden(t *testing.T) {
	for _, format := range Formats() {
		for _, hidden := range []bool{false, true} {
			name := map[bool]string{false: "plain", true: "pseudonyms"}[hidden]
			t.Run(format+" "+name, func(t *testing.T) {
				files, result := exported(t, small(t, "vm-1", complete), backend.SnapshotExportRequest{Format: format, Pseudonymize: hidden})
				redacted := int64(2)
				if format == "dot" && !hidden {
					redacted = 0 // it does not read properties
				}
				if result.Resources != 3 || result.Redacted != redacted || !result.Complete || result.Nodes < 9 || result.Edges < 8 || result.Format != format {
					t.Errorf("%+v", result)
				}
				for file, got := range files {
					golden := filepath.Join("testdata", name, file)
					if *update {
						if err := errors.Join(os.MkdirAll(filepath.Dir(golden), 0o755), os.WriteFile(golden, []byte(got), 0o644)); err != nil {
							t.Fatal(err)
						}
					}
					want, err := os.ReadFile(golden)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(string(want), got); diff != "" {
						t.Errorf("%s: %s", file, diff)
					}
					for _, secret := range []string{"hunter22", "abcdefgh12345678"} {
						if strings.Contains(got, secret) {
							t.Errorf("%s holds the secret %s", file, secret)
						}
					}
					if hidden && file != MapFile {
						for _, own := range []string{"contoso", "ada", "lovelace", "shop", "production", "keeper", "22222222-", "99999999-", tenantID, "10.1.2.3", "4711"} {
							if strings.Contains(strings.ToLower(got), own) {
								t.Errorf("%s tells %s", file, own)
							}
						}
					}
				}
			})
		}
	}
}

func TestHostileNamesStayNames(t *testing.T) {
	r := small(t, hostile, complete)
	for format, read := range names {
		files, _ := exported(t, r, backend.SnapshotExportRequest{Format: format})
		if diff := cmp.Diff([]string{held(format, hostile), hostile}, read(t, files)); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
	files, _ := exported(t, r, backend.SnapshotExportRequest{Format: "dot"})
	for line := range strings.Lines(files["graph.dot"]) {
		if quotes := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\"`, ""), `"`); quotes%2 != 0 {
			t.Errorf("a label does not end: %q", line)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "a", hostile, `\u0027`, `\\u005c'`, "'", `\`, `\\`, `\'`, "\xff", "\r", "u", `\\\u`, "]]>", `" + "`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := parseMap(t, "{a: "+string(appendCypher(nil, text))+"}")["a"]; got != held("cypher", text) {
			t.Errorf("Cypher has %q of %q", got, text)
		}
		var back string
		if err := json.Unmarshal(appendQuoted(nil, text), &back); err != nil || back != held("jsonl", text) {
			t.Errorf("JSON has %q of %q: %v", back, text, err)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		_ = w.Write(clean([]string{text, "x"}))
		w.Flush()
		if rows := records(t, b.String()); len(rows) != 1 || rows[0][0] != held("neo4j-csv", text) {
			t.Errorf("CSV has %q of %q", rows, text)
		}
		label := dotLabel(text)
		inner := strings.ReplaceAll(strings.ReplaceAll(label[1:len(label)-1], `\\`, ""), `\"`, "")
		if strings.ContainsAny(inner, "\"\n\x00") || strings.HasSuffix(inner, `\`) {
			t.Errorf("DOT has %q", label)
		}
		if id := identifier(text); strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || id == "" || id[0] >= '0' && id[0] <= '9' || len(id) > longestIdentifier+1 {
			t.Errorf("the identifier %q", id)
		}
	})
}

func TestIncompleteIsSaid(t *testing.T) {
	r := small(t, "vm-1", backend.Coverage{Entries: []backend.CoverageEntry{{Scope: sub[15:], Kind: "resources", State: backend.CoverageDenied}}})
	for _, format := range Formats() {
		files, result := exported(t, r, backend.SnapshotExportRequest{Format: format})
		if result.Complete {
			t.Errorf("%s is complete", format)
		}
		for name, text := range files {
			if !strings.Contains(text, "INCOMPLETE") && !strings.Contains(text, `"complete":false`) && format != "neo4j-csv" {
				t.Errorf("%s does not say so", name)
			}
		}
	}
}

func TestFilters(t *testing.T) {
	r := small(t, "vm-1", complete)
	for name, tc := range map[string]struct {
		filter backend.Filter
		want   []string // state and id's end
	}{
		"type": {backend.Filter{ResourceTypes: []string{"Microsoft.Web/sites"}}, []string{"missing disks/gone", "outside virtualMachines/vm-1", "present " + tenantID, "present resourceGroups/rg-Shop", "present sites/shop", "present subscriptions/" + sub[15:]}},
		"location, of a part that of the whole": {backend.Filter{Locations: []string{"West Europe"}, ExcludeTypes: []string{"microsoft.web/sites"}},
			[]string{"outside sites/shop", "present " + tenantID, "present extensions/agent", "present resourceGroups/rg-Shop", "present subscriptions/" + sub[15:], "present virtualMachines/vm-1"}},
		"tag": {backend.Filter{Tags: map[string]string{"ENV": "Prod"}, ExcludeTypes: []string{"microsoft.compute/virtualmachines/extensions"}},
			[]string{"outside extensions/agent", "outside sites/shop", "present " + tenantID, "present resourceGroups/rg-Shop", "present subscriptions/" + sub[15:], "present virtualMachines/vm-1"}},
		"group": {backend.Filter{ResourceGroups: []string{"RG-shop"}, ResourceTypes: []string{"microsoft.compute/virtualmachines/extensions"}},
			[]string{"present " + tenantID, "present extensions/agent", "present resourceGroups/rg-Shop", "present subscriptions/" + sub[15:], "present virtualMachines/vm-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			files, _ := exported(t, r, backend.SnapshotExportRequest{Format: "jsonl", Filter: tc.filter})
			var got []string
			known := map[string]bool{}
			for line := range strings.Lines(files["graph.jsonl"]) {
				var row struct{ Record, State, ID, Key, Source, Target string }
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					t.Fatal(err)
				}
				switch row.Record {
				case "node":
					known[row.Key] = true
					parts := strings.Split(row.ID, "/")
					end := strings.Join(parts[max(0, len(parts)-2):], "/")
					got = append(got, row.State+" "+strings.TrimPrefix(end, "tenants/"))
				case "edge":
					if !known[row.Source] || !known[row.Target] {
						t.Errorf("an edge without its nodes: %s", line)
					}
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	x := Exporter{Reader: r, Dir: t.TempDir()}
	if _, err := x.Export(t.Context(), &backend.SnapshotExportRequest{Format: "dot", Filter: backend.Filter{Locations: []string{"mars"}}}); fault.As(err) == nil || fault.As(err).Code != fault.InvalidArgument {
		t.Error(err)
	}
	if err := Check(&backend.SnapshotExportRequest{Format: "xls"}); fault.As(err) == nil || !strings.Contains(fault.As(err).Hint, "jsonl") {
		t.Error(err)
	}
}
