package azuresim

import (
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// past are the tenants that were served before, as long as Resource Graph may still show them.
type past struct {
	mu   sync.Mutex
	list []pastTenant // the oldest first
}

type pastTenant struct {
	tenant *tenant.Tenant
	until  time.Time
}

// add notes a tenant that is served no longer, and forgets those that are too old for a delay.
func (p *past) add(t *tenant.Tenant, now time.Time, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, pastTenant{t, now})
	for len(p.list) > 0 && !p.list[0].until.After(now.Add(-delay)) {
		p.list = p.list[1:]
	}
}

// graphTenant is what Resource Graph shows: the tenant as it was Settings.GraphDelay ago.
func (s *Server) graphTenant() *tenant.Tenant {
	delay := time.Duration(s.Settings().GraphDelay)
	if delay == 0 {
		return s.Tenant()
	}
	s.past.mu.Lock()
	defer s.past.mu.Unlock()
	then := s.config.Now().Add(-delay)
	for _, t := range s.past.list {
		if t.until.After(then) {
			return t.tenant
		}
	}
	return s.Tenant()
}
