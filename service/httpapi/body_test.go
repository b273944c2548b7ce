package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Requests that nobody sends by mistake get a clear answer, leave their connection usable or closed, and hurt nobody else. Those without a code are
// refused by net/http, before anything of ours.
func TestRequestsThatAreTooMuch(t *testing.T) {
	g := newRig(t, nil)
	post := func(path, body string, more ...string) string {
		return g.headers("POST", path, append([]string{"Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}, more...)...) + body
	}
	scan := func(body string, more ...string) string { return post(api.PathScan, body, more...) }
	many := func(n int, line string) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("X-%d: %s", i, line))
		}
		return all
	}
	cases := map[string]struct {
		send   string
		status int
		code   fault.Code // empty is no problem
		says   string
		closed bool
	}{
		"deep":                 {scan(`{"tags":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40) + "}"), 400, fault.InvalidArgument, "nested deeper", false},
		"very deep, no end":    {scan(strings.Repeat("[", 1_000_000)), 400, fault.InvalidArgument, "nested deeper", false},
		"as deep in a batch":   {post(api.PathBatch, `{"operations":[{"operation":"scan","body":`+strings.Repeat(`[`, 40)+strings.Repeat("]", 40)+`}]}`), 400, fault.InvalidArgument, "nested deeper", false},
		"many values":          {scan(`{"subscriptions":[` + strings.Repeat(`"",`, 60_000) + `""]}`), 400, fault.InvalidArgument, "more values", false},
		"a name twice":         {scan(`{"tenant_id":"t1","tenant_id":"t2"}`), 400, fault.InvalidArgument, "tenant_id: the name comes twice", false},
		"a name twice, inside": {scan(`{"tags":{"a":"1","\u0061":"2"}}`), 400, fault.InvalidArgument, "tags/a: the name comes twice", false},
		"no UTF-8":             {scan("{\"tenant_id\":\"\xff\"}"), 400, fault.InvalidArgument, "not UTF-8", false},
		"a bomb":               {scan("\x1f\x8b\x08", "Content-Encoding: gzip"), 415, fault.InvalidArgument, "encoded as", false},
		"a bomb of a file":     {g.headers("PUT", api.Fill(api.PathInput, sha("x")), "Content-Length: 1", "Content-Encoding: br") + "x", 415, fault.InvalidArgument, "encoded as", false},
		"a large body":         {scan(strings.Repeat(" ", 2<<20)), 413, fault.InvalidArgument, "larger than", true},
		"a large body, only said": {
			g.headers("POST", api.PathScan, "Content-Type: application/json", "Content-Length: 99999999999"), 413, fault.InvalidArgument, "larger than", true,
		},
		"a large body in chunks": {
			g.headers("POST", api.PathScan, "Content-Type: application/json", "Transfer-Encoding: chunked") + "200000\r\n" + strings.Repeat(" ", 2<<20), 413, fault.InvalidArgument, "larger than", true,
		},
		"a chunk that is none": {
			g.headers("POST", api.PathScan, "Content-Type: application/json", "Transfer-Encoding: chunked") + "zz\r\n{}", 400, fault.InvalidArgument, "did not arrive whole", true,
		},
		"a batch of 101":          {post(api.PathBatch, `{"operations":[`+strings.Repeat(`{"operation":"scan","body":{}},`, 100)+`{"operation":"scan","body":{}}]}`), 422, fault.InvalidArgument, "operations", false},
		"a long path":             {g.headers("GET", "/api/v1/jobs/"+strings.Repeat("x", 9000)), 414, fault.InvalidArgument, "longer than", false},
		"a long query":            {g.headers("GET", api.PathJobs+"?"+strings.Repeat("a=b&", 3000)), 414, fault.InvalidArgument, "longer than", false},
		"many headers":            {g.headers("GET", api.PathAuth, many(200, "x")...), 431, fault.InvalidArgument, "more headers", false},
		"long headers":            {g.headers("GET", api.PathAuth, many(90, strings.Repeat("x", 900))...), 431, "", "", true},
		"a path without UTF-8":    {g.headers("GET", "/api/v1/jobs/%ff%00"), 404, fault.JobNotFound, "no job", false},
		"a key without UTF-8":     {scan("{}", "Idempotency-Key: \xff\xfe"), 202, "", "", false},
		"a header with a NUL":     {scan("{}", "X-A: a\x00b"), 400, "", "", true},
		"two lengths":             {scan("{}", "Content-Length: 3"), 400, "", "", true},
		"a length below nothing":  {g.headers("POST", api.PathScan, "Content-Length: -1"), 400, "", "", true},
		"an unknown coding":       {g.headers("POST", api.PathScan, "Transfer-Encoding: gzip, chunked"), 501, "", "", true},
		"no host":                 {"GET /healthz HTTP/1.1\r\n\r\n", 400, "", "", true},
		"another version of HTTP": {"GET /healthz HTTP/7.3\r\nHost: x\r\n\r\n", 505, "", "", true},
		"no HTTP":                 {"\x16\x03\x01 hello\r\n\r\n", 400, "", "", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := g.raw()
			go func() { _, _ = conn.Write([]byte(c.send)) }() // who is refused early may not get rid of all
			r := bufio.NewReader(conn)
			a := answered(t, r)
			if c.code == "" {
				if a.StatusCode != c.status || bytes.Contains(a.body, []byte(g.key)) {
					t.Errorf("%d %q", a.StatusCode, a.body)
				}
			} else if p := problem(t, a, c.status); p.Code != c.code || !strings.Contains(p.Title, c.says) {
				t.Errorf("%s", a.body)
			}
			if a.Close != c.closed {
				t.Errorf("the connection ends: %t", a.Close)
			}
			if !c.closed {
				fmt.Fprint(conn, g.headers("GET", api.PathAuth))
				if again := answered(t, r); again.StatusCode != http.StatusOK {
					t.Errorf("the same connection: %d %s", again.StatusCode, again.body)
				}
			}
			if a := g.get(api.PathAuth); a.StatusCode != http.StatusOK {
				t.Errorf("another connection: %d", a.StatusCode)
			}
		})
	}
	if !json.Valid(g.get(api.PathJobs).body) || strings.Contains(g.log.String(), `"level":"ERROR"`) {
		t.Error("something is amiss afterwards")
	}
}
