package cluster

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Balancer is a load balancer for TCP, as simple as they come: it asks each API node whether it is ready (/readyz), and hands
// each connection to the next one that is. A connection stays where it is until one side ends it.
type Balancer struct {
	Address string // host:port

	listener net.Listener
	client   *http.Client
	nodes    []*node
	end      context.CancelFunc
	all      sync.WaitGroup

	mu   sync.Mutex
	turn int
}

type node struct {
	address string
	ready   bool // Balancer.mu holds for it
}

// How often nodes are asked, and how long they may take to answer.
const (
	askEvery  = 100 * time.Millisecond
	askAtMost = 2 * time.Second
)

// newBalancer binds the address, so that it is known and nobody else's; start serves it.
func (c *Cluster) newBalancer() (b *Balancer, err error) {
	listen := c.o.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	b = &Balancer{end: func() {}, client: c.pki.client()}
	for _, api := range c.APIs {
		address, err := c.o.Link(Balanced, api.Name, api.Address)
		if err != nil {
			return nil, err
		}
		b.nodes = append(b.nodes, &node{address: address})
	}
	if b.listener, err = net.Listen("tcp", listen); err != nil {
		return nil, err
	}
	b.Address = b.listener.Addr().String()
	return b, nil
}

func (b *Balancer) start(ctx context.Context) {
	ctx, b.end = context.WithCancel(context.WithoutCancel(ctx))
	for _, n := range b.nodes {
		b.all.Go(func() { b.ask(ctx, n) })
	}
	b.all.Go(func() {
		for {
			conn, err := b.listener.Accept()
			if err != nil {
				return // it was closed
			}
			b.all.Go(func() { b.carry(ctx, conn) })
		}
	})
}

func (b *Balancer) stop() {
	b.end()
	_ = b.listener.Close()
	b.all.Wait()
	b.client.CloseIdleConnections()
}

// Ready is how many nodes are ready, as far as the balancer knows.
func (b *Balancer) Ready() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, node := range b.nodes {
		if node.ready {
			n++
		}
	}
	return n
}

// ask asks a node again and again whether it is ready.
func (b *Balancer) ask(ctx context.Context, n *node) {
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		ready := b.readyz(ctx, n)
		b.mu.Lock()
		n.ready = ready
		b.mu.Unlock()
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (b *Balancer) readyz(ctx context.Context, n *node) bool {
	ctx, cancel := context.WithTimeout(ctx, askAtMost)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+n.address+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := b.client.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// next is the node whose turn it is of those that are ready; nil is none.
func (b *Balancer) next() *node {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.nodes {
		b.turn = (b.turn + 1) % len(b.nodes)
		if n := b.nodes[b.turn]; n.ready {
			return n
		}
	}
	return nil
}

// carry carries a connection to a node that takes it, and ends it where there is none.
func (b *Balancer) carry(ctx context.Context, from net.Conn) {
	defer func() { _ = from.Close() }()
	for range b.nodes {
		n := b.next()
		if n == nil {
			return
		}
		to, err := (&net.Dialer{Timeout: askAtMost}).DialContext(ctx, "tcp", n.address)
		if err != nil {
			continue
		}
		defer func() { _ = to.Close() }()
		over := func() { _, _ = from.Close(), to.Close() }
		defer context.AfterFunc(ctx, over)()
		var both sync.WaitGroup
		for _, way := range [][2]net.Conn{{to, from}, {from, to}} {
			both.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				if half, ok := way[0].(*net.TCPConn); ok {
					_ = half.CloseWrite() // the other way may have something to say yet
				}
			})
		}
		both.Wait()
		return
	}
}
