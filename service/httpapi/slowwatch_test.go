package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// talk appends so many long events.
func (g *rig) talk(id string, from, to uint32) {
	g.t.Helper()
	text := strings.Repeat("x", 4<<10)
	for n := from; n <= to; n++ {
		e := backend.Event{Seq: jobs.Seq(1, n), Time: g.now(), Kind: backend.EventLog, Log: &backend.Log{Level: backend.LevelInfo, Message: text}}
		if err := g.store.Append(g.t.Context(), id, e); err != nil {
			g.t.Fatal(err)
		}
	}
}

const manyEvents = 3000 // more than sockets hold

// A watcher that reads nothing while thousands of events come is cut off, and others hear all of them meanwhile.
func TestAWatcherThatNeverReads(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.WatchPatience = 6 * time.Second })
	id := g.scan()
	deaf := g.raw()
	fmt.Fprint(deaf, g.headers("GET", api.Fill(api.PathEvents, id), "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="))
	g.waiting(t, 2)
	conn := g.watch(id, "")
	go g.talk(id, 1, manyEvents)
	for n := range uint32(manyEvents) {
		if e := next(t, conn); e.Seq != jobs.Seq(1, n+1) {
			t.Fatalf("%d instead of %d", e.Seq, jobs.Seq(1, n+1))
		}
	}
	g.logged(t, `"path":"/ws/progress/{id}","status":101`, 1)
	if text := string(g.get(api.PathMetrics).body); !strings.Contains(text, "atg_watchers_dropped_total 1") {
		t.Errorf("%s", text)
	}
}

// One that reads again before it is cut off is told where to go on, and loses nothing.
func TestAWatcherThatIsSlowIsTold(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.WatchPatience = 9 * time.Second }) // it is told after 3, and has 6 to read then
	id := g.scan()
	conn := g.watch(id, "")
	g.waiting(t, 2)
	go g.talk(id, 1, manyEvents)
	g.logged(t, "a watcher does not read", 1)
	var last uint64
	for {
		var e backend.Event
		err := wsjson.Read(t.Context(), conn, &e)
		if err == nil {
			last = e.Seq
			continue
		}
		var closed websocket.CloseError
		if want := fmt.Sprintf("slow_reader: connect again with after=%d", last); !asClose(err, &closed) || closed.Code != websocket.StatusTryAgainLater || closed.Reason != want {
			t.Fatalf("closed with %v, want 1013 %q", err, want)
		}
		break
	}
	if last == 0 || last >= jobs.Seq(1, manyEvents) {
		t.Fatalf("it was told at %d", last)
	}
	conn = g.watch(id, "?after="+number(last))
	for seq := last + 1; seq <= jobs.Seq(1, manyEvents); seq++ {
		if e := next(t, conn); e.Seq != seq {
			t.Fatalf("%d instead of %d", e.Seq, seq)
		}
	}
}
