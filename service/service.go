// Package service is the job service: a REST API over a queue whose workers run backends. It wires the
// rooms below: httpapi and auth before jobs, store behind it, worker beside it.
package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/store"
	"github.com/azure-tenant-grapher/atg/service/worker"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// drain is how long calls that are under way may take when the service ends.
const drain = 20 * time.Second

// cleaning is how often what is too old is removed.
const cleaning = 10 * time.Minute

// Options are what a process gives the service.
type Options struct {
	Environ []string // as os.Environ
	Logger  *slog.Logger
	// Ready is called once everything runs.
	Ready func(Ready) error
}

// Ready says how the running service is reached.
type Ready struct {
	Role    Role
	URL     string        // of the API; empty for a worker
	CAFile  string        // with Dev: the authority to trust
	Key     secret.String // with Dev: a key that may do everything
	Backend string
	Name    string // of the worker
}

// service is a running process of the service.
type service struct {
	c       Config
	o       Options
	log     *slog.Logger
	store   *store.Store
	program *program // nil in a process without a backend
	jobs    *jobs.Service
	can     backend.Capabilities
	tracing *tracing
}

// Run runs the service until ctx ends, and then ends in good order: no new work, what is under way finishes or goes
// back to the queue.
func Run(ctx context.Context, c Config, o Options) (err error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fault.New(fault.ConfigInvalid, "the data folder cannot be made", fault.Because(err), fault.On(c.DataDir), fault.From(fault.OriginService))
	}
	s := &service{c: c, o: o, log: o.Logger}
	if s.tracing, err = newTracing(ctx, c.Traces, o.Logger); err != nil {
		return err
	}
	defer s.tracing.stop(ctx)
	if err := s.findBackend(ctx); err != nil {
		return err
	}
	if s.store, err = openStore(ctx, c, o.Logger); err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err = errors.Join(err, s.store.Close(closing))
	}()
	s.jobs = jobs.New(jobs.Options{
		Records: s.store, Queue: s.store, Events: s.store, Files: s.store, Snapshots: s.store,
		Tenants: slices.Sorted(maps.Keys(c.Tenants)), Operations: s.can.Operations, Formats: s.can.Formats, JobTimeout: span(c.Limits.JobTimeout), Logger: o.Logger,
		Waiting: c.Limits.JobsWaiting, WaitingPerKey: c.Limits.JobsWaitingPerKey,
	})
	return s.run(ctx)
}

// openStore opens the store: of the cluster, of an embedded server, or, for a worker, of the server that is embedded in
// another process on the same data folder.
func openStore(ctx context.Context, c Config, logger *slog.Logger) (*store.Store, error) {
	config := StoreConfig(c, logger)
	for _, server := range c.NATS.inTheClear() {
		logger.WarnContext(ctx, "what goes to NATS may be read and changed on its way: use tls:// addresses, or nats.ca", "server", server)
	}
	if c.Role == RoleWorker && c.NATS.URL == "" {
		return store.Connect(ctx, config)
	}
	return store.Open(ctx, config)
}

// StoreConfig is where the service of a configuration keeps things.
func StoreConfig(c Config, logger *slog.Logger) store.Config {
	return store.Config{
		DataDir: c.DataDir, URL: c.NATS.URL, Creds: c.NATS.Creds, CA: c.NATS.CA, Replicas: c.NATS.Replicas,
		PerOwner: c.Limits.JobsPerKey, AckWait: span(c.Worker.Lease), MaxStore: c.Limits.StoreBytes, Logger: logger,
		Retention: store.Retention{Age: span(c.Retention.Jobs), SnapshotAge: span(c.Retention.Snapshots), Size: c.Retention.Bytes},
	}
}

// findBackend finds the backend's program and asks what it can do. An API alone does without, as it may have neither the
// program nor the tenants' credentials: its workers refuse what they cannot do.
func (s *service) findBackend(ctx context.Context) (err error) {
	if s.can, err = s.askBackend(ctx); err != nil && s.c.Role == RoleAPI {
		s.log.WarnContext(ctx, "what the workers' backend can do is not known here", "error", err)
		s.can, err = backend.Capabilities{Operations: backend.Operations()}, nil
	}
	return err
}

func (s *service) askBackend(ctx context.Context) (can backend.Capabilities, err error) {
	if s.program, err = findProgram(s.c.Backend, s.o.Environ, s.log); err != nil {
		return can, err
	}
	settings, err := s.anySettings(ctx)
	if err != nil {
		return can, err
	}
	return s.program.probe(ctx, settings, filepath.Join(s.c.DataDir, "work", fmt.Sprint(os.Getpid())))
}

// anySettings are the backend's settings for the first tenant whose credential can be had. The jobs of the others
// will say what is wrong with theirs.
func (s *service) anySettings(ctx context.Context) (settings backend.Settings, err error) {
	if len(s.c.Tenants) == 0 {
		return s.c.settingsFor("")
	}
	for _, id := range slices.Sorted(maps.Keys(s.c.Tenants)) {
		of, wrong := s.c.settingsFor(id)
		switch {
		case wrong != nil:
			s.log.WarnContext(ctx, "jobs for a tenant will fail", "tenant_id", id, "error", wrong)
			err = wrong
		case settings == nil:
			settings = of
		}
	}
	if settings != nil {
		err = nil
	}
	return settings, err
}

// run runs what the role wants.
func (s *service) run(ctx context.Context) error {
	ready := Ready{Role: s.c.Role, Backend: s.c.Backend.Name}
	group, running := errgroup.WithContext(ctx)
	if s.c.Role != RoleWorker {
		stop, err := s.serve(ctx, group, &ready)
		if err != nil {
			return err
		}
		group.Go(func() error { <-running.Done(); return stop(context.WithoutCancel(ctx)) })
		group.Go(func() error { s.store.Janitor(running, cleaning); return nil })
	}
	if s.c.Role != RoleAPI {
		w := s.worker(&ready)
		group.Go(func() error { return w.Run(running) })
	}
	if s.o.Ready != nil {
		group.Go(func() error { return s.o.Ready(ready) })
	}
	return group.Wait()
}

// worker makes the worker.
func (s *service) worker(ready *Ready) *worker.Worker {
	name := s.c.Worker.Name
	if name == "" {
		host, _ := os.Hostname() // a name for people; the id makes it unique
		name = fmt.Sprintf("%s/%d", host, os.Getpid())
	}
	ready.Name = name
	return worker.New(worker.Options{
		Name: name, Records: s.store, Queue: s.store, Events: s.store, Files: s.store, Snapshots: s.store, Budget: s.store,
		Start: s.program.start, Settings: s.c.settingsFor, Dir: workDir(s.c.DataDir, s.log),
		Concurrency: s.c.Worker.Concurrency, Shards: s.c.Worker.Shards, Attempts: s.c.Worker.Attempts, RetryDelay: span(s.c.Worker.RetryDelay),
		Grace: span(s.c.Worker.Grace), Lease: span(s.c.Worker.Lease), Logger: s.log, Tracer: s.tracing.tracer(),
	})
}

// serve starts the API, and answers what ends it in good order.
func (s *service) serve(ctx context.Context, group *errgroup.Group, ready *Ready) (stop func(context.Context) error, err error) {
	var certificate tls.Certificate
	if s.c.TLS.Cert != "" {
		certificate, err = loadCertificate(s.c.TLS)
	} else {
		certificate, ready.CAFile, err = devCertificate(filepath.Join(s.c.DataDir, "dev"), time.Now())
	}
	if err != nil {
		return nil, err
	}
	if s.c.Dev {
		if ready.Key, err = devKey(ctx, s.store, filepath.Join(s.c.DataDir, "dev", "key")); err != nil {
			return nil, err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.c.Listen)
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "the API cannot listen there", fault.Because(err), fault.On(s.c.Listen), fault.From(fault.OriginService),
			fault.Hint("another program may have the port: choose one with --listen"))
	}
	most := s.mostConnections(ctx)
	ready.URL = address(listener.Addr(), s.c.Listen)
	handler := httpapi.New(httpapi.Options{
		Service: s.jobs, Guard: auth.New(auth.Options{Keys: s.store, Rate: s.c.Limits.Rate, Burst: s.c.Limits.Burst, Concurrent: s.c.Limits.Concurrent, Audit: s.log}),
		Capabilities: s.capabilities(), Health: s.health, Logger: s.log,
		OpenMetrics: s.c.API.PublicMetrics, JobCounts: s.store.JobCounts, QueueDepth: func() (int64, error) { return s.store.Depth(ctx) },
		Admission: s.c.Limits.admission(), CORSOrigins: s.c.API.CORSOrigins, Tracing: s.tracing.provider(),
	})
	server := httpapi.Server(handler, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, s.log)
	group.Go(func() error {
		if err := server.ServeTLS(handler.Limit(server, listener, most), "", ""); !errors.Is(err, http.ErrServerClosed) {
			return fault.New(fault.Internal, "the API ended", fault.Because(err), fault.From(fault.OriginService))
		}
		return nil
	})
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, drain)
		defer cancel()
		s.log.InfoContext(ctx, "no new calls are taken; those under way finish", "patience", drain)
		err := handler.Drain(ctx)
		if err = errors.Join(err, server.Shutdown(ctx)); err != nil {
			s.log.WarnContext(ctx, "calls were cut off", "error", err)
			return server.Close()
		}
		return nil
	}, nil
}

// capabilities are those that the API tells. What the service adds to the backend's features and what it keeps for itself
// stands here.
func (s *service) capabilities() api.Capabilities {
	can := s.can
	can.Features = []backend.Feature{
		backend.FeatureDurableJobs, backend.FeatureListJobs, backend.FeatureBatch,
		backend.FeatureInputs, backend.FeatureArtifacts, backend.FeatureSnapshots,
	}
	return api.Capabilities{
		Capabilities: can, Version: buildinfo.Version(), Backend: s.c.Backend.Name,
		Limits: api.Limits{RequestBytes: s.c.Limits.RequestBytes, InputBytes: s.c.Limits.InputBytes, Batch: backend.MaxBatch},
	}
}

// health is the state of what the service stands on.
func (s *service) health(ctx context.Context) api.Health {
	kept := s.store.Health(ctx)
	h := api.Health{Version: buildinfo.Version(), Health: backend.Health{Healthy: kept.Healthy, Dependencies: []backend.Dependency{kept}}}
	if !kept.Healthy {
		h.Message = kept.Message
	}
	return h
}

// address is the URL by which clients on this machine, or those that the configuration has in mind, reach the API.
func address(bound net.Addr, listen string) string {
	host, _, _ := net.SplitHostPort(listen)
	_, port, _ := net.SplitHostPort(bound.String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "https://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
}
