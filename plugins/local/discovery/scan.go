// Package discovery scans a tenant: it finds what is in scope, reads Resource Graph's tables page by
// page into a snapshot, and keeps a ledger of what it could read and what not.
package discovery

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
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
	unsupported := func(what, instead string) error {
		return fault.New(fault.Unsupported, "this backend cannot scan with "+what, fault.Hint("%s", instead))
	}
	switch r.Depth {
	case "", backend.DepthResources:
	case backend.DepthChildren, backend.DepthExtensions:
		return unsupported("depth "+string(r.Depth), "the depth that it can is resources")
	default:
		return fault.Newf(fault.InvalidArgument, "%q is no depth", r.Depth)
	}
	switch r.Identities {
	case "", backend.IdentitiesNone:
	case backend.IdentitiesAll, backend.IdentitiesReferenced:
		return unsupported("identities "+string(r.Identities), "the choice of identities that it can is none")
	default:
		return fault.Newf(fault.InvalidArgument, "%q is no choice of identities", r.Identities)
	}
	switch r.Discovery {
	case "", backend.DiscoveryAuto, backend.DiscoveryGraph:
	case backend.DiscoveryARM:
		return unsupported("discovery "+string(r.Discovery), "the ways of discovery that it can are auto and graph")
	default:
		return fault.Newf(fault.InvalidArgument, "%q is no way of discovery", r.Discovery)
	}
	if r.DryRun {
		return unsupported("dry_run", "scan without it: a scan only reads, and --limit bounds how much")
	}
	return check(r.Filter)
}

// scan is one scan at work.
type scan struct {
	*Scanner
	request  *backend.ScanRequest
	progress *progress
	scope    *scope
	ledger   *ledger
	writer   *graph.Writer
}

// Scan makes a snapshot of what the request asks for. A scan that could not read everything
// succeeds, and its result says what is missing; one that could read nothing fails with the reason.
func (s *Scanner) Scan(ctx context.Context, request *backend.ScanRequest, to Reporter) (*backend.ScanResult, error) {
	began := time.Now()
	w := &scan{Scanner: s, request: request, progress: newProgress(to)}
	ctx = azure.WithTrace(ctx, &azure.Trace{CorrelationID: newGUID(), Waiting: w.progress.waiting, SignIn: w.progress.signIn})

	w.progress.begin(phaseScope, "subscriptions", 0)
	var err error
	if w.scope, err = resolve(ctx, s.Azure, request); err != nil {
		return nil, err
	}
	w.progress.add(phaseScope, int64(len(w.scope.subscriptions)))
	w.announce(to)

	w.writer, err = s.Store.NewWriter(ctx, graph.Meta{
		TenantID: w.scope.tenant.ID, TenantName: w.scope.tenant.Name, JobID: to.ID(), CreatedAt: began, Request: *request, Producer: s.Producer,
	})
	if err != nil {
		return nil, err
	}
	defer w.writer.Abort()
	if err := w.writer.AddSubscriptions(w.rows()); err != nil {
		return nil, err
	}
	w.ledger = newLedger(w.scope, request.Filter)
	if err := w.countAll(ctx); err != nil {
		return nil, err
	}
	if err := w.readAll(ctx); err != nil {
		return nil, err
	}
	coverage := w.ledger.coverage()
	if reason := nothing(coverage); reason != nil {
		return nil, reason
	}
	w.progress.begin(phaseSave, "", 0)
	snapshot, err := w.writer.Finish(ctx, coverage)
	if err != nil {
		return nil, err
	}
	return &backend.ScanResult{
		Success: true, Complete: coverage.Complete, Subscriptions: snapshot.Subscriptions, Resources: snapshot.Resources,
		Relationships: snapshot.Relationships, Identities: snapshot.Identities, DurationSeconds: time.Since(began).Seconds(),
		Snapshot: &snapshot, Coverage: coverage,
	}, nil
}

// announce says what the scan is about, and what is strange about it.
func (s *scan) announce(to Reporter) {
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
