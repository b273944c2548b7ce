package discovery

import (
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// each reads objects one by one, each as what it is said to be, which takes the permissions of those types alone. One of which nothing is
// said is asked for as each type in turn.
func (p *directoryPart) each(ctx context.Context, ids []guid, named map[guid]*family) error {
	left := slices.Clone(ids)
	doubt := map[guid]bool{} // those that may be there, and whether for lack of permission alone
	for _, f := range families {
		if f.principal == "" {
			continue
		}
		asked := slices.DeleteFunc(slices.Clone(left), func(id guid) bool { return named[id] != nil && named[id] != f })
		found, err := p.ask(ctx, f, asked, doubt)
		if err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(id guid) bool { return found[id] })
	}
	for _, id := range left {
		if doubt[id] {
			p.d.refuse(id, named[id])
		}
	}
	return p.deleted(left, func(id guid) bool { _, may := doubt[id]; return !may }, named)
}

// ask reads objects as those of a family, and answers which it has found. It doubts those of which it could not learn whether they are there.
func (p *directoryPart) ask(ctx context.Context, f *family, ids []guid, doubt map[guid]bool) (found map[guid]bool, err error) {
	found = map[guid]bool{}
	if p.d.isRefused(f.table) {
		p.failed.Store(true)
		for _, id := range ids {
			raise(doubt, id, true)
		}
		return found, nil
	}
	queries := make([]azure.DirectoryQuery, len(ids))
	for i, id := range ids {
		queries[i] = azure.DirectoryQuery{Path: f.path + "/" + id.String(), Select: f.properties, One: true, Permission: f.permission}
	}
	err = azure.ReadBatch(ctx, p.d.scope.session, queries, azure.BatchReader[object]{
		Of: func(*object, int) {},
		Failed: func(query int, err error) error {
			if azure.IsNotFound(err) {
				return nil
			}
			raise(doubt, ids[query], isRefused(err))
			return p.fail(ctx, err, f.table)
		},
		Reader: p.reader(func(*object) *family { return f }, func(i *graph.Identity) bool {
			id, ok := parseGUID(i.ObjectID)
			found[id] = ok
			return ok
		}),
	})
	if err == nil {
		return found, nil
	}
	for _, id := range ids {
		if !found[id] {
			raise(doubt, id, isRefused(err))
		}
	}
	return found, p.fail(ctx, err, f.table)
}

// raise doubts an object.
func raise(doubt map[guid]bool, id guid, refused bool) {
	before, raised := doubt[id]
	doubt[id] = refused && (before || !raised)
}

// isRefused says that a family may not be read.
func (d *directory) isRefused(t *table) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.faults[t]
	return f != nil && isRefused(f)
}

// refuse notes an object that may not be read. What members a group has is not known then either.
func (d *directory) refuse(id guid, of *family) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.met[id] = true
	d.refused = append(d.refused, refused{id, of})
	if f := d.faults[groups]; of != nil && of.table == groups && d.faults[memberships] == nil {
		d.faults[memberships] = f
	}
}
