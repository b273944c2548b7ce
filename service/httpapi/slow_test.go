package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// short is a time that slow callers exceed.
const short = 30 * time.Millisecond

// impatient starts a service that waits for nobody.
func impatient(t *testing.T) *rig {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.BodyPatience, o.StreamPatience = short, short })
	g.server.Close()
	g.serve(func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 20*short, 20*short })
	return g
}

// shutOut waits until the other side closes a connection, and answers what it said before.
func shutOut(t *testing.T, conn net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection ended with %v", err)
	}
	return string(said)
}

// dribble writes a byte now and then until the other side has had enough.
func dribble(ctx context.Context, conn net.Conn) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		<-tick.C
	}
}

func TestSlowCallersAreShutOut(t *testing.T) {
	g := impatient(t)
	cases := map[string]struct {
		send string
		then bool // and then byte by byte
		want string
	}{
		"a header without end":   {"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", false, ""},
		"a header by the byte":   {"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", true, ""},
		"nothing":                {"", false, ""},
		"nothing more":           {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", false, "HTTP/1.1 200 OK"},
		"a body without end":     {g.headers("POST", api.PathScan, "Content-Type: application/json", "Content-Length: 9999", "Connection: close") + "{", false, "HTTP/1.1 408 "},
		"a body by the byte":     {g.headers("POST", api.PathScan, "Content-Type: application/json", "Content-Length: 999999", "Connection: close") + "{", true, "HTTP/1.1 408 "},
		"a file without end":     {g.headers("PUT", api.Fill(api.PathInput, sha("x")), "Content-Length: 99999999", "Connection: close") + "x", false, "HTTP/1.1 408 "},
		"a file by the byte":     {g.headers("PUT", api.Fill(api.PathInput, sha("x")), "Content-Length: 99999999", "Connection: close") + "x", true, "HTTP/1.1 408 "},
		"a chunk without end":    {g.headers("PUT", api.Fill(api.PathInput, sha("x")), "Transfer-Encoding: chunked", "Connection: close") + "fffff\r\nx", false, "HTTP/1.1 408 "},
		"a chunk by the byte":    {g.headers("PUT", api.Fill(api.PathInput, sha("x")), "Transfer-Encoding: chunked", "Connection: close") + "fffff\r\nx", true, "HTTP/1.1 408 "},
		"a length without bytes": {g.headers("POST", api.PathBatch, "Content-Type: application/json", "Content-Length: 10", "Connection: close"), false, "HTTP/1.1 408 "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := g.raw()
			fmt.Fprint(conn, c.send)
			if c.then {
				go dribble(t.Context(), conn)
			}
			said := shutOut(t, conn)
			if !strings.HasPrefix(said, c.want) || c.want == "" && said != "" {
				t.Errorf("it said %q", said)
			}
			if strings.Contains(c.want, "408") && (!strings.Contains(said, string(fault.Timeout)) || !strings.Contains(said, api.ProblemType)) {
				t.Errorf("no problem: %q", said)
			}
			g.server.Client().CloseIdleConnections()                     // which the service may be about to close
			if a := g.get(api.PathAuth); a.StatusCode != http.StatusOK { // nobody else is hurt
				t.Errorf("another call: %d", a.StatusCode)
			}
		})
	}
}

func TestAHandshakeThatNeverComes(t *testing.T) {
	g := impatient(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if said := shutOut(t, conn); said != "" {
		t.Errorf("it said %q", said)
	}
}

// Who does not take what it asked for gives its place to others.
func TestADownloadThatNobodyTakes(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.StreamPatience, o.Admission.Transfers = short, 1 })
	id := g.scan()
	g.complete(id, &backend.ScanResult{}, map[string]string{"big": strings.Repeat("x", 32<<20), "small": "y"})
	conn := g.raw()
	fmt.Fprint(conn, g.headers("GET", api.FilePath(id, "big")))
	g.logged(t, `"path":"/api/v1/jobs/{id}/artifacts/files/{path}","status":200`, 1)
	if a := g.get(api.FilePath(id, "small")); string(a.body) != "y" {
		t.Errorf("another file: %d %s", a.StatusCode, a.body)
	}
}

// A long poll may take longer than requests may take to arrive.
func TestALongPollOutlastsTheTimeForRequests(t *testing.T) {
	g := newRig(t, nil)
	g.server.Close()
	const limit = time.Second // a busy machine may take a while to read a request
	g.serve(func(s *http.Server) { s.ReadTimeout = limit })
	id := g.scan()
	etag := g.get(api.Fill(api.PathJob, id)).Header.Get("ETag")
	began := time.Now()
	a := g.do(request{method: "GET", path: api.Fill(api.PathJob, id) + "?wait=" + (2 * limit).String(), header: map[string]string{"If-None-Match": etag}, http1: true})
	if a.StatusCode != http.StatusNotModified || time.Since(began) < 2*limit {
		t.Errorf("after %s: %d %s", time.Since(began), a.StatusCode, a.body)
	}
}

// limited puts the API behind a server that takes so many connections.
func (g *rig) limited(most int) {
	g.server.Close()
	g.serve(func(s *http.Server) { g.server.Listener = g.api.Limit(s, g.server.Listener, most) })
}

func TestConnectionsAreLimited(t *testing.T) {
	g := newRig(t, nil)
	g.limited(2)
	id := g.scan()
	etag := g.get(api.Fill(api.PathJob, id)).Header.Get("ETag")
	g.server.Client().CloseIdleConnections()
	var atWork []net.Conn
	for n := range 2 {
		conn := g.raw()
		fmt.Fprint(conn, g.headers("GET", api.Fill(api.PathJob, id)+"?wait=60", "If-None-Match: "+etag))
		g.waiting(t, n+1)
		atWork = append(atWork, conn)
	}
	ask := func(path string) (net.Conn, answer) {
		conn := g.raw()
		fmt.Fprint(conn, g.headers("GET", path))
		return conn, answered(t, bufio.NewReader(conn))
	}
	conn, a := ask(api.PathAuth)
	if p := problem(t, a, http.StatusServiceUnavailable); p.Code != fault.ServiceUnavailable || a.Header.Get("Retry-After") == "" || !a.Close {
		t.Errorf("%v: %s", a.Header, a.body)
	}
	shutOut(t, conn)
	if _, a := ask(api.PathReady); a.StatusCode != http.StatusOK { // load balancers still know
		t.Errorf("whether it is ready: %d", a.StatusCode)
	}
	g.begin(id)
	for _, conn := range atWork { // who was there was not hurt, and is idle now
		if a := answered(t, bufio.NewReader(conn)); a.StatusCode != http.StatusOK {
			t.Errorf("a long poll: %d %s", a.StatusCode, a.body)
		}
	}
	for range 4 {
		_, a = ask(api.PathAuth)
	}
	if a.StatusCode != http.StatusOK {
		t.Errorf("in the place of an idle one: %d %s", a.StatusCode, a.body)
	}
	for _, conn := range atWork {
		if said := shutOut(t, conn); said != "" {
			t.Errorf("one that was idle for long heard %q", said)
		}
	}
	if text := string(g.get(api.PathMetrics).body); !strings.Contains(text, `atg_connections_closed_total{which="idle"}`) || !strings.Contains(text, "\natg_connections ") {
		t.Errorf("%s", text)
	}
}

// Those who connect and say nothing lose their places to those who ask.
func TestConnectionsThatKeepStillKeepNobodyOut(t *testing.T) {
	g := newRig(t, nil)
	g.limited(8)
	for range 100 {
		g.raw()
	}
	if a := g.do(request{method: "GET", path: api.PathAuth, http1: true}); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
