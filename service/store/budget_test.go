package store

import (
	"sync"
	"testing"
	"time"
)

// counted is what a member of a budget was told last.
type counted struct {
	mu sync.Mutex
	n  int
}

func (c *counted) set(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n = n
}

func (c *counted) get() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// TestABudgetIsCountedEverywhere in processes that come and go in good order.
func TestABudgetIsCountedEverywhere(t *testing.T) {
	patient := func(c *Config) { c.AckWait = time.Minute } // nobody is taken for dead, however busy the machine is
	one := embeddedStore(t, patient)
	two := neighbour(t, one, patient)
	var a, b, c, other counted
	leaveA := one.Join("principal", a.set)
	if a.get() != 1 {
		t.Errorf("alone: %d", a.get())
	}
	leaveOther := one.Join("another principal", other.set)
	leaveB := two.Join("principal", b.set)
	eventually(t, "the first does not hear of the second", func() bool { return a.get() == 2 && b.get() == 2 })
	three := neighbour(t, one, patient) // it asks who is there
	eventually(t, "a new process does not hear of those at work", func() bool { return three.budget.count("principal") == 2 })
	leaveC := three.Join("principal", c.set)
	if c.get() != 3 {
		t.Errorf("the third is told of %d", c.get())
	}
	eventually(t, "not all hear of the third", func() bool { return a.get() == 3 && b.get() == 3 })
	leaveB()
	leaveC()
	eventually(t, "the first does not hear that the others leave", func() bool { return a.get() == 1 })
	if other.get() != 1 {
		t.Errorf("another principal has %d", other.get())
	}
	leaveA()
	leaveOther()
	leaveOther()
	eventually(t, "members are left", func() bool { return three.budget.count("principal") == 0 })
	if c.get() != 3 {
		t.Errorf("who has left was told %d", c.get())
	}
}

// TestADeadWorkerLeavesTheBudget after a lease, and one that is there never does.
func TestADeadWorkerLeavesTheBudget(t *testing.T) {
	brief := func(c *Config) { c.AckWait = 1500 * time.Millisecond }
	one := embeddedStore(t, brief)
	two := neighbour(t, one, brief)
	var a, b counted
	defer one.Join("principal", a.set)()
	_ = two.Join("principal", b.set)
	eventually(t, "the first does not hear of the second", func() bool { return a.get() == 2 })
	for range 4 { // thirds of a lease
		if pause(t.Context(), 500*time.Millisecond) != nil || a.get() != 2 {
			t.Fatalf("who is at work is counted as %d", a.get())
		}
	}
	closeStore(t, two)
	eventually(t, "the dead one is still counted", func() bool { return a.get() == 1 })
}
