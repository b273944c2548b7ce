// Package heap sets Go's garbage collector for pieces of work, which may run at the same time in one process.
package heap

import (
	"math"
	"runtime/debug"
	"slices"
	"sync"
)

// Use is what a piece of work wants of the heap. The zero value wants nothing.
type Use struct {
	// Percent is how much garbage there may be for what is in use (GOGC); 0 leaves it as it is, or to Limit where there is one.
	Percent int
	// Limit is how many bytes Go may use in all; the garbage is collected when they are full, and not before. 0 is no limit. Where it
	// is near to what is really in use, half of the processors' time goes into collecting.
	Limit int64
}

var (
	mu      sync.Mutex
	active  []*Use
	percent int // before the first
)

// Begin begins a piece of work. The function that it answers ends it, and has to be called once.
func (u Use) Begin() (end func()) {
	mu.Lock()
	defer mu.Unlock()
	if len(active) == 0 {
		percent = debug.SetGCPercent(100)
	}
	active = append(active, &u)
	apply()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		active = slices.DeleteFunc(active, func(other *Use) bool { return other == &u })
		apply()
	}
}

// apply makes what all that is active wants: the smallest percentage, and room for the limits together.
func apply() {
	gc, limit, unlimited := math.MaxInt, int64(0), len(active) == 0
	for _, u := range active {
		if u.Percent > 0 {
			gc = min(gc, u.Percent)
		}
		limit += u.Limit
		unlimited = unlimited || u.Limit == 0
	}
	switch {
	case unlimited:
		debug.SetMemoryLimit(math.MaxInt64)
		if gc == math.MaxInt {
			gc = percent
		}
	default:
		debug.SetMemoryLimit(limit)
		if gc == math.MaxInt {
			gc = -1
		}
	}
	debug.SetGCPercent(gc)
}
