package discovery

import (
	"context"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// directory reads identities of Microsoft Graph into a snapshot. Its methods may be called from several goroutines.
//
// What a scan refers to is found out step by step: the objects that rows of Azure name, the members of the groups among them, those
// members, and so on until nothing new is met, so that groups which contain each other end it too. All that is held of an object
// meanwhile is its id.
type directory struct {
	*scan
	pages *pool[object]
	links *pool[link]

	writing sync.Mutex // holds the writer
	writer  *graph.Writer

	mu      sync.Mutex
	met     map[guid]bool    // objects that were read, or tried
	named   map[guid]*family // objects to read, of the family that is said to be theirs; nil is unknown
	groups  []guid           // whose members are to be read
	hidden  map[guid]bool    // groups that hide their members
	appIDs  map[string]bool  // of this tenant's applications, in lower case
	refused []refused        // objects that may not be read
	counts  map[counted]int64
	singly  bool        // objects may not be read by their ids together
	shut    atomic.Bool // the credential is not accepted
	faults  map[*table]*fault.Fault
}

// counted are objects of a kind in a state.
type counted struct {
	table *table // nil is none of the ledger
	state graph.IdentityState
}

// refused is an object that is named and may not be read.
type refused struct {
	id guid
	of *family // nil is unknown
}

// identities is which ones the scan reads: without a choice those that are referred to, where the cloud has a directory.
func (s *scan) identities() backend.Identities {
	switch {
	case s.request.Identities != "":
		return s.request.Identities
	case s.scope.session.HasDirectory():
		return backend.IdentitiesReferenced
	}
	return backend.IdentitiesNone
}

// identify reads the identities, behind all that may name some.
func (s *scan) identify(ctx context.Context, writer *graph.Writer) error {
	which := s.identities()
	if which == backend.IdentitiesNone {
		return nil
	}
	defer heap.Use{Percent: 50}.Begin()() // most of it is pages, as in fill
	s.progress.begin(phaseIdentities, "identities", 0)
	if !s.scope.session.HasDirectory() {
		for _, t := range directoryTables {
			s.tellDirectory(t, 0, backend.CoverageUnsupported, fault.New(fault.Unsupported, "no endpoint of Microsoft Graph is configured for this cloud",
				fault.From(fault.OriginAzure), fault.Hint("set graph_endpoint, or scan with --identities none")))
		}
		return nil
	}
	d := &directory{scan: s, writer: writer, met: map[guid]bool{}, named: map[guid]*family{}, appIDs: map[string]bool{}, hidden: map[guid]bool{}, counts: map[counted]int64{},
		faults: map[*table]*fault.Fault{}, pages: newPool[object](s.directoryCalls()), links: newPool[link](s.directoryCalls())}
	all := which == backend.IdentitiesAll
	if err := d.read(ctx, all); err != nil {
		return err
	}
	if all {
		s.tellDirectory(devices, 0, backend.CoverageSkipped, fault.New(fault.Unsupported, "devices are kept where a group has them, and are not listed"))
	}
	err := d.settle(ctx)
	d.pages, d.links, d.met = nil, nil, nil
	debug.FreeOSMemory() // to derive the graph takes as much again
	return err
}

// directoryCalls is how many calls to Microsoft Graph are made at once.
func (s *scan) directoryCalls() int { return s.parallelism() }

// read reads what is named, or everything.
func (d *directory) read(ctx context.Context, all bool) error {
	err := d.writer.Principals(ctx, func(id, kind string) error {
		if id, ok := parseGUID(id); ok {
			d.name(id, familyOf(func(f *family) bool { return f.principal == kind && kind != "" }))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if all {
		if err := d.readLists(ctx); err != nil {
			return err
		}
	}
	for len(d.named)+len(d.groups) > 0 && !d.shut.Load() {
		if err := d.readObjects(ctx); err != nil {
			return err
		}
		d.pages.empty() // members are read into other ones
		if err := d.readMembers(ctx); err != nil {
			return err
		}
		d.links.empty()
	}
	if all || d.shut.Load() {
		return nil
	}
	return d.readApplications(ctx)
}

// beside does something for each of some chunks, several at once.
func beside[T any](ctx context.Context, limit int, chunks [][]T, do func(context.Context, []T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for _, chunk := range chunks {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return do(ctx, chunk)
		})
	}
	return group.Wait()
}

// name has an object read that something refers to, unless it was.
func (d *directory) name(id guid, of *family) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.met[id] {
		return
	}
	if d.named[id] == nil {
		d.named[id] = of
	}
}

// known takes an object in that was read: of a group its members are to be read, of a service principal its application.
func (d *directory) known(i *graph.Identity, o *object) {
	id, ok := parseGUID(i.ObjectID)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.met[id] { // a list may have it twice
		return
	}
	d.met[id] = true
	of := counted{state: i.State}
	if f := familyOfKind(i.Kind); f != nil {
		of.table = f.table
	}
	d.counts[of]++
	if i.Kind == graph.KindGroup && i.State != graph.IdentityDeleted {
		d.groups = append(d.groups, id)
		if o.text("visibility") == "HiddenMembership" {
			d.hidden[id] = true
		}
	}
	if i.Kind == graph.KindServicePrincipal && i.AppID != "" && strings.EqualFold(o.text("appOwnerOrganizationId"), d.scope.tenant.ID) {
		d.appIDs[i.AppID] = true
	}
}

// fail notes why not all of a kind could be read; the first reason stays.
func (d *directory) fail(t *table, f *fault.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults[t] == nil {
		d.faults[t] = f
	}
}

// isRefused says that Microsoft Graph, or who gives its tokens, refuses and would again.
func isRefused(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.AzureForbidden || code == fault.AzureAuthRequired
}

// ends says that a failure ends the scan. A token that is refused does not: all the rest is read already.
func (d *directory) ends(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || fatal(ctx, err) && fault.CodeOf(err) != fault.AzureAuthRequired)
}

// settle tells the ledger what came of it all.
func (d *directory) settle(ctx context.Context) error {
	if reason := d.unasked(); reason != nil {
		d.report.Log(backend.LevelWarn, "the scan has no identities: %s (%s)", reason.Message, reason.Hint)
		for _, t := range directoryTables {
			d.tellDirectory(t, 0, backend.CoverageSkipped, reason)
		}
		return nil
	}
	if err := d.addRefused(); err != nil {
		return err
	}
	members, err := d.writer.CountMemberships(ctx)
	if err != nil {
		return err
	}
	if f := d.faults[servicePrincipals]; f != nil {
		d.fail(applications, f)
	}
	for _, t := range directoryTables {
		listed, reason := members, d.faults[t]
		if f := familyOf(func(f *family) bool { return f.table == t }); f != nil {
			listed = d.counts[counted{t, graph.IdentityPresent}]
			if n := d.counts[counted{t, graph.IdentityUnreadable}]; n > 0 && reason == nil {
				reason = unreadable(f, n)
			}
		}
		state := backend.CoverageState("")
		if reason != nil {
			if state = stateOf(reason); isRefused(reason) {
				state = backend.CoverageDenied
			}
		}
		d.tellDirectory(t, listed, state, reason)
	}
	return nil
}

// unreadable is the fault of objects of which Microsoft Graph shows the ids alone.
func unreadable(f *family, n int64) *fault.Fault {
	return azure.MissingPermissions([]string{f.permission}, "Microsoft Graph shows no more than the ids of %d %s", n, f.table.name)
}

// tellDirectory writes a line of the ledger; an empty state is that all was read.
func (s *scan) tellDirectory(t *table, listed int64, state backend.CoverageState, reason *fault.Fault) {
	s.ledger.add(t, true)
	s.ledger.update(place{tenantScope, t}, func(e *entry) { e.listed, e.state, e.fault = listed, state, reason })
}

// unasked is why nothing at all may be read, where nobody has asked for identities: then it is no gap that there are none. nil is that
// something could be read, or failed otherwise.
func (d *directory) unasked() *fault.Fault {
	if d.request.Identities != "" || len(d.faults) == 0 {
		return nil
	}
	for of := range d.counts {
		if of.state == graph.IdentityPresent {
			return nil
		}
	}
	var reason *fault.Fault
	for _, t := range directoryTables {
		f := d.faults[t]
		if f != nil && !isRefused(f) {
			return nil
		}
		if reason == nil {
			reason = f
		}
	}
	if reason.Code == fault.AzureForbidden {
		return azure.MissingPermissions([]string{azure.PermissionDirectory}, "Microsoft Graph shows none")
	}
	return reason
}

// addRefused keeps objects that are named and may not be read.
func (d *directory) addRefused() error {
	identities := make([]graph.Identity, 0, len(d.refused))
	for _, r := range d.refused {
		identities = append(identities, graph.Identity{ObjectID: r.id.String(), Kind: kindOf(r.of), State: graph.IdentityUnreadable})
	}
	return d.writer.AddIdentities(identities)
}

// kindOf is the kind of a family's objects; of nil it is not known.
func kindOf(f *family) graph.IdentityKind {
	if f == nil {
		return graph.KindOtherIdentity
	}
	return f.kind
}
