package store

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// natsServer runs a server as an operator would.
func natsServer(t testing.TB, options *server.Options) *server.Server {
	t.Helper()
	options.Host, options.Port, options.NoSigs, options.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	if options.JetStream {
		options.StoreDir = t.TempDir()
	}
	srv, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv
}

func externalStore(t testing.TB, c Config) *Store {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func TestTwoProcessesOnOneServer(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, &server.Options{JetStream: true, SyncAlways: true})
	config := Config{URL: srv.ClientURL(), Replicas: 1}
	api, worker := externalStore(t, config), externalStore(t, config)
	enqueue(t, api, job("job-1", "owner"))
	d := take(t, worker)
	update(t, worker, "job-1", run)
	put(t, worker, artifact("file"), []byte("made by the worker"))
	appendEvents(t, worker, logEvent(1, 1))
	w := watch(t, api, 0)
	<-w.events
	update(t, worker, "job-1", complete)
	appendEvents(t, worker, terminalEvent(1, 2))
	if all := w.all(t); len(all) != 1 || !all[0].Terminal() {
		t.Errorf("%+v", all)
	}
	if err := d.Done(t.Context()); err != nil {
		t.Error(err)
	}
	eventually(t, "the API never heard of the end", func() bool {
		job, _, err := api.Status(t.Context(), "job-1")
		return err == nil && job.Status == backend.JobCompleted
	})
	if got := read(t, api, artifact("file")); string(got) != "made by the worker" {
		t.Errorf("%q", got)
	}
}

func TestAServerThatWillNotDo(t *testing.T) {
	t.Parallel()
	plain := natsServer(t, &server.Options{})
	single := natsServer(t, &server.Options{JetStream: true})
	inMemory := natsServer(t, &server.Options{JetStream: true})
	s := &Store{config: Config{URL: inMemory.ClientURL()}, log: slog.New(slog.DiscardHandler)}
	if err := s.connect(); err != nil {
		t.Fatal(err)
	}
	defer s.nc.Close()
	defer s.bulk.nc.Close()
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: deadStream, Subjects: []string{deadPrefix + ">"}, Storage: jetstream.MemoryStorage,
	}); err != nil {
		t.Fatal(err)
	}
	gone := natsServer(t, &server.Options{})
	gone.Shutdown()
	cases := map[string]struct {
		config Config
		code   fault.Code
		says   string
	}{
		"none is there":          {Config{URL: gone.ClientURL(), Replicas: 1}, fault.ServiceUnavailable, "start NATS"},
		"it has no JetStream":    {Config{URL: plain.ClientURL(), Replicas: 1}, fault.ConfigInvalid, "jetstream {"},
		"it is alone":            {Config{URL: single.ClientURL()}, fault.ConfigInvalid, "sync_interval: always"},
		"it keeps in memory":     {Config{URL: inMemory.ClientURL(), Replicas: 1}, fault.ConfigInvalid, "remove it"},
		"there is no such file":  {Config{URL: single.ClientURL(), CA: "/no/such/file.pem", Replicas: 1}, fault.ConfigInvalid, "file"},
		"there are no such keys": {Config{URL: single.ClientURL(), Creds: "/no/such/file.creds", Replicas: 1}, fault.ConfigInvalid, "file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.config.Logger = slog.New(slog.DiscardHandler)
			_, err := Open(t.Context(), c.config)
			if f := fault.As(err); f == nil || f.Code != c.code || !strings.Contains(f.Hint, c.says) {
				t.Errorf("%+v", err)
			}
		})
	}
}

// cluster runs three servers.
func cluster(t testing.TB) []*server.Server {
	t.Helper()
	var routes []*url.URL
	var ports []int
	for range 3 { // a server has to know its routes before it starts
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		l.Close()
	}
	var all []*server.Server
	for i, port := range ports {
		all = append(all, natsServer(t, &server.Options{
			ServerName: fmt.Sprintf("n%d", i), JetStream: true, Routes: routes, Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
		}))
	}
	eventually(t, "the cluster has no leader", func() bool {
		for _, srv := range all {
			if srv.JetStreamIsLeader() {
				return len(srv.JetStreamClusterPeers()) == len(all)
			}
		}
		return false
	})
	return all
}

func TestAClusterSurvivesTheLossOfOne(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	var urls []string
	for _, srv := range servers {
		urls = append(urls, srv.ClientURL())
	}
	config := Config{URL: strings.Join(urls, ",")}
	s, other := externalStore(t, config), externalStore(t, config)
	enqueue(t, s, job("job-1", "owner"), job("job-2", "owner"))
	appendEvents(t, s, logEvent(1, 1))
	want := content(segmentSize + 1)
	put(t, s, artifact("file"), want)
	<-s.js.PublishAsyncComplete()
	for _, srv := range servers {
		if !srv.JetStreamIsLeader() { // electing another one of the whole cluster takes some seconds more
			srv.Shutdown()
			srv.WaitForShutdown()
			break
		}
	}
	eventually(t, "no job is taken any more", func() bool {
		_, _, err := other.Enqueue(t.Context(), job("job-3", "owner"))
		return err == nil
	})
	taken := map[string]bool{}
	for len(taken) < 3 {
		d, err := other.Next(t.Context())
		if err != nil {
			continue
		}
		taken[d.ID()] = true
	}
	w := watch(t, other, 0)
	if e := <-w.events; e.Seq != logEvent(1, 1).Seq {
		t.Errorf("%+v", e)
	}
	if got := read(t, other, artifact("file")); string(got) != string(want) {
		t.Error("the file has other content")
	}
}
