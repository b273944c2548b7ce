package remote

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The connections that a client holds at most, to whatever host a proxy makes of it.
const (
	maxConns     = 10
	maxIdleCalls = 3 // idle ones for calls
	maxIdleFiles = 2 // and for files: 5 together
	// maxPatient is how many event streams and long polls there are at a time, so that they leave connections for the
	// other calls. Further followers of jobs poll.
	maxPatient = 6
	// maxRedirects is how many redirects within the service one request follows.
	maxRedirects = 5
)

// clients are the HTTP clients of a RemoteClient, made at its first call. One is for calls, over HTTP/2
// where the service offers it; one for files, over HTTP/1.1, which carries them half as fast again.
// Both share the limit of connections.
type clients struct {
	mu          sync.Mutex
	calls       *http.Client
	files       *http.Client
	connections connections
}

// open makes the HTTP clients. A file of certificate authorities that cannot be used is
// fault.ConfigInvalid.
func (c *RemoteClient) open() (calls, files *http.Client, err error) {
	s := &c.clients
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls != nil {
		return s.calls, s.files, nil
	}
	var callsOver, filesOver = c.options.transport, c.options.transport
	if c.options.transport == nil {
		roots, err := authorities(c.config.CAFile)
		if err != nil {
			return nil, nil, err
		}
		s.connections = connections{free: make(chan struct{}, maxConns), makeRoom: s.closeIdle}
		a, b := c.transport(roots, maxIdleCalls), c.transport(roots, maxIdleFiles)
		a.Protocols.SetHTTP2(true)
		b.DisableCompression = true // files have the size that they were said to have
		b.DialContext = inLargePieces(b.DialContext)
		callsOver, filesOver = a, b
	}
	s.calls = &http.Client{Transport: callsOver, CheckRedirect: c.checkRedirect}
	s.files = &http.Client{Transport: filesOver, CheckRedirect: c.checkRedirect}
	return s.calls, s.files, nil
}

func (s *clients) closeIdle() {
	s.mu.Lock()
	calls, files := s.calls, s.files
	s.mu.Unlock()
	for _, c := range []*http.Client{calls, files} {
		if c != nil {
			c.CloseIdleConnections()
		}
	}
}

func (c *RemoteClient) transport(roots *x509.CertPool, idle int) *http.Transport {
	dial := c.options.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         c.clients.connections.limit(dial),
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout: 30 * time.Second,
		MaxConnsPerHost:     maxConns,
		MaxIdleConns:        idle,
		MaxIdleConnsPerHost: idle,
		IdleConnTimeout:     90 * time.Second,
		Protocols:           protocols,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// readSize is how much is read at once from a connection that brings files. TLS asks for one record of at most 16 KiB
// at a time, and the system's calls for that cost as much as the copying.
const readSize = 128 << 10 // bytes

// inLargePieces lets a connection be read in large pieces.
func inLargePieces(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &readAhead{conn, bufio.NewReaderSize(conn, readSize)}, nil
	}
}

// readAhead is a connection that is read in large pieces.
type readAhead struct {
	net.Conn
	r *bufio.Reader
}

// Read implements net.Conn.
func (c *readAhead) Read(p []byte) (int, error) { return c.r.Read(p) }

// authorities are the certificate authorities to trust; nil is the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	wrong := func(message string, cause error) error {
		return fault.New(fault.ConfigInvalid, "the file of certificate authorities "+message, fault.Because(cause), fault.On(file),
			fault.Hint("set ca_file (ATG_CA_FILE) to a file with certificates in PEM form"), fault.From(fault.OriginBackend),
			fault.Problems(fault.Problem{Key: "ca_file", Message: message}))
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, wrong("cannot be read", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, wrong("holds no certificate", nil)
	}
	return pool, nil
}

// checkRedirect lets a redirect pass that stays with the service and keeps the request as it is. The key
// goes nowhere else.
func (c *RemoteClient) checkRedirect(request *http.Request, via []*http.Request) error {
	to := request.URL
	switch {
	case to.Scheme != "https" || !sameHost(to, c.base):
		target := printable(string(c.redact([]byte(to.Scheme + "://" + to.Host))))
		options := []fault.Option{fault.From(fault.OriginBackend), fault.On(c.origin())}
		if looksLikeLogin(to) {
			return fault.New(fault.AuthFailed, fmt.Sprintf("the service at %s redirects to a login page at %s", c.origin(), target),
				append(options, fault.Hint("a proxy in front of it may want you to sign in first, or service_url is the address of its web pages"))...)
		}
		return fault.New(fault.RemoteFailed, fmt.Sprintf("the service at %s redirects to %s, where the key is not sent", c.origin(), target),
			append(options, fault.Hint("if that is the service's https address, set service_url (ATG_SERVICE_URL) to it"))...)
	case request.Method != via[0].Method:
		return fault.New(fault.RemoteFailed, fmt.Sprintf("the service redirects a %s in a way that would lose what it carries", via[0].Method),
			fault.From(fault.OriginBackend), fault.Hint("check service_url (ATG_SERVICE_URL): the path may have changed"))
	case len(via) >= maxRedirects:
		return fault.New(fault.RemoteFailed, fmt.Sprintf("the service redirected a request %d times", len(via)), fault.From(fault.OriginBackend), fault.Hint(hintOther))
	}
	return nil
}

// sameHost compares names as they are written: net/http takes one that is written in another way for
// another.
func sameHost(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return "443"
	}
	return a.Hostname() == b.Hostname() && port(a) == port(b)
}

func looksLikeLogin(u *url.URL) bool {
	where := strings.ToLower(u.Host + u.Path)
	for _, word := range []string{"login", "signin", "sign-in", "sso", "saml", "oauth", "openid", "/auth"} {
		if strings.Contains(where, word) {
			return true
		}
	}
	return false
}

// connections bounds how many connections are open at once.
type connections struct {
	free     chan struct{} // holds one for each that is open
	makeRoom func()        // closes idle ones
}

func (l *connections) limit(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		select {
		case l.free <- struct{}{}:
		default:
			l.makeRoom()
			select {
			case l.free <- struct{}{}:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			<-l.free
			return nil, err
		}
		return &limited{Conn: conn, release: sync.OnceFunc(func() { <-l.free })}, nil
	}
}

// limited is a connection that makes room when it is closed.
type limited struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (l *limited) Close() error {
	defer l.release()
	return l.Conn.Close()
}
