package azure

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// transport is a newTransport that is made at the first request: to read the system's certificate
// authorities takes as long as all the rest of a backend's start.
type transport struct {
	authorities [][]byte // PEM; trusted beside the system's
	skew        skew

	mu   sync.Mutex
	made *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	if t.made == nil {
		t.made = newTransport(pool(t.authorities))
	}
	made := t.made
	t.mu.Unlock()
	response, err := made.RoundTrip(r)
	if err == nil {
		t.skew.heard(response.Header)
	}
	return response, err
}

// CloseIdleConnections is what http.Client looks for.
func (t *transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made != nil {
		t.made.CloseIdleConnections()
	}
}

// authorities are the files of certificate authorities to trust beside the system's, each with one
// certificate at least. SSL_CERT_FILE counts on every system: Go itself heeds it on some only.
func (c *Config) authorities() (files [][]byte, problems []fault.Problem) {
	for _, named := range []struct{ key, file string }{{"ca_file", c.CAFile}, {"SSL_CERT_FILE", c.getenv("SSL_CERT_FILE")}} {
		if named.file == "" {
			continue
		}
		content, err := os.ReadFile(named.file)
		if err == nil && !certifies(content) {
			err = fmt.Errorf("%s holds no certificate in PEM form", named.file)
		}
		if err != nil {
			problems = append(problems, fault.Problem{Key: named.key, Message: err.Error()})
		}
		files = append(files, content)
	}
	return files, problems
}

// certifies says whether there is a certificate that AppendCertsFromPEM would take.
func certifies(content []byte) bool {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return false
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" && len(block.Headers) == 0 {
			return true
		}
	}
}

// pool is the system's authorities and those of files; nil, which is the system's alone, for none.
func pool(files [][]byte) *x509.CertPool {
	if len(files) == 0 {
		return nil
	}
	all, err := x509.SystemCertPool()
	if err != nil {
		all = x509.NewCertPool()
	}
	for _, content := range files {
		all.AppendCertsFromPEM(content)
	}
	return all
}

// idle is how many connections are kept for the next call. A scan makes ten calls at once for each query
// that it asks at once, and a new connection costs as much as several calls.
const idle = 1024

// newTransport makes the one pool of connections to Azure. HTTP/1.1: its pages come faster over
// several connections than over the one that HTTP/2 shares, and a reset costs one page alone.
func newTransport(roots *x509.CertPool) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 90 * time.Second, // Resource Graph may think for a while
		MaxIdleConnsPerHost:   idle,
		IdleConnTimeout:       90 * time.Second,
		Protocols:             &protocols,
		DisableCompression:    true,     // body unpacks, faster than net/http
		ReadBufferSize:        16 << 10, // a record of TLS; no read brings more
	}
}

// noRedirects lets the caller see a redirect: Azure's APIs send none, and a credential must not
// follow one.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// withBody lets read take in the content of a response, unpacked.
func withBody(resp *http.Response, read func(io.Reader) error) error {
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return read(resp.Body)
	}
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(resp.Body); err != nil {
		return err
	}
	return read(z)
}

// discard reads the rest of a response, so that its connection can be used again, and closes it.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}

// watched remembers the failure of the latest request, which the SDK's errors of authentication
// keep as text alone.
type watched struct {
	client *http.Client

	mu     sync.Mutex
	failed error
}

// Do sends a request.
func (w *watched) Do(req *http.Request) (*http.Response, error) {
	resp, err := w.client.Do(req)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = err
	return resp, err
}

// failure is that of the latest request; nil if it was answered.
func (w *watched) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// untrusted says that the far side's certificate was refused.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}
