package heap_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
)

// now is the garbage collector's setting, which only setting it tells.
func now() (percent int, limit int64) {
	percent = debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

func TestWorkAtTheSameTime(t *testing.T) {
	before, none := now()
	expect := func(when string, percent int, limit int64) {
		t.Helper()
		if p, l := now(); p != percent || l != limit {
			t.Errorf("%s: percent %d, limit %d; want %d, %d", when, p, l, percent, limit)
		}
	}
	limited := heap.Use{Limit: 1 << 30}.Begin()
	expect("a limit alone", -1, 1<<30)
	other := heap.Use{Limit: 1 << 29}.Begin()
	expect("two limits", -1, 1<<30+1<<29)
	scan := heap.Use{Percent: 50}.Begin()
	expect("and one without", 50, math.MaxInt64)
	limited()
	expect("the first has ended", 50, math.MaxInt64)
	other()
	scan()
	expect("all have ended", before, none)
}
