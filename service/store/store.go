// Package store keeps what the job service knows, in NATS JetStream: the queue, records, events, files,
// snapshots and keys of service/jobs. It is the only user of NATS, whose server it embeds unless it is told
// to use a cluster.
//
// A job is one durable message of the queue, which carries the whole record, until a worker or a cancelling
// first changes it; from then on the record stands in a key-value bucket, and the message only says that
// somebody has to work on it. What lists and states need is kept in memory, fed by both.
package store

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/internal/diskspace"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// DefaultAge is how long ended jobs are kept unless Retention says otherwise.
const DefaultAge = 30 * 24 * time.Hour

// Config says where and how things are kept.
type Config struct {
	// DataDir is the folder of the embedded server; it is made if need be. It is required without URL.
	DataDir string
	// URL is that of an external server or cluster: nats://… or tls://…, several separated by commas. Empty embeds a
	// server, which listens on loopback alone.
	URL   string
	Creds string        // file with the credentials for URL
	CA    string        // PEM file of the certificate authority of URL
	Token secret.String // for URL

	// Replicas is how many servers of a cluster keep everything. 0 is 3, which survives the loss of one and of
	// what it had not yet written. 1 is as safe as that one server's disk, if it is told to sync always. The embedded
	// server is always one.
	Replicas int
	// PerOwner is how many jobs of one owner are with workers at a time; 0 is any number.
	PerOwner int
	// AckWait is how long a worker may show no life before its job goes to another one; 0 is jobs.AckWait.
	AckWait time.Duration
	// MaxStore is how many bytes the embedded server keeps at most; 0 is three quarters of what the disk has.
	MaxStore  int64
	Retention Retention
	Logger    *slog.Logger // nil is slog.Default
}

// Retention says how long things are kept after their job has ended.
type Retention struct {
	Age         time.Duration // of ended jobs with their events and files; 0 is DefaultAge
	SnapshotAge time.Duration // 0 is for ever
	Size        int64         // of all files in bytes: the oldest ended jobs' go first; 0 is no limit
}

// Store is jobs.Records, jobs.Queue, jobs.Budget, jobs.Events, jobs.Files, jobs.Snapshots and jobs.Keys.
type Store struct {
	config   Config
	log      *slog.Logger
	replicas int

	server *embedded // nil if the server is somebody else's
	access string    // the file that says how to reach the embedded server of another process; empty if there is none
	disk   *disk     // likewise
	link             // for everything but files
	bulk   link      // for files, so that they delay nothing else

	// shared says that other processes answer callers, too, so that memory alone may be behind what they were told.
	shared                 bool
	recordsTail, queueTail *tail

	index     *index
	records   jetstream.KeyValue
	owners    *owners
	budget    *budget
	commits   *committer
	outbox    *outbox // of a cluster
	fan       *fanout
	grace     time.Duration // for a terminal event to come
	snapshots *bucket[backend.Snapshot]
	keys      *bucket[jobs.Key]
	objects   jetstream.ObjectStore
	manifests jetstream.KeyValue
	fetching  chan struct{} // has room for as many fetches as may be under way

	stop    context.CancelFunc // ends what runs in the background
	stopped <-chan struct{}    // when it has to end
	running sync.WaitGroup
	closing sync.Once
}

var (
	_ jobs.Records   = (*Store)(nil)
	_ jobs.Queue     = (*Store)(nil)
	_ jobs.Events    = (*Store)(nil)
	_ jobs.Files     = (*Store)(nil)
	_ jobs.Snapshots = (*Store)(nil)
	_ jobs.Keys      = (*Store)(nil)
)

// Open opens the store and makes what is missing in it. It returns when every list is in memory. ctx bounds the
// opening alone. A data folder that another server uses is fault.Conflict; a server that cannot keep what it is
// given is fault.ConfigInvalid; one that cannot be reached, fault.ServiceUnavailable.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.URL != "" {
		return open(ctx, c, nil, "")
	}
	server, err := embed(ctx, c)
	if err != nil {
		return nil, err
	}
	c.URL, c.Token, c.Replicas = server.access.URL, secret.New(server.access.Token), 1
	s, err := open(ctx, c, server, "")
	if err != nil {
		server.shutdown()
		return nil, err
	}
	return s, nil
}

// Connect opens the store of the embedded server that runs on c.DataDir, on this machine; the rest of c is as for
// Open. It finds the server again when that was restarted. Nobody running there is fault.ServiceUnavailable.
func Connect(ctx context.Context, c Config) (*Store, error) {
	path := filepath.Join(c.DataDir, accessFile)
	access, err := readAccess(path)
	if err != nil {
		return nil, err
	}
	c.URL, c.Replicas = access.URL, 1
	s, err := open(ctx, c, nil, path)
	if errors.Is(err, nats.ErrNoServers) { // what is left of one that was killed
		return nil, notRunning(c.DataDir, err)
	}
	return s, err
}

func open(ctx context.Context, c Config, server *embedded, access string) (_ *Store, err error) {
	if c.AckWait == 0 {
		c.AckWait = jobs.AckWait
	}
	if c.Retention.Age == 0 {
		c.Retention.Age = DefaultAge
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := &Store{config: c, log: c.Logger, replicas: c.Replicas, server: server, access: access, shared: server == nil && access == ""}
	if s.replicas == 0 {
		s.replicas = 3
	}
	if server == nil && access == "" && s.replicas == 1 {
		s.log.WarnContext(ctx, "NATS keeps one replica: what it acknowledged survives a power cut only if it runs with sync_interval: always")
	}
	if server != nil {
		s.disk = &disk{measure: diskspace.Free, dir: c.DataDir}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.stopped = stop, background.Done()
	defer func() {
		if err != nil {
			s.disconnect()
		}
	}()
	if err := s.connect(); err != nil {
		return nil, err
	}
	if err := s.lay(ctx); err != nil {
		return nil, err
	}
	s.index, s.fetching = newIndex(), make(chan struct{}, fetches)
	s.owners = newOwners(s.stopped)
	s.fan, s.grace = newFanout(), defaultGrace
	s.commits = newCommitter(s.link)
	s.outbox = &outbox{link: s.link, waiting: map[string][]backend.Event{}, lost: func(id string, e backend.Event, err error) {
		s.log.Warn("an event was not stored", "job_id", id, "kind", e.Kind, "error", err)
	}}
	s.running.Go(func() { s.commits.run(background) })
	for _, start := range []func(ctx, background context.Context) error{
		s.startIndex, s.startQueue, s.startBudget, s.startFanout, s.startSnapshots, s.startKeys, s.startFiles,
	} {
		if err := start(ctx, background); err != nil {
			return nil, s.fault(ctx, err, "the store could not be read")
		}
	}
	s.keepFresh(background)
	s.leaveStranded(background)
	s.rescue(background)
	return s, nil
}

// Close ends what runs in the background and, if it was embedded, the server. Calls that are under way fail.
// It may come more than once.
func (s *Store) Close(ctx context.Context) error {
	var err error
	s.closing.Do(func() {
		select {
		case <-s.js.PublishAsyncComplete():
			err = s.outbox.flush(ctx)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			err = fault.New(fault.Timeout, "the store was closed before every event was written", fault.Because(err))
		}
		s.disconnect()
		if s.server != nil {
			s.server.shutdown()
		}
	})
	return err
}

func (s *Store) disconnect() {
	s.stop()
	for _, nc := range []*nats.Conn{s.nc, s.bulk.nc} {
		if nc != nil {
			nc.Close()
		}
	}
	s.running.Wait()
}

// Health says whether the store answers, and how quickly.
func (s *Store) Health(ctx context.Context) backend.Dependency {
	d := backend.Dependency{Name: "nats", Healthy: true}
	ctx, cancel := context.WithTimeout(ctx, offline)
	defer cancel()
	began := time.Now()
	_, err := s.js.Stream(ctx, queueStream)
	d.LatencySeconds = time.Since(began).Seconds()
	if err != nil {
		d.Healthy, d.Fault = false, fault.Of(s.fault(ctx, err, "the store does not answer"))
		d.Message = d.Fault.Message
		return d
	}
	d.Message = "JetStream at " + s.nc.ConnectedUrlRedacted()
	return d
}

// errStopped says that the store was closed.
var errStopped = errors.New("the store is closed")
