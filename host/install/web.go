package install

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// mostSignature bounds a signature, which has about 300 bytes.
const mostSignature = 16 << 10

// errStalled is why a download that brings nothing ends.
var errStalled = errors.New("nothing came for too long")

// Client is the HTTP client for web servers and registries: HTTPS alone, also where one redirects, at most ten times. The
// certificates in caFile are trusted beside the system's; empty is none. Proxies are those of the environment.
func Client(caFile string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		text, err := os.ReadFile(caFile)
		if err == nil && !pool.AppendCertsFromPEM(text) {
			err = errors.New("no certificate in PEM is in it")
		}
		if err != nil {
			return nil, fault.New(fault.ConfigInvalid, "the file of certificates cannot be used", fault.On(caFile), fault.Because(err), fault.From(fault.OriginHost))
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: secure{transport}, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("it redirects more than ten times")
		}
		return nil
	}}, nil
}

// secure refuses whatever is not HTTPS, and says who asks.
type secure struct{ http.RoundTripper }

var errPlain = errors.New("it leads to a server without TLS")

func (s secure) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errPlain
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "atg/"+buildinfo.Version())
	return s.RoundTripper.RoundTrip(r)
}

func (i *Installer) fetchWeb(ctx context.Context, s Source, folder string) (*fetched, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, wrongSource(s.text, "it is no URL")
	}
	got := &fetched{file: filepath.Join(folder, "download"), name: path.Base(u.Path), source: s.text}
	ctx, watch, cancel := i.watch(ctx)
	defer cancel()
	body, size, err := i.get(ctx, s.text, u)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	if got.sum, err = i.save(got.file, watch(body), size, got.name); err != nil {
		return nil, i.offline(ctx, s.text, err)
	}
	signature := *u
	signature.Path += minisigEnding
	signature.RawPath = ""
	text, _, err := i.get(ctx, s.text+minisigEnding, &signature)
	if err != nil && fault.CodeOf(err) == fault.BackendNotFound { // it is not signed
		return got, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = text.Close() }()
	got.proof.minisig, err = io.ReadAll(io.LimitReader(watch(text), mostSignature))
	if err != nil {
		return nil, i.offline(ctx, s.text, err)
	}
	return got, nil
}

// get begins a download, and answers how long it will be; -1 is unknown.
func (i *Installer) get(ctx context.Context, name string, u *url.URL) (io.ReadCloser, int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, 0, wrongSource(name, "it is no URL")
	}
	answer, err := i.HTTP.Do(request)
	if err != nil {
		return nil, 0, i.offline(ctx, name, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, answer.ContentLength, nil
	}
	_ = answer.Body.Close()
	return nil, 0, refused(name, answer.StatusCode, nil)
}

// refused is the fault of an answer that is none of success.
func refused(name string, status int, err error) error {
	options := []fault.Option{fault.On(name), fault.From(fault.OriginHost), fault.Because(err)}
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return fault.New(fault.BackendNotFound, "there is no such thing to install", options...)
	case http.StatusUnauthorized:
		return fault.New(fault.AuthFailed, "the server wants a credential", append(options, fault.Hint("for a registry: docker login, or oras login"))...)
	case http.StatusForbidden:
		return fault.New(fault.Forbidden, "the server does not let you have it", options...)
	case http.StatusTooManyRequests:
		return fault.New(fault.Throttled, "the server asks to slow down", append(options, fault.Retryable())...)
	}
	return fault.New(fault.ServiceUnavailable, fmt.Sprintf("the server answers %d %s", status, http.StatusText(status)), append(options, fault.Retryable())...)
}

// offline is the fault of a connection that failed, or of a limit.
func (i *Installer) offline(ctx context.Context, name string, err error) error {
	if f := fault.As(err); f != nil {
		return f
	}
	var wrong *url.Error
	if errors.As(err, &wrong) {
		err = wrong.Err // its text has the whole URL
	}
	cause := context.Cause(ctx)
	var unknown x509.UnknownAuthorityError
	options := []fault.Option{fault.On(name), fault.From(fault.OriginHost), fault.Because(err)}
	switch {
	case errors.Is(cause, errStalled):
		return fault.New(fault.ServiceUnavailable, "the download has come to a halt", append(options, fault.Retryable(), fault.Hint("try again"))...)
	case cause != nil:
		return fault.Of(fmt.Errorf("%w: %w", ctx.Err(), cause))
	case errors.Is(err, errPlain):
		return fault.New(fault.Integrity, err.Error(), fault.On(name), fault.From(fault.OriginHost), fault.Hint("backends come by HTTPS alone"))
	case errors.As(err, &unknown):
		return fault.New(fault.ServiceUnavailable, "the certificate of the server is of an authority that is not known", append(options, fault.Hint("name its certificate with --ca-file, or trust.ca_file"))...)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.ServiceUnavailable, "the download was interrupted", append(options, fault.Retryable(), fault.Hint("try again"))...)
	}
	return fault.New(fault.ServiceUnavailable, "the server cannot be reached", append(options, fault.Retryable())...)
}

// watch is a context that ends when what is read through the answered function brings nothing for too long.
func (i *Installer) watch(ctx context.Context) (context.Context, func(io.Reader) io.Reader, context.CancelFunc) {
	patience := i.stalled
	if patience == 0 {
		patience = stalled
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() { cancel(errStalled) })
	return ctx, func(r io.Reader) io.Reader { return reading{r, func() { timer.Reset(patience) }} }, func() {
		timer.Stop()
		cancel(nil)
	}
}

// reading tells of each piece that was read.
type reading struct {
	io.Reader
	came func()
}

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.came()
	}
	return n, err
}

// save writes what is read into a new file, and answers its SHA-256. More than mostBytes are refused.
func (i *Installer) save(file string, r io.Reader, size int64, name string) (string, error) {
	if size > mostBytes {
		return "", integrity(name, "it has more than %d MiB", mostBytes>>20)
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", unusable(file, err)
	}
	hash, done := sha256.New(), int64(0)
	counted := reading{Reader: io.LimitReader(r, mostBytes+1)}
	counted.came = func() {}
	n, err := io.Copy(io.MultiWriter(out, hash, progress(func(n int) {
		if done += int64(n); i.Progress != nil {
			i.Progress(backend.Progress{Phase: "download", Done: done, Total: max(size, 0), Unit: "bytes", Message: name})
		}
	})), counted)
	if err = errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	if n > mostBytes {
		return "", integrity(name, "it has more than %d MiB", mostBytes>>20)
	}
	if size >= 0 && n != size {
		return "", io.ErrUnexpectedEOF
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

type progress func(n int)

func (p progress) Write(b []byte) (int, error) { p(len(b)); return len(b), nil }

// sum is the SHA-256 of a file, and its size.
func sum(file string) (string, int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	hash := sha256.New()
	n, err := io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), n, err
}
