package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Admission is how many requests of each class are served at a time, so that one class does not starve another and memory stays
// bounded. 0 is no limit. One key never has more than three quarters of a class.
type Admission struct {
	Reads       int           // answers from memory and from records
	Submissions int           // of jobs, alone or in batches; as many again, and once more, may be about to arrive
	Transfers   int           // of files, either way
	Watchers    int           // WebSockets, long polls and cancellations; these do not wait
	Waiting     int           // requests of each other class that wait for a place
	Patience    time.Duration // how long they wait
}

// class is what a call is to the service.
type class int

// The classes. Calls that need no key are of none: load balancers and operators make them.
const (
	reads class = iota
	submissions
	transfers
	watchers
)

// gates are those that requests pass. Bodies of submissions arrive before these take a place: one that comes by the
// byte takes none from those that are there.
type gates struct {
	byClass [4]*gate
	bodies  *gate
}

func newGates(o Admission) *gates {
	return &gates{
		byClass: [...]*gate{
			reads:       newGate("reads", "requests", o.Reads, o.Waiting, o.Patience),
			submissions: newGate("submissions", "submissions", o.Submissions, o.Waiting, o.Patience),
			transfers:   newGate("transfers", "transfers of files", o.Transfers, o.Waiting, o.Patience),
			watchers:    newGate("watchers", "watchers", o.Watchers, 0, 0),
		},
		bodies: newGate("bodies", "submissions that arrive", 2*o.Submissions, o.Waiting, o.Patience),
	}
}

func (g *gates) all() []*gate { return append(g.byClass[:], g.bodies) }

// admit checks that the call may be made, and makes it. What is refused is refused before its body is read.
func (a *API) admit(w http.ResponseWriter, r *http.Request, rt route, c *call, serve func(http.ResponseWriter, *http.Request) error) error {
	if err := wellMade(r); err != nil {
		return err
	}
	if r.Context().Value(spareKey{}) != nil {
		w.Header().Set("Connection", "close")
		if !rt.open {
			return busy("connections", "the service has as many connections as it can have")
		}
	}
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
		c.leaves = append(c.leaves, leave)
		if err := granted.Allow(rt.scopes...); err != nil {
			return err
		}
	}
	if rt.work && a.draining.Load() {
		return goingAway()
	}
	if !rt.open {
		if err := a.take(w, r, rt, c); err != nil {
			return err
		}
	}
	return serve(w, r)
}

// take takes a place for the call.
func (a *API) take(w http.ResponseWriter, r *http.Request, rt route, c *call) error {
	gate := a.gates.byClass[rt.class]
	if rt.class == submissions {
		if gate.full(c.grant.Key) {
			return gate.refusal()
		}
		if err := a.o.Service.MaySubmit(r.Context(), c.grant.Caller, r.Header.Get(api.HeaderIdempotencyKey)); err != nil {
			return err
		}
		if err := a.receive(w, r, c); err != nil {
			return err
		}
	}
	leave, err := gate.enter(r.Context(), c.grant.Key)
	if err != nil {
		return err
	}
	c.leaves = append(c.leaves, leave)
	return nil
}

// watches makes a call that has a place a watcher, because it will wait for long.
func (a *API) watches(ctx context.Context, c *call) error {
	leave, err := a.gates.byClass[watchers].enter(ctx, c.grant.Key)
	if err != nil {
		return err
	}
	at := len(c.leaves) - 1
	c.leaves[at]()
	c.leaves[at] = leave
	return nil
}

// receive reads the body of a call into memory.
func (a *API) receive(w http.ResponseWriter, r *http.Request, c *call) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	limit := a.o.Capabilities.Limits.RequestBytes
	if r.ContentLength > limit {
		return withStatus{tooLarge("the body", limit), http.StatusRequestEntityTooLarge}
	}
	leave, err := a.gates.bodies.enter(r.Context(), c.grant.Key)
	if err != nil {
		return err
	}
	defer leave()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.o.BodyPatience)) // where there are none, as in some tests, it goes without
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return withStatus{tooLarge("the body", limit), http.StatusRequestEntityTooLarge}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return slowBody()
	case err != nil:
		return fault.New(fault.InvalidArgument, "the body did not arrive whole", fault.Because(err), fault.Retryable(), fault.From(fault.OriginService))
	}
	r.Body, c.whole = io.NopCloser(bytes.NewReader(body)), true
	return orderly(body)
}

// How long the rest of a body that nobody wants may take, and how large it may be, so that its connection can be used again.
const (
	lateBody  = 5 * time.Second
	extraBody = 256 << 10 // bytes
)

// refuseEarly refuses a call before its body has arrived, which net/http would wait for with HTTP/1. What comes of it soon is dropped; else
// the connection is closed.
func (a *API) refuseEarly(w *recorder, r *http.Request, err error) {
	if r.ContentLength == 0 || r.ProtoMajor > 1 || w.status != 0 || callOf(r.Context()).whole {
		a.refuse(w, r, err)
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // where there are no connections, as in some tests, it goes without
	rest := time.Now().Add(lateBody)
	if r.ContentLength > extraBody || r.ContentLength < 0 || fault.CodeOf(err) == fault.Timeout {
		w.Header().Set("Connection", "close")
		rest = time.Now()
	}
	a.refuse(w, r, err)
	if control.Flush() == nil {
		_ = control.SetReadDeadline(rest)
		_, _ = io.CopyN(io.Discard, r.Body, extraBody) // its end has to be seen here: behind the handler net/http would read it twice at once
	}
}

func slowBody() error {
	return withStatus{fault.New(fault.Timeout, "the body did not arrive in time", fault.Retryable(), fault.From(fault.OriginService)), http.StatusRequestTimeout}
}

// reasonOf is why a call was refused that would have been answered at another time; empty if it would not.
func reasonOf(err error) string {
	if o, ok := jobs.OverloadOf(err); ok {
		return o.Reason
	}
	return ""
}
