package azure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// newTransport makes the one pool of connections to Azure. HTTP/1.1: its pages come faster over
// several connections than over the one that HTTP/2 shares, and a reset costs one page alone.
func newTransport(roots *x509.CertPool, parallelism int) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 90 * time.Second, // Resource Graph may think for a while
		MaxIdleConnsPerHost:   parallelism + 2,
		IdleConnTimeout:       90 * time.Second,
		Protocols:             &protocols,
		DisableCompression:    true, // body unpacks, faster than net/http
		ReadBufferSize:        64 << 10,
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
