package azuresim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// Change adds rows to a table of Resource Graph and takes some away, after each so many-th request
// that matches. Rows that stay do not change. Skip tokens go on by position in the new set, so that
// a client that pages by them misses rows, or sees them twice, unless it sorts what it reads by
// something that does not move, and holds its own place in that.
type Change struct {
	// Method, Path, Body, After, Every and Times choose the requests, as those of a Fault.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Body   string `json:"body,omitempty"`
	After  int    `json:"after,omitempty"`
	Every  int    `json:"every,omitempty"`
	Times  int    `json:"times,omitempty"`
	// Table is the name of the table, resources if empty.
	Table string `json:"table,omitempty"`
	// Add and Delete are numbers of rows, chosen by Faults.Seed.
	Add    int `json:"add,omitempty"`
	Delete int `json:"delete,omitempty"`
}

// Changed are the ids of the rows that changes have added and deleted, in that order. One that was
// added and later deleted is in both.
type Changed struct {
	Added   []string `json:"added"`
	Deleted []string `json:"deleted"`
}

type change struct {
	Change
	rule *rule
}

func newChanges(t *tenant.Tenant, faults Faults) ([]*change, error) {
	var changes []*change
	for i, c := range faults.Changes {
		r, err := newRule(Fault{Method: c.Method, Path: c.Path, Body: c.Body, After: c.After, Every: c.Every, Times: c.Times}, faults.Seed, 1<<32+uint64(i))
		if err != nil {
			return nil, err
		}
		setDefault(&c.Table, "resources")
		if _, _, _, err := t.Change(c.Table, 0, 0, rand.New(rand.NewPCG(0, 0))); err != nil {
			return nil, err
		}
		if c.Add < 0 || c.Delete < 0 || c.Add+c.Delete == 0 {
			return nil, fmt.Errorf("a change of table %s adds %d and deletes %d rows", c.Table, c.Add, c.Delete)
		}
		changes = append(changes, &change{c, r})
	}
	return changes, nil
}

// applyChanges changes what is served, after the answer to a request.
func (s *Server) applyChanges(r *http.Request, body []byte) {
	f := s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.changes {
		if !c.rule.matches(r.Method, r.URL.Path, body) || !c.rule.turn() {
			continue
		}
		s.writes.Lock()
		next, added, deleted, err := s.Tenant().Change(c.Table, c.Add, c.Delete, c.rule.random)
		if err != nil { // the tenant was replaced by one without the table
			s.writes.Unlock()
			s.config.Log.Error("the tenant has not changed", "error", err)
			continue
		}
		f.told.Added = append(f.told.Added, added...)
		f.told.Deleted = append(f.told.Deleted, deleted...)
		s.setTenant(next)
		s.identitiesDeleted(deleted)
		s.writes.Unlock()
	}
}

// Changed tells what the changes of all faults have done so far.
func (s *Server) Changed() Changed {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return Changed{Added: slices.Clone(s.faults.told.Added), Deleted: slices.Clone(s.faults.told.Deleted)}
}
