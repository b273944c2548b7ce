package remote

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// pulse is the time between two signs of life that a stream of events asks for.
	pulse = 30 * time.Second
	// maxMessage is the largest event that is read, in bytes.
	maxMessage = 8 << 20
	// maxBreaks is how often in a row a stream may break before it has brought anything.
	maxBreaks = 3
)

// errNoStream says that events cannot be streamed here.
var errNoStream = errors.New("events cannot be streamed")

// errEnded says that a stream has ended in order.
var errEnded = errors.New("the stream has ended")

// stream hands over the events that the service streams, and connects again when the stream breaks. It returns
// nil behind the terminal event, and errNoStream where it takes polling.
func (w *watch) stream(ctx context.Context) error {
	select {
	case w.c.patient <- struct{}{}:
		defer func() { <-w.c.patient }()
	default:
		return errNoStream
	}
	for breaks := 1; ; breaks++ {
		before := w.seen
		err := w.connect(ctx)
		if err == nil || errors.Is(err, errNoStream) || ctx.Err() != nil {
			return err
		}
		if w.seen > before {
			breaks = 1
		}
		// A stream that has ended leaves something unsaid, and one that never comes about may be kept from it by what
		// stands between: a plain question tells.
		ended := errors.Is(err, errEnded)
		if ended || breaks >= maxBreaks {
			job, lookErr := w.c.patiently(ctx, w.id)
			switch {
			case lookErr != nil:
				return lookErr
			case ended && job.Status.Terminal():
				_, err = w.tell(ctx, job)
				return err
			case breaks > maxBreaks:
				return errNoStream
			case !ended:
				continue
			}
			err = passing(fault.RemoteFailed, "the service ended the stream of events", nil)
		}
		if !mayPass(err) {
			return errNoStream
		}
		if err := w.c.rest(ctx, breaks, err); err != nil {
			return err
		}
	}
}

// connect opens the stream behind the last event that came, and hands events over until it ends. It returns nil behind
// the terminal event, errEnded where the service closed the stream before, errNoStream where there is none,
// and what may pass.
func (w *watch) connect(ctx context.Context) error {
	ctx, release := w.c.alive(ctx)
	defer release()
	conn, err := w.c.dial(ctx, w.id, w.seen)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	w.note("")
	var beating sync.WaitGroup
	defer beating.Wait()
	beat, stop := context.WithCancel(ctx)
	defer stop()
	beating.Go(func() { keepAlive(beat, conn) })
	for {
		kind, data, err := conn.Read(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case websocket.CloseStatus(err) >= 0:
			slog.DebugContext(ctx, "the stream of events was closed", "job_id", w.id, "status", int(websocket.CloseStatus(err)))
			return errEnded
		default:
			return passing(fault.ServiceUnavailable, "the stream of events broke off", w.c.silent(err))
		}
		e, ok := w.read(kind, data)
		if !ok {
			slog.DebugContext(ctx, "the stream of events holds something else", "job_id", w.id)
			return errNoStream
		}
		if e.Seq <= w.seen || !w.understood(&e) {
			continue
		}
		if err := w.send(ctx, e); err != nil || e.Terminal() {
			return err
		}
	}
}

// read reads a message as an event, which may be one that is not understood.
func (w *watch) read(kind websocket.MessageType, data []byte) (e backend.Event, ok bool) {
	ok = kind == websocket.MessageText && json.Unmarshal(w.c.redact(data), &e) == nil && e.Seq <= maxSeq
	return e, ok
}

// understood says whether an event is one that the contract knows, about this job.
func (w *watch) understood(e *backend.Event) bool {
	if !e.WellFormed() {
		return false
	}
	if e.Status != nil {
		if e.Status.JobID != w.id || !knownState(e.Status.Status) {
			return false
		}
		*e.Status = tidy(*e.Status)
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	return true
}

// keepAlive ends a connection whose other side has gone without a word.
func keepAlive(ctx context.Context, conn *websocket.Conn) {
	for wait(ctx, pulse) == nil {
		ping, cancel := context.WithTimeout(ctx, pulse)
		err := conn.Ping(ping)
		cancel()
		if err != nil && ctx.Err() == nil {
			_ = conn.CloseNow()
			return
		}
	}
}

// dial opens a job's stream of events.
func (c *RemoteClient) dial(ctx context.Context, id string, after uint64) (*websocket.Conn, error) {
	over, _, err := c.open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.RequestTimeout, errSlow)
	defer cancel()
	q := call{method: http.MethodGet, path: api.Fill(api.PathEvents, id), query: url.Values{"after": {strconv.FormatUint(after, 10)}}}
	request, err := c.request(ctx, q)
	if err != nil {
		return nil, err
	}
	conn, response, err := websocket.Dial(ctx, request.URL.String(), &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		HTTPClient: over, HTTPHeader: request.Header, CompressionMode: websocket.CompressionDisabled,
	})
	if err == nil {
		slog.DebugContext(ctx, "streaming events", "job_id", id, "after", after, "request_id", request.Header.Get(api.HeaderRequestID))
		conn.SetReadLimit(maxMessage)
		return conn, nil
	}
	if response == nil {
		if err := c.unanswered(ctx, q, err); mayPass(err) || ctx.Err() != nil {
			return nil, err
		}
	} else {
		slog.DebugContext(ctx, "no stream of events", "job_id", id, "status", response.StatusCode)
		if slices.Contains(passable, response.StatusCode) {
			body, _ := io.ReadAll(response.Body)
			return nil, c.refused(q, c.answer(response, body))
		}
	}
	return nil, errNoStream // a plain question says why
}
