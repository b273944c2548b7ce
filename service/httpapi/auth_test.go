package httpapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// calls are all calls that need a key, with what they need it for.
func calls(job, snapshot string) []struct {
	method, path, body string
	scope              api.Scope // empty is any key
} {
	all := []struct {
		method, path, body string
		scope              api.Scope
	}{
		{"GET", api.PathAuth, "", ""},
		{"GET", api.PathCapable, "", ""},
		{"POST", api.PathBatch, `{"operations":[]}`, ""},
		{"GET", api.PathJobs, "", api.ScopeRead},
		{"GET", api.Fill(api.PathJob, job), "", api.ScopeRead},
		{"GET", api.Fill(api.PathResult, job), "", api.ScopeRead},
		{"GET", api.Fill(api.PathManifest, job), "", api.ScopeRead},
		{"GET", api.Fill(api.PathArchive, job), "", api.ScopeRead},
		{"GET", api.FilePath(job, "a.txt"), "", api.ScopeRead},
		{"GET", api.Fill(api.PathEvents, job), "", api.ScopeRead},
		{"GET", api.PathSnapshots, "", api.ScopeRead},
		{"GET", api.Fill(api.PathSnapshot, snapshot), "", api.ScopeRead},
		{"GET", api.Fill(api.PathSnapshotFile, snapshot), "", api.ScopeRead},
		{"PUT", api.Fill(api.PathInput, sha("x")), "x", api.ScopeSubmit},
		{"DELETE", api.Fill(api.PathJob, job), "", api.ScopeSubmit},
		{"DELETE", api.Fill(api.PathSnapshot, snapshot), "", api.ScopeDelete},
	}
	for _, op := range backend.Operations() {
		scope := api.ScopeSubmit
		if op == backend.OpCreateTenant {
			scope = api.ScopeDeploy
		}
		all = append(all, struct {
			method, path, body string
			scope              api.Scope
		}{"POST", api.Fill(api.PathOf(op), snapshot), `{}`, scope})
	}
	return all
}

func TestWithoutAGoodKeyNothingIsAnswered(t *testing.T) {
	now := time.Now()
	g := newRig(t, func(_ *httpapi.Options, o *auth.Options) { o.FailureRate = -1 })
	g.now = func() time.Time { return now }
	job, snapshot := g.scan(), g.snapshot("s1", "x")
	expired, _ := g.issue(func(n *auth.NewKey) { n.ExpiresAt = now.Add(time.Minute) })
	revoked, id := g.issue(nil)
	if _, err := auth.Revoke(t.Context(), g.store, id, now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	keys := map[string]struct {
		key  string
		code fault.Code
	}{
		"none":    {"none", fault.AuthRequired},
		"bad":     {"atg_x_y", fault.AuthFailed},
		"expired": {expired, fault.AuthFailed},
		"revoked": {revoked, fault.AuthFailed},
	}
	for name, k := range keys {
		for _, c := range calls(job, snapshot) {
			a := g.do(request{method: c.method, path: c.path, body: c.body, key: k.key})
			if p := problem(t, a, http.StatusUnauthorized); p.Code != k.code || p.Hint == "" || a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s key, %s %s: %s", name, c.method, c.path, a.body)
			}
		}
	}
}

func TestEveryCallNeedsItsScope(t *testing.T) {
	g := newRig(t, nil)
	for _, scope := range api.Scopes() {
		key, _ := g.issue(func(n *auth.NewKey) { n.Scopes = []api.Scope{scope} })
		for _, c := range calls("nobody", "nothing") {
			a := g.do(request{method: c.method, path: c.path, body: c.body, key: key})
			may := c.scope == "" || c.scope == scope
			if scope == api.ScopeDeploy && (c.method == "PUT" || c.method == "DELETE" && c.scope == api.ScopeSubmit) {
				may = true // inputs of create-tenant, and its jobs
			}
			if refused := a.StatusCode == http.StatusForbidden; refused == may {
				t.Errorf("scope %s, %s %s: %d %s", scope, c.method, c.path, a.StatusCode, a.body)
			}
		}
	}
}

func TestABatchNeedsTheScopeOfEachOperation(t *testing.T) {
	g := newRig(t, nil)
	key, _ := g.issue(func(n *auth.NewKey) { n.Scopes = []api.Scope{api.ScopeSubmit} })
	a := into[api.BatchAnswer](t, g.do(request{method: "POST", path: api.PathBatch, key: key,
		body: `{"operations":[{"operation":"create-tenant","body":{}},{"operation":"scan","body":{}}]}`}), 200)
	if a.Items[0].Problem == nil || a.Items[0].Problem.Code != fault.Forbidden || a.Items[1].Job == nil {
		t.Errorf("%+v", a.Items)
	}
}

func TestAKeySeesOnlyItsOwn(t *testing.T) {
	g := newRig(t, nil)
	mine := g.scan()
	g.complete(mine, &backend.ScanResult{}, map[string]string{"a.txt": "mine"})
	sum := g.input("mine")
	g.snapshotOf("t1", "s1", "x")
	g.snapshotOf("t2", "s2", "x")
	stranger, _ := g.issue(nil)
	for _, c := range calls(mine, "s2") {
		if !strings.Contains(c.path, mine) {
			continue
		}
		theirs := g.do(request{method: c.method, path: c.path, key: stranger})
		unknown := g.do(request{method: c.method, path: strings.Replace(c.path, mine, "job-000", 1), key: stranger})
		p, q := problem(t, theirs, http.StatusNotFound), problem(t, unknown, http.StatusNotFound)
		if p.Code != fault.JobNotFound || p.Code != q.Code || strings.Replace(p.Title, mine, "job-000", 1) != q.Title || p.Hint != q.Hint {
			t.Errorf("%s %s: another's job can be told from none: %s, %s", c.method, c.path, theirs.body, unknown.body)
		}
	}
	page := into[backend.JobPage](t, g.do(request{method: "GET", path: api.PathJobs, key: stranger}), 200)
	if len(page.Jobs) != 0 {
		t.Errorf("a stranger lists %d jobs", len(page.Jobs))
	}
	// inputs belong to a key, snapshots to a tenant
	problem(t, g.do(request{method: "POST", path: api.PathCreateTenant, key: stranger, body: `{"input":"` + sum + `"}`}), http.StatusBadRequest)
	snapshots := into[backend.SnapshotPage](t, g.get(api.PathSnapshots), 200)
	if len(snapshots.Snapshots) != 1 || snapshots.Snapshots[0].ID != "s1" {
		t.Errorf("listed %+v", snapshots.Snapshots)
	}
	for _, c := range []request{
		{method: "GET", path: api.Fill(api.PathSnapshot, "s2")}, {method: "GET", path: api.Fill(api.PathSnapshotFile, "s2")},
		{method: "DELETE", path: api.Fill(api.PathSnapshot, "s2")}, {method: "POST", path: api.Fill(api.PathSnapshotQuery, "s2"), body: `{"sql":"x"}`},
		{method: "POST", path: api.Fill(api.PathSnapshotDiff, "s1"), body: `{"after":"s2"}`},
	} {
		if p := problem(t, g.do(c), http.StatusNotFound); p.Code != fault.SnapshotNotFound {
			t.Errorf("%s %s: %+v", c.method, c.path, p)
		}
	}
	// the same idempotency key of two API keys is two jobs
	idempotent := func(key string) string {
		return into[backend.JobStatusResponse](t, g.do(request{method: "POST", path: api.PathScan, body: `{}`, key: key,
			header: map[string]string{api.HeaderIdempotencyKey: "x"}}), http.StatusAccepted).JobID
	}
	if idempotent(g.key) == idempotent(stranger) {
		t.Error("two keys share a job")
	}
}

func TestIdempotency(t *testing.T) {
	g := newRig(t, nil)
	post := func(body string) answer {
		return g.do(request{method: "POST", path: api.PathScan, body: body, header: map[string]string{api.HeaderIdempotencyKey: "once"}})
	}
	first, again := post(`{"tenant_id":"t1"}`), post(`{"tenant_id":"t1"}`)
	a, b := into[backend.JobStatusResponse](t, first, 202), into[backend.JobStatusResponse](t, again, 202)
	if a.JobID != b.JobID || first.Header.Get("Idempotency-Replayed") != "" || again.Header.Get("Idempotency-Replayed") != "true" ||
		again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("%s %v, then %s %v", a.JobID, first.Header, b.JobID, again.Header)
	}
	if p := problem(t, post(`{"tenant_id":"t1","limit":1}`), 422); p.Code != fault.InvalidArgument {
		t.Errorf("%+v", p)
	}
	if p := problem(t, post(`{"tenant_id":"t1","resource_limit":1}`), http.StatusConflict); p.Code != fault.Conflict {
		t.Errorf("%+v", p)
	}
	if one, other := g.scan(), g.scan(); one == other {
		t.Error("two submissions without a key are one job")
	}
}

func TestARevokedKeyEndsItsWebSockets(t *testing.T) {
	g := newRig(t, nil)
	conn := g.watch(g.scan(), "")
	other, _ := g.issue(nil)
	g.key, other = other, g.key
	if _, err := auth.Revoke(t.Context(), g.store, g.keyID, time.Now()); err != nil {
		t.Fatal(err)
	}
	_, _, err := conn.Read(t.Context())
	var closed websocket.CloseError
	if !asClose(err, &closed) || closed.Code != websocket.StatusInternalError || closed.Reason != string(fault.AuthFailed) {
		t.Errorf("closed with %v", err)
	}
	problem(t, g.do(request{method: "GET", path: api.PathAuth, key: other}), http.StatusUnauthorized)
}

func TestLimitsOfAKey(t *testing.T) {
	g := newRig(t, func(_ *httpapi.Options, o *auth.Options) { o.Rate, o.Burst = 0.001, 2 })
	for range 2 {
		if a := g.get(api.PathAuth); a.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	a := g.get(api.PathAuth)
	p := problem(t, a, http.StatusTooManyRequests)
	wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if p.Code != fault.Throttled || !p.Retryable || err != nil || wait < 1 {
		t.Errorf("%s, Retry-After %q", a.body, a.Header.Get("Retry-After"))
	}
	other, _ := g.issue(nil)
	if a := g.do(request{method: "GET", path: api.PathAuth, key: other}); a.StatusCode != http.StatusOK {
		t.Errorf("another key: %d", a.StatusCode)
	}
}

func TestWebSocketsCountAsConcurrentRequests(t *testing.T) {
	g := newRig(t, func(_ *httpapi.Options, o *auth.Options) { o.Concurrent = 1 })
	conn := g.watch(g.scan(), "")
	if p := problem(t, g.get(api.PathAuth), http.StatusTooManyRequests); p.Code != fault.Throttled {
		t.Errorf("%+v", p)
	}
	conn.Close(websocket.StatusNormalClosure, "")
	if err := g.api.Drain(t.Context()); err != nil { // when the WebSocket's end has been noticed
		t.Fatal(err)
	}
}

func TestMetricsAreForThoseWhoMayReadThem(t *testing.T) {
	proxied := map[string]string{"X-Forwarded-For": "192.0.2.1"}
	g := newRig(t, nil)
	if a := g.do(request{method: "GET", path: api.PathMetrics, key: "none"}); a.StatusCode != http.StatusOK {
		t.Errorf("from this machine: %d", a.StatusCode)
	}
	problem(t, g.do(request{method: "GET", path: api.PathMetrics, key: "none", header: proxied}), http.StatusUnauthorized)
	if a := g.do(request{method: "GET", path: api.PathMetrics, header: proxied}); a.StatusCode != http.StatusOK {
		t.Errorf("with a key: %d", a.StatusCode)
	}
	submitter, _ := g.issue(func(n *auth.NewKey) { n.Scopes = []api.Scope{api.ScopeSubmit} })
	problem(t, g.do(request{method: "GET", path: api.PathMetrics, key: submitter, header: proxied}), http.StatusForbidden)
	open := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.OpenMetrics = true })
	if a := open.do(request{method: "GET", path: api.PathMetrics, key: "none", header: proxied}); a.StatusCode != http.StatusOK {
		t.Errorf("open: %d", a.StatusCode)
	}
}

func TestTheAuditLog(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	a := g.get(api.Fill(api.PathJob, id))
	for _, want := range []string{
		`"audit":{"key_id":"` + g.keyID + `","method":"POST","path":"/api/v1/scan","job_id":"` + id + `","status":202,`,
		`"audit":{"key_id":"` + g.keyID + `","method":"GET","path":"/api/v1/jobs/{id}","job_id":"` + id + `","status":200,`,
		`"request_id":"` + a.Header.Get(api.HeaderRequestID) + `"`,
	} {
		if !strings.Contains(g.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	refused := g.do(request{method: "GET", path: api.PathAuth, key: "none"})
	for _, line := range strings.Split(g.log.String(), "\n") {
		if strings.Contains(line, refused.Header.Get(api.HeaderRequestID)) && strings.Contains(line, "audit") {
			t.Errorf("a call that was not authenticated is audited: %s", line)
		}
	}
}

// TestNoSecretLeaves makes calls of every kind, panics included, and looks for the keys in all that came out of the service.
func TestNoSecretLeaves(t *testing.T) {
	g := newRig(t, nil)
	wrong := "atg_" + g.keyID + "_" + strings.Repeat("w", 43)
	var out strings.Builder
	id := g.scan()
	g.complete(id, &backend.ScanResult{}, map[string]string{"a.txt": "x"})
	do := func() {
		for _, key := range []string{g.key, wrong} {
			for _, c := range calls(id, "s1") {
				a := g.do(request{method: c.method, path: c.path, body: c.body, key: key})
				out.Write(a.body)
				for name, values := range a.Header {
					out.WriteString(name + strings.Join(values, " "))
				}
			}
		}
	}
	do()
	g.store.FailWith(func(call string) error {
		if call != "GetKey" {
			panic("in " + call)
		}
		return nil
	})
	do()
	g.store.FailWith(nil)
	out.Write(g.get(api.PathMetrics).body)
	out.WriteString(g.log.String())
	for _, key := range []string{g.key, wrong} {
		secret := strings.SplitN(key, "_", 3)[2]
		if strings.Contains(out.String(), secret) {
			t.Errorf("the secret of %s came out", key)
		}
	}
	if !strings.Contains(out.String(), g.keyID) {
		t.Error("not even the key's id came out: this looked at nothing")
	}
}
