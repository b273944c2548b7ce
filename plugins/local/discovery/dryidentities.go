package discovery

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// predictIdentities adds what would be read of Microsoft Graph. Of all identities it asks how many there are; which ones a scan refers
// to is not known before, so that those are reckoned by the role assignments, and the members of groups not at all.
func (p *prediction) predictIdentities(ctx context.Context) error {
	if !p.scope.session.HasDirectory() {
		return nil
	}
	add := func(t *table, rows, calls int64) { p.add(coverKey(t, nil), rows, max(calls, 1), []place{}) }
	switch p.identities() {
	case backend.IdentitiesReferenced:
		var assigned int64
		for _, u := range p.units {
			if u.table == assignments {
				assigned += u.rows
			}
		}
		add(principals, 0, (assigned+azure.MaxObjects-1)/azure.MaxObjects)
	case backend.IdentitiesAll:
		for _, f := range families {
			n, err := p.scope.session.CountDirectory(ctx, f.path, f.permission)
			if err != nil {
				if fatal(ctx, err) && !isRefused(err) {
					return err
				}
				continue // the scan will say so
			}
			add(f.table, n, pagesOf(n))
			if f.table == groups {
				add(memberships, 0, azure.BatchCalls(2*n))
			}
		}
	}
	return nil
}
