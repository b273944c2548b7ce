package picture_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/picture"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	prod = "/subscriptions/aaaaaaaa-0000-4000-8000-000000000001"
	test = "/subscriptions/aaaaaaaa-0000-4000-8000-000000000002"
	ada  = "bbbbbbbb-0000-4000-8000-000000000001"
	ops  = "bbbbbbbb-0000-4000-8000-000000000002"
	eve  = "bbbbbbbb-0000-4000-8000-000000000003"
)

// snapshot is a small tenant: two subscriptions, a network, a storage account and a vault, two people and a group.
func snapshot(t *testing.T, coverage backend.Coverage) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{ID: "20260102-030405006-abcdef", TenantID: "11111111-2222-4333-8444-555555555555", TenantName: "Contoso", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.AddSubscriptions([]graph.Subscription{{ID: prod[15:], Name: "Production"}, {ID: test[15:], Name: "Test"}}); err != nil {
		t.Fatal(err)
	}
	row := func(table, id, typ, location, tags, properties string) graph.Row {
		r := graph.Row{Table: table, ID: id, Type: typ, Name: id[strings.LastIndexByte(id, '/')+1:], Location: location, Properties: []byte(properties)}
		parts := strings.Split(id, "/")
		if len(parts) > 2 && parts[1] == "subscriptions" {
			r.SubscriptionID = parts[2]
		}
		if len(parts) > 4 {
			r.ResourceGroup = parts[4]
		}
		if tags != "" {
			r.Tags = []byte(tags)
		}
		return r
	}
	containers, resources := graph.TableContainers, graph.TableResources
	net, app := prod+"/resourceGroups/net", test+"/resourceGroups/app"
	rows := []graph.Row{
		row(containers, "/providers/Microsoft.Management/managementGroups/root", "microsoft.management/managementgroups", "", "", `{"displayName":"Root"}`),
		row(containers, prod, "microsoft.resources/subscriptions", "", "", `{"managementGroupAncestorsChain":[{"name":"root"}]}`),
		row(containers, test, "microsoft.resources/subscriptions", "", "", `{"managementGroupAncestorsChain":[{"name":"root"}]}`),
		row(containers, net, "microsoft.resources/subscriptions/resourcegroups", "westeurope", "", `{}`),
		row(containers, app, "microsoft.resources/subscriptions/resourcegroups", "eastus", "", `{}`),
		row(resources, net+"/providers/Microsoft.Network/virtualNetworks/hub", "Microsoft.Network/virtualNetworks", "westeurope", `{"env":"prod"}`, `{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]}}`),
		row(resources, net+"/providers/Microsoft.Network/virtualNetworks/hub/subnets/web", "Microsoft.Network/virtualNetworks/subnets", "", "", `{}`),
		row(resources, app+"/providers/Microsoft.Storage/storageAccounts/store", "Microsoft.Storage/storageAccounts", "eastus", `{"env":"test","pwd":"hunter2hunter2"}`,
			`{"adminPassword":"hunter2hunter2","networkAcls":{"virtualNetworkRules":[{"id":"`+net+`/providers/Microsoft.Network/virtualNetworks/hub/subnets/web"}]}}`),
		row(resources, app+"/providers/Microsoft.KeyVault/vaults/vault", "Microsoft.KeyVault/vaults", "eastus", "", `{"link":"`+test+`/resourceGroups/gone/providers/Microsoft.Web/sites/gone"}`),
		row(graph.TableAuthorization, prod+"/providers/Microsoft.Authorization/roleAssignments/1", "Microsoft.Authorization/roleAssignments", "", "",
			`{"scope":"`+prod+`","principalId":"`+ops+`","principalType":"Group","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/r"}`),
		row(graph.TableAuthorization, "/providers/Microsoft.Authorization/roleDefinitions/r", "Microsoft.Authorization/roleDefinitions", "", "", `{"roleName":"Owner","type":"BuiltInRole"}`),
	}
	identities := []graph.Identity{
		{ObjectID: ada, Kind: graph.KindUser, State: graph.IdentityPresent, Name: "Ada"},
		{ObjectID: ops, Kind: graph.KindGroup, State: graph.IdentityPresent, Name: "Ops"},
		{ObjectID: eve, Kind: graph.KindUser, State: graph.IdentityPresent, Name: "Eve"},
	}
	if err := errors.Join(w.Add(rows), w.AddIdentities(identities), w.AddMemberships([]graph.Membership{{GroupID: ops, MemberID: ada}})); err != nil {
		t.Fatal(err)
	}
	made, err := w.Finish(t.Context(), coverage)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := store.Open(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	return reader
}

// draw draws, and answers the page's pieces.
func draw(t *testing.T, reader *graph.Reader, filter backend.Filter) (*backend.VisualizationResult, map[string][]byte, error) {
	t.Helper()
	dir := t.TempDir()
	result, err := (&picture.Generator{Reader: reader, Dir: dir}).Generate(t.Context(), &backend.VisualizationRequest{Filter: filter})
	if err != nil {
		return nil, nil, err
	}
	page, err := os.ReadFile(filepath.Join(dir, picture.File))
	if err != nil {
		t.Fatal(err)
	}
	pieces := map[string][]byte{"": page}
	for _, m := range regexp.MustCompile(`<script type="text/plain" id="([a-z0-9]+)">([^<]*)</script>`).FindAllSubmatch(page, -1) {
		packed, err := base64.StdEncoding.DecodeString(string(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		if pieces[string(m[1])], err = io.ReadAll(flate.NewReader(bytes.NewReader(packed))); err != nil {
			t.Fatal(err)
		}
	}
	return result, pieces, nil
}

func unpack[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGenerate(t *testing.T) {
	reader := snapshot(t, backend.Coverage{Complete: true})
	all := []string{"Ada", "Contoso", "Ops", "Root", "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002", "app", "gone", "hub", "net", "store", "vault", "web"}
	one := []string{"Contoso", "Root", "aaaaaaaa-0000-4000-8000-000000000001"}
	two := []string{"Contoso", "Root", "aaaaaaaa-0000-4000-8000-000000000002"}
	for _, tc := range []struct {
		name   string
		filter backend.Filter
		want   []string
	}{
		{"everything but who has nothing", backend.Filter{}, all},
		{"a subscription", backend.Filter{Subscriptions: []string{"AAAAAAAA-0000-4000-8000-000000000001"}}, append([]string{"Ada", "Ops", "hub", "net", "web"}, one...)},
		{"a subscription by its name", backend.Filter{Subscriptions: []string{"production"}}, append([]string{"Ada", "Ops", "hub", "net", "web"}, one...)},
		{"a group", backend.Filter{ResourceGroups: []string{"App"}}, append([]string{"app", "gone", "store", "vault"}, two...)},
		{"a type, and what it is in", backend.Filter{ResourceTypes: []string{"Microsoft.Network/virtualNetworks/subnets"}}, append([]string{"Ada", "Ops", "hub", "net", "web"}, one...)},
		{"a location; parts have that of their parent", backend.Filter{Locations: []string{"West Europe"}}, append([]string{"Ada", "Ops", "hub", "net", "web"}, one...)},
		{"a tag", backend.Filter{Tags: map[string]string{"ENV": "test"}}, append([]string{"app", "store"}, two...)},
		{"a tag of any value, without a type", backend.Filter{Tags: map[string]string{"env": ""}, ExcludeTypes: []string{"microsoft.storage/storageaccounts"}}, append([]string{"Ada", "Ops", "hub", "net", "web"}, one...)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			result, pieces, err := draw(t, reader, tc.filter)
			if err != nil {
				t.Fatal(err)
			}
			names := unpack[[]string](t, pieces["names"])
			slices.Sort(names)
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, names); diff != "" {
				t.Error(diff)
			}
			if result.Nodes != int64(len(names)) || !result.Success || !result.Complete || result.Snapshot != "20260102-030405006-abcdef" {
				t.Errorf("%+v", result)
			}
			if head := unpack[struct{ Partial bool }](t, pieces["head"]); head.Partial != (tc.name != "everything but who has nothing") {
				t.Errorf("partial is %t", head.Partial)
			}
		})
	}
	if _, _, err := draw(t, reader, backend.Filter{ResourceGroups: []string{"nowhere"}}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("nothing passes: %v", err)
	}
}

// TestGenerateOfOlderSnapshots: those of formats without a graph get it in a copy.
func TestGenerateOfOlderSnapshots(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.db")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			old, err := graph.OpenFile(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			reader, err := old.WithGraph(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			result, pieces, err := draw(t, reader, backend.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if ids := unpack[[]string](t, pieces["ids"]); int64(len(ids)) != result.Nodes || len(ids) < 3 {
				t.Errorf("%d nodes, %d ids", result.Nodes, len(ids))
			}
		})
	}
}

func TestGeneratedPage(t *testing.T) {
	gap := backend.CoverageEntry{Scope: "aaaaaaaa-0000-4000-8000-000000000002", Name: "test", Kind: "roleassignments", State: backend.CoverageDenied, Fault: fault.New(fault.AzureForbidden, "no permission.")}
	result, pieces, err := draw(t, snapshot(t, backend.Coverage{Entries: []backend.CoverageEntry{gap, {Scope: "tenant", Kind: "users", State: backend.CoverageListed}}}), backend.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if result.Complete {
		t.Error("the picture of an incomplete snapshot is complete")
	}
	head := unpack[struct {
		Misses    []string
		Relations []string
		Clusters  []struct{ Kind, Name string }
	}](t, pieces["head"])
	if diff := cmp.Diff([]string{"roleassignments of test: Azure refused to list them (no permission)."}, head.Misses); diff != "" {
		t.Error(diff)
	}
	for _, kind := range []string{"CONTAINS", "HAS_ROLE", "MEMBER_OF"} {
		if !slices.Contains(head.Relations, kind) {
			t.Errorf("no edge is %s: %v", kind, head.Relations)
		}
	}
	if words := unpack[[]string](t, pieces["words"]); !slices.Contains(words, "Owner") {
		t.Errorf("no edge tells the role: %v", words)
	}
	if details := string(pieces["d0"]); !strings.Contains(details, "10.0.0.0/16") || !strings.Contains(details, `["adminPassword","(secret)"]`) {
		t.Error(details)
	}
	for name, piece := range pieces {
		if bytes.Contains(piece, []byte("hunter2")) {
			t.Errorf("%q tells a secret", name)
		}
	}
	if _, again, _ := draw(t, snapshot(t, backend.Coverage{Entries: []backend.CoverageEntry{gap}}), backend.Filter{}); !bytes.Equal(again["head"], pieces["head"]) {
		t.Error("the same content gave another page")
	}
}
