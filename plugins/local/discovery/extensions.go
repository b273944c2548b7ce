package discovery

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// readExtensions reads the extension resources of a part's rows.
func (s *scan) readExtensions(ctx context.Context, u unit, of backend.Part) error {
	err := s.readBelow(ctx, u, of, func(ctx context.Context, r *reading, group *errgroup.Group, p parent) error {
		if u.of == around && !isGroup(p.typ) {
			return nil // roles and policies have none
		}
		s.extend(ctx, r, group, parent{id: strings.Clone(p.id), typ: p.typ})
		return nil
	})
	if err != nil || u.of != around {
		return err
	}
	return s.extendAbove(ctx, u)
}

// extendAbove reads the extension resources of what Resource Manager lists nowhere as a row: the subscription of a part, or the
// management groups.
func (s *scan) extendAbove(ctx context.Context, u unit) error {
	above := u
	above.number, above.ranges = 1, 2 // beside those of its rows
	if _, done := s.resumed.parts[above.key()]; done {
		return nil
	}
	var parents []parent
	switch scope := u.places[0].scope; {
	case scope != tenantScope && len(s.request.Filter.ResourceGroups) == 0:
		parents = []parent{{id: "/subscriptions/" + scope, typ: "microsoft.resources/subscriptions"}}
	case scope == tenantScope && !narrow(s.request.Filter):
		tree, err := s.scope.session.ManagementGroups(ctx)
		if err != nil && fatal(ctx, err) {
			return err
		}
		if tree != nil { // else the ledger knows already that they cannot be seen
			for _, g := range tree.Groups {
				parents = append(parents, parent{id: g.ID, typ: "microsoft.management/managementgroups"})
			}
		}
	}
	if len(parents) == 0 {
		return nil
	}
	return s.readPart(ctx, above, func(ctx context.Context, r *reading, group *errgroup.Group) error {
		for _, p := range parents {
			s.extend(ctx, r, group, p)
		}
		return nil
	})
}

// isGroup says whether a type, in lower case, is that of resource groups, by either of its names.
func isGroup(typ string) bool {
	return slices.Contains([]string{"microsoft.resources/resourcegroups", "microsoft.resources/subscriptions/resourcegroups"}, typ)
}

// extend reads the extension resources of one thing.
func (s *scan) extend(ctx context.Context, r *reading, group *errgroup.Group, p parent) {
	for _, e := range armschema.Extensions() {
		if s.lacks(e, p.typ) || s.excludes(e.Type) {
			continue
		}
		group.Go(func() error {
			if s.lacks(e, p.typ) { // by now
				return nil
			}
			subscription, _ := scopeOf(p.id)
			err := azure.ReadList(ctx, s.scope.session, azure.List{Path: p.id + "/" + e.Segment, Version: e.Version}, r.reader(nil))
			if azure.IsUnsupported(err) {
				s.unextendable.Store(extended{e.Type, p.typ}, true)
			}
			return r.settle(ctx, err, scopeName(subscription), e.Type, p.id)
		})
	}
}

// extended is a pair of types of which the one cannot extend the other.
type extended struct{ extension, resource string }

func (s *scan) lacks(e armschema.Extension, typ string) bool {
	_, lacks := s.unextendable.Load(extended{e.Type, typ})
	return lacks
}
