package jobs_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// planned are parts with so many calls each, of subscriptions with two parts.
func planned(calls ...int64) (parts []backend.PlannedPart) {
	for i, n := range calls {
		parts = append(parts, backend.PlannedPart{Key: fmt.Sprintf("s%d/%d", i/2, i%2), Calls: n})
	}
	return parts
}

func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		plan []backend.PlannedPart
		most int
		want [][]string
	}{
		"nothing":                         {nil, 16, nil},
		"less than two shards' work":      {planned(100, 100, 100, 99), 16, nil},
		"one part, however large":         {planned(100_000), 16, nil},
		"never":                           {planned(1000, 1000), 1, nil},
		"neighbours go apart":             {planned(100, 100, 100, 100), 16, [][]string{{"s0/0", "s1/0"}, {"s0/1", "s1/1"}}},
		"no more than asked for":          {planned(900, 900, 900, 900), 2, [][]string{{"s0/0", "s1/0"}, {"s0/1", "s1/1"}}},
		"a heavy one alone":               {planned(100, 100, 1000, 100, 100), 2, [][]string{{"s1/0"}, {"s0/0", "s0/1", "s1/1", "s2/0"}}},
		"those without work are done too": {planned(0, 500, 0, 500), 16, [][]string{{"s0/1", "s0/0"}, {"s1/1", "s1/0"}}},
		"rows are work": {[]backend.PlannedPart{{Key: "a", Rows: 30_000, Calls: 30}, {Key: "b", Rows: 10_000, Calls: 10}, {Key: "c", Rows: 30_000}}, 3,
			[][]string{{"a", "b"}, {"c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, jobs.Cut(c.plan, c.most)); diff != "" {
				t.Errorf("shards (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCutIsEven for a tenant of forty subscriptions with parts of every size, none of which is lost.
func TestCutIsEven(t *testing.T) {
	var plan []backend.PlannedPart
	work, want := map[string]int64{}, []string{}
	for i := range 400 {
		p := backend.PlannedPart{Key: fmt.Sprintf("s%02d/%d", i/10, i%10), Calls: int64(1 + i*i%97)}
		plan, work[p.Key], want = append(plan, p), p.Calls, append(want, p.Key)
	}
	var got []string
	var least, most int64
	shards := jobs.Cut(plan, 16)
	for i, keys := range shards {
		var sum int64
		for _, key := range keys {
			sum += work[key]
		}
		if i == 0 {
			least = sum
		}
		least, most = min(least, sum), max(most, sum)
		got = append(got, keys...)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(shards) != 16 {
		t.Errorf("%d shards, parts (-want +got):\n%s", len(shards), diff)
	}
	if most-least > 97 {
		t.Errorf("shards have from %d to %d calls", least, most)
	}
}
