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
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/azure-tenant-grapher/atg/service/auth"
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
	open         bool        // needs no key
	work         bool        // brings new work, which a service that goes away refuses
	waits        bool        // its duration says nothing of the service
}

// call is a request on its way through the service.
type call struct {
	id    string     // the request's
	grant auth.Grant // zero if the call needs no key
	job   string     // the id of the job that it is about
	err   error      // why it was refused
	waits bool       // it was a long poll
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// handle answers a route. serve returns an error instead of answering; it is then answered as a problem.
func (a *API) handle(rt route, serve func(http.ResponseWriter, *http.Request) error) {
	pattern := strings.Replace(rt.path, "{path}", "{path...}", 1)
	if rt.method != "" {
		pattern = rt.method + " " + pattern
	}
	observe := a.metrics.of(rt)
	a.mux.HandleFunc(pattern, func(plain http.ResponseWriter, r *http.Request) {
		began := time.Now()
		c := &call{id: requestID(r), waits: rt.waits}
		w := &recorder{ResponseWriter: plain}
		ctx, span := a.trace(context.WithValue(r.Context(), callKey{}, c), rt, r)
		r = r.WithContext(ctx)
		body := countBody(r)
		a.metrics.underway.Inc()
		defer func() {
			a.recovered(w, r, recover())
			a.metrics.underway.Dec()
			took := time.Since(began)
			observe(r.Method, w.code(), took, c.waits)
			a.metrics.bytes(body, w.sent)
			endSpan(span, c, w.code())
			a.record(ctx, rt, c, r, w, took)
			if w.broken {
				panic(http.ErrAbortHandler)
			}
		}()
		a.prepare(w, r, c)
		if err := a.admit(w, r, rt, c, serve); err != nil {
			a.refuse(w, r, err)
		}
	})
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

// admit checks that the call may be made, and makes it.
func (a *API) admit(w http.ResponseWriter, r *http.Request, rt route, c *call, serve func(http.ResponseWriter, *http.Request) error) error {
	if !rt.open {
		granted, err := a.o.Guard.Check(r.Context(), r.Header.Get("Authorization"), r.RemoteAddr)
		if err != nil {
			return err
		}
		c.grant = granted
		leave, err := a.o.Guard.Enter(granted)
		if err != nil {
			return err
		}
		defer leave()
		if err := granted.Allow(rt.scopes...); err != nil {
			return err
		}
	}
	if rt.work && a.draining.Load() {
		return goingAway()
	}
	return serve(w, r)
}

func goingAway() error {
	return fault.New(fault.ServiceUnavailable, "this node of the service is going away", fault.Retryable(), fault.From(fault.OriginService),
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
func (a *API) record(ctx context.Context, rt route, c *call, r *http.Request, w *recorder, took time.Duration) {
	level := slog.LevelInfo
	if c.grant.Key != "" {
		level = slog.LevelDebug
		a.o.Guard.Record(ctx, auth.Call{
			Key: c.grant.Key, Method: r.Method, Path: rt.path, Job: c.job, Status: w.code(), Duration: took, RequestID: c.id, Remote: r.RemoteAddr,
		})
	}
	attrs := []slog.Attr{
		slog.String("request_id", c.id), slog.String("method", r.Method), slog.String("path", rt.path), slog.Int("status", w.code()),
		slog.Duration("duration", took), slog.Int64("bytes", w.sent), slog.String("remote", r.RemoteAddr),
	}
	if c.err != nil {
		attrs = append(attrs, slog.String("code", string(fault.CodeOf(c.err))))
		if w.code() >= http.StatusInternalServerError || (w.broken && r.Context().Err() == nil) {
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

// countBody counts what is read of a request's body; nil if there is none.
func countBody(r *http.Request) *countedBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &countedBody{ReadCloser: r.Body}
	r.Body = b
	return b
}
