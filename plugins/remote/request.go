package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// maxAnswer is the largest JSON body that is read, in bytes.
const maxAnswer = 64 << 20

// call is one request of the REST API.
type call struct {
	method   string
	path     string // as api.Path… has it, filled
	query    url.Values
	header   http.Header
	body     func() (io.ReadCloser, error) // nil is none
	length   int64                         // of the body, in bytes
	notFound fault.Code                    // what a 404 without a code means; empty is fault.RemoteFailed
	noKey    bool                          // it is answered without a key
	allow    []int                         // statuses beyond 2xx that are no refusals
}

func (q call) String() string { return q.method + " " + q.path }

// with makes body the JSON body of the call.
func (q call) with(body any) (call, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return q, fault.New(fault.InvalidArgument, "the request has no JSON form", fault.Because(err), fault.From(fault.OriginBackend))
	}
	q.body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	q.length = int64(len(content))
	q.header = q.header.Clone()
	if q.header == nil {
		q.header = http.Header{}
	}
	q.header.Set("Content-Type", "application/json")
	return q, nil
}

// answer is what came back, with its body read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// answer is a response with what was read of its body, without the key that somebody may have repeated.
func (c *RemoteClient) answer(response *http.Response, body []byte) answer {
	header := response.Header.Clone()
	for _, values := range header {
		for i, v := range values {
			values[i] = string(c.redact([]byte(v)))
		}
	}
	return answer{response.StatusCode, header, c.redact(body)}
}

// request makes the HTTP request of a call.
func (c *RemoteClient) request(ctx context.Context, q call) (*http.Request, error) {
	escaped := strings.TrimRight(c.base.EscapedPath(), "/") + q.path
	target := *c.base
	var err error
	if target.Path, err = url.PathUnescape(escaped); err != nil {
		return nil, fault.New(fault.InvalidArgument, "the request has no path", fault.Because(err), fault.From(fault.OriginBackend))
	}
	target.RawPath, target.RawQuery = escaped, q.query.Encode()
	request := (&http.Request{Method: q.method, URL: &target, Host: target.Host, Header: http.Header{}}).WithContext(ctx)
	for name, values := range q.header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", userAgent())
	request.Header.Set(api.HeaderRequestID, newID())
	request.Header.Set("Traceparent", c.trace.header())
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "application/json")
	}
	if !q.noKey {
		request.Header.Set("Authorization", "Bearer "+c.config.APIKey.Reveal())
	}
	if q.body != nil {
		if request.Body, err = q.body(); err != nil {
			return nil, err
		}
		request.GetBody, request.ContentLength = q.body, q.length
		if q.length == 0 { // else it would be of unknown length
			request.Body = http.NoBody
		}
	}
	return request, nil
}

// send sends a call once over one of the clients and answers the response, whatever its status. What
// keeps it from being answered is the fault of unanswered.
func (c *RemoteClient) send(ctx context.Context, over *http.Client, q call) (*http.Response, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	request, err := c.request(ctx, q)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	response, err := over.Do(request)
	attributes := []any{"call", q.String(), "request_id", request.Header.Get(api.HeaderRequestID), "took", time.Since(began).Round(time.Microsecond).String()}
	if err != nil {
		err = c.unanswered(ctx, q, err)
		slog.DebugContext(ctx, "not answered", append(attributes, "error", err)...)
		return nil, err
	}
	slog.DebugContext(ctx, "answered", append(attributes, "status", response.StatusCode, "protocol", response.Proto)...)
	return response, nil
}

// exchange sends a call once and reads its answer whole, in the time that one request may take. A
// refusal is a fault; what may be tried again is wrapped in *transient.
func (c *RemoteClient) exchange(ctx context.Context, q call) (answer, error) {
	over, _, err := c.open()
	if err != nil {
		return answer{}, err
	}
	ctx, release := c.alive(ctx)
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.RequestTimeout, errSlow)
	defer cancel()
	response, err := c.send(ctx, over, q)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	return c.read(ctx, q, response)
}

// read reads an answer whole. A refusal is a fault.
func (c *RemoteClient) read(ctx context.Context, q call, response *http.Response) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{}, c.unanswered(ctx, q, &brokenOff{err})
	case len(body) > maxAnswer:
		return answer{}, fault.New(fault.RemoteFailed, fmt.Sprintf("the service's answer to %s is larger than %d MiB", q, maxAnswer>>20), fault.From(fault.OriginBackend))
	}
	a := c.answer(response, body)
	if a.status >= 200 && a.status < 300 {
		return a, nil
	}
	for _, status := range q.allow {
		if a.status == status {
			return a, nil
		}
	}
	return answer{}, c.refused(q, a)
}

// ask sends a call as often as it takes, and reads its answer.
func (c *RemoteClient) ask(ctx context.Context, q call) (answer, error) {
	return retried(ctx, c, func(ctx context.Context) (answer, error) { return c.exchange(ctx, q) })
}

// askFor is ask, with the key checked before, for a JSON answer of a form.
func askFor[T any](ctx context.Context, c *RemoteClient, q call) (T, error) {
	if err := c.checkKey(ctx); err != nil {
		var none T
		return none, err
	}
	a, err := c.ask(ctx, q)
	if err != nil {
		var none T
		return none, err
	}
	return decodeAnswer[T](q, a)
}

// decodeAnswer reads the JSON of an answer.
func decodeAnswer[T any](q call, a answer) (into T, err error) {
	if err := notJSON(q, a); err != nil {
		return into, err
	}
	if err := json.Unmarshal(a.body, &into); err != nil {
		return into, fault.New(fault.RemoteFailed, fmt.Sprintf("the service's answer to %s is not of the form that it should have", q),
			fault.Because(err), fault.From(fault.OriginBackend), fault.Hint(hintOther))
	}
	return into, nil
}

const hintOther = "check service_url (ATG_SERVICE_URL): another program may answer there, or a service of another version"

// notJSON says what an answer is that is no JSON.
func notJSON(q call, a answer) error {
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	start := bytes.ToLower(bytes.TrimSpace(a.body[:min(len(a.body), 4096)]))
	page := media == "text/html" || media == "application/xhtml+xml" || bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
	switch {
	case page && looksLikeLoginPage(a.body):
		return fault.New(fault.AuthFailed, fmt.Sprintf("a login page came instead of the service's answer to %s", q), fault.From(fault.OriginBackend),
			fault.Hint("a proxy in front of the service may want you to sign in first, or service_url is the address of its web pages"))
	case page:
		return fault.New(fault.RemoteFailed, fmt.Sprintf("a web page came instead of the service's answer to %s", q),
			fault.From(fault.OriginBackend), fault.Hint(hintOther))
	case media != "" && media != "application/json" && !strings.HasSuffix(media, "+json"):
		return fault.New(fault.RemoteFailed, fmt.Sprintf("the service's answer to %s is %s, not JSON", q, printable(media)),
			fault.From(fault.OriginBackend), fault.Hint(hintOther))
	}
	return nil
}

// maxLoginPage is how much of a web page is looked at, in bytes.
const maxLoginPage = 256 << 10

func looksLikeLoginPage(body []byte) bool {
	page := bytes.ToLower(body[:min(len(body), maxLoginPage)])
	for _, mark := range []string{`type="password"`, `type='password'`, "type=password", "sign in", "log in", "login", "saml"} {
		if bytes.Contains(page, []byte(mark)) {
			return true
		}
	}
	return false
}

// longestAsked bounds the wait that a service asks for: a date centuries away is no span that could be reckoned with.
const longestAsked = 365 * 24 * time.Hour

// retryAfter is how long the service asks to wait, in seconds or until a date; 0 is no word of it.
func retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return min(time.Duration(max(seconds, 0))*time.Second, longestAsked)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), longestAsked)
	}
	return 0
}
