package discovery

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// How much makes a part: objects that are read by their ids, groups whose members are read.
const (
	objectsPart = 10 * azure.MaxObjects
	groupsPart  = 200
	// appsSingly is how many applications are read by their ids. To read more, all are listed: a page has a thousand.
	appsSingly = 100
)

// readLists reads every user, group, service principal and application.
func (d *directory) readLists(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, f := range families {
		group.Go(func() error {
			return d.readPart(ctx, f.table, coverKey(f.table, nil), func(ctx context.Context, p *directoryPart) error {
				return p.list(ctx, f, nil)
			})
		})
	}
	return group.Wait()
}

// list reads a family's list, and keeps what keep keeps; nil keeps all.
func (p *directoryPart) list(ctx context.Context, f *family, keep func(*graph.Identity) bool) error {
	query := azure.DirectoryQuery{Path: f.path, Select: f.properties, Permission: f.permission}
	err := azure.ReadDirectory(ctx, p.d.scope.session, query, p.reader(func(*object) *family { return f }, keep))
	if err != nil {
		return p.fail(ctx, err, f.table)
	}
	return nil
}

// readObjects reads the objects that are named and not met yet.
func (d *directory) readObjects(ctx context.Context) error {
	d.mu.Lock()
	named := d.named
	d.named = map[guid]*family{}
	ids := make([]guid, 0, len(named))
	for id := range named {
		if !d.met[id] {
			ids = append(ids, id)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(ids, compareGUIDs)
	d.progress.grow(phaseIdentities, "identities", int64(len(ids)))
	chunks := slices.Collect(slices.Chunk(ids, objectsPart))
	return beside(ctx, d.directoryCalls(), chunks, func(ctx context.Context, ids []guid) error {
		return d.readPart(ctx, principals, coverKey(principals, ids), func(ctx context.Context, p *directoryPart) error {
			some := slices.Collect(slices.Chunk(ids, azure.MaxObjects))
			return beside(ctx, calls, some, func(ctx context.Context, ids []guid) error { return p.objects(ctx, ids, named) })
		})
	})
}

// objects reads some objects by their ids. Those that the directory does not have were deleted.
func (p *directoryPart) objects(ctx context.Context, ids []guid, named map[guid]*family) error {
	if p.d.isSingly() {
		return p.each(ctx, ids, named)
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	found := make(map[guid]bool, len(ids))
	err := azure.ReadObjects(ctx, p.d.scope.session, texts, properties, p.reader(func(*object) *family { return nil }, func(i *graph.Identity) bool {
		id, ok := parseGUID(i.ObjectID)
		found[id] = ok
		return ok
	}))
	switch {
	case fault.CodeOf(err) == fault.AzureForbidden:
		p.d.goSingly()
		return p.each(ctx, ids, named)
	case err != nil:
		return p.fail(ctx, err, familyTables(ids, named)...)
	}
	return p.deleted(ids, func(id guid) bool { return !found[id] }, named)
}

// deleted keeps those of some objects that were deleted.
func (p *directoryPart) deleted(ids []guid, gone func(guid) bool, named map[guid]*family) error {
	var identities []graph.Identity
	for _, id := range ids {
		if gone(id) {
			identities = append(identities, graph.Identity{ObjectID: id.String(), Kind: kindOf(named[id]), State: graph.IdentityDeleted})
		}
	}
	for i := range identities {
		p.d.known(&identities[i], &object{})
	}
	return p.keep(identities)
}

// familyTables are the tables that some objects are said to belong to; those of which nothing is said may belong to any.
func familyTables(ids []guid, named map[guid]*family) []*table {
	var tables []*table
	for _, id := range ids {
		of := []*table{users, groups, servicePrincipals}
		if f := named[id]; f != nil {
			of = []*table{f.table}
		}
		for _, t := range of {
			if !slices.Contains(tables, t) {
				tables = append(tables, t)
			}
		}
	}
	return tables
}

// readMembers reads the members of the groups that were met since the last time.
func (d *directory) readMembers(ctx context.Context) error {
	d.mu.Lock()
	groups := d.groups
	d.groups = nil
	d.mu.Unlock()
	slices.SortFunc(groups, compareGUIDs)
	return beside(ctx, d.directoryCalls(), slices.Collect(slices.Chunk(groups, groupsPart)), func(ctx context.Context, ids []guid) error {
		return d.readPart(ctx, memberships, coverKey(memberships, ids), func(ctx context.Context, p *directoryPart) error {
			some := slices.Collect(slices.Chunk(ids, azure.MaxBatch/2)) // two queries for each
			return beside(ctx, calls, some, p.members)
		})
	})
}

// members reads the members of some groups. The list of them leaves service principals out, a known issue of this version of
// Microsoft Graph, so that these are asked for by their type.
// https://learn.microsoft.com/graph/api/group-list-members
func (p *directoryPart) members(ctx context.Context, ids []guid) error {
	sp := familyOfKind(graph.KindServicePrincipal)
	var queries []azure.DirectoryQuery
	for _, id := range ids {
		list := azure.DirectoryQuery{Path: "/groups/" + id.String() + "/members", Select: []string{"id"}, Permission: azure.PermissionGroups}
		if p.d.hidden[id] {
			list.Permission = azure.PermissionHidden
		}
		cast := list
		cast.Path, cast.Cast = list.Path+"/microsoft.graph."+sp.typ, true
		queries = append(queries, list, cast)
	}
	err := azure.ReadBatch(ctx, p.d.scope.session, queries, azure.BatchReader[link]{
		Of: func(l *link, query int) { l.query = query },
		Failed: func(query int, err error) error {
			if azure.IsNotFound(err) { // the group is gone by now
				return nil
			}
			return p.fail(ctx, err, memberships)
		},
		Reader: azure.Reader[link]{New: p.d.links.get, Set: setLink, Take: func(page *azure.Page[link]) error {
			members := make([]member, len(page.Rows))
			for i, l := range page.Rows {
				members[i] = member{Group: ids[l.query/2].String(), Member: l.id.String(), Type: l.typ}
				if queries[l.query].Cast {
					members[i].Type = sp.typ
				}
			}
			p.d.links.put(page)
			return p.keepMembers(members)
		}},
	})
	if err != nil {
		return p.fail(ctx, err, memberships)
	}
	return nil
}

// link is a member of a group as it was read: small, for a batch may bring twenty thousand.
type link struct {
	query int
	id    guid
	typ   string
}

func setLink(l *link, c azure.Column) error {
	switch string(c.Name) {
	case "id":
		l.id, _ = parseGUID(c.Text())
	case "@odata.type":
		if f := familyOf(func(f *family) bool { return c.Text() == odataType+f.typ }); f != nil {
			l.typ = f.typ
		}
	}
	return nil
}

// readApplications reads the applications of this tenant whose service principals were met: what they sign in with is theirs.
func (d *directory) readApplications(ctx context.Context) error {
	ids := make([]guid, 0, len(d.appIDs))
	for text := range d.appIDs {
		if id, ok := parseGUID(text); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.SortFunc(ids, compareGUIDs)
	of := familyOfKind(graph.KindApplication)
	return d.readPart(ctx, applications, coverKey(applications, ids), func(ctx context.Context, p *directoryPart) error {
		if len(ids) > appsSingly {
			return p.list(ctx, of, func(i *graph.Identity) bool { return d.appIDs[i.AppID] })
		}
		queries := make([]azure.DirectoryQuery, len(ids))
		for i, id := range ids {
			queries[i] = azure.DirectoryQuery{Path: "/applications(appId='" + id.String() + "')", Select: of.properties, One: true, Permission: of.permission}
		}
		err := azure.ReadBatch(ctx, d.scope.session, queries, azure.BatchReader[object]{
			Of: func(*object, int) {},
			Failed: func(_ int, err error) error {
				if azure.IsNotFound(err) {
					return nil
				}
				return p.fail(ctx, err, applications)
			},
			Reader: p.reader(func(*object) *family { return of }, nil),
		})
		if err != nil {
			return p.fail(ctx, err, applications)
		}
		return nil
	})
}

func (d *directory) isSingly() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.singly
}

// goSingly notes that objects may not be read by their ids together, which takes the permission to read the whole directory.
func (d *directory) goSingly() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.singly = true
}
