package diff

import (
	"context"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// compareNameless compares the rows without an id. Nothing tells which of them belong together: those of which all is the same are one.
func (r *run) compareNameless(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return merge(newFeed(ctx, r.Before.NamelessEntries), newFeed(ctx, r.After.NamelessEntries), graph.NamelessKey, func(before, after []*graph.Entry) error {
		for _, e := range before[min(len(before), len(after)):] {
			if err := r.alone(ctx, e, r.Before, r.after, Removed); err != nil {
				return err
			}
		}
		for _, e := range after[min(len(before), len(after)):] {
			if err := r.alone(ctx, e, r.After, r.before, Added); err != nil {
				return err
			}
		}
		return nil
	})
}

// pair compares the rows of one id: those of the same table, and then what is left, for snapshots of older formats have some in other tables.
func (r *run) pair(ctx context.Context, before, after []*graph.Entry) error {
	for _, sameTable := range []bool{true, false} {
		for i, b := range before {
			for j, a := range after {
				if b == nil || a == nil || sameTable && b.Table != a.Table {
					continue
				}
				before[i], after[j] = nil, nil
				if err := r.both(ctx, b, a); err != nil {
					return err
				}
				break
			}
		}
	}
	for _, b := range before {
		if b != nil {
			if err := r.alone(ctx, b, r.Before, r.after, Removed); err != nil {
				return err
			}
		}
	}
	for _, a := range after {
		if a != nil {
			if err := r.alone(ctx, a, r.After, r.before, Added); err != nil {
				return err
			}
		}
	}
	return nil
}

// alone tells of a row that only one snapshot has, the one of reader, while other is the scan that has not found it.
func (r *run) alone(ctx context.Context, e *graph.Entry, reader *graph.Reader, other *seen, change string) error {
	if !takes(r.filter, e) || builtIn(e) {
		return nil
	}
	c := changeOf(change, e)
	if why := other.missed(e); why != "" {
		c.Change, c.Reason, c.In = Unknown, why, r.sideOf(reader)
	}
	if err := describe(ctx, reader, e, c); err != nil {
		return err
	}
	return r.tell(c)
}

func (r *run) sideOf(reader *graph.Reader) string {
	if reader == r.Before {
		return r.before.side
	}
	return r.after.side
}

// both tells what has changed of a row that both snapshots have.
func (r *run) both(ctx context.Context, b, a *graph.Entry) error {
	if alike(b, a) || !takes(r.filter, b) && !takes(r.filter, a) || builtIn(a) && builtIn(b) {
		return nil
	}
	c := changeOf(Changed, a)
	if (b.Properties == "") != (a.Properties == "") { // perhaps a list was read, and the thing itself could not be
		lacks, in, has := r.before, r.after.side, a
		if a.Properties == "" {
			lacks, in, has = r.after, r.before.side, b
		}
		if why := lacks.missed(has); why != "" {
			c.Change, c.Reason, c.In = Unknown, why, in
			return r.tell(c)
		}
	}
	if c.Properties = rows(b, a, r.before.toldByARM(b) != r.after.toldByARM(a)); len(c.Properties) == 0 {
		return nil
	}
	if err := describe(ctx, r.After, a, c); err != nil {
		return err
	}
	return r.tell(c)
}

// alike says that two rows are the same to the byte, which most are.
func alike(b, a *graph.Entry) bool {
	return b.Properties == a.Properties && b.Tags == a.Tags && b.SKU == a.SKU && b.Identity == a.Identity && b.Extra == a.Extra &&
		b.Plan == a.Plan && b.Zones == a.Zones && b.ExtendedLocation == a.ExtendedLocation && b.Kind == a.Kind && b.Location == a.Location && b.ManagedBy == a.ManagedBy
}

func changeOf(change string, e *graph.Entry) *Change {
	return &Change{Change: change, Kind: kindOf(e), ID: e.ID, Name: e.Name, Type: e.Type, SubscriptionID: e.SubscriptionID, ResourceGroup: groupOf(e)}
}

// builtIn says that a row is a role of Azure's own, which is the same everywhere.
func builtIn(e *graph.Entry) bool {
	if e.Table != graph.RoleDefinitions {
		return false
	}
	properties, _ := decoded(e.Properties).(map[string]any)
	return strings.EqualFold(textOf(properties["type"]), "BuiltInRole")
}

// describe says of a role assignment what a person wants to know, and its id does not tell.
func describe(ctx context.Context, reader *graph.Reader, e *graph.Entry, c *Change) error {
	if e.Table != graph.RoleAssignments {
		if p, _ := decoded(e.Properties).(map[string]any); e.Table == graph.RoleDefinitions && textOf(p["roleName"]) != "" {
			c.Name = textOf(p["roleName"])
		}
		return nil
	}
	p, _ := decoded(e.Properties).(map[string]any)
	definition := textOf(p["roleDefinitionId"])
	definition = definition[strings.LastIndexByte(definition, '/')+1:]
	role, err := reader.RoleName(ctx, definition)
	if err != nil {
		return err
	}
	c.Role, c.Principal, c.Scope = role, textOf(p["principalId"]), textOf(p["scope"])
	if c.Role == "" {
		c.Role = definition
	}
	who, known, err := reader.IdentityOf(ctx, c.Principal)
	if err != nil {
		return err
	}
	switch kind := textOf(p["principalType"]); {
	case known && who.Name != "":
		c.Principal = who.Name
	case kind != "":
		c.Principal = kind + " " + c.Principal
	}
	return nil
}
