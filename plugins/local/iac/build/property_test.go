package build

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build/buildtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// seeds is how many random snapshots there are.
const seeds = 50

var splits = []string{template.SplitDeployment, template.SplitGroup, template.SplitType, template.SplitNone}

// tiny are limits that cut everything.
var tiny = Limits{Resources: 3, Bytes: 3_000, Parameters: 3, StageBytes: 6_000, StageUnits: 2}

// image is all of a template, by value.
type image struct {
	Parameters []*template.Parameter
	Units      []*template.Unit
	Stages     []*template.Stage
	Resources  map[string]*template.Resource
	Rest       []string
	Changes    []report.Entry
	Notes      []string
}

func imageOf(b *built) image {
	changes, _ := b.report.Changes()
	return image{b.Parameters, b.Units, b.Stages, b.resources, b.restIDs, changes, b.report.Notes()}
}

// TestRandom: whatever the snapshot, each of its rows is accounted for, and the template is as promised, however it is cut.
func TestRandom(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := open(t, buildtest.Random(seed)...)
			build(t, r, Options{Split: template.SplitDeployment})
			build(t, r, Options{Split: splits[seed%4]})
			build(t, r, Options{Split: template.SplitDeployment, Limits: tiny, IncludeDefaults: true})
			filters := []backend.Filter{
				{Subscriptions: []string{"production"}}, {ResourceGroups: []string{"WEB"}}, {ResourceTypes: []string{"microsoft.network/virtualnetworks/subnets"}},
				{ExcludeTypes: []string{"Microsoft.Storage/storageAccounts"}}, {Locations: []string{"West US"}}, {Tags: map[string]string{"owner": ""}},
			}
			build(t, r, Options{Split: splits[seed%2], Filter: filters[seed%6], Target: template.Target{TenantID: sub2, Location: "North Europe", GroupPrefix: "copy-"}})
		})
	}
}

// TestSame: the same content gives the same template, whatever the order of the rows and the number of processors.
func TestSame(t *testing.T) {
	for seed := range uint64(seeds) / 8 {
		rows := buildtest.Random(seed)
		for _, split := range []string{template.SplitDeployment, splits[1+seed%3]} {
			want := imageOf(build(t, open(t, rows...), Options{Split: split}))
			shuffled := append([]graph.Row(nil), rows...)
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			before := runtime.GOMAXPROCS(1)
			alone, err := tryBuild(t.Context(), open(t, shuffled...), Options{Split: split})
			runtime.GOMAXPROCS(before)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, imageOf(alone)); diff != "" {
				t.Fatalf("seed %d, split %s: %s", seed, split, diff)
			}
		}
	}
}

// TestReferencesAreText: with its references replaced by the ids that they are of, the template says what the snapshot said.
func TestReferencesAreText(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) / 3 {
		rows := buildtest.Random(seed)
		b := build(t, open(t, rows...), Options{Split: template.SplitNone})
		for _, row := range rows {
			r := b.resources[row.ID]
			if r == nil || r.KnownType || !strings.HasPrefix(r.Type, "Contoso.Own/things") || strings.Contains(r.Type, "parts") {
				continue
			}
			for _, f := range r.Body {
				for _, p := range f.Value.Fields {
					if p.Name == "to" && !strings.Contains(strings.ToLower(string(row.Properties)), strings.ToLower(defaults(p.Value.Items[0].Text))) {
						t.Errorf("seed %d: %s says %q, not %q", seed, row.ID, row.Properties, defaults(p.Value.Items[0].Text))
					}
				}
			}
		}
	}
}

// defaults is a text with parameters at their defaults, and references as the ids that they are of.
func defaults(parts []template.Part) string {
	var all strings.Builder
	for _, p := range parts {
		switch {
		case p.Parameter != nil:
			all.WriteString(p.Parameter.Default)
		case p.Ref != nil:
			all.WriteString(defaults(p.Ref.ID))
		default:
			all.WriteString(p.Literal)
		}
	}
	return all.String()
}
