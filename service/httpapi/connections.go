package httpapi

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// spareConns are the connections beyond the limit that are taken to be told that there are too many. Further ones are closed at once.
const spareConns = 64

// connections counts what a listener accepts. When there are as many as may be, the one that has been idle for longest, or has kept still
// since it was made, is closed for a new one; where all are at work, the new one is refused.
type connections struct {
	net.Listener
	most int

	mu    sync.Mutex
	open  int
	still *list.List // of *connection, those that keep still for longest first

	closed *prometheus.CounterVec
}

// connection is one of them. Its fields are the limit's.
type connection struct {
	net.Conn
	of    *connections
	still *list.Element // nil while it is at work
	spare bool          // it is beyond the limit
	once  sync.Once
}

type spareKey struct{}

// Limit lets a server have so many connections from a listener, WebSockets included; 0 is no limit. It answers the listener that
// the server has to serve, which still has to do TLS.
func (a *API) Limit(server *http.Server, listener net.Listener, most int) net.Listener {
	if most <= 0 {
		return listener
	}
	l := &connections{Listener: listener, most: most, still: list.New(), closed: a.metrics.closed}
	a.metrics.countConnections(l)
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if one := limited(c); one != nil {
			l.changed(one, state)
		}
	}
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if one := limited(c); one != nil && one.spare {
			return context.WithValue(ctx, spareKey{}, true)
		}
		return ctx
	}
	return l
}

// limited is what a listener of connections accepted, below TLS.
func limited(c net.Conn) *connection {
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	one, _ := c.(*connection)
	return one
}

// Accept is net.Listener.
func (l *connections) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		one, old := l.add(c)
		if old != nil {
			l.closed.WithLabelValues("idle").Inc()
			_ = old.Close() // whoever serves it notices
		}
		if one != nil {
			return one, nil
		}
		l.closed.WithLabelValues("refused").Inc()
		_ = c.Close()
	}
}

// add counts a connection, and answers the one that has to go for it. It is nil if there is no place for it.
func (l *connections) add(c net.Conn) (one, old *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one = &connection{Conn: c, of: l}
	if l.open >= l.most {
		if first := l.still.Front(); first != nil {
			old, _ = l.still.Remove(first).(*connection)
			old.still = nil
		} else if one.spare = true; l.open >= l.most+spareConns {
			return nil, nil
		}
	}
	l.open++
	one.still = l.still.PushBack(one)
	return one, old
}

// changed hears of a connection that began or ended to work.
func (l *connections) changed(one *connection, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.still != nil && state != http.StateNew {
		l.still.Remove(one.still)
		one.still = nil
	}
	if state == http.StateIdle {
		one.still = l.still.PushBack(one)
	}
}

// Close is net.Conn.
func (c *connection) Close() error {
	c.once.Do(func() {
		c.of.changed(c, http.StateClosed)
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.open--
	})
	return c.Conn.Close()
}

// count is how many are open.
func (l *connections) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}
