// Package cluster runs the job service as it runs for real, but on loopback: NATS servers, API nodes and workers, each a process
// with a data folder of its own, and a load balancer before the API nodes. Tests, the benchmark and make cluster start clusters
// with it, and end, kill, stop and restart what runs in them.
//
//	c, err := cluster.Start(ctx, cluster.Options{Dir: dir, Bin: "bin", NATS: nats})
//	…
//	defer c.Close()
//	leader, err := c.Leader(ctx, cluster.Queue)
//	leader.Kill()
//	…
//	err = leader.Start(ctx)
//
// Everything is as in a cluster in earnest: TLS everywhere, a NATS user that may do what the service needs and no more, a
// certificate authority and an API key of the cluster's own. Addresses stay the same for the life of a cluster.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// The streams of the service whose leaders are worth killing.
const (
	Queue   = "ATG_QUEUE"      // jobs that wait, or are with a worker
	Events  = "ATG_EVENTS"     // what happens to jobs
	Records = "KV_atg-records" // jobs that a worker has begun
)

// Ends of links that are no processes of the cluster. See Options.Link.
const (
	Client   = "client"   // who calls an API node without the balancer
	Balanced = "balancer" // the balancer of the cluster
)

// Options say what a cluster is.
type Options struct {
	Dir  string // for configuration, data and logs; Close leaves it as it is
	Bin  string // the folder of atg-server and of the backends beside it
	NATS string // the program nats-server; see BuildNATS

	Servers int // of NATS; 0 is 3, and 1 keeps one replica
	APIs    int // 0 is 2
	Workers int // 0 is 2; -1 is none

	// Config are keys of the service's configuration for every process, over what the cluster sets by itself:
	// {"worker": {"lease": "2s"}}.
	Config map[string]any
	// WorkerConfig, if it is set, answers such keys for the worker of a number, from 0.
	WorkerConfig func(n int) map[string]any
	// Env are variables for the service's processes beside PATH, HOME and the XDG folders.
	Env []string
	// Listen is host:port of the balancer; empty is any port of loopback.
	Listen string
	// Lazy lets NATS acknowledge what it has not yet synced to the disk. Then a cluster keeps everything when processes
	// are killed, and when machines fail one at a time; but not when the power of all fails at once.
	Lazy bool
	// Link, if it is set, is asked for every connection that there may be, once, before anything runs: from is the name of
	// a process, Client or Balanced; to the name of a process; address where it listens. It answers the address at which from shall reach
	// to, such as that of a proxy. Between two NATS servers there are links both ways, and either may carry their traffic.
	Link func(from, to, address string) (string, error)
}

// Cluster is one that was laid out. Its processes may be started and ended in any order, by any number of goroutines.
type Cluster struct {
	Servers []*Process // nats-1, nats-2, …
	APIs    []*Process // api-1, …
	Workers []*Process // worker-1, …
	// Balancer hands connections to the API nodes that are ready, in turn.
	Balancer *Balancer

	URL    string // of the API, at the balancer
	CAFile string // PEM file of the authority of all certificates
	Key    string // an API key that may do everything; known once Start has returned

	o      Options
	pki    *authority
	access access
	client *http.Client
}

// New lays a cluster out: folders, certificates, addresses, configuration. Nothing runs yet.
func New(o Options) (*Cluster, error) {
	for n, of := range map[*int]int{&o.Servers: 3, &o.APIs: 2, &o.Workers: 2} {
		if *n == 0 {
			*n = of
		}
	}
	var err error
	for _, path := range []*string{&o.Dir, &o.Bin, &o.NATS} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	if o.Link == nil {
		o.Link = func(_, _, address string) (string, error) { return address, nil }
	}
	c := &Cluster{o: o, access: newAccess()}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	if c.pki, err = newAuthority(o.Dir); err != nil {
		return nil, err
	}
	c.CAFile, c.client = c.pki.caFile, c.pki.client()
	if err := c.layServers(); err != nil {
		return nil, err
	}
	for range o.APIs {
		if err := c.layAPI(); err != nil {
			return nil, err
		}
	}
	for range o.Workers {
		if _, err := c.NewWorker(); err != nil {
			return nil, err
		}
	}
	if c.Balancer, err = c.newBalancer(); err != nil {
		return nil, err
	}
	c.URL = "https://" + c.Balancer.Address
	return c, nil
}

// Start lays a cluster out and starts it. When it returns, every process is ready.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Start starts every process, NATS first, and returns when all are ready, and the balancer knows it.
func (c *Cluster) Start(ctx context.Context) error {
	if err := each(ctx, c.Servers, (*Process).Start); err != nil {
		return err
	}
	if c.Key == "" {
		if err := c.makeKey(ctx); err != nil {
			return err
		}
	}
	c.Balancer.start(ctx)
	if err := each(ctx, slices.Concat(c.APIs, c.Workers), (*Process).Start); err != nil {
		return err
	}
	return Until(ctx, "the balancer does not find the API nodes ready", func() bool { return c.Balancer.Ready() == len(c.APIs) })
}

// Close ends the cluster in good order, workers first and NATS last; what takes longer than half a minute is killed.
func (c *Cluster) Close() {
	for _, some := range [][]*Process{c.Workers, c.APIs, c.Servers} {
		_ = each(context.Background(), some, func(p *Process, _ context.Context) error {
			p.Resume()
			return p.Stop()
		})
	}
	if c.Balancer != nil {
		c.Balancer.stop()
	}
	c.client.CloseIdleConnections()
}

// Processes are all, NATS first, then API nodes, then workers.
func (c *Cluster) Processes() []*Process { return slices.Concat(c.Servers, c.APIs, c.Workers) }

// Process answers the one of a name, as worker-1; nil is none.
func (c *Cluster) Process(name string) *Process {
	if i := slices.IndexFunc(c.Processes(), func(p *Process) bool { return p.Name == name }); i >= 0 {
		return c.Processes()[i]
	}
	return nil
}

// each does something with some processes at once, and answers every error.
func each(ctx context.Context, some []*Process, do func(*Process, context.Context) error) error {
	var group errgroup.Group
	failed := make([]error, len(some))
	for i, p := range some {
		group.Go(func() error { failed[i] = do(p, ctx); return nil })
	}
	_ = group.Wait()
	return errors.Join(failed...)
}

// Until asks again and again, a few times a second, until holds says yes; what says why it waits, should ctx end before.
func Until(ctx context.Context, what string, holds func() bool) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
