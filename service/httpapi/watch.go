package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// writePatience is how long a watcher may take to read an event or to answer a ping.
const writePatience = 30 * time.Second

// watch shows a job's events over a WebSocket. An idle watcher has two goroutines with small stacks and small buffers: one
// waits for events, one reads, which is how a pong, or that the watcher has gone, is noticed. Pings come from a timer, and all
// watchers of a key share the goroutine that waits for its revocation.
func (a *API) watch(w http.ResponseWriter, r *http.Request) error {
	c := callOf(r.Context())
	c.job = r.PathValue("id")
	after, err := afterOf(r)
	if err != nil {
		return err
	}
	if _, err := a.o.Service.Status(r.Context(), c.grant.Caller, c.job); err != nil {
		return err
	}
	if a.draining.Load() {
		return goingAway()
	}
	out := newStreamWriter(w, a.o.StreamPatience)
	conn, err := websocket.Accept(out, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled, OriginPatterns: a.o.CORSOrigins})
	if err != nil {
		if refused := out.refusal(); refused != nil {
			return refused
		}
		return fault.New(fault.InvalidArgument, "no WebSocket could be opened", fault.Because(err))
	}
	ctx := context.WithoutCancel(r.Context())
	c.goOn = func() { a.follow(ctx, c, conn, after) }
	return nil
}

// follow sends a job's events until they or the WebSocket end.
func (a *API) follow(ctx context.Context, c *call, conn *websocket.Conn, after uint64) {
	a.metrics.watchers.Inc()
	defer a.metrics.watchers.Dec()
	alive := conn.CloseRead(ctx) // ends with the connection
	ctx, end := context.WithCancelCause(alive)
	defer end(nil)
	defer a.waiting.add(func() { end(errGoingAway) })()
	defer a.o.Guard.Hold(ctx, c.grant, end)()
	defer a.ping(alive, conn)()

	err := a.o.Service.Watch(ctx, c.grant.Caller, c.job, after, func(e backend.Event) error { return a.send(alive, c, conn, e) })
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	code, reason := closing(err)
	if code == websocket.StatusInternalError && alive.Err() == nil {
		a.log.WarnContext(ctx, "a WebSocket was ended", "request_id", c.id, "job_id", c.job, "error", err)
	}
	_ = conn.Close(code, reason) // a watcher that has gone hears nothing
}

var errGoingAway = errors.New("the service goes away")

// closing is how a WebSocket is closed after an error; nil is behind the terminal event.
func closing(err error) (websocket.StatusCode, string) {
	var late slowReader
	switch {
	case err == nil:
		return websocket.StatusNormalClosure, ""
	case errors.As(err, &late):
		return websocket.StatusTryAgainLater, late.Error()
	case errors.Is(err, errGoingAway):
		return websocket.StatusGoingAway, string(fault.ServiceUnavailable)
	}
	return websocket.StatusInternalError, string(fault.CodeOf(err))
}

// slowReader says that a watcher took too long to read an event, whose number it is. It may connect again and go on from there.
type slowReader uint64

func (s slowReader) Error() string {
	return fmt.Sprintf("slow_reader: connect again with after=%d", uint64(s))
}

// send sends an event. A watcher that is slow to read it is told so once it has; one that does not read at all is cut off.
func (a *API) send(ctx context.Context, c *call, conn *websocket.Conn, e backend.Event) error {
	message, err := json.Marshal(e)
	if err != nil {
		return fault.New(fault.Internal, "the event has no JSON form", fault.Because(err))
	}
	ctx, cancel := context.WithTimeout(ctx, a.o.WatchPatience)
	defer cancel()
	var slow atomic.Bool
	defer time.AfterFunc(a.o.WatchPatience/3, func() {
		slow.Store(true)
		a.log.DebugContext(ctx, "a watcher does not read", "request_id", c.id, "job_id", c.job, "seq", e.Seq)
	}).Stop()
	switch err := conn.Write(ctx, websocket.MessageText, message); {
	case err != nil:
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			a.metrics.dropped.Inc()
		}
		return err
	case slow.Load():
		a.metrics.dropped.Inc()
		return slowReader(e.Seq)
	}
	return nil
}

// ping pings a watcher now and then, until the returned function is called. One that does not answer is cut off.
func (a *API) ping(alive context.Context, conn *websocket.Conn) (stop func()) {
	var mu sync.Mutex
	var timer *time.Timer
	stopped := false
	next := func(after time.Duration, ping func()) {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer = time.AfterFunc(after, ping)
		}
	}
	var ping func()
	ping = func() {
		ctx, cancel := context.WithTimeout(alive, writePatience)
		defer cancel()
		if conn.Ping(ctx) != nil {
			_ = conn.CloseNow() // it may have ended meanwhile
			return
		}
		next(a.o.Ping, ping)
	}
	next(a.o.Ping/2+rand.N(a.o.Ping/2+1), ping) // not all at once
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

func afterOf(r *http.Request) (uint64, error) {
	query := r.URL.Query()
	if err := onlyQuery(query, "after"); err != nil {
		return 0, err
	}
	if !query.Has("after") {
		return 0, nil
	}
	after, err := strconv.ParseUint(query.Get("after"), 10, 64)
	if err != nil {
		return 0, malformed([]fault.Problem{{Key: "after", Message: "it is no event's number"}})
	}
	return after, nil
}
