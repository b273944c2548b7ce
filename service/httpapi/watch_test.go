package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// next reads an event.
func next(t testing.TB, conn *websocket.Conn) backend.Event {
	t.Helper()
	var e backend.Event
	if err := wsjson.Read(t.Context(), conn, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// ended waits for the end of a WebSocket.
func ended(t testing.TB, conn *websocket.Conn, code websocket.StatusCode, reason string) {
	t.Helper()
	_, _, err := conn.Read(t.Context())
	var closed websocket.CloseError
	if !asClose(err, &closed) || closed.Code != code || closed.Reason != reason {
		t.Errorf("closed with %v, want %d %q", err, code, reason)
	}
}

func TestEventsAreReplayedFromANumber(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	g.begin(id)
	for n := range uint32(3) {
		g.progress(id, n+1, int64(n))
	}
	conn := g.watch(id, "?after="+number(jobs.Seq(1, 1)))
	var got []uint64
	got = append(got, next(t, conn).Seq, next(t, conn).Seq)
	g.progress(id, 4, 50)
	got = append(got, next(t, conn).Seq)
	if diff := cmp.Diff([]uint64{jobs.Seq(1, 2), jobs.Seq(1, 3), jobs.Seq(1, 4)}, got); diff != "" {
		t.Error(diff)
	}
	g.change(id, func(r *jobs.Record) error { r.Fail(fault.New(fault.ExecutionFailed, "no"), g.now()); return nil })
	if e := next(t, conn); !e.Terminal() || e.Status.Fault.Code != fault.ExecutionFailed {
		t.Errorf("%+v", e)
	}
	ended(t, conn, websocket.StatusNormalClosure, "")
}

func TestManyWatchersOfOneJob(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	var conns []*websocket.Conn
	for range 20 {
		conns = append(conns, g.watch(id, ""))
	}
	g.progress(id, 1, 1)
	for _, conn := range conns {
		if e := next(t, conn); e.Progress == nil || e.Progress.Done != 1 {
			t.Errorf("%+v", e)
		}
	}
	for _, conn := range conns[1:] {
		conn.CloseNow()
	}
	g.change(id, func(r *jobs.Record) error { r.Cancel(g.now()); return nil })
	if e := next(t, conns[0]); e.Status == nil || e.Status.Status != backend.JobCancelled {
		t.Errorf("%+v", e)
	}
	ended(t, conns[0], websocket.StatusNormalClosure, "")
	if err := g.api.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := g.store.Waiters(); n > 1 { // at most the one that waits for the key, about to end
		t.Errorf("%d still wait", n)
	}
}

func TestAWebSocketWhoseEventsFailSaysSo(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	g.progress(id, 1, 1)
	conn := g.watch(id, "")
	next(t, conn)
	g.store.FailWith(func(call string) error {
		if call == "Watch" {
			return fault.New(fault.ServiceUnavailable, "no store")
		}
		return nil
	})
	if err := g.store.Append(t.Context(), id, backend.Event{Seq: jobs.Seq(1, 2), Kind: backend.EventLog, Log: &backend.Log{Level: backend.LevelInfo, Message: "x"}}); err != nil {
		t.Fatal(err)
	}
	ended(t, conn, websocket.StatusInternalError, string(fault.ServiceUnavailable))
}

func TestAServiceThatGoesAwaySendsItsWatchersElsewhere(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	status := g.get(api.Fill(api.PathJob, id))
	conn := g.watch(id, "")
	polled := make(chan answer)
	go func() {
		polled <- g.do(request{method: "GET", path: api.Fill(api.PathJob, id) + "?wait=60", header: map[string]string{"If-None-Match": status.Header.Get("ETag")}})
	}()
	g.waiting(t, 3) // the WebSocket for events and for its key, the poll for the job
	drained := make(chan error)
	go func() { drained <- g.api.Drain(t.Context()) }()
	ended(t, conn, websocket.StatusGoingAway, string(fault.ServiceUnavailable))
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if a := <-polled; a.StatusCode != http.StatusNotModified {
		t.Errorf("the long poll: %d %s", a.StatusCode, a.body)
	}
	for _, q := range []request{
		{method: "POST", path: api.PathScan, body: `{}`}, {method: "PUT", path: api.Fill(api.PathInput, sha("x")), body: "x"},
		{method: "POST", path: api.PathBatch, body: `{"operations":[]}`},
	} {
		a := g.do(q)
		if p := problem(t, a, http.StatusServiceUnavailable); p.Code != fault.ServiceUnavailable || !p.Retryable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %s", q.method, q.path, a.body)
		}
	}
	if a := g.get(api.PathReady); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", a.StatusCode)
	}
	if a := g.get(api.PathLive); a.StatusCode != http.StatusOK {
		t.Errorf("live: %d", a.StatusCode)
	}
	if a := g.get(api.Fill(api.PathJob, id)); a.StatusCode != http.StatusOK {
		t.Errorf("a status is still answered: %d", a.StatusCode)
	}
	_, resp, err := websocket.Dial(t.Context(), g.server.URL+api.Fill(api.PathEvents, id), g.dialing(g.key))
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new WebSocket: %v", err)
	}
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	g.progress(id, 1, 1)
	conn := g.watch(id, "")
	next(t, conn)
	g.store.FailWith(func(call string) error {
		if call == "Watch" {
			entered <- struct{}{}
			<-release
		}
		return nil
	})
	g.progress(id, 2, 2)
	<-entered // the watcher hangs in its store
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.api.Drain(ctx); err == nil {
		t.Error("it waited for nobody")
	}
	close(release)
	conn.CloseNow()
	if err := g.api.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPings(t *testing.T) {
	pings := make(chan struct{}, 100)
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.Ping = time.Millisecond })
	id := g.scan()
	options := g.dialing(g.key)
	options.OnPingReceived = func(context.Context, []byte) bool {
		pings <- struct{}{}
		return true
	}
	conn, _, err := websocket.Dial(t.Context(), g.server.URL+api.Fill(api.PathEvents, id), options)
	if err != nil {
		t.Fatal(err)
	}
	reading := conn.CloseRead(t.Context())
	for range 3 {
		<-pings
	}
	conn.Close(websocket.StatusNormalClosure, "")
	<-reading.Done()
}

func TestWhoeverTalksIsShutOut(t *testing.T) {
	g := newRig(t, nil)
	conn := g.watch(g.scan(), "")
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	ended(t, conn, websocket.StatusPolicyViolation, "unexpected data message")
}

func TestPagesOfOtherOriginsOpenNoWebSocket(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.CORSOrigins = []string{"https://portal.example"} })
	id := g.scan()
	for origin, may := range map[string]bool{"https://portal.example": true, "https://evil.example": false} {
		options := g.dialing(g.key)
		options.HTTPHeader.Set("Origin", origin)
		conn, resp, err := websocket.Dial(t.Context(), g.server.URL+api.Fill(api.PathEvents, id), options)
		if (err == nil) != may {
			t.Errorf("%s: %v", origin, err)
		}
		if err == nil {
			conn.CloseNow()
			continue
		}
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Content-Type") != api.ProblemType {
			t.Errorf("%s: %d %v", origin, resp.StatusCode, resp.Header)
		}
	}
}

func TestLongPolls(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	path := api.Fill(api.PathJob, id)
	first := g.get(path)
	etag := first.Header.Get("ETag")
	if again := g.get(path); again.Header.Get("ETag") != etag || etag == "" || strings.HasPrefix(etag, "W/") {
		t.Errorf("ETag %q, then %q", etag, again.Header.Get("ETag"))
	}
	know := func(wait string) request {
		return request{method: "GET", path: path + wait, header: map[string]string{"If-None-Match": etag}}
	}
	for _, wait := range []string{"", "?wait=0", "?wait=1ms"} {
		if a := g.do(know(wait)); a.StatusCode != http.StatusNotModified || a.Header.Get("ETag") != etag || len(a.body) != 0 {
			t.Errorf("%s: %d %s", wait, a.StatusCode, a.body)
		}
	}
	if a := g.get(path + "?wait=60s"); a.StatusCode != http.StatusOK { // who knows nothing need not wait
		t.Errorf("without an ETag: %d", a.StatusCode)
	}
	if a := g.do(request{method: "GET", path: path, header: map[string]string{"If-None-Match": `"x", W/` + etag}}); a.StatusCode != http.StatusNotModified {
		t.Errorf("one of several: %d", a.StatusCode)
	}
	polled := make(chan answer)
	go func() { polled <- g.do(know("?wait=60s")) }()
	g.waiting(t, 1)
	g.begin(id)
	changed := <-polled
	if s := into[backend.JobStatusResponse](t, changed, 200); s.Status != backend.JobRunning || changed.Header.Get("ETag") == etag {
		t.Errorf("%s %s", changed.Header.Get("ETag"), changed.body)
	}
	// what does not change the answer does not end the wait, and progress does
	etag = changed.Header.Get("ETag")
	go func() { polled <- g.do(know("?wait=60s")) }()
	g.waiting(t, 1)
	g.change(id, func(r *jobs.Record) error { r.Trace = "x"; return nil })
	g.progress(id, 1, 50)
	if s := into[backend.JobStatusResponse](t, <-polled, 200); s.Phase != "resources" {
		t.Errorf("%+v", s)
	}
	if n := g.store.Waiters(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestACallerWhoGoesIsNoError(t *testing.T) {
	g := newRig(t, nil)
	path := api.Fill(api.PathJob, g.scan())
	etag := g.get(path).Header.Get("ETag")
	for n, client := range []*http.Client{g.server.Client(), g.http1()} {
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.server.URL+path+"?wait=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+g.key)
		r.Header.Set("If-None-Match", etag)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			resp, err := client.Do(r)
			if err != nil {
				return
			}
			// A client may see the answer to its leaving before it has left.
			if resp.Body.Close(); resp.StatusCode != 499 {
				t.Errorf("the long poll ended by itself, with %d", resp.StatusCode)
			}
		}()
		g.waiting(t, 1)
		leave()
		<-gone
		g.logged(t, `"status":499`, 2*(n+1)) // audit and access
	}
	if strings.Contains(g.log.String(), "ERROR") {
		t.Error("the log has an error")
	}
}
