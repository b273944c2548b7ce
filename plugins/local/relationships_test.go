package local_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The graph of Contoso, read whole: each kind of edge between two types, and how many there are.
func TestRelationshipsOfContoso(t *testing.T) {
	contoso, err := tenant.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	_, settings := simulate(t, azuresim.Config{Tenant: contoso, NoARMLimits: true, Quota: -1})
	o := mustScan(t, start(t, settings), backend.ScanRequest{Depth: backend.DepthExtensions})
	store, err := graph.OpenStore(settings["store_dir"].(string))
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), o.result.Snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	edges, err := edgeKinds(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(edges, "\n") + "\n"
	const golden = "testdata/contoso-relationships.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// edgeKinds are the edges of a snapshot by the types of their ends.
func edgeKinds(ctx context.Context, r *graph.Reader) ([]string, error) {
	types, counts := map[int64]string{}, map[string]int{}
	err := errors.Join(r.Nodes(ctx, func(n graph.Node) error {
		types[n.Number] = string(n.Kind)
		if n.Kind == graph.NodeResource {
			types[n.Number] = n.Type
		}
		if n.State != "present" {
			types[n.Number] += " (" + n.State + ")"
		}
		return nil
	}), r.Edges(ctx, func(e graph.Edge) error {
		line := fmt.Sprintf("%s %s %s", types[e.Source], e.Kind, types[e.Target])
		if e.Property != "" {
			line += ", by " + e.Property
		}
		if e.Reversed {
			line += " of the latter"
		}
		counts[line]++
		return nil
	}))
	lines := make([]string, 0, len(counts))
	for line, n := range counts {
		lines = append(lines, fmt.Sprintf("%s: %d", line, n))
	}
	slices.Sort(lines)
	return lines, err
}
