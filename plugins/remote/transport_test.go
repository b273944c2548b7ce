package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// noRetries makes failures final at once.
func noRetries(c *backend.ATGClientConfig) { c.MaxRetries = 0 }

// whoami answers api.PathAuth.
func whoami(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(api.Identity{KeyID: "0123456789ab", Name: "tester"})
}

func TestTrust(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.pem")
	writeCertificate(t, other)
	cases := map[string]struct {
		server  func(*httptest.Server)
		config  func(*backend.ATGClientConfig, string)
		want    fault.Code // empty succeeds
		mention string
	}{
		"a private authority":    {want: ""},
		"an unknown authority":   {config: func(c *backend.ATGClientConfig, _ string) { c.CAFile = "" }, want: fault.ServiceUnavailable, mention: "ca_file"},
		"another authority":      {config: func(c *backend.ATGClientConfig, _ string) { c.CAFile = other }, want: fault.ServiceUnavailable, mention: "ca_file"},
		"another name":           {config: func(c *backend.ATGClientConfig, _ string) { c.ServiceURL = "https://elsewhere.example" }, want: fault.ServiceUnavailable, mention: "another name"},
		"no file of authorities": {config: func(c *backend.ATGClientConfig, dir string) { c.CAFile = filepath.Join(dir, "none") }, want: fault.ConfigInvalid, mention: "cannot be read"},
		"an empty one":           {config: func(c *backend.ATGClientConfig, dir string) { c.CAFile = emptyFile(t, dir) }, want: fault.ConfigInvalid, mention: "no certificate"},
		"TLS 1.1": {server: func(s *httptest.Server) {
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		}, want: fault.ServiceUnavailable, mention: "TLS of version 1.2"},
		"TLS 1.2": {server: func(s *httptest.Server) {
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
		}},
		"an expired certificate": {server: signed(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
			want: fault.ServiceUnavailable, mention: "not valid now"},
		"one of tomorrow": {server: signed(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(24 * time.Hour) }),
			want: fault.ServiceUnavailable, mention: "not valid now"},
		"one for clients": {server: signed(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }),
			want: fault.ServiceUnavailable, mention: "cannot be trusted"},
		"one without a name": {server: signed(func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, "example.com" }),
			want: fault.ServiceUnavailable, mention: "another name"},
		"a suite without forward secrecy": {server: func(s *httptest.Server) {
			s.EnableHTTP2 = false
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}
		}, want: fault.ServiceUnavailable, mention: "forward secrecy"},
		"a server without HTTP/2": {server: onlyHTTP1},
		"in large letters":        {config: func(c *backend.ATGClientConfig, _ string) { c.ServiceURL = "https://EXAMPLE.com" }},
		"by address, on loopback": {config: func(c *backend.ATGClientConfig, _ string) { c.ServiceURL = "https://127.0.0.1:8443" }},
		"in a folder of its own":  {config: func(c *backend.ATGClientConfig, _ string) { c.ServiceURL = "https://example.com/atg%2Fx/" }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var server []func(*httptest.Server)
			if c.server != nil {
				server = append(server, c.server)
			}
			s := newSite(t, http.HandlerFunc(whoami), server...)
			client := s.client(t, noRetries, func(config *backend.ATGClientConfig) {
				if c.config != nil {
					c.config(config, t.TempDir())
				}
			})
			_, err := client.WhoAmI(t.Context())
			f := fault.As(err)
			if fault.CodeOf(err) != c.want || f != nil && !strings.Contains(f.Message+f.Hint, c.mention) {
				t.Errorf("the answer is %v (%+v)", err, f)
			}
			if f != nil && f.Retryable {
				t.Error("nothing would change, but it could be tried again")
			}
		})
	}
}

// signed gives the server a certificate that it has signed itself, which is also the authority that the client is told of.
func signed(change func(*x509.Certificate)) func(*httptest.Server) {
	return func(s *httptest.Server) {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
		}
		change(c)
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	}
}

func emptyFile(t *testing.T, dir string) string {
	name := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(name, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A file of authorities that was wrong is read again once it is right.
func TestAuthoritiesAreReadLazily(t *testing.T) {
	s := newSite(t, http.HandlerFunc(whoami))
	late := filepath.Join(t.TempDir(), "late.pem")
	client := s.client(t, noRetries, func(c *backend.ATGClientConfig) { c.CAFile = late })
	if _, err := client.WhoAmI(t.Context()); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Fatalf("the answer is %v", err)
	}
	content, err := os.ReadFile(s.caFile)
	if err := errors.Join(err, os.WriteFile(late, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.WhoAmI(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server that speaks plain HTTP gets nothing but a TLS handshake.
func TestPlainHTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s came in plain, with %v", r.Method, r.URL, r.Header)
	}))
	defer plain.Close()
	s := newSite(t, http.NotFoundHandler())
	config := s.config()
	config.ServiceURL, config.MaxRetries = strings.Replace(plain.URL, "http:", "https:", 1), 0
	o := s.options(t)
	o.dial = nil
	client, err := newClient(t.Context(), config, o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.WhoAmI(t.Context())
	if f := fault.As(err); f == nil || f.Code != fault.ServiceUnavailable || !strings.Contains(f.Message, "does not speak TLS") {
		t.Errorf("the answer is %v", err)
	}
	config.ServiceURL = plain.URL
	if _, err := NewRemoteClient(t.Context(), config); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Errorf("an address of plain HTTP is %v", err)
	}
}

func TestRedirects(t *testing.T) {
	cases := map[string]struct {
		to      string
		status  int
		want    fault.Code // empty succeeds
		mention string
		submit  bool
	}{
		"within the service":            {to: "/elsewhere", status: 302},
		"within, with its name":         {to: "https://example.com:443/elsewhere", status: 307},
		"to another host":               {to: "https://evil.example/elsewhere", status: 302, want: fault.RemoteFailed, mention: "https://evil.example"},
		"to another port":               {to: "https://example.com:444/elsewhere", status: 302, want: fault.RemoteFailed, mention: "444"},
		"to a name below":               {to: "https://a.example.com/elsewhere", status: 301, want: fault.RemoteFailed, mention: "a.example.com"},
		"to its name in large letters":  {to: "https://EXAMPLE.com/elsewhere", status: 302, want: fault.RemoteFailed, mention: "EXAMPLE"},
		"to plain HTTP":                 {to: "http://example.com/elsewhere", status: 308, want: fault.RemoteFailed, mention: "http://example.com"},
		"to a login page":               {to: "https://login.microsoftonline.com/x", status: 302, want: fault.AuthFailed, mention: "login page"},
		"in circles":                    {to: "/api/v1/auth", status: 302, want: fault.RemoteFailed, mention: "redirected"},
		"of a submission, as it is":     {to: "/elsewhere", status: 307, submit: true},
		"of a submission, as something": {to: "/elsewhere", status: 302, submit: true, want: fault.RemoteFailed, mention: "would lose"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Header.Get("Authorization") != "Bearer "+testKey:
					t.Error("it came without the key")
				case r.URL.Path == "/elsewhere" && r.Method == http.MethodPost:
					var body api.ScanBody
					if json.NewDecoder(r.Body).Decode(&body) != nil || body.TenantID != "t" || r.Header.Get(api.HeaderIdempotencyKey) == "" {
						t.Errorf("it came with %+v", body)
					}
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(jobJSON))
				case r.URL.Path == "/elsewhere":
					whoami(w, r)
				default:
					http.Redirect(w, r, c.to, c.status)
				}
			}))
			client := s.client(t, noRetries)
			var hosts []string
			var mu sync.Mutex
			client.options.dial = recordHosts(s.net.dial, &hosts, &mu)
			var err error
			if c.submit {
				client.key.good.Store(true)
				_, err = client.SubmitScanJob(t.Context(), backend.ScanRequest{TenantID: "t"}, "")
			} else {
				_, err = client.WhoAmI(t.Context())
			}
			f := fault.As(err)
			if fault.CodeOf(err) != c.want || f != nil && (!strings.Contains(f.Message, c.mention) || f.Hint == "") {
				t.Errorf("the answer is %v (%+v)", err, f)
			}
			for _, h := range hosts {
				if h != "example.com:443" {
					t.Errorf("it went to %s", h)
				}
			}
		})
	}
}

func TestProtocols(t *testing.T) {
	for name, want := range map[string]struct {
		server      []func(*httptest.Server)
		calls, file string
	}{
		"a server with HTTP/2":    {nil, "HTTP/2.0", "HTTP/1.1"},
		"a server without HTTP/2": {[]func(*httptest.Server){onlyHTTP1}, "HTTP/1.1", "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			double := newService()
			s := newSite(t, double, want.server...)
			defer double.Close(t.Context())
			c := s.client(t)
			job, err := c.SubmitScanJob(t.Context(), backend.ScanRequest{}, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WaitForCompletion(t.Context(), job.JobID, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := c.DownloadArtifacts(t.Context(), job.JobID, t.TempDir(), func(backend.Progress) {}); err != nil {
				t.Fatal(err)
			}
			double.mu.Lock()
			defer double.mu.Unlock()
			for call, got := range double.protocols {
				expected := want.calls
				if strings.Contains(call, "/artifacts/files/") || strings.Contains(call, "/ws/") {
					expected = want.file
				}
				if got != expected {
					t.Errorf("%s came over %s, not %s", call, got, expected)
				}
			}
		})
	}
}

// However much is asked at once, no more than ten connections are open, and five remain.
func TestPool(t *testing.T) { synctest.Test(t, testPool) }

func testPool(t *testing.T) {
	const callers = 40
	var waiting atomic.Int32
	full, gate := make(chan struct{}), make(chan struct{})
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if waiting.Add(1) == maxConns {
			close(full)
		}
		<-gate
		if strings.Contains(r.URL.Path, "files") {
			serve(w, r, fileText)
			return
		}
		whoami(w, r)
	}), onlyHTTP1)
	c := s.client(t)
	calls, files, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range callers {
		over, path := calls, api.PathAuth
		if i%2 == 0 {
			over, path = files, "/files"
		}
		all.Go(func() {
			response, err := c.send(t.Context(), over, call{method: http.MethodGet, path: path})
			if err != nil {
				t.Error(err)
				return
			}
			_, err = c.read(t.Context(), call{}, response)
			response.Body.Close()
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-full
	close(gate)
	all.Wait()
	synctest.Wait()
	if most := s.net.most.Load(); most != maxConns {
		t.Errorf("%d connections were open at a time", most)
	}
	if left := s.net.open.Load(); left > maxIdleCalls+maxIdleFiles {
		t.Errorf("%d connections remain", left)
	}
	var dialled int32
	for i := range 3 {
		if _, err := c.WhoAmI(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if i == 0 {
			dialled = s.net.dials.Load()
		}
	}
	if s.net.dials.Load() != dialled {
		t.Error("an idle connection was not used again")
	}
	_ = c.Close()
}

// Idle connections for one purpose make room for the other's.
func TestPoolMakesRoom(t *testing.T) {
	s := newSite(t, http.HandlerFunc(whoami), onlyHTTP1)
	c := s.client(t)
	if _, err := c.WhoAmI(t.Context()); err != nil { // its connection is idle now
		t.Fatal(err)
	}
	for range maxConns - 1 { // the others are taken
		c.clients.connections.free <- struct{}{}
	}
	_, files, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.send(t.Context(), files, call{method: http.MethodGet, path: "/files"})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func recordHosts(dial dialer, hosts *[]string, mu *sync.Mutex) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		*hosts = append(*hosts, addr)
		mu.Unlock()
		return dial(ctx, network, addr)
	}
}
