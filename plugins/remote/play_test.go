package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// played is a service with one job, j1, whose streams and states are those of a script.
type played struct {
	*site
	mu      sync.Mutex
	streams []func(p *stream) // of one connection each; the last one of all further
	refuse  []int             // statuses that refuse the first connections; -1 breaks them
	states  func(w http.ResponseWriter, r *http.Request)
	afters  []string // what the connections asked for
	looks   []time.Duration
	began   time.Time
	over    context.Context // ends with the test
}

// stream is one connection.
type stream struct {
	ctx  context.Context
	conn *websocket.Conn
	cut  func() // breaks it
}

func (s *stream) send(events ...backend.Event) {
	for _, e := range events {
		content, _ := json.Marshal(e)
		_ = s.conn.Write(s.ctx, websocket.MessageText, content)
	}
}

// job is the state of j1.
func job(status backend.JobStatus) backend.JobStatusResponse {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	j := backend.JobStatusResponse{JobID: "j1", Operation: backend.OpScan, Status: status, Attempt: 1, CreatedAt: at}
	if status != backend.JobPending {
		j.StartedAt = &at
	}
	if status.Terminal() {
		j.CompletedAt = &at
	}
	return j
}

func state(seq uint64, status backend.JobStatus) backend.Event {
	j := job(status)
	return backend.Event{Seq: seq, Time: j.CreatedAt, Kind: backend.EventStatus, Status: &j}
}

func logged(seq uint64, text string) backend.Event {
	return backend.Event{Seq: seq, Time: time.Now(), Kind: backend.EventLog, Log: &backend.Log{Level: backend.LevelInfo, Message: text}}
}

func progressed(seq uint64, done int64) backend.Event {
	return backend.Event{Seq: seq, Time: time.Now(), Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "resources", Done: done, Total: 9}}
}

// play runs a test against a script, on a clock that stands still while anything is done.
func play(t *testing.T, p *played, test func(t *testing.T, c *RemoteClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var end context.CancelFunc
		p.over, end = context.WithCancel(t.Context())
		defer end()
		p.began = time.Now()
		p.site = newSite(t, p)
		c := p.client(t, func(c *backend.ATGClientConfig) { c.JobPollInterval = 5 * time.Second })
		c.key.good.Store(true)
		test(t, c)
		_ = c.Close()
		end()
		p.net.cut()
	})
}

func (p *played) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/ws/") {
		p.mu.Lock()
		p.looks = append(p.looks, time.Since(p.began))
		p.mu.Unlock()
		if p.states == nil {
			reply(w, r, 200, job(backend.JobRunning))
			return
		}
		p.states(w, r)
		return
	}
	p.mu.Lock()
	p.afters = append(p.afters, r.URL.Query().Get("after"))
	n := len(p.afters) - 1
	status := 0
	if n < len(p.refuse) {
		status = p.refuse[n]
	}
	var script func(*stream)
	if at := min(n-len(p.refuse), len(p.streams)-1); status == 0 && at >= 0 {
		script = p.streams[at]
	}
	p.mu.Unlock()
	switch {
	case status < 0:
		panic(http.ErrAbortHandler)
	case status > 0:
		w.WriteHeader(status)
		return
	case script == nil:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	script(&stream{p.over, conn, func() { _ = conn.CloseNow() }})
}

// all is a script of whole streams.
func all(events ...backend.Event) func(*stream) {
	return func(s *stream) {
		s.send(events...)
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
	}
}

// torn is a script of streams that break behind their events.
func torn(events ...backend.Event) func(*stream) {
	return func(s *stream) { s.send(events...); s.cut() }
}

// closed is a script of streams that are closed behind their events.
func closed(code websocket.StatusCode, reason string, events ...backend.Event) func(*stream) {
	return func(s *stream) { s.send(events...); _ = s.conn.Close(code, reason) }
}

// told is what a follower was told, in short.
func told(events []backend.Event) (short []string) {
	for _, e := range events {
		n := fmt.Sprint(e.Seq / room)
		if e.Seq%room != 0 {
			n += "+"
		}
		if e.Seq>>8&seqTerminal == seqTerminal {
			n = "end"
		}
		switch e.Kind {
		case backend.EventStatus:
			short = append(short, n+" "+string(e.Status.Status))
		case backend.EventLog:
			short = append(short, n+" "+e.Log.Message)
		case backend.EventProgress:
			if e.Progress.Message != "" {
				text, _, _ := strings.Cut(e.Progress.Message, ", waiting")
				short = append(short, n+" "+text)
			} else {
				short = append(short, fmt.Sprintf("%s %s %d", n, e.Progress.Phase, e.Progress.Done))
			}
		}
	}
	return short
}
