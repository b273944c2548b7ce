package walk

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestLargeGroup: a group of 20,000 members, half of whom are in it through a ring of groups, is no trouble.
func TestLargeGroup(t *testing.T) {
	w := &world{}
	g := w.group(sub, "rg")
	everyone, inner := w.identity(100_000, graph.KindGroup, "Everyone"), w.identity(100_001, graph.KindGroup, "Inner")
	w.member(everyone, inner)
	w.member(inner, everyone)
	for i := range 20_000 {
		w.member([]string{everyone, inner}[i%2], w.identity(i, graph.KindUser, fmt.Sprint("user", i)))
	}
	w.role("Reader", "*/read")
	w.assign(everyone, "Reader", g)
	r := w.open(t)
	if got := reached(t, r, "user19999", 0); len(got) != 3 {
		t.Errorf("%v", got)
	}
	got, err := Path(t.Context(), r, &backend.SnapshotPathRequest{From: "user2", To: "user4"})
	if err != nil || strings.Join(arrows(got), ",") != "user2 -MEMBER_OF> Everyone <MEMBER_OF- user4" {
		t.Errorf("%v, %v", arrows(got), err)
	}
	var b bytes.Buffer
	if result, err := Reach(t.Context(), r, &backend.SnapshotReachRequest{Node: "Everyone"}, &b); err != nil || result.Reached != 2 {
		t.Errorf("%+v, %v", result, err)
	}
}
