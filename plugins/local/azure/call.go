package azure

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// maxFailures is how often one call may fail in a row for another reason than throttling, which
	// only patience ends: about 15 seconds of an Azure that is down.
	maxFailures = 6
	backoffBase = 500 * time.Millisecond
	backoffMax  = 30 * time.Second
	attemptTime = 3 * time.Minute // for one attempt with its body
)

// call is one call to Azure.
type call struct {
	api     string // for messages: Resource Graph
	on      string // the path, of a call to Resource Manager
	query   string // the query, of one to Resource Graph, as messages show it
	limiter limiter
	method  string
	url     string
	// permission is the least of Microsoft Graph's that the call needs, for the message of a refusal.
	permission string
	// eventual asks Microsoft Graph for its index, which some queries need.
	eventual bool
	body     []byte            // JSON; nil is none
	content  *io.SectionReader // JSON instead of body; nil is none
	// once forbids to make the call again where it may have been done although its answer was lost.
	once bool
	// read takes in the content of a good answer. If it fails the whole call is made again, so it
	// must begin anew each time.
	read func(io.Reader) error
	// header hears the status and the header of a good answer, before read does. A call that has it takes every status of success,
	// others 200 alone.
	header func(status int, header http.Header)
}

// good says that an answer is what the call was made for.
func (c *call) good(status int) bool {
	return status == http.StatusOK || c.header != nil && status >= 200 && status < 300
}

// do makes a call until it succeeds, is refused, or patience is over. Its errors are faults, or a
// *failure for answers that a caller may mend.
func (s *Session) do(ctx context.Context, c *call) error {
	var began time.Time // of the first failure
	refused := ""       // the token that the latest answer refused
	for failures, throttled := 0, 0; ; {
		ended, err := c.limiter.acquire(ctx, s.config.Patience)
		if err != nil {
			return c.known(err)
		}
		token, err := s.attempt(ctx, c, ended)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f := (*failure)(nil)
		if !errors.As(err, &f) {
			return err // of the credential
		}
		f.call = c
		switch {
		// A call beside this one may have put the refused token back before it was renewed.
		case f.status == http.StatusUnauthorized && (refused == "" || refused == token && failures < maxFailures):
			if refused == token {
				failures++
			}
			refused = token
			s.credential.renew(token)
			continue
		case !f.passing(), c.once && !f.throttled():
			return f
		case f.throttled():
			throttled++
		default:
			if failures++; failures == maxFailures {
				return f
			}
		}
		// A token that was good for another answer may expire during a wait, and be renewed again.
		if f.status != 0 {
			refused = ""
		}
		now := time.Now()
		if began.IsZero() {
			began = now
		}
		wait := f.wait
		if wait == 0 {
			wait = backoff(failures + throttled)
		}
		if f.throttled() { // it concerns others too
			c.limiter.refused(f, wait)
		}
		if now.Add(wait).Sub(began) > s.config.Patience {
			return f
		}
		if f.throttled() {
			continue
		}
		if err := pause(ctx, Wait{f.why(), wait}); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return f // why the time was not enough
			}
			return err
		}
	}
}

// known completes a failure that happened before the call was made.
func (c *call) known(err error) error {
	if f := (*failure)(nil); errors.As(err, &f) {
		f.call = c
	}
	return err
}

// backoff doubles with each failure, with jitter, so that many callers do not come back as one.
func backoff(failures int) time.Duration {
	d := min(backoffBase<<min(failures-1, 10), backoffMax)
	return d/2 + rand.N(d/2)
}

// attempt makes a call once. A failure of the call itself is a *failure; token is what it was made
// with.
func (s *Session) attempt(ctx context.Context, c *call, ended turn) (token string, err error) {
	status, header := 0, http.Header(nil)
	tell := sync.OnceFunc(func() { ended(status, header) })
	defer tell()
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()

	req, err := s.request(ctx, c)
	if err != nil {
		return "", err
	}
	began := time.Now()
	pipeline := s.pipeline
	if c.api == apiDirectory {
		pipeline = s.directory
	}
	resp, err := pipeline.Do(req)
	if err != nil {
		if f := fault.As(err); f != nil {
			return "", f
		}
		slog.DebugContext(outer, "azure call failed", "method", c.method, "api", c.api, "error", err)
		return "", &failure{cause: err}
	}
	defer discard(resp)
	token = strings.TrimPrefix(resp.Request.Header.Get("Authorization"), "Bearer ")
	status, header = resp.StatusCode, resp.Header
	tell() // the body may take a while
	slog.DebugContext(outer, "azure call", "method", c.method, "api", c.api, "status", resp.StatusCode,
		"took", time.Since(began), "request_id", cmp.Or(header.Get("x-ms-request-id"), header.Get("request-id")))
	if !c.good(resp.StatusCode) {
		return token, failed(resp)
	}
	if c.header != nil {
		c.header(resp.StatusCode, resp.Header)
	}
	if err := withBody(resp, c.read); err != nil {
		if fault.As(err) != nil {
			return token, err
		}
		return token, &failure{cause: err, answered: errors.Is(err, errForm), correlationID: correlationOf(header)}
	}
	return token, nil
}

func (s *Session) request(ctx context.Context, c *call) (*policy.Request, error) {
	req, err := runtime.NewRequest(ctx, c.method, c.url)
	if err != nil {
		return nil, fault.New(fault.Internal, "the address of "+c.api+" is wrong", fault.Because(err))
	}
	runtime.SkipBodyDownload(req)
	var body io.ReadSeeker
	switch {
	case c.body != nil:
		body = bytes.NewReader(c.body)
	case c.content != nil: // what an attempt reads that is given up is not missing in the next one
		body = io.NewSectionReader(c.content, 0, c.content.Size())
	}
	if body != nil {
		if err := req.SetBody(streaming.NopCloser(body), "application/json"); err != nil {
			return nil, fault.New(fault.Internal, "the call of "+c.api+" cannot be made", fault.Because(err))
		}
	}
	h := req.Raw().Header
	h.Set("Accept", "application/json")
	h.Set("Accept-Encoding", "gzip")
	h.Set("User-Agent", s.config.UserAgent)
	if id := traceOf(ctx).CorrelationID; id != "" {
		h.Set("x-ms-correlation-request-id", id)
		if c.api == apiDirectory {
			h.Set("client-request-id", id)
		}
	}
	if c.eventual {
		h.Set("ConsistencyLevel", "eventual")
	}
	return req, nil
}
