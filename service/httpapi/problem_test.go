package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestRefusals(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) {
		o.Capabilities.Limits = api.Limits{RequestBytes: 1000, InputBytes: 10, Batch: 2}
	})
	job := g.scan()
	long := strings.Repeat("x", 256)
	cases := map[string]struct {
		request
		status int
		code   fault.Code
		title  string          // a part of it
		want   []fault.Problem // all of them, if not nil
	}{
		"no such call":         {request{method: "GET", path: "/api/v1/nothing"}, 404, fault.Unsupported, "no such call", nil},
		"no such call, root":   {request{method: "POST", path: "/", key: "none"}, 404, fault.Unsupported, "no such call", nil},
		"a path with a detour": {request{method: "GET", path: "/api/v1/../v1/auth"}, 404, fault.Unsupported, "no such call", nil},
		"an empty segment":     {request{method: "POST", path: "//api/v1/scan"}, 404, fault.Unsupported, "no such call", nil},
		"a slash at the end":   {request{method: "POST", path: "/api/v1/scan/"}, 404, fault.Unsupported, "no such call", nil},
		"another method":       {request{method: "PUT", path: api.PathScan}, 405, fault.Unsupported, "with this method", nil},
		"an unknown method":    {request{method: "BREW", path: api.PathScan}, 405, fault.Unsupported, "with this method", nil},
		"no such job":          {request{method: "GET", path: api.Fill(api.PathJob, "job-x")}, 404, fault.JobNotFound, "no job job-x", nil},
		"not complete":         {request{method: "GET", path: api.Fill(api.PathResult, job)}, 409, fault.JobNotComplete, "is pending", nil},
		"no such snapshot":     {request{method: "GET", path: api.Fill(api.PathSnapshotFile, "s")}, 404, fault.SnapshotNotFound, "no snapshot s", nil},
		"no body":              {request{method: "POST", path: api.PathScan}, 400, fault.InvalidArgument, "request body is required", nil},
		"no JSON":              {request{method: "POST", path: api.PathScan, body: "{"}, 400, fault.InvalidArgument, "body: unexpected end of JSON input", nil},
		"two values":           {request{method: "POST", path: api.PathScan, body: "{} {}"}, 400, fault.InvalidArgument, "body: invalid character", nil},
		"another media type":   {request{method: "POST", path: api.PathScan, body: "{}", header: map[string]string{"Content-Type": "text/plain"}}, 415, fault.InvalidArgument, "unknown content type", nil},
		"body too large":       {request{method: "POST", path: api.PathScan, body: `{"tenant_id":"` + strings.Repeat("x", 1000) + `"}`}, 413, fault.InvalidArgument, "larger than the service takes", nil},
		"unknown members": {
			request{method: "POST", path: api.PathScan, body: `{"tenat_id":"t1","depht":"all","tags":{"any":"x"}}`}, 422, fault.InvalidArgument, "not as it should be",
			[]fault.Problem{
				{Key: "depht", Message: "there is no such property", Hint: "depth may be meant"},
				{Key: "tenat_id", Message: "there is no such property", Hint: "tenant_id may be meant"},
			},
		},
		"an unknown member further in": {
			request{method: "POST", path: api.PathGenerateIaC, body: `{"output_format":"arm","filters":{"location":["x"],"zzz":1}}`}, 422, fault.InvalidArgument, "not as it should be",
			[]fault.Problem{
				{Key: "filters.location", Message: "there is no such property", Hint: "locations may be meant"},
				{Key: "filters.zzz", Message: "there is no such property"},
			},
		},
		"wrong types and values, all at once": {
			request{method: "POST", path: api.PathScan, body: `{"subscriptions":"a","depth":"extension","resource_limit":"5","tags":{"a":1}}`}, 422, fault.InvalidArgument, "not as it should be",
			[]fault.Problem{
				{Key: "depth", Message: `expected value to be one of "resources, children, extensions"`, Hint: "extensions may be meant"},
				{Key: "resource_limit", Message: "expected integer"},
				{Key: "subscriptions", Message: "expected array"},
				{Key: "tags.a", Message: "expected string"},
			},
		},
		"a missing property": {
			request{method: "POST", path: api.PathGenerateIaC, body: `{}`}, 422, fault.InvalidArgument, "output_format",
			[]fault.Problem{{Key: "body", Message: "expected required property output_format to be present"}},
		},
		"wrong parameters": {
			request{method: "GET", path: api.PathJobs + "?limit=1001&status=runing"}, 422, fault.InvalidArgument, "not as it should be",
			[]fault.Problem{
				{Key: "limit", Message: "expected number <= 1000"},
				{Key: "status", Message: `expected value to be one of "pending, running, completed, failed, cancelled"`, Hint: "running may be meant"},
			},
		},
		"an unknown parameter": {
			request{method: "GET", path: api.PathJobs + "?tenant=t1"}, 422, fault.InvalidArgument, "tenant",
			[]fault.Problem{{Key: "tenant", Message: "there is no such property", Hint: "tenant_id may be meant"}},
		},
		"an unknown parameter of a status": {
			request{method: "GET", path: api.Fill(api.PathJob, job) + "?wiat=3"}, 400, fault.InvalidArgument, "wiat",
			[]fault.Problem{{Key: "wiat", Message: "there is no such property", Hint: "wait may be meant"}},
		},
		"a wait that is none":  {request{method: "GET", path: api.Fill(api.PathJob, job) + "?wait=soon"}, 400, fault.InvalidArgument, "wait: ", nil},
		"a wrong cursor":       {request{method: "GET", path: api.PathJobs + "?cursor=x"}, 400, fault.InvalidArgument, "cursor", nil},
		"a long key":           {request{method: "POST", path: api.PathScan, body: "{}", header: map[string]string{api.HeaderIdempotencyKey: long}}, 422, fault.InvalidArgument, "Idempotency-Key", nil},
		"two snapshots":        {request{method: "POST", path: api.Fill(api.PathSnapshotQuery, "s1"), body: `{"snapshot":"s2","sql":"x"}`}, 400, fault.InvalidArgument, "the path names snapshot s1, the body s2", nil},
		"no snapshot yet":      {request{method: "POST", path: api.PathVisualize, body: `{}`}, 404, fault.SnapshotNotFound, "no complete snapshot", nil},
		"too many operations":  {request{method: "POST", path: api.PathBatch, body: `{"operations":[{"operation":"scan","body":{}},{"operation":"scan","body":{}},{"operation":"scan","body":{}}]}`}, 422, fault.InvalidArgument, "operations", nil},
		"an input that is not": {request{method: "PUT", path: api.Fill(api.PathInput, "ABC"), body: "x"}, 400, fault.InvalidArgument, "no SHA-256", nil},
		"other content":        {request{method: "PUT", path: api.Fill(api.PathInput, sha("y")), body: "x"}, 422, fault.Integrity, "not what was announced", nil},
		"input too large":      {request{method: "PUT", path: api.Fill(api.PathInput, sha("y")), body: "01234567890"}, 413, fault.InvalidArgument, "larger than the service takes", nil},
		"a missing input":      {request{method: "POST", path: api.PathCreateTenant, body: `{"input":"` + sha("z") + `"}`}, 400, fault.InvalidArgument, "not stored", nil},
		"no WebSocket":         {request{method: "GET", path: api.Fill(api.PathEvents, job)}, 426, fault.InvalidArgument, "not as it should be", nil},
		"a wrong number":       {request{method: "GET", path: api.Fill(api.PathEvents, job) + "?after=-1"}, 400, fault.InvalidArgument, "after: ", nil},
		"another's tenant":     {request{method: "POST", path: api.PathScan, body: `{"tenant_id":"t2"}`}, 403, fault.Forbidden, "tenant t2", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := problem(t, g.do(c.request), c.status)
			if p.Code != c.code || !strings.Contains(p.Title, c.title) {
				t.Errorf("code %s, title %q", p.Code, p.Title)
			}
			if c.want != nil {
				if diff := cmp.Diff(c.want, p.Problems); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestAllowNamesTheMethodsOfAPath(t *testing.T) {
	g := newRig(t, nil)
	cases := map[string]string{
		api.PathScan: "POST", api.Fill(api.PathJob, "x"): "GET, DELETE", api.PathJobs: "GET", api.Fill(api.PathInput, "x"): "PUT", api.FilePath("x", "a/b"): "GET",
	}
	for path, want := range cases {
		a := g.do(request{method: "PATCH", path: path})
		problem(t, a, http.StatusMethodNotAllowed)
		if got := a.Header.Get("Allow"); got != want {
			t.Errorf("%s: Allow %q, want %q", path, got, want)
		}
	}
}

func TestABodyOfUnknownLengthIsLimitedToo(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.Capabilities.Limits.InputBytes = 1000 })
	for _, client := range []*http.Client{g.server.Client(), g.http1()} {
		endless, write := io.Pipe()
		go func() { // it never ends, and stops just above the limit: a server that closes before all was read cuts its own answer off
			for range 11 {
				if _, err := write.Write(make([]byte, 100)); err != nil {
					return
				}
			}
		}()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, g.server.URL+api.Fill(api.PathInput, sha("x")), endless)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+g.key)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		problem(t, answer{resp, b}, http.StatusRequestEntityTooLarge)
		endless.Close()
	}
}

func TestWhatFailsInsideStaysInside(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	cases := map[string]struct {
		err    error
		status int
		code   fault.Code
	}{
		"a fault":       {fault.New(fault.ServiceUnavailable, "the store cannot be reached", fault.Retryable()), 503, fault.ServiceUnavailable},
		"an error":      {errors.New("nats: 10.1.2.3 says no"), 500, fault.Internal},
		"end of a wait": {context.Canceled, 503, fault.ServiceUnavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g.store.FailWith(func(call string) error {
				if call == "Status" || call == "Enqueue" {
					return c.err
				}
				return nil
			})
			defer g.store.FailWith(nil)
			for _, a := range []answer{g.get(api.Fill(api.PathJob, id)), g.post(api.PathScan, `{}`)} {
				p := problem(t, a, c.status)
				if p.Code != c.code || strings.Contains(string(a.body), "10.1.2.3") {
					t.Errorf("%s", a.body)
				}
				if c.status == 503 && a.Header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				if c.status == 500 && (!strings.Contains(p.Hint, p.Instance) || !strings.Contains(g.log.String(), "10.1.2.3")) {
					t.Errorf("hint %q; the log should have the reason", p.Hint)
				}
			}
		})
	}
}

func TestAPanicIsAProblem(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	g.store.FailWith(func(call string) error {
		if call == "Status" || call == "Enqueue" {
			panic("deep inside")
		}
		return nil
	})
	for _, a := range []answer{g.get(api.Fill(api.PathJob, id)), g.post(api.PathScan, `{}`)} {
		p := problem(t, a, http.StatusInternalServerError)
		if strings.Contains(string(a.body), "deep inside") || p.Code != fault.Internal {
			t.Errorf("%s", a.body)
		}
		if log := g.log.String(); !strings.Contains(log, "deep inside") || !strings.Contains(log, "problem_test.go") || !strings.Contains(log, p.Instance) {
			t.Error("the log lacks the panic, its stack or the request's id")
		}
	}
}

func TestAFileThatCannotBeReadBreaksOff(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	g.complete(id, &backend.ScanResult{}, map[string]string{"a.txt": strings.Repeat("x", 1<<20), "b.txt": "b"})
	reads := 0
	g.store.FailWith(func(call string) error {
		if call == "Open" {
			if reads++; reads > 1 {
				return errors.New("disk broken")
			}
		}
		return nil
	})
	for _, client := range []*http.Client{g.server.Client(), g.http1()} {
		reads = 0
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.server.URL+api.Fill(api.PathArchive, id), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+g.key)
		resp, err := client.Do(r)
		if err != nil { // HTTP/2 may break it off before the client has seen its beginning
			continue
		}
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%d bytes of %d seem whole", len(b), resp.ContentLength)
		}
		resp.Body.Close()
	}
	if !strings.Contains(g.log.String(), "disk broken") {
		t.Error("the log lacks the reason")
	}
}

func TestRequestIDs(t *testing.T) {
	g := newRig(t, nil)
	for sent, kept := range map[string]bool{"abc-1_2.3": true, "": false, "two words": false, strings.Repeat("x", 65): false, "a\"b": false} {
		a := g.do(request{method: "GET", path: api.PathAuth, header: map[string]string{api.HeaderRequestID: sent}})
		got := a.Header.Get(api.HeaderRequestID)
		if got == "" || (got == sent) != kept {
			t.Errorf("sent %q, answered %q", sent, got)
		}
		if !strings.Contains(g.log.String(), got) {
			t.Errorf("the log lacks the request id %s", got)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	g := newRig(t, nil)
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Strict-Transport-Security": "max-age=31536000", "Access-Control-Allow-Origin": "",
	}
	for _, path := range []string{api.PathAuth, api.PathHealth, "/nothing", api.PathOpenAPI} {
		a := g.do(request{method: "GET", path: path, header: map[string]string{"Origin": "https://evil.example"}})
		for name, value := range want {
			if got := a.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if a.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: no Cache-Control", path)
		}
	}
}

func TestCORS(t *testing.T) {
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.CORSOrigins = []string{"https://portal.example"} })
	ask := func(origin string) answer {
		return g.do(request{method: "OPTIONS", path: api.PathScan, key: "none", header: map[string]string{"Origin": origin, "Access-Control-Request-Method": "POST"}})
	}
	a := ask("https://portal.example")
	if a.StatusCode != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Origin") != "https://portal.example" || a.Header.Get("Access-Control-Allow-Methods") != "POST" ||
		!strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "Authorization") || a.Header.Get("Vary") != "Origin" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a := ask("https://evil.example"); a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("%v", a.Header)
	}
	a = g.do(request{method: "GET", path: api.PathAuth, header: map[string]string{"Origin": "https://portal.example"}})
	if a.Header.Get("Access-Control-Allow-Origin") != "https://portal.example" || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("%v", a.Header)
	}
}
