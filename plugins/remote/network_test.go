package remote

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// testKey is the key that the doubles take. Nothing but the Authorization header may ever show it.
const testKey = "atg_0123456789ab_canary-canary-canary-canary-canary-canary0"

// memnet is a network within the process, so that a test of time can stop the clock: package synctest
// does not count waiting on sockets as idle.
type memnet struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	down   atomic.Bool  // nobody can connect
	open   atomic.Int32 // connections that are open
	most   atomic.Int32 // that were open at a time
	dials  atomic.Int32

	mu    sync.Mutex
	alive []net.Conn
}

func newMemnet() *memnet { return &memnet{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (m *memnet) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memnet) Close() error   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memnet) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (m *memnet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	m.dials.Add(1)
	if m.down.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	here, there := net.Pipe()
	select {
	case m.conns <- newSocket(there):
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	m.alive = append(m.alive, here)
	m.mu.Unlock()
	if n := m.open.Add(1); n > m.most.Load() {
		m.most.Store(n)
	}
	return &counted{Conn: newSocket(here), net: m}, nil
}

// cut breaks every connection.
func (m *memnet) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.alive {
		_ = c.Close()
	}
	m.alive = nil
}

// socket is one end of a pipe whose writes do not wait for the other end, as those of sockets do not.
type socket struct {
	net.Conn
	mu     sync.Mutex
	more   *sync.Cond
	queue  [][]byte
	closed bool
}

func newSocket(end net.Conn) *socket {
	s := &socket{Conn: end}
	s.more = sync.NewCond(&s.mu)
	go func() {
		for {
			s.mu.Lock()
			for len(s.queue) == 0 && !s.closed {
				s.more.Wait()
			}
			queue := s.queue
			s.queue = nil
			s.mu.Unlock()
			if len(queue) == 0 {
				_ = end.Close()
				return
			}
			for _, b := range queue {
				_, _ = end.Write(b)
			}
		}
	}()
	return s
}

func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	s.queue = append(s.queue, bytes.Clone(b))
	s.more.Signal()
	return len(b), nil
}

func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.closed {
		err = net.ErrClosed
	}
	return n, err
}

func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Signal()
	return s.Conn.SetReadDeadline(time.Unix(0, 1))
}

func (s *socket) SetDeadline(at time.Time) error   { return s.SetReadDeadline(at) }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
func (s *socket) SetReadDeadline(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return s.Conn.SetReadDeadline(at)
}

type counted struct {
	net.Conn
	net  *memnet
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.net.open.Add(-1) })
	return c.Conn.Close()
}

// site is a TLS server at https://example.com within the process.
type site struct {
	*httptest.Server
	net    *memnet
	caFile string
}

func newSite(t *testing.T, handler http.Handler, change ...func(*httptest.Server)) *site {
	t.Helper()
	s := &site{Server: httptest.NewUnstartedServer(handler), net: newMemnet()}
	_ = s.Listener.Close()
	s.Listener = s.net
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, c := range change {
		c(s.Server)
	}
	s.StartTLS()
	t.Cleanup(func() { s.Close(); s.net.cut() })
	s.caFile = filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(s.caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// onlyHTTP1 is a server without HTTP/2.
func onlyHTTP1(s *httptest.Server) {
	s.EnableHTTP2 = false
	s.TLS = &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
}

// config is that of a client of the site, quick enough for tests on a real clock.
func (s *site) config() backend.ATGClientConfig {
	c := backend.DefaultClientConfig()
	c.ServiceURL, c.APIKey, c.CAFile = "https://example.com", secret.New(testKey), s.caFile
	return c
}

func (s *site) options(t *testing.T) options {
	dir := t.TempDir()
	return options{dial: s.net.dial, cacheDir: func() (string, error) { return dir, nil }}
}

// client makes a client of the site.
func (s *site) client(t *testing.T, change ...func(*backend.ATGClientConfig)) *RemoteClient {
	t.Helper()
	config := s.config()
	for _, c := range change {
		c(&config)
	}
	c, err := newClient(t.Context(), config, s.options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// dialer opens connections.
type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// writeCertificate writes a certificate that nobody uses.
func writeCertificate(t *testing.T, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
