package httpapi_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// raw opens a TLS connection that speaks HTTP/1.1 as the test writes it, or HTTP/2 if that is asked for.
func (g *rig) raw(protocols ...string) net.Conn {
	g.t.Helper()
	config := g.server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = append(protocols, "http/1.1")[:1]
	conn, err := (&tls.Dialer{Config: config}).DialContext(g.t.Context(), "tcp", g.server.Listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	return conn
}

// headers are those of a request that is written by hand; more are whole lines.
func (g *rig) headers(method, path string, more ...string) string {
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: " + g.server.Listener.Addr().String(), "Authorization: Bearer " + g.key}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// answered reads an answer from a raw connection.
func answered(t testing.TB, r *bufio.Reader) answer {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer{withRequest(resp), readAll(t, resp)}
}

// occupied holds calls in the store until release is called; begun says that one is there.
func (g *rig) occupied(call string) (begun chan struct{}, release func()) {
	begun, free := make(chan struct{}, 100), make(chan struct{})
	g.store.FailWith(func(c string) error {
		if c == call {
			begun <- struct{}{}
			<-free
		}
		return nil
	})
	return begun, func() { g.store.FailWith(nil); close(free) }
}

// overloads are the ways in which a call is refused for a while. prepare makes it so, and answers what ends it.
var overloads = map[string]struct {
	jobs    func(*jobs.Options)
	options func(*httpapi.Options, *auth.Options)
	prepare func(*rig) (end func())
	call    request
	status  int
	code    fault.Code
	reason  string
	ends    bool // it ends with what prepare answers
}{
	"rate of a key": {
		options: func(_ *httpapi.Options, a *auth.Options) { a.Rate, a.Burst = 1e-9, 1 },
		prepare: func(g *rig) func() { g.get(api.PathAuth); return nil },
		call:    submit, status: 429, code: fault.Throttled, reason: auth.ReasonRate,
	},
	"requests of a key under way": {
		options: func(_ *httpapi.Options, a *auth.Options) { a.Concurrent = 1 },
		prepare: func(g *rig) func() { return g.underWay("Enqueue", submit) },
		call:    submit, status: 429, code: fault.Throttled, reason: auth.ReasonConcurrent, ends: true,
	},
	"jobs of a key that wait": {
		jobs:    func(o *jobs.Options) { o.WaitingPerKey = 1 },
		prepare: func(g *rig) func() { id := g.scan(); return func() { g.begin(id) } },
		call:    submit, status: 429, code: fault.Throttled, reason: jobs.ReasonWaitingPerKey, ends: true,
	},
	"jobs that wait": {
		jobs:    func(o *jobs.Options) { o.Waiting = 1 },
		prepare: func(g *rig) func() { id := g.scan(); return func() { g.begin(id) } },
		call:    submit, status: 503, code: fault.ServiceUnavailable, reason: jobs.ReasonWaiting, ends: true,
	},
	"disk": {
		prepare: func(g *rig) func() {
			g.store.FailWith(func(call string) error {
				if call == "Room" {
					return jobs.NoRoom("the disk is full")
				}
				return nil
			})
			return func() { g.store.FailWith(nil) }
		},
		call: submit, status: 503, code: fault.ServiceUnavailable, reason: jobs.ReasonDisk, ends: true,
	},
	"submissions": {
		options: func(o *httpapi.Options, _ *auth.Options) { o.Admission.Submissions = 1 },
		prepare: func(g *rig) func() { return g.underWay("Enqueue", submit) },
		call:    submit, status: 503, code: fault.ServiceUnavailable, reason: "submissions", ends: true,
	},
	"batches": {
		options: func(o *httpapi.Options, _ *auth.Options) { o.Admission.Submissions = 1 },
		prepare: func(g *rig) func() { return g.underWay("Enqueue", submit) },
		call:    request{method: "POST", path: api.PathBatch, body: `{"operations":[{"operation":"scan","body":{}}]}`},
		status:  503, code: fault.ServiceUnavailable, reason: "submissions", ends: true,
	},
	"reads": {
		options: func(o *httpapi.Options, _ *auth.Options) { o.Admission.Reads = 1 },
		prepare: func(g *rig) func() { return g.underWay("List", request{method: "GET", path: api.PathJobs}) },
		call:    request{method: "GET", path: api.PathAuth}, status: 503, code: fault.ServiceUnavailable, reason: "reads", ends: true,
	},
	"transfers": {
		options: func(o *httpapi.Options, _ *auth.Options) { o.Admission.Transfers = 1 },
		prepare: func(g *rig) func() {
			return g.underWay("Put", request{method: "PUT", path: api.Fill(api.PathInput, sha("x")), body: "x"})
		},
		call: request{method: "PUT", path: api.Fill(api.PathInput, sha("y")), body: "y"}, status: 503, code: fault.ServiceUnavailable, reason: "transfers", ends: true,
	},
}

var submit = request{method: "POST", path: api.PathScan, body: `{"tenant_id":"t1"}`}

// underWay makes a call that stays in the store until it is ended.
func (g *rig) underWay(call string, q request) (end func()) {
	begun, release := g.occupied(call)
	done := make(chan answer, 1)
	go func() { done <- g.do(q) }()
	<-begun
	return func() { release(); <-done }
}

// What is too much is refused with what ran out and when to come again, before the body is read; and once the load has gone, so has
// the refusal.
func TestOverload(t *testing.T) {
	for name, c := range overloads {
		t.Run(name, func(t *testing.T) {
			if c.jobs == nil {
				c.jobs = func(*jobs.Options) {}
			}
			g := newRigWith(t, c.jobs, c.options)
			end := c.prepare(g)
			conn := g.raw()
			fmt.Fprint(conn, g.headers(c.call.method, c.call.path, "Content-Type: application/json", "Content-Length: 1000")) // and no body
			a := answered(t, bufio.NewReader(conn))
			p := problem(t, a, c.status)
			after, err := strconv.Atoi(a.Header.Get("Retry-After"))
			if p.Code != c.code || p.Hint == "" || !p.Retryable || err != nil || after < 1 {
				t.Errorf("Retry-After %q: %s", a.Header.Get("Retry-After"), a.body)
			}
			if want := fmt.Sprintf(`atg_refused_total{reason=%q} 1`, c.reason); !strings.Contains(string(g.get(api.PathMetrics).body), want) {
				t.Errorf("the metrics lack %s", want)
			}
			if n := strings.Count(g.log.String(), `"msg":"requests are refused","reason":"`+c.reason+`"`); n != 1 {
				t.Errorf("the log says it %d times", n)
			}
			if a := g.do(request{method: "GET", path: api.PathReady, key: "none"}); a.StatusCode != http.StatusOK {
				t.Errorf("whether it is ready: %d", a.StatusCode)
			}
			if !c.ends {
				return
			}
			end()
			if a := g.do(c.call); a.StatusCode >= 400 {
				t.Errorf("afterwards: %d %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestWatchersAreLimited(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.Admission.Watchers = 1 })
	id := g.scan()
	etag := g.get(api.Fill(api.PathJob, id)).Header.Get("ETag")
	conn := g.watch(id, "")
	poll := request{method: "GET", path: api.Fill(api.PathJob, id) + "?wait=60", header: map[string]string{"If-None-Match": etag}}
	for _, q := range []request{{method: "GET", path: api.Fill(api.PathEvents, id)}, poll, {method: "DELETE", path: api.Fill(api.PathJob, id)}} {
		if p := problem(t, g.do(q), http.StatusServiceUnavailable); !strings.Contains(p.Title, "watchers") {
			t.Errorf("%s: %s", q.method, p.Title)
		}
	}
	g.change(id, func(r *jobs.Record) error { r.Cancel(g.now()); return nil })
	next(t, conn)
	g.logged(t, `"path":"/ws/progress/{id}","status":101`, 1) // it has left
	if a := g.do(poll); a.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}

func TestOneClassDoesNotStarveAnother(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) {
		o.Admission = httpapi.Admission{Submissions: 1, Reads: 1, Transfers: 1, Watchers: 1}
	})
	id := g.scan()
	end := g.underWay("Enqueue", submit)
	problem(t, g.do(submit), http.StatusServiceUnavailable)
	if a := g.get(api.Fill(api.PathJob, id)); a.StatusCode != http.StatusOK {
		t.Errorf("a status: %d", a.StatusCode)
	}
	g.input("file")
	g.watch(id, "").CloseNow()
	end()
}

// A key that has all that it may have, and a line of those that wait, does not keep another one out.
func TestAKeyThatFloodsDoesNotHurtAnother(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) {
		o.Admission = httpapi.Admission{Submissions: 4, Waiting: 4, Patience: time.Hour}
	})
	other, _ := g.named("other")
	begun, release := g.occupied("Enqueue")
	flood := make(chan answer, 100)
	for range 8 { // three have places, four wait, one is too many
		go func() { flood <- g.do(submit) }()
	}
	for range 3 {
		<-begun
	}
	problem(t, <-flood, http.StatusServiceUnavailable)
	quiet := make(chan answer, 1)
	go func() { quiet <- g.do(request{method: "POST", path: api.PathScan, body: submit.body, key: other}) }()
	<-begun
	release()
	if a := <-quiet; a.StatusCode != http.StatusAccepted {
		t.Errorf("the other key: %d %s", a.StatusCode, a.body)
	}
	for range 7 {
		if a := <-flood; a.StatusCode != http.StatusAccepted {
			t.Errorf("one that waited: %d", a.StatusCode)
		}
	}
}

// Who asks again for what was accepted, because the answer was lost, gets it although there is no room for more.
func TestAnAcceptedSubmissionIsNotRefusedWhenItComesAgain(t *testing.T) {
	g := newRigWith(t, func(o *jobs.Options) { o.Waiting = 1 }, nil)
	q := submit
	q.header = map[string]string{api.HeaderIdempotencyKey: "k"}
	first := into[backend.JobStatusResponse](t, g.do(q), http.StatusAccepted)
	problem(t, g.do(submit), http.StatusServiceUnavailable)
	again := g.do(q)
	if job := into[backend.JobStatusResponse](t, again, http.StatusAccepted); job.JobID != first.JobID || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("it became %s instead of %s", job.JobID, first.JobID)
	}
}

// A batch is filled up to the limit.
func TestABatchBeyondTheJobsThatMayWait(t *testing.T) {
	g := newRigWith(t, func(o *jobs.Options) { o.WaitingPerKey = 2 }, nil)
	g.scan()
	var b api.Batch
	for range 40 {
		b.Operations = append(b.Operations, api.BatchOperation{Operation: backend.OpScan, Body: json.RawMessage(`{"tenant_id":"t1"}`)})
	}
	body, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	items := into[api.BatchAnswer](t, g.post(api.PathBatch, string(body)), http.StatusOK).Items
	refused := 0
	for _, item := range items {
		if item.Problem == nil {
			continue
		}
		if refused++; item.Problem.Code != fault.Throttled || !item.Problem.Retryable {
			t.Errorf("%+v", item.Problem)
		}
	}
	if refused == 0 || refused == len(items) {
		t.Errorf("%d of %d are refused", refused, len(items))
	}
	if a := g.get(api.PathMetrics); !strings.Contains(string(a.body), fmt.Sprintf(`atg_refused_total{reason="jobs_waiting_per_key"} %d`, refused)) {
		t.Errorf("%s", a.body)
	}
}

// A connection whose call was refused before its body came can be used again, if that comes soon after all.
func TestARefusedCallLeavesItsConnectionUsable(t *testing.T) {
	g := newRigWith(t, func(o *jobs.Options) { o.Waiting = 1 }, nil)
	g.scan()
	conn := g.raw()
	r := bufio.NewReader(conn)
	for range 100 {
		fmt.Fprint(conn, g.headers("POST", api.PathScan, "Content-Type: application/json", "Content-Length: 2")+"{}")
		problem(t, answered(t, r), http.StatusServiceUnavailable)
	}
	fmt.Fprint(conn, g.headers("GET", api.PathAuth))
	if a := answered(t, r); a.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}
