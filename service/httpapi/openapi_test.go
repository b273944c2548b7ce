package httpapi_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// document is the service's OpenAPI document, which real answers are held against.
type document struct {
	t     testing.TB
	paths map[string]map[string]operation
	all   *jsonschema.Compiler
	seen  map[string]bool // "GET /path 200"
}

type operation struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Security    []map[string][]string
	Responses   map[string]struct {
		Content map[string]any
		Headers map[string]any
	}
}

// openDocument reads the document and makes it strict: an answer may have no member that it does not name.
func openDocument(t testing.TB, text []byte) *document {
	t.Helper()
	var typed struct {
		OpenAPI string
		Paths   map[string]map[string]operation
	}
	if err := json.Unmarshal(text, &typed); err != nil {
		t.Fatal(err)
	}
	if typed.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", typed.OpenAPI)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range raw.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any) {
		s.(map[string]any)["additionalProperties"] = false
	}
	d := &document{t: t, paths: typed.Paths, all: jsonschema.NewCompiler(), seen: map[string]bool{}}
	d.all.DefaultDraft(jsonschema.Draft2020)
	d.all.AssertFormat()
	if err := d.all.AddResource("openapi.json", raw); err != nil {
		t.Fatal(err)
	}
	return d
}

// check holds an answer against what the document says of a call.
func (d *document) check(method, path string, a answer) {
	d.t.Helper()
	op, ok := d.paths[path][strings.ToLower(method)]
	if !ok {
		d.t.Errorf("%s %s is not documented", method, path)
		return
	}
	status := strconv.Itoa(a.StatusCode)
	r, ok := op.Responses[status]
	if !ok {
		status, r = "default", op.Responses["default"]
		if a.StatusCode < 400 {
			d.t.Errorf("%s %s answers %d, which is not documented", method, path, a.StatusCode)
			return
		}
	}
	d.seen[method+" "+path+" "+status] = true
	for name := range a.Header {
		if name == "Etag" || name == "Location" || name == "Idempotency-Replayed" || name == api.HeaderRequestID {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(r.Headers)), func(h string) bool { return strings.EqualFold(h, name) }) {
				d.t.Errorf("%s %s %s: header %s is not documented", method, path, status, name)
			}
		}
	}
	if len(r.Content) == 0 {
		if len(a.body) > 0 {
			d.t.Errorf("%s %s %s: a body where none is documented", method, path, status)
		}
		return
	}
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if _, ok := r.Content[media]; !ok {
		d.t.Errorf("%s %s %s: media type %q is not documented", method, path, status, media)
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		d.t.Errorf("%s %s %s: %v", method, path, status, err)
		return
	}
	pointer := []string{"paths", path, strings.ToLower(method), "responses", status, "content", media, "schema"}
	if err := d.schema(pointer...).Validate(value); err != nil {
		d.t.Errorf("%s %s %s: %v\n%s", method, path, status, err, a.body)
	}
}

func (d *document) schema(pointer ...string) *jsonschema.Schema {
	d.t.Helper()
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	at := "openapi.json#"
	for _, p := range pointer {
		at += "/" + escape.Replace(p)
	}
	s, err := d.all.Compile(at)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// unseen are the documented answers that no call brought.
func (d *document) unseen() []string {
	var all []string
	for path, methods := range d.paths {
		for method, op := range methods {
			for status := range op.Responses {
				if name := strings.ToUpper(method) + " " + path + " " + status; !d.seen[name] {
					all = append(all, name)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// TestAnswersAreAsDocumented makes every call that the document knows, in each way that it can end, and holds the answers against the
// document's schemas.
func TestAnswersAreAsDocumented(t *testing.T) {
	g := newRig(t, nil)
	d := openDocument(t, g.get(api.PathOpenAPI).body)
	call := func(method, template, path string, change func(*request)) answer {
		t.Helper()
		q := request{method: method, path: path}
		if change != nil {
			change(&q)
		}
		a := g.do(q)
		d.check(method, template, a)
		return a
	}
	noKey := func(q *request) { q.key = "none" }
	header := func(name, value string) func(*request) {
		return func(q *request) { q.header = map[string]string{name: value} }
	}
	body := func(text string) func(*request) {
		return func(q *request) { q.body = text }
	}

	// every operation
	snapshot := g.snapshot("s1", "content of s1")
	g.snapshot("s2", "content of s2")
	sum := g.input("# spec")
	submissions := map[backend.Operation]string{
		backend.OpScan:           `{"tenant_id":"t1","subscriptions":["a"],"tags":{"env":""},"depth":"extensions","identities":"none","discovery":"arm","resource_limit":5,"dry_run":true}`,
		backend.OpGenerateIaC:    `{"output_format":"terraform","filters":{"locations":["westeurope"]},"targets":{"location":"eastus","resource_group_prefix":"dr-"},"import":true,"split":"rg","include_defaults":true,"check":true,"what_if":true}`,
		backend.OpCreateTenant:   `{"input":"` + sum + `","spec":"x.md","dry_run":true}`,
		backend.OpGenerateSpec:   `{"anonymize":true,"snapshot":"s1"}`,
		backend.OpVisualize:      `{}`,
		backend.OpSnapshotQuery:  `{"sql":"select 1","args":["a"],"row_limit":3}`,
		backend.OpSnapshotDiff:   `{"after":"s2","format":"markdown"}`,
		backend.OpSnapshotExport: `{"format":"graphml"}`,
		backend.OpSnapshotPath:   `{"from":"a","to":"b","max_hops":3}`,
		backend.OpSnapshotReach:  `{"node":"a"}`,
	}
	for _, op := range backend.Operations() {
		template := api.PathOf(op)
		path := api.Fill(template, snapshot)
		job := into[backend.JobStatusResponse](t, call("POST", template, path, func(q *request) {
			q.body, q.header = submissions[op], map[string]string{api.HeaderIdempotencyKey: string(op)}
		}), http.StatusAccepted)
		if job.Operation != op {
			t.Errorf("%s became %s", op, job.Operation)
		}
		again := call("POST", template, path, func(q *request) {
			q.body, q.header = submissions[op], map[string]string{api.HeaderIdempotencyKey: string(op)}
		})
		if into[backend.JobStatusResponse](t, again, http.StatusAccepted).JobID != job.JobID || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: the repeated submission is not the same job", op)
		}
		problem(t, call("POST", template, path, func(q *request) { q.key, q.body = "none", submissions[op] }), http.StatusUnauthorized)
		result := backend.NewResult(op)
		g.complete(job.JobID, result, map[string]string{"out/file.txt": "made by " + string(op)})
		call("GET", api.PathResult, api.Fill(api.PathResult, job.JobID), nil)
	}

	// jobs
	id := g.scan()
	first := call("GET", api.PathJob, api.Fill(api.PathJob, id), nil)
	call("GET", api.PathJob, api.Fill(api.PathJob, id), header("If-None-Match", first.Header.Get("ETag")))
	problem(t, call("GET", api.PathJob, api.Fill(api.PathJob, "nobody"), nil), http.StatusNotFound)
	page := into[backend.JobPage](t, call("GET", api.PathJobs, api.PathJobs+"?limit=3&operation=scan&tenant_id=t1", nil), 200)
	if len(page.Jobs) == 0 {
		t.Error("no jobs are listed")
	}
	problem(t, call("GET", api.PathJobs, api.PathJobs+"?limit=0&status=done", nil), http.StatusUnprocessableEntity)
	problem(t, call("GET", api.PathResult, api.Fill(api.PathResult, id), nil), http.StatusConflict)
	problem(t, call("GET", api.PathManifest, api.Fill(api.PathManifest, id), nil), http.StatusConflict)
	g.begin(id)
	g.progress(id, 1, 5)
	call("GET", api.PathJob, api.Fill(api.PathJob, id), nil)
	into[api.Cancellation](t, call("DELETE", api.PathJob, api.Fill(api.PathJob, id), nil), http.StatusAccepted)
	waiting := g.scan()
	into[api.Cancellation](t, call("DELETE", api.PathJob, api.Fill(api.PathJob, waiting), nil), http.StatusOK)
	problem(t, call("DELETE", api.PathJob, api.Fill(api.PathJob, waiting), nil), http.StatusConflict)
	call("GET", api.PathJob, api.Fill(api.PathJob, waiting), nil) // with its fault
	batch := into[api.BatchAnswer](t, call("POST", api.PathBatch, api.PathBatch, body(`{"operations":[
		{"operation":"scan","body":{"tenant_id":"t1"}},{"operation":"scna","body":{}},{"operation":"scan","body":{"tenant_id":"t2"}},
		{"operation":"snapshot-diff","body":{"before":"latest","after":"s1","filters":{}}}]}`)), 200)
	var codes []string
	for _, item := range batch.Items {
		if item.Problem != nil {
			codes = append(codes, string(item.Problem.Code))
			continue
		}
		codes = append(codes, string(item.Job.Status))
	}
	if diff := cmp.Diff([]string{"pending", "invalid_argument", "forbidden", "invalid_argument"}, codes); diff != "" {
		t.Error(diff)
	}
	problem(t, call("POST", api.PathBatch, api.PathBatch, body(`{`)), http.StatusBadRequest)

	// files
	done := g.scan()
	g.complete(done, &backend.ScanResult{Success: true, Complete: true}, map[string]string{"a/b c.txt": "hello"})
	into[api.Manifest](t, call("GET", api.PathManifest, api.Fill(api.PathManifest, done), nil), 200)
	for template, path := range map[string]string{
		api.PathFile + "{path}": api.FilePath(done, "a/b c.txt"), api.PathArchive: api.Fill(api.PathArchive, done), api.PathSnapshotFile: api.Fill(api.PathSnapshotFile, "s1"),
	} {
		whole := call("GET", template, path, nil)
		if whole.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, whole.StatusCode)
		}
		call("GET", template, path, header("Range", "bytes=1-2"))
		call("GET", template, path, header("If-None-Match", whole.Header.Get("ETag")))
		problem(t, call("GET", template, path, header("Range", "bytes=9999999-")), http.StatusRequestedRangeNotSatisfiable)
	}
	other := "content of an input"
	put := api.Fill(api.PathInput, sha(other))
	into[backend.Input](t, call("PUT", api.PathInput, put, body(other)), http.StatusCreated)
	into[backend.Input](t, call("PUT", api.PathInput, put, body(other)), http.StatusOK)
	problem(t, call("PUT", api.PathInput, api.Fill(api.PathInput, sha("x")), body(other)), http.StatusUnprocessableEntity)

	// snapshots
	into[backend.SnapshotPage](t, call("GET", api.PathSnapshots, api.PathSnapshots+"?limit=1", nil), 200)
	problem(t, call("GET", api.PathSnapshots, api.PathSnapshots+"?limti=1", nil), http.StatusUnprocessableEntity)
	into[backend.SnapshotDetail](t, call("GET", api.PathSnapshot, api.Fill(api.PathSnapshot, "s1"), nil), 200)
	problem(t, call("GET", api.PathSnapshot, api.Fill(api.PathSnapshot, "s9"), nil), http.StatusNotFound)
	if a := call("DELETE", api.PathSnapshot, api.Fill(api.PathSnapshot, "s1"), nil); a.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d %s", a.StatusCode, a.body)
	}
	problem(t, call("DELETE", api.PathSnapshot, api.Fill(api.PathSnapshot, "s1"), nil), http.StatusNotFound)

	// the service itself
	for _, path := range []string{api.PathCapable, api.PathAuth} {
		known := call("GET", path, path, nil)
		call("GET", path, path, header("If-None-Match", known.Header.Get("ETag")))
		problem(t, call("GET", path, path, noKey), http.StatusUnauthorized)
	}
	for _, path := range []string{api.PathHealth, api.PathLive, api.PathReady, api.PathOpenAPI, api.PathMetrics} {
		if a := call("GET", path, path, noKey); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	problem(t, call("GET", api.PathMetrics, api.PathMetrics, func(q *request) { q.key, q.header = "none", map[string]string{"Forwarded": "for=192.0.2.1"} }), http.StatusUnauthorized)

	// the WebSocket's answers
	problem(t, call("GET", api.PathEvents, api.Fill(api.PathEvents, "nobody"), nil), http.StatusNotFound)
	conn, resp, err := websocket.Dial(t.Context(), g.server.URL+api.Fill(api.PathEvents, done), g.dialing(g.key))
	if err != nil {
		t.Fatal(err)
	}
	event := d.schema("paths", api.PathEvents, "get", "responses", "101", "content", "application/json", "schema")
	for {
		_, message, err := conn.Read(t.Context())
		if err != nil {
			break
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		if err := event.Validate(value); err != nil {
			t.Errorf("event: %v\n%s", err, message)
		}
		d.seen["GET "+api.PathEvents+" "+strconv.Itoa(resp.StatusCode)] = true
	}

	if err := g.api.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{api.PathHealth, api.PathReady} {
		if a := call("GET", path, path, noKey); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s while the service goes away: %d", path, a.StatusCode)
		}
	}
	// what can only be refused by a defect, and needs no key, has no refusal to see
	neverRefuse := map[string]bool{}
	for _, path := range []string{api.PathHealth, api.PathLive, api.PathReady, api.PathOpenAPI} {
		neverRefuse["GET "+path+" default"] = true
	}
	for _, name := range d.unseen() {
		if !neverRefuse[name] {
			t.Errorf("no call was answered as documented by %s", name)
		}
	}
}

// TestTheDocumentHasEveryPath compares the document with the paths of package api.
func TestTheDocumentHasEveryPath(t *testing.T) {
	g := newRig(t, nil)
	d := openDocument(t, g.get(api.PathOpenAPI).body)
	want := []string{
		api.PathSnapshots, api.PathSnapshot, api.PathSnapshotFile, api.PathBatch, api.PathInput, api.PathJobs, api.PathJob, api.PathResult,
		api.PathArchive, api.PathManifest, api.PathFile + "{path}", api.PathEvents, api.PathCapable, api.PathAuth, api.PathHealth,
		api.PathLive, api.PathReady, api.PathMetrics, api.PathOpenAPI,
	}
	for _, op := range backend.Operations() {
		want = append(want, api.PathOf(op))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(d.paths))); diff != "" {
		t.Error(diff)
	}
	names := map[string]bool{}
	for path, methods := range d.paths {
		for method, op := range methods {
			if op.OperationID == "" || names[op.OperationID] || op.Summary == "" {
				t.Errorf("%s %s: operation %q, summary %q", method, path, op.OperationID, op.Summary)
			}
			names[op.OperationID] = true
			open := path == api.PathHealth || path == api.PathLive || path == api.PathReady || path == api.PathMetrics || path == api.PathOpenAPI
			if open != (len(op.Security) == 0) {
				t.Errorf("%s %s: security %v", method, path, op.Security)
			}
		}
	}
}

// TestResultsFitTheDocument fills every field of every result.
func TestResultsFitTheDocument(t *testing.T) {
	g := newRig(t, nil)
	d := openDocument(t, g.get(api.PathOpenAPI).body)
	for _, op := range backend.Operations() {
		result := backend.NewResult(op)
		fill(result)
		id := g.scan()
		g.complete(id, result, nil)
		d.check("GET", api.PathResult, g.get(api.Fill(api.PathResult, id)))
	}
}
