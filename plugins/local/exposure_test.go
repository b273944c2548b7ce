package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// What deserves a look is counted once, and kept beside the snapshot.
func TestExposureIsKept(t *testing.T) {
	b, store := generator(t)
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: ownTenant})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		if err := w.Add([]graph.Row{{Table: graph.TableResources, ID: inGroup + "Contoso.Own/things/" + name, Name: name, Type: "Contoso.Own/things", Location: "westeurope", ResourceGroup: "web"}}); err != nil {
			t.Fatal(err)
		}
	}
	made, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	id := made.ID
	sidecar := filepath.Join(store.Dir(), id+".json")
	show := func() backend.SnapshotDetail {
		t.Helper()
		detail, err := b.(backend.SnapshotStore).GetSnapshot(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return detail
	}
	first := show()
	counts := map[string]int64{}
	for _, c := range first.Exposure {
		counts[c.Key] = c.Count
	}
	if counts["untagged"] != 3 || len(counts) < 6 {
		t.Errorf("%+v", first.Exposure)
	}
	content, err := os.ReadFile(sidecar)
	if err != nil || !strings.Contains(string(content), `"untagged"`) {
		t.Fatalf("%s, %v", content, err)
	}
	if diff := cmp.Diff(first, show()); diff != "" {
		t.Error(diff)
	}

	// What was kept is told; what another version has counted is counted again.
	changed := strings.Replace(string(content), `"count": 3`, `"count": 4711`, 1)
	if err := os.WriteFile(sidecar, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if last := show().Exposure; !slices.ContainsFunc(last, func(c backend.Count) bool { return c.Count == 4711 }) {
		t.Errorf("%+v", last)
	}
	other := strings.Replace(changed, `"by": "`, `"by": "x`, 1)
	if err := os.WriteFile(sidecar, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, show()); diff != "" {
		t.Error(diff)
	}
}
