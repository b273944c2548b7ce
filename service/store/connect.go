package store

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// connect makes the connections, which mend themselves for as long as the store is open.
func (s *Store) connect() error {
	for name, l := range map[string]*link{"atg-server": &s.link, "atg-server files": &s.bulk} {
		var err error
		if l.nc, err = nats.Connect(s.config.URL, s.options(name)...); err != nil {
			return s.unreachable(err)
		}
		if l.js, err = jetstream.New(l.nc, jetstream.WithDefaultTimeout(patience), jetstream.WithPublishAsyncErrHandler(s.lost),
			jetstream.WithPublishAsyncTimeout(patience), jetstream.WithPublishAsyncMaxPending(8192)); err != nil {
			return s.unreachable(err)
		}
		if l.try, l.alone = patience, aloneOne; s.replicas > 1 {
			l.try, l.alone = tryCluster, aloneMany
		}
	}
	return nil
}

func (s *Store) options(name string) []nats.Option {
	options := []nats.Option{
		nats.Name(name), nats.CustomInboxPrefix(inboxPrefix), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.Timeout(5 * time.Second),
		nats.SyncQueueLen(2 * pageMessages), // of a subscription that is read step by step, as a watcher's: a queue is made whole at once
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			s.log.Warn("NATS reports an error", "subject", subject, "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.log.Warn("the connection to NATS is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { s.log.Info("connected to NATS again", "url", nc.ConnectedUrlRedacted()) }),
	}
	if s.config.Creds != "" {
		options = append(options, nats.UserCredentials(s.config.Creds))
	}
	if s.config.CA != "" {
		options = append(options, nats.RootCAs(s.config.CA))
	}
	switch {
	case s.access != "":
		options = append(options, nats.SetCustomDialer(neighbourDialer(s.access)), nats.IgnoreAuthErrorAbort(), nats.TokenHandler(func() string {
			a, _ := readAccess(s.access) // without it the server refuses, and is asked again
			return a.Token
		}))
	case !s.config.Token.IsZero():
		options = append(options, nats.Token(s.config.Token.Reveal()))
	}
	return options
}

// neighbourDialer dials the embedded server of another process, which has another port each time it starts. It is the
// path of the file that says which.
type neighbourDialer string

func (path neighbourDialer) Dial(network, _ string) (net.Conn, error) {
	a, err := readAccess(string(path))
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		return nil, err
	}
	return net.DialTimeout(network, u.Host, offline)
}

// lost hears of events that were not stored.
func (s *Store) lost(_ jetstream.JetStream, m *nats.Msg, err error) {
	s.log.Warn("an event was not stored", "subject", m.Subject, "error", err)
}

func (s *Store) unreachable(err error) error {
	code, hint := fault.ServiceUnavailable, "start NATS, and check its address and the network between"
	var file *fs.PathError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &file):
		code, hint = fault.ConfigInvalid, "name a file that is there and may be read"
	case errors.As(err, &unknown):
		code, hint = fault.ConfigInvalid, "name the file of the certificate authority of NATS"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		code, hint = fault.ConfigInvalid, "check the credentials for NATS"
	}
	f := fault.New(code, "NATS cannot be reached", fault.Because(err), fault.From(fault.OriginService), fault.Hint("%s", hint))
	f.Retryable = code == fault.ServiceUnavailable
	return f
}

// laying is how long one try to lay the streams of a cluster out may take: a leader that dies meanwhile never answers, and
// what is there already takes no time.
const laying = 10 * time.Second

// lay makes the streams and buckets that are missing, and brings those that are there to what they have to be. Where NATS has
// no leader at this moment, it waits for one; a server that is cut off from the others it leaves for another one.
func (s *Store) lay(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*patience, nats.ErrTimeout)
	defer cancel()
	for began := time.Now(); ; {
		try, stop := ctx, context.CancelFunc(func() {})
		if s.replicas > 1 {
			try, stop = context.WithTimeoutCause(ctx, laying, nats.ErrTimeout)
		}
		err := s.layAll(try)
		stop()
		young := isCode(err, codeNoPeers) && time.Since(began) < laying // servers that have just started do not know each other yet
		if !errors.Is(err, nats.ErrTimeout) && fault.CodeOf(err) != fault.ServiceUnavailable && !young {
			return err
		}
		if s.replicas == 1 || pause(ctx, tryAgainIn) != nil {
			return s.unreachable(err)
		}
		s.log.WarnContext(ctx, "NATS is not ready to keep anything yet", "error", err)
		if time.Since(began) < laying { // a leader may yet be elected
			continue
		}
		for _, l := range []link{s.link, s.bulk} {
			if l.nc.IsConnected() && !l.answered(ctx) {
				s.leave(l)
			}
		}
	}
}

func (s *Store) layAll(ctx context.Context) error {
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return s.laid(ctx, err, "JetStream")
	}
	kept := s.config.Retention.Age + 24*time.Hour // events and dead letters go with their job; this is for those that do not
	for _, c := range []jetstream.StreamConfig{{
		Name: queueStream, Description: "jobs to do, each with its whole record", Subjects: []string{queuePrefix + ">"},
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, Duplicates: 24 * time.Hour, AllowAtomicPublish: true,
		RePublish: &jetstream.RePublish{Source: queuePrefix + ">", Destination: queuedPrefix + ">"},
	}, {
		Name: eventsStream, Description: "what happens to jobs", Subjects: []string{eventsPrefix + ">"},
		MaxAge: kept, PersistMode: jetstream.AsyncPersistMode,
	}, {
		Name: deadStream, Description: "jobs that no worker could do", Subjects: []string{deadPrefix + ">"}, MaxAge: kept,
	}} {
		replicas, err := s.durable(ctx, c.Name)
		if err != nil {
			return err
		}
		c.Storage, c.Replicas, c.AllowDirect = jetstream.FileStorage, replicas, true
		if replicas > 1 { // a cluster does not know how to be late on the disk
			c.PersistMode = jetstream.DefaultPersistMode
		}
		if _, err := s.js.CreateOrUpdateStream(ctx, c); err != nil {
			return s.laid(ctx, err, "the stream "+c.Name)
		}
	}
	for _, bucket := range []string{recordsBucket, snapshotsBucket, keysBucket, manifestsBucket} {
		replicas, err := s.durable(ctx, bucketStream(bucket))
		if err == nil {
			_, err = s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket, Replicas: replicas, LimitMarkerTTL: time.Minute})
		}
		if err != nil {
			return s.laid(ctx, err, "the bucket "+bucket)
		}
	}
	replicas, err := s.durable(ctx, segmentsStream)
	if err == nil {
		_, err = s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: segmentsBucket, Replicas: replicas})
	}
	return s.laid(ctx, err, "the object store "+segmentsBucket)
}

// durable is how many replicas a stream has to have: never fewer than it has. One that is there and is kept in
// memory will not do.
func (s *Store) durable(ctx context.Context, name string) (int, error) {
	stream, err := s.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return s.replicas, nil
	}
	if err != nil {
		return 0, s.laid(ctx, err, "the stream "+name)
	}
	c := stream.CachedInfo().Config
	if c.Storage != jetstream.FileStorage {
		return 0, fault.New(fault.ConfigInvalid, fmt.Sprintf("the stream %s is kept in memory: it would lose jobs", name), fault.On(name),
			fault.From(fault.OriginService), fault.Hint("remove it, and let atg-server make it on files"))
	}
	return max(c.Replicas, s.replicas), nil
}

// laid says why something could not be made.
func (s *Store) laid(ctx context.Context, err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fault.New(fault.ConfigInvalid, "the NATS server has no JetStream for this account", fault.Because(err), fault.On(s.place()),
			fault.From(fault.OriginService), fault.Hint("switch it on in the server's configuration: jetstream { store_dir: … }"))
	case isCode(err, codeNoPeers, codeReplicasOnOne):
		return fault.New(fault.ConfigInvalid, fmt.Sprintf("NATS cannot keep %s on %d servers", what, s.replicas), fault.Because(err), fault.On(s.place()),
			fault.From(fault.OriginService),
			fault.Hint("let the cluster have %d servers with JetStream and room, or ask for 1 replica and run that server with sync_interval: always", s.replicas))
	}
	return s.fault(ctx, err, what+" could not be made")
}
