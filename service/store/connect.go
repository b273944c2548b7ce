package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// connect makes the connections, which mend themselves for as long as the store is open.
func (s *Store) connect() error {
	for _, l := range []struct {
		nc   **nats.Conn
		js   *jetstream.JetStream
		name string
	}{{&s.nc, &s.js, "atg-server"}, {&s.bulk.nc, &s.bulk.js, "atg-server files"}} {
		nc, err := nats.Connect(s.config.URL, s.options(l.name)...)
		if err != nil {
			return s.unreachable(err)
		}
		*l.nc = nc
		if *l.js, err = jetstream.New(nc, jetstream.WithPublishAsyncErrHandler(s.lost), jetstream.WithPublishAsyncMaxPending(8192)); err != nil {
			return s.unreachable(err)
		}
	}
	return nil
}

func (s *Store) options(name string) []nats.Option {
	options := []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.Timeout(5 * time.Second),
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
	if !s.config.Token.IsZero() {
		options = append(options, nats.Token(s.config.Token.Reveal()))
	}
	return options
}

// lost hears of events that were not stored.
func (s *Store) lost(_ jetstream.JetStream, m *nats.Msg, err error) {
	s.log.Warn("an event was not stored", "subject", m.Subject, "error", err)
}

func (s *Store) unreachable(err error) error {
	hint := "start NATS, and check its address and the network between"
	code := fault.ServiceUnavailable
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) {
		hint, code = "check the credentials for NATS", fault.ConfigInvalid
	}
	return fault.New(code, "NATS cannot be reached", fault.Because(err), fault.From(fault.OriginService), fault.Retryable(), fault.Hint("%s", hint))
}

// lay makes the streams and buckets that are missing, and checks that those that are there keep what they are
// given.
func (s *Store) lay(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return s.laid(ctx, err, "JetStream")
	}
	persist := jetstream.DefaultPersistMode
	if s.replicas == 1 { // events may be late on the disk; a cluster has no such mode
		persist = jetstream.AsyncPersistMode
	}
	for _, c := range []jetstream.StreamConfig{{
		Name: queueStream, Description: "jobs to do, each with its whole record", Subjects: []string{queuePrefix + ">"},
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, Duplicates: 24 * time.Hour,
		AllowDirect: true, AllowAtomicPublish: true,
		RePublish: &jetstream.RePublish{Source: queuePrefix + ">", Destination: queuedPrefix + ">"},
	}, {
		Name: eventsStream, Description: "what happens to jobs", Subjects: []string{eventsPrefix + ">"},
		MaxAge: s.config.Retention.Age + 24*time.Hour, PersistMode: persist, AllowDirect: true,
	}, {
		Name: deadStream, Description: "jobs that no worker could do", Subjects: []string{deadPrefix + ">"},
		MaxAge: s.config.Retention.Age + 24*time.Hour, AllowDirect: true,
	}} {
		c.Storage, c.Replicas = jetstream.FileStorage, s.replicas
		stream, err := s.js.CreateOrUpdateStream(ctx, c)
		if err != nil {
			return s.laid(ctx, err, "the stream "+c.Name)
		}
		if err := s.durable(stream.CachedInfo().Config); err != nil {
			return err
		}
	}
	for _, bucket := range []string{recordsBucket, snapshotsBucket, keysBucket, manifestsBucket} {
		if _, err := s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, Replicas: s.replicas, LimitMarkerTTL: time.Minute,
		}); err != nil {
			return s.laid(ctx, err, "the bucket "+bucket)
		}
	}
	if _, err := s.bulk.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: segmentsBucket, Replicas: s.replicas}); err != nil {
		return s.laid(ctx, err, "the object store "+segmentsBucket)
	}
	return nil
}

// durable says what is wrong with a stream that was there already.
func (s *Store) durable(c jetstream.StreamConfig) error {
	switch {
	case c.Storage != jetstream.FileStorage:
		return fault.New(fault.ConfigInvalid, fmt.Sprintf("the stream %s is kept in memory: it would lose jobs", c.Name), fault.On(c.Name),
			fault.From(fault.OriginService), fault.Hint("remove it, and let atg-server make it on files"))
	case c.Replicas < s.replicas:
		return fault.New(fault.ConfigInvalid, fmt.Sprintf("the stream %s has %d replicas instead of %d", c.Name, c.Replicas, s.replicas), fault.On(c.Name),
			fault.From(fault.OriginService), fault.Hint("raise them with: nats stream edit --replicas %d %s", s.replicas, c.Name))
	}
	return nil
}

// laid says why something could not be made.
func (s *Store) laid(ctx context.Context, err error, what string) error {
	switch {
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
