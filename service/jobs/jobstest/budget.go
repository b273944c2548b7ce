package jobstest

import (
	"sync"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// budget is jobs.Budget of one process. Changes are told before Join and leave return.
type budget struct {
	mu      sync.Mutex
	members map[string]map[int]func(int) // by principal
	next    int
}

// NewBudget makes a jobs.Budget of this process alone.
func NewBudget() jobs.Budget { return &budget{members: map[string]map[int]func(int){}} }

// Join is jobs.Budget.
func (b *budget) Join(principal string, changed func(n int)) (leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.members[principal] == nil {
		b.members[principal] = map[int]func(int){}
	}
	b.next++
	mine := b.next
	b.members[principal][mine] = changed
	b.tell(principal)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.members[principal], mine)
		b.tell(principal)
	}
}

func (b *budget) tell(principal string) {
	for _, changed := range b.members[principal] {
		changed(len(b.members[principal]))
	}
}
