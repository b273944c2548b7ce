package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.opentelemetry.io/otel/trace"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// route is one call of the API: what it is for, and what it needs.
type route struct {
	method, path string
	id           string // its name in the OpenAPI document
	summary      string
	description  string
	tag          string
	status       int         // of success; 0 is 200, or 204 without a body
	also         int         // another status of success, with the same body
	scopes       []api.Scope // the key needs one of them; none is any key
	class        class       // with whom it shares places, if it needs a key
	open         bool        // needs no key
	work         bool        // brings new work, which a service that goes away refuses
	waits        bool        // its duration says nothing of the service
}

// call is a request on its way through the service, and what is to be said of it.
type call struct {
	id     string // the request's
	method string
	remote string // address and port
	began  time.Time
	span   trace.Span // nil if there are none
	waits  bool       // its duration says nothing of the service

	grant  auth.Grant // zero if the call needs no key
	leaves []func()   // give its places back, the last one first
	whole  bool       // its body has arrived
	job    string     // the id of the job that it is about

	err            error // why it was refused
	broken         bool  // its answer could not be finished
	status         int
	received, sent int64 // bytes of the bodies

	// goOn is what is left to do when the handler has returned: for a WebSocket, everything. So the memory of its HTTP
	// request is free while it is open.
	goOn func()
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// handle answers a route. serve returns an error instead of answering; it is then answered as a problem.
func (a *API) handle(rt route, serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	pattern := strings.Replace(rt.path, "{path}", "{path...}", 1)
	if rt.method != "" {
		pattern = rt.method + " " + pattern
	}
	handler := func(plain http.ResponseWriter, r *http.Request) {
		c := &call{id: requestID(r), method: r.Method, remote: r.RemoteAddr, began: time.Now(), waits: rt.waits}
		ctx, span := a.trace(context.WithValue(r.Context(), callKey{}, c), rt, r)
		c.span = span
		r = r.WithContext(ctx)
		w, body := &recorder{ResponseWriter: plain}, countBody(r)
		a.metrics.underway.Inc()
		defer func() {
			a.recovered(w, r, recover())
			c.status, c.sent, c.received, c.broken = w.code(), w.sent, body.count(), w.broken
			if goOn := c.goOn; goOn != nil {
				c.goOn = nil
				go a.finish(context.WithoutCancel(ctx), rt, c, goOn)
				return
			}
			a.finish(ctx, rt, c, func() {})
			if c.broken {
				panic(http.ErrAbortHandler)
			}
		}()
		a.prepare(w, r, c)
		if err := a.admit(w, r, rt, c, serve); err != nil {
			if reasonOf(err) != "" {
				a.pacer.wait(ctx)
			}
			a.refuseEarly(w, r, err)
		}
	}
	a.mux.HandleFunc(pattern, handler)
	return handler
}

// finish does what is left to do, and says what became of a call.
func (a *API) finish(ctx context.Context, rt route, c *call, goOn func()) {
	defer func() {
		if panicked := recover(); panicked != nil {
			a.log.ErrorContext(ctx, "panic", "request_id", c.id, "panic", panicked, "stack", string(debug.Stack()))
		}
		for _, leave := range slices.Backward(c.leaves) {
			leave()
		}
		took := time.Since(c.began)
		a.metrics.count(rt, c, took)
		endSpan(c)
		a.record(ctx, rt, c, took)
	}()
	goOn()
}

// Handle makes a huma operation a route: huma.Adapter.
func (h humaAdapter) Handle(op *huma.Operation, serve func(huma.Context)) {
	rt, _ := op.Metadata[routeKey].(route)
	h.a.handle(rt, func(w http.ResponseWriter, r *http.Request) error {
		serve(humago.NewContext(op, r, w))
		return nil
	})
}

// ServeHTTP is huma.Adapter.
func (h humaAdapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.a.ServeHTTP(w, r) }

type humaAdapter struct{ a *API }

func goingAway() error {
	return fault.New(fault.ServiceUnavailable, "this node of the service is going away", fault.Because(jobs.Overload{Reason: "going_away", After: 2 * time.Second}),
		fault.Retryable(), fault.From(fault.OriginService),
		fault.Hint("try again; another node, or the restarted one, will answer"))
}

// Headers that every answer carries, as Header.Set would keep them.
var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	httpsOnly  = []string{"max-age=31536000"}
	noStore    = []string{"no-store"}
)

func (a *API) prepare(w http.ResponseWriter, r *http.Request, c *call) {
	h := w.Header()
	h["X-Content-Type-Options"] = nosniff
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = noContent
	h["Cache-Control"] = noStore
	if r.TLS != nil {
		h["Strict-Transport-Security"] = httpsOnly
	}
	h[http.CanonicalHeaderKey(api.HeaderRequestID)] = []string{c.id}
	a.allowOrigin(h, r)
}

// recovered turns a panic into an answer, and keeps the stack for the log.
func (a *API) recovered(w *recorder, r *http.Request, panicked any) {
	if panicked == nil {
		return
	}
	if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		w.broken = true
		return
	}
	a.log.ErrorContext(r.Context(), "panic", "request_id", callOf(r.Context()).id, "panic", panicked, "stack", string(debug.Stack()))
	a.refuse(w, r, fault.New(fault.Internal, "the service has a defect", fault.From(fault.OriginService)))
}

// record writes the log: authenticated calls stand in the audit log, the others in the access log; what failed by
// the service's own fault is an error with its reason.
func (a *API) record(ctx context.Context, rt route, c *call, took time.Duration) {
	level := slog.LevelInfo
	refused := c.status >= http.StatusBadRequest && reasonOf(c.err) != "" // a summary is logged; a line of each would help a flood
	if c.grant.Key != "" || refused {
		level = slog.LevelDebug
	}
	if c.grant.Key != "" && !refused {
		a.o.Guard.Record(ctx, auth.Call{
			Key: c.grant.Key, Method: c.method, Path: rt.path, Job: c.job, Status: c.status, Duration: took, RequestID: c.id, Remote: c.remote,
		})
	}
	attrs := []slog.Attr{
		slog.String("request_id", c.id), slog.String("method", c.method), slog.String("path", rt.path), slog.Int("status", c.status),
		slog.Duration("duration", took), slog.Int64("bytes", c.sent), slog.String("remote", c.remote),
	}
	if c.err != nil {
		attrs = append(attrs, slog.String("code", string(fault.CodeOf(c.err))))
		if c.status >= http.StatusInternalServerError && !refused || (c.broken && ctx.Err() == nil) {
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", c.err.Error()))
		}
	}
	a.log.LogAttrs(ctx, level, "request", attrs...)
}

// requestID is the one that the caller sent, if it is one, or a new one.
func requestID(r *http.Request) string {
	const longest = 64
	sent := r.Header.Get(api.HeaderRequestID)
	if sent == "" || len(sent) > longest {
		return newRequestID()
	}
	for _, c := range []byte(sent) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return newRequestID()
		}
	}
	return sent
}

func newRequestID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	sent   int64
	broken bool // the answer cannot be finished: the connection must end, so that nobody takes it for whole
}

// Unwrap lets http.ResponseController and the WebSocket library reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// code is the status that was answered; a handler that wrote nothing answered 200.
func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

type countedBody struct {
	io.ReadCloser
	read int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// count is how many bytes were read.
func (b *countedBody) count() int64 {
	if b == nil {
		return 0
	}
	return b.read
}

// countBody counts what is read of a request's body; nil if there is none.
func countBody(r *http.Request) *countedBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &countedBody{ReadCloser: r.Body}
	r.Body = b
	return b
}
