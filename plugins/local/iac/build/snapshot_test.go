package build

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build/buildtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	tenantID = buildtest.TenantID
	sub1     = buildtest.Sub1
	sub2     = buildtest.Sub2
	inSub1   = "/subscriptions/" + sub1
	inSub2   = "/subscriptions/" + sub2
)

// in is the id of a resource of a group of the first subscription: in("web", "Microsoft.Web/sites/shop").
func in(group, path string) string { return groupID(group) + "/providers/" + path }

// groupID is the id of a resource group of the first subscription.
func groupID(group string) string { return inSub1 + "/resourceGroups/" + group }

// resource, group and subscription are the rows of buildtest.
func resource(id, body string) graph.Row { return buildtest.Resource(id, body) }
func group(id, body string) graph.Row    { return buildtest.Group(id, body) }
func subscription(id string) graph.Row   { return buildtest.Subscription(id) }
func columns(row *graph.Row)             { buildtest.Columns(row) }
func guid(n int) string                  { return buildtest.GUID(n) }

// storage is the id of a storage account in a group of the first subscription; account is its row.
func storage(group, name string) string {
	return in(group, "Microsoft.Storage/storageAccounts/"+name)
}

func account(id string) graph.Row {
	return resource(id, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"accessTier":"Hot"}`)
}

// network is the id of a virtual network in a group of the first subscription.
func network(group, name string) string {
	return in(group, "Microsoft.Network/virtualNetworks/"+name)
}

// open makes a snapshot of rows, and opens it. It knows two subscriptions, Production and Test.
func open(t testing.TB, rows ...graph.Row) *graph.Reader {
	t.Helper()
	return openWith(t, backend.Coverage{Complete: true}, rows...)
}

func openWith(t testing.TB, coverage backend.Coverage, rows ...graph.Row) *graph.Reader {
	t.Helper()
	s, err := graph.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.NewWriter(t.Context(), graph.Meta{TenantID: tenantID, TenantName: "Contoso", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	if err := w.Add(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.AddSubscriptions([]graph.Subscription{{ID: sub1, Name: "Production", State: "Enabled"}, {ID: sub2, Name: "Test", State: "Enabled"}}); err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Finish(t.Context(), coverage)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// built is what was built of a snapshot.
type built struct {
	*Plan
	report    *report.Report
	resources map[string]*template.Resource // by id
	rest      map[string]report.Entry       // by id
	restIDs   []string
}

// build makes a template of a snapshot, by groups for Terraform unless o says otherwise, checks that it is as its documentation promises, and makes all of
// its resources.
func build(t testing.TB, r *graph.Reader, o Options) *built {
	t.Helper()
	b, err := tryBuild(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	check(t, b, r)
	return b
}

func tryBuild(ctx context.Context, r *graph.Reader, o Options) (*built, error) {
	if o.Split == "" {
		o.Split = template.SplitGroup
	}
	b := &built{report: report.New(), resources: map[string]*template.Resource{}, rest: map[string]report.Entry{}}
	var err error
	if b.Plan, err = Build(ctx, r, o, b.report); err != nil {
		return nil, err
	}
	for _, u := range b.Units {
		err := b.Each(ctx, u, func(r *template.Resource) error {
			b.resources[r.ID] = r
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return b, b.Rest(ctx, func(e report.Entry) error {
		b.rest[e.Resource] = e
		b.restIDs = append(b.restIDs, e.Resource)
		return nil
	})
}

// buildRows builds rows with the usual options.
func buildRows(t testing.TB, rows ...graph.Row) *built {
	t.Helper()
	return build(t, open(t, rows...), Options{})
}

// of is a generated resource; it fails the test if there is none.
func (b *built) of(t testing.TB, id string) *template.Resource {
	t.Helper()
	r := b.resources[id]
	if r == nil {
		t.Fatalf("%s is not generated: %s", id, b.rest[id].Reason)
	}
	return r
}

// names are the generated resources, by the last segments of their ids, sorted.
func (b *built) names() []string {
	var all []string
	for id := range b.resources {
		all = append(all, id[strings.LastIndexByte(id, '/')+1:])
	}
	slices.Sort(all)
	return all
}

// shown is a value as text that tests compare: JSON in which a reference is <symbol>, one to an existing resource <existing_symbol>, and a parameter {name}.
func shown(v template.Value) string {
	switch v.Kind {
	case template.Bool:
		return fmt.Sprint(v.Bool)
	case template.Number:
		return words(v.Text)
	case template.String:
		if v.WriteOnly {
			return "write-only:" + words(v.Text)
		}
		return `"` + words(v.Text) + `"`
	case template.List:
		var items []string
		for _, i := range v.Items {
			items = append(items, shown(i))
		}
		return "[" + strings.Join(items, ",") + "]"
	case template.Map:
		return "{" + members(v.Fields) + "}"
	}
	return "null"
}

func members(fields []template.Field) string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Name+":"+shown(f.Value))
	}
	return strings.Join(all, ",")
}

func words(parts []template.Part) string {
	var all strings.Builder
	for _, p := range parts {
		switch {
		case p.Parameter != nil:
			all.WriteString("{" + p.Parameter.Name + "}")
		case p.Ref != nil && p.Ref.Existing != nil:
			all.WriteString("<" + p.Ref.Existing.Symbol + ">")
		case p.Ref != nil:
			all.WriteString("<" + p.Ref.Symbol + ">")
		default:
			all.WriteString(p.Literal)
		}
	}
	return all.String()
}

// properties are those of a generated resource, as shown.
func (b *built) properties(t testing.TB, id string) string {
	t.Helper()
	for _, f := range b.of(t, id).Body {
		if f.Name == "properties" {
			return shown(f.Value)
		}
	}
	return ""
}
