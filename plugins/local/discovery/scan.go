// Package discovery scans a tenant: it finds what is in scope, reads Resource Graph's tables page by
// page into a snapshot, and keeps a ledger of what it could read and what not.
package discovery

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Scanner scans tenants. It is for concurrent use.
type Scanner struct {
	Azure       *azure.Client
	Store       *graph.Store
	Parallelism int    // queries at once; 0 is 8
	Producer    string // the program and version that scans
}

// Check refuses a request that this scanner cannot do, before any connection.
func Check(r *backend.ScanRequest) error {
	if r.TenantID != "" {
		if err := azure.CheckTenant(r.TenantID); err != nil {
			return err
		}
	}
	if r.ResourceLimit < 0 {
		return fault.Newf(fault.InvalidArgument, "the limit of resources is %d, below zero", r.ResourceLimit)
	}
	switch r.Depth {
	case "", backend.DepthResources, backend.DepthChildren, backend.DepthExtensions:
	default:
		return fault.Newf(fault.InvalidArgument, "%q is no depth", r.Depth)
	}
	switch r.Identities {
	case "", backend.IdentitiesAll, backend.IdentitiesReferenced, backend.IdentitiesNone:
	default:
		return fault.Newf(fault.InvalidArgument, "%q is no choice of identities", r.Identities)
	}
	switch r.Discovery {
	case "", backend.DiscoveryAuto, backend.DiscoveryGraph, backend.DiscoveryARM:
	default:
		return fault.Newf(fault.InvalidArgument, "%q is no way of discovery", r.Discovery)
	}
	return check(r.Filter)
}

// scan is one scan at work.
type scan struct {
	*Scanner
	request  *backend.ScanRequest
	filter   *filter.Filter // that of the request, for any subscription
	report   Reporter
	progress *progress
	scope    *scope
	ledger   *ledger
	dir      string // of the parts
	digest   string // of the request
	resumed  resumed
	plan     *plan            // being made, or the one whose parts are shared out; nil is a scan in one piece
	shard    map[string]bool  // the keys of the plan that are this process's; nil is not a shard
	cuts     map[string]int64 // into how many parts the lists of subscriptions are cut that are read already
	told     sync.Map         // the keys of the parts that were announced
	sink     *sink
	arm      *lanes
	trouble  atomic.Pointer[trouble]
	absent   atomic.Pointer[fault.Fault] // why there is no Resource Graph; nil if there is

	left         atomic.Int64 // of the limit of resources, where Resource Manager lists them
	unextendable sync.Map     // extended: the pairs of types that Azure refuses
}

func (s *Scanner) parallelism() int { return cmp.Or(s.Parallelism, 8) }

// workers is how many subscriptions Resource Manager is asked about at once. Most of the time each waits for what Azure lets it ask.
func (s *Scanner) workers() int { return 4 * s.parallelism() }

// Scan makes a snapshot of what the request asks for, and goes on from the parts of an earlier attempt, if
// there are any. Its own parts are files in dir. A scan that could not read everything
// succeeds, and its result says what is missing; one that could read nothing fails with the reason.
func (s *Scanner) Scan(ctx context.Context, request *backend.ScanRequest, dir string, parts []backend.Part, to Reporter) (*backend.ScanResult, error) {
	began := time.Now()
	w, ctx, err := s.begin(ctx, request, to)
	if err != nil {
		return nil, err
	}
	w.dir = dir
	writer, err := s.Store.NewWriter(ctx, graph.Meta{
		TenantID: w.scope.tenant.ID, TenantName: w.scope.tenant.Name, JobID: to.ID(), CreatedAt: began, Request: *request, Producer: s.Producer,
	})
	if err != nil {
		return nil, err
	}
	defer writer.Abort()
	if err := writer.AddSubscriptions(w.rows()); err != nil {
		return nil, err
	}
	if err := w.fill(ctx, writer, parts, w.readTenant); err != nil {
		return nil, err
	}
	if reason := w.ledger.nothing(w.ledger.coverage()); reason != nil {
		return nil, reason
	}
	if err := w.identify(ctx, writer); err != nil {
		return nil, err
	}
	coverage := w.ledger.coverage()
	if err := w.relate(ctx, writer); err != nil {
		return nil, err
	}
	w.progress.begin(phaseSave, "", 0)
	snapshot, err := writer.Finish(ctx, coverage)
	if err != nil {
		return nil, err
	}
	return &backend.ScanResult{
		Success: true, Complete: coverage.Complete, Subscriptions: snapshot.Subscriptions, Resources: snapshot.Resources,
		Relationships: snapshot.Relationships, Identities: snapshot.Identities, DurationSeconds: time.Since(began).Seconds(),
		Snapshot: &snapshot, Coverage: coverage,
	}, nil
}

// relate derives the graph of what was read.
func (s *scan) relate(ctx context.Context, writer *graph.Writer) error {
	defer heap.Use{Percent: 25}.Begin()() // what it holds, it holds to its end
	began, told := time.Now(), int64(0)
	s.progress.begin(phaseRelate, "resources", 0)
	err := writer.Relate(ctx, func(done, total int64) {
		if told == 0 {
			s.progress.grow(phaseRelate, "resources", total)
		}
		s.progress.add(phaseRelate, done-told)
		told = done
	})
	slog.Debug("derived the graph", "resources", told, "seconds", time.Since(began).Seconds())
	return err
}

// begin finds out what a scan is about.
func (s *Scanner) begin(ctx context.Context, request *backend.ScanRequest, to Reporter) (*scan, context.Context, error) {
	asked, _ := filter.Of(request.Filter, nil) // of what is in subscriptions that were chosen
	w := &scan{Scanner: s, request: request, filter: asked, report: to, progress: newProgress(to)}
	ctx = azure.WithTrace(ctx, &azure.Trace{CorrelationID: newGUID(), Waiting: w.progress.waiting, SignIn: w.progress.signIn})
	w.progress.begin(phaseScope, "subscriptions", 0)
	var err error
	if w.scope, err = resolve(ctx, s.Azure, request); err != nil {
		return nil, nil, err
	}
	w.progress.add(phaseScope, int64(len(w.scope.subscriptions)))
	to.Tenant(w.scope.tenant.ID)
	w.introduce()
	w.digest = digestOf(request, w.scope.tenant.ID)
	w.ledger = newLedger(w.scope, request.Filter)
	return w, ctx, nil
}

// fill reads into the snapshot; nil is none, and the parts are all that comes of it.
func (s *scan) fill(ctx context.Context, writer *graph.Writer, parts []backend.Part, read func(context.Context) error) error {
	// Most of the memory is pages, which are used again and again: to keep as much free beside them gains little.
	defer heap.Use{Percent: 50}.Begin()()
	ctx, s.sink = newSink(ctx, writer, s.parallelism()+2, calls*s.workers())
	err := s.readBeside(ctx, parts, read)
	if failed := s.sink.close(); failed != nil {
		return failed
	}
	s.sink = nil
	debug.FreeOSMemory() // of the pages: to finish the snapshot takes as much again
	return err
}

// readBeside replays what is finished and reads the rest: of Resource Graph, and beside it of Resource
// Manager, whose limits are others.
func (s *scan) readBeside(ctx context.Context, parts []backend.Part, read func(context.Context) error) error {
	s.openARM()
	if err := s.resume(ctx, parts); err != nil {
		return err
	}
	s.cuts = s.cutsBefore()
	ctx, s.arm = newLanes(ctx, s.workers())
	s.followFinished()
	err := read(ctx)
	s.arm.close(err)
	if failed := s.arm.wait(); err == nil {
		err = failed
	}
	return err
}

// followFinished has what depends on finished parts read.
func (s *scan) followFinished() {
	for _, done := range s.resumed.parts {
		s.follow(unitOf(done.header), done.part)
	}
}

// readTenant reads by the way of discovery that the request asks for, or that this cloud has.
func (s *scan) readTenant(ctx context.Context) error {
	counted, err := s.find(ctx)
	switch {
	case err != nil:
		return err
	case !counted:
		return s.listAll(ctx)
	}
	s.queueLocks()
	return s.readAll(ctx)
}

// find has Resource Graph count what there is; false is that it is not asked, or that this cloud has none.
func (s *scan) find(ctx context.Context) (counted bool, err error) {
	if s.request.Discovery == backend.DiscoveryARM {
		return false, nil
	}
	if err := s.survey(ctx); err != nil {
		return false, err
	}
	reason := s.absent.Load()
	if reason == nil {
		return true, nil
	}
	if s.request.Discovery == backend.DiscoveryGraph {
		return false, fault.New(fault.Unsupported, "this cloud has no Resource Graph", fault.Because(reason), fault.From(fault.OriginAzure),
			fault.Hint("scan with --discovery arm, or auto"))
	}
	s.report.Log(backend.LevelWarn, "this cloud has no Resource Graph; what there is is listed with Resource Manager, which takes longer")
	return false, nil
}

// introduce says what the scan is about, and what is strange about it.
func (s *scan) introduce() {
	to := s.report
	name := s.scope.tenant.ID
	if s.scope.tenant.Name != "" {
		name = fmt.Sprintf("%s (%s)", s.scope.tenant.Name, s.scope.tenant.ID)
	}
	switch n := len(s.scope.subscriptions); n {
	case 0:
		to.Log(backend.LevelWarn, "the credential sees no subscription in the tenant %s; if there should be some, ask an owner for the role Reader", name)
	default:
		to.Log(backend.LevelInfo, "scanning %d subscriptions of the tenant %s", n, name)
	}
	if n := s.scope.delegated; n > 0 {
		to.Log(backend.LevelInfo, "%d subscriptions that other tenants delegate to this one are left out; scan those tenants, or name the subscriptions", n)
	}
}

// rows are the subscriptions in scope as the snapshot keeps them.
func (s *scan) rows() []graph.Subscription {
	rows := make([]graph.Subscription, len(s.scope.subscriptions))
	for i, sub := range s.scope.subscriptions {
		rows[i] = graph.Subscription{ID: sub.ID, Name: sub.Name, State: sub.State, TenantID: sub.TenantID, Raw: sub.Raw}
	}
	return rows
}

// newGUID makes a random GUID, the form that Azure wants of a correlation id.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
