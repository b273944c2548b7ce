package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// transient is a failure that may pass: the same request may be sent again.
type transient struct {
	fault *fault.Fault
	after time.Duration // not before that; 0 is no word of it
}

// Error implements error.
func (t *transient) Error() string { return t.fault.Error() }

// Unwrap answers the fault.
func (t *transient) Unwrap() error { return t.fault }

// errSlow is the cause of a request that took longer than it may.
var errSlow = errors.New("the time for one request is over")

// brokenOff is an answer that began and did not end.
type brokenOff struct{ cause error }

// Error implements error.
func (b *brokenOff) Error() string { return b.cause.Error() }

// Unwrap answers the cause.
func (b *brokenOff) Unwrap() error { return b.cause }

// passing makes a transient failure.
func passing(code fault.Code, message string, cause error) *transient {
	return &transient{fault: fault.New(code, message, fault.Because(cause), fault.Retryable(), fault.From(fault.OriginBackend))}
}

// unanswered is the fault of a request that got no answer, or half of one.
func (c *RemoteClient) unanswered(ctx context.Context, q call, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSlow) {
		return context.Cause(ctx)
	}
	if f := fault.As(err); f != nil { // a redirect that was refused, a body that cannot be read
		return f
	}
	var broken *brokenOff
	half := errors.As(err, &broken)
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	err = c.silent(err)
	if f := c.distrusted(err); f != nil {
		return f
	}
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		f := passing(fault.ServiceUnavailable, fmt.Sprintf("the service at %s did not answer within %s", c.origin(), c.config.RequestTimeout), nil)
		f.fault.Hint = "see whether it works: atg --backend remote health; request_timeout (ATG_REQUEST_TIMEOUT) sets how long a request may take"
		return f
	case half:
		f := passing(fault.RemoteFailed, fmt.Sprintf("the service's answer to %s broke off", q), err)
		f.fault.Hint = "try again; if it happens again, something between here and the service ends connections too early"
		return f
	case errors.As(err, &timeout) && timeout.Timeout():
		f := passing(fault.ServiceUnavailable, fmt.Sprintf("the service at %s did not answer in time", c.origin()), err)
		f.fault.Hint = hintUnreachable
		return f
	}
	f := passing(fault.ServiceUnavailable, fmt.Sprintf("the service at %s cannot be reached", c.origin()), err)
	f.fault.Hint = hintUnreachable
	return f
}

const hintUnreachable = "check service_url (ATG_SERVICE_URL), the network, and the proxy variables; see also: atg --backend remote health"

// distrusted is the fault of a connection that is not safe; no repetition would help.
func (c *RemoteClient) distrusted(err error) *fault.Fault {
	refuse := func(message, hint string) *fault.Fault {
		return fault.New(fault.ServiceUnavailable, fmt.Sprintf("the service at %s %s", c.origin(), message), fault.Because(err),
			fault.Hint("%s", hint), fault.From(fault.OriginBackend))
	}
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown):
		return refuse("has a certificate of an unknown authority",
			"if your organisation has its own, set ca_file (ATG_CA_FILE) to its certificate in PEM form")
	case errors.As(err, &hostname):
		return refuse("has a certificate for another name", "set service_url (ATG_SERVICE_URL) to the name in its certificate")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return refuse("has a certificate that is not valid now", "compare the clocks; else tell the service's operator")
	case errors.As(err, &invalid), errors.As(err, &verify):
		return refuse("has a certificate that cannot be trusted", "tell the service's operator")
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return refuse("does not speak TLS", "service_url (ATG_SERVICE_URL) has to be the service's https address and port")
	case strings.Contains(err.Error(), "unsupported protocol version"), strings.Contains(err.Error(), "protocol version not supported"):
		return refuse("speaks no TLS of version 1.2 or newer", "tell the service's operator")
	case strings.Contains(err.Error(), "remote error: tls: handshake failure"):
		return refuse("offers no encryption with forward secrecy", "tell the service's operator; a proxy that opens connections may stand between")
	}
	return nil
}

// passable are the statuses of refusals that may pass.
var passable = []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// refused is the fault of an answer that is a refusal.
func (c *RemoteClient) refused(q call, a answer) error {
	f := api.DecodeProblem(a.status, a.header.Get("Content-Type"), a.body, q.notFound)
	if f.Origin == "" {
		f.Origin = fault.OriginService
	}
	if a.status == http.StatusUnauthorized {
		c.forgetKey()
	}
	if f.Hint == "" {
		f.Hint = c.wayOut(f, a)
	}
	if slices.Contains(passable, a.status) {
		f.Retryable = true
		return &transient{f, retryAfter(a.header)}
	}
	return f
}

// wayOut is the hint for a refusal that came without one.
func (c *RemoteClient) wayOut(f *fault.Fault, a answer) string {
	switch {
	case f.Code == fault.AuthRequired || f.Code == fault.AuthFailed:
		return "check the key: atg auth status; give a new one with atg auth login or ATG_API_KEY"
	case f.Code == fault.Forbidden:
		return "ask the service's operator what this key may do"
	case f.Code == fault.Throttled:
		if after := retryAfter(a.header); after > 0 {
			return fmt.Sprintf("try again in %s", after.Round(time.Second))
		}
		return "try again later"
	case f.Code == fault.ServiceUnavailable:
		return "try again later; see how it is: atg --backend remote health"
	case f.Code == fault.JobNotFound:
		return "see your jobs: atg --backend remote job list"
	case f.Code == fault.SnapshotNotFound:
		return "see which there are: atg --backend remote snapshot list"
	case f.Code == fault.ArtifactsNotAvailable:
		return "the service keeps files for a time only; run the operation again"
	case f.Code == fault.RemoteFailed && a.status == http.StatusNotFound:
		return hintOther
	case f.Code == fault.RemoteFailed:
		return "tell the service's operator what happened and when"
	}
	return ""
}

// minKey is the length of the shortest key that is searched for in what others wrote. A shorter one would hide words.
const minKey = 8

// redact removes the key from what the service, or something between, wrote.
func (c *RemoteClient) redact(text []byte) []byte {
	key := []byte(c.config.APIKey.Reveal())
	if len(key) < minKey || !bytes.Contains(text, key) {
		return text
	}
	return bytes.ReplaceAll(text, key, []byte(secret.Redacted))
}

// silent is err without the key in its text.
func (c *RemoteClient) silent(err error) error {
	text := err.Error()
	if clean := string(c.redact([]byte(text))); clean != text {
		return errors.New(clean)
	}
	return err
}
