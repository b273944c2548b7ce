package discovery

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The versions of the lists, as in Azure's SDK.
const (
	versionGroups      = "2021-04-01"
	versionLocks       = "2020-05-01"
	versionAssignments = "2022-04-01"
	versionPolicies    = "2023-04-01"
	versionExemptions  = "2022-07-01-preview"
	versionDelegations = "2022-10-01"
	versionStacks      = "2024-03-01"
	versionPricings    = "2024-01-01"
)

const typeLock = "Microsoft.Authorization/locks"

// queueLocks has the locks of each subscription read, those of its groups and resources included.
func (s *scan) queueLocks() {
	if s.request.ResourceLimit > 0 {
		s.ledger.limited(locks)
	}
	for _, u := range s.lockUnits() {
		s.queueLock(u)
	}
}

func (s *scan) queueLock(u unit) {
	s.progress.grow(locks.phase, "subscriptions", int64(len(u.places)))
	s.arm.add(u.places[0].scope, func(ctx context.Context) error {
		return s.readLists(ctx, u, listing{typ: typeLock, version: versionLocks})
	})
}

// wantsLocks says whether a filter takes locks, which have no region and no tags.
func (s *scan) wantsLocks() bool {
	f := s.request.Filter
	return !s.excludes(typeLock) && len(f.Locations)+len(f.Tags) == 0
}

// lockUnits are what is left of the locks, some subscriptions in each.
func (s *scan) lockUnits() []unit {
	const some = 50
	if !s.wantsLocks() || s.request.ResourceLimit > 0 {
		return nil
	}
	var units []unit
	for places := range slices.Chunk(s.resumed.missing(s.ledger.places(locks, true)), some) {
		units = append(units, unit{table: locks, places: places, ranges: 1})
	}
	return units
}

// listing is one of a subscription's lists.
type listing struct {
	typ, version, filter string
	at                   string // the scope, unless it is the part's
}

// readLists reads lists of each of some subscriptions into a part.
func (s *scan) readLists(ctx context.Context, u unit, lists ...listing) error {
	return s.readPart(ctx, u, func(ctx context.Context, r *reading, group *errgroup.Group) error {
		for _, p := range u.places {
			group.Go(func() error {
				for _, l := range lists {
					if err := s.readListing(ctx, r, p.scope, l); err != nil {
						return err
					}
				}
				if u.table == locks {
					s.progress.add(locks.phase, 1)
				}
				return nil
			})
		}
		return nil
	})
}

func (s *scan) readListing(ctx context.Context, r *reading, scope string, l listing) error {
	path := "/subscriptions/" + scope + "/providers/" + l.typ
	switch {
	case l.at != "":
		path = l.at + "/providers/" + l.typ
	case l.typ == "resourcegroups":
		path = "/subscriptions/" + scope + "/resourcegroups"
	case scope == tenantScope:
		path = "/providers/" + l.typ
	}
	query := url.Values{}
	if l.filter != "" {
		query.Set("$filter", l.filter)
	}
	err := azure.ReadList(ctx, s.scope.session, azure.List{Path: path, Version: l.version, Query: query}, r.reader(s.asked))
	return r.settle(ctx, err, scope, strings.ToLower(l.typ), path)
}

// asked says whether a filter takes a row that stands about resources: in chosen groups, what belongs to them,
// and of what the snapshot has among resources, chosen types.
func (s *scan) asked(row *graph.Row) bool {
	if row.SubscriptionID != "" && !s.inGroups(row) {
		return false
	}
	return row.Table != graph.SourceARM || s.matches(row)
}

// listAll lists every subscription with Resource Manager.
func (s *scan) listAll(ctx context.Context) error {
	s.left.Store(s.request.ResourceLimit)
	s.ledger.replaceAll()
	s.queueLocks()
	for _, p := range s.ledger.places(listed, true) {
		s.listSubscription(p.scope)
	}
	return s.listTenant(ctx)
}

// drop takes in that Resource Graph leaves a subscription out that Resource Manager shows.
func (s *scan) drop(id string) {
	if s.request.Discovery == backend.DiscoveryGraph || s.request.ResourceLimit > 0 { // a limit is shared out before
		s.ledger.shut(id, backend.CoverageDropped, dropped(id))
		return
	}
	s.report.Log(backend.LevelWarn, "Resource Graph leaves the subscription %s out without a word; Resource Manager lists it instead", id)
	s.ledger.replace(id)
	s.listSubscription(id)
}

// listSubscription has a subscription read with Resource Manager alone: what stands above its resources, their
// list, then each by its id.
func (s *scan) listSubscription(id string) {
	if s.planning() {
		s.planSubscription(id)
		return
	}
	s.progress.grow(phaseListing, "subscriptions", 1)
	lane := id
	if s.request.ResourceLimit > 0 {
		lane = phaseListing // one after the other, so that the same request reads the same rows
	}
	s.arm.add(lane, func(ctx context.Context) error {
		if err := s.listAround(ctx, id); err != nil {
			return err
		}
		done, err := s.listStubs(ctx, id)
		if err != nil || done == nil {
			return err
		}
		s.progress.add(phaseListing, 1)
		s.arm.add(id, func(ctx context.Context) error { return s.getAll(ctx, id, *done) })
		return nil
	})
}

// listStubs lists a subscription's resources into a part of its own, which no snapshot sees: each with the version of the API to
// read it with. nil is that the list is refused.
func (s *scan) listStubs(ctx context.Context, id string) (*backend.Part, error) {
	u := unit{table: stubs, places: []place{{id, stubs}}, ranges: 1}
	if done, ok := s.resumed.parts[u.key()]; ok {
		return &done.part, nil
	}
	refused := func(err error) (*backend.Part, error) {
		if fatal(ctx, err) {
			return nil, err
		}
		s.ledger.fail([]place{{id, listed}}, fault.As(err))
		return nil, nil
	}
	versions, err := s.scope.session.Providers(ctx, id)
	if err != nil {
		return refused(err)
	}
	w, err := s.checkpoint(s.header(u, part.FormARM))
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	cut := false
	err = azure.ReadList(ctx, s.scope.session, azure.List{Path: "/subscriptions/" + id + "/resources", Version: versionGroups}, azure.Reader[graph.Row]{
		New: s.sink.small, Set: setMember,
		Take: func(p *page) error {
			var raw [][]byte
			for i := range p.Rows {
				if s.complete(&p.Rows[i], stubs, part.FormARM); !s.matches(&p.Rows[i]) {
					continue
				}
				if left := s.left.Add(-1); s.request.ResourceLimit > 0 && left < 0 {
					cut = true
					continue
				}
				version, _ := versions.Version(p.Rows[i].Type)
				raw = append(raw, withVersion(p.Raw(i), version))
			}
			err := s.save(w, raw...)
			p.Rows = p.Rows[:0]
			s.sink.takeSmall(p)
			return err
		},
	})
	if err != nil {
		return refused(err)
	}
	footer := part.Footer{Gaps: s.unlisted(id, versions)}
	p, err := w.Finish(footer)
	if err != nil {
		return nil, s.diskFault(err)
	}
	s.missed(footer)
	s.tell(p)
	if cut {
		s.ledger.update(place{id, listed}, func(e *entry) { e.limit = p.Rows })
	}
	return &p, nil
}

// Where each resource of a list is read by its id, its part has at most getMost of them and, unless there are fewer, getLeast. Between these a
// subscription is cut into getRanges parts, so that as many shards have something to read of each: Azure limits what a principal may read of a
// subscription, and who reads of all of them at once waits for none.
const (
	getMost   = 400
	getLeast  = 50
	getRanges = 16
)

// rangesOf is into how many parts a list of so many rows is cut, and how many of them each has.
func (s *scan) rangesOf(id string, rows int64) (ranges, size int64) {
	whole := max((rows+getMost-1)/getMost, 1)
	ranges, before := s.cuts[id]
	if !before {
		ranges = max(whole, min((rows+getLeast-1)/getLeast, getRanges))
	}
	if ranges == whole {
		return ranges, getMost
	}
	return ranges, (rows + ranges - 1) / ranges
}

// cutsBefore is into how many parts the list of each subscription is cut that a plan, or an earlier attempt, has begun to read. Another version of this
// program may have cut it otherwise.
func (s *scan) cutsBefore() map[string]int64 {
	cuts := map[string]int64{}
	if s.plan != nil {
		for _, row := range s.plan.units {
			if row.Table == listed.name {
				cuts[row.Scopes[0]] = row.Ranges
			}
		}
	}
	for _, done := range s.resumed.parts {
		if u := unitOf(done.header); u.table == listed {
			cuts[u.places[0].scope] = u.ranges
		}
	}
	return cuts
}

// getAll reads each resource of a list by its id, in parts.
func (s *scan) getAll(ctx context.Context, id string, list backend.Part) error {
	if s.shard == nil {
		s.progress.grow(listed.phase, "rows", list.Rows)
		s.ledger.update(place{id, listed}, func(e *entry) { e.expected = list.Rows })
	}
	return s.blocks(id, list, func(u unit, some []stub) error { return s.getSome(ctx, u, some) })
}

// blocks hands out the resources of a list in the parts in which they are read.
func (s *scan) blocks(id string, list backend.Part, use func(unit, []stub) error) error {
	source, err := part.Open(s.dir, list)
	if err != nil {
		return s.diskFault(err)
	}
	defer source.Close()
	ranges, size := s.rangesOf(id, list.Rows)
	var block []stub
	number := int64(0)
	end := func() error {
		u := unit{table: listed, places: []place{{id, listed}}, number: number, ranges: ranges, rows: int64(len(block))}
		some := block
		number, block = number+1, nil
		return use(u, some)
	}
	_, err = source.Rows(func(raw []byte) error {
		var row graph.Row
		if err := azure.Members(raw, func(c azure.Column) error { return setMember(&row, c) }); err != nil {
			return err
		}
		block = append(block, stub{strings.Clone(row.ID), strings.ToLower(row.Type), strings.Clone(row.APIVersion), withoutVersion(raw, row.APIVersion)})
		if int64(len(block)) == size {
			return end()
		}
		return nil
	})
	if err == nil && len(block) > 0 {
		err = end()
	}
	return err
}

// unlisted are the types that a subscription may have, that Resource Graph shows, and that Resource Manager
// lists nowhere but at each resource that they may extend.
func (s *scan) unlisted(id string, versions *azure.Providers) (gaps []part.Gap) {
	for _, typ := range []string{"microsoft.insights/datacollectionruleassociations", "microsoft.kubernetesconfiguration/extensions",
		"microsoft.kubernetesconfiguration/fluxconfigurations", "microsoft.maintenance/configurationassignments"} {
		if _, known := versions.Version(typ); !known || s.excludes(typ) {
			continue
		}
		gaps = append(gaps, part.Gap{Scope: id, Kind: typ, State: string(backend.CoverageUnsupported), Count: 1, Reason: fault.New(fault.Unsupported,
			"only Resource Graph lists them", fault.On("/subscriptions/"+id), fault.From(fault.OriginAzure))})
	}
	return gaps
}

// stub is a resource of a list.
type stub struct {
	id, typ string
	version string // of the API to read it with; empty is that none is known
	raw     []byte
}

// getSome reads resources by their ids into a part. What is gone by now is not missing; of what cannot be read
// the list's own row is kept.
func (s *scan) getSome(ctx context.Context, u unit, some []stub) error {
	if s.shard != nil && !s.shard[u.key()] { // another's
		return nil
	}
	if s.shard != nil {
		s.progress.grow(listed.phase, "rows", int64(len(some)))
	}
	if _, done := s.resumed.parts[u.key()]; done {
		s.progress.add(u.table.phase, int64(len(some)))
		return nil
	}
	return s.readPart(ctx, u, func(ctx context.Context, r *reading, group *errgroup.Group) error {
		for _, one := range some {
			group.Go(func() error {
				defer s.progress.add(u.table.phase, 1)
				return r.get(ctx, one)
			})
		}
		return nil
	})
}

// get reads a resource of a list by its id.
func (r *reading) get(ctx context.Context, one stub) error {
	at := r.unit.places[0]
	err := error(fault.New(fault.Unsupported, "no resource provider of the subscription knows the type "+one.typ, fault.On(one.id), fault.From(fault.OriginAzure)))
	if one.version != "" {
		err = azure.ReadOne(ctx, r.s.scope.session, one.id, one.version, r.reader(func(row *graph.Row) bool { row.APIVersion = one.version; return true }))
	}
	switch {
	case err == nil:
		return nil
	case azure.IsNotFound(err):
		r.s.ledger.update(at, func(e *entry) { e.expected-- })
		return nil
	case azure.IsUnsupported(err): // it is there, and cannot be read
		err = fault.New(fault.Unsupported, "Resource Manager lists it and cannot show it", fault.On(one.id), fault.From(fault.OriginAzure))
	}
	if err := r.settle(ctx, err, at.scope, one.typ, one.id); err != nil {
		return err
	}
	return r.keep(one)
}

// keep takes in what a list says of a resource that cannot be read whole.
func (r *reading) keep(one stub) error {
	var row graph.Row
	if err := azure.Members(one.raw, func(c azure.Column) error { return setMember(&row, c) }); err != nil {
		return err
	}
	r.s.complete(&row, r.unit.table, part.FormARM)
	r.s.sink.put([]graph.Row{row}, func() {})
	return r.s.save(r.file, one.raw)
}
