package remote

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// service is a double of the job service: the REST API over a runner.
type service struct {
	*runner.Runner
	scan  func(ctx context.Context, job *runner.Job) error // what a scan does before it writes its files
	files map[string]string                                // that a scan makes
	code  func(*backend.IaCGenerationResult)               // changes what a generation answers

	noStream, noManifest, noLongPoll bool

	// before sees each request first, and says whether it has answered it.
	before func(w http.ResponseWriter, r *http.Request) bool

	mu        sync.Mutex
	snapshots []backend.Snapshot
	seen      []string // method and path of each request
	protocols map[string]string
}

func newService() *service {
	s := &service{files: map[string]string{"main.tf": "resource {}\n", "sub/variables.tf": "variable {}\n"}, protocols: map[string]string{}}
	s.scan = func(context.Context, *runner.Job) error { return nil }
	s.Runner = runner.New(runner.Works{backend.OpScan: s.work, backend.OpGenerateIaC: s.generate}, runner.WithCheck(check))
	return s
}

const snapshotContent = "the content of a snapshot"

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

func check(r backend.Request) error {
	if iac, ok := r.(*backend.IaCGenerationRequest); ok && iac.OutputFormat != "terraform" {
		return fault.Newf(fault.InvalidArgument, "there is no format %q", iac.OutputFormat)
	}
	return nil
}

func (s *service) work(ctx context.Context, job *runner.Job) (backend.Result, error) {
	job.Progress(backend.Progress{Phase: "resources", Done: 1, Total: 2, Unit: "rows"})
	job.Log(backend.LevelInfo, "half of it")
	if err := s.scan(ctx, job); err != nil {
		return nil, err
	}
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	for path, content := range s.files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content), 0o600)); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := backend.Snapshot{
		ID: fmt.Sprintf("snapshot-%d", len(s.snapshots)), TenantID: "t", CreatedAt: time.Now().UTC(), Complete: true,
		Resources: 2, Size: int64(len(snapshotContent)), SHA256: sum(snapshotContent),
	}
	s.snapshots = slices.Insert(s.snapshots, 0, snapshot)
	return &backend.ScanResult{Success: true, Complete: true, Resources: 2, Snapshot: &snapshot, Coverage: backend.Coverage{Complete: true}}, nil
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.URL.Path)
	s.protocols[r.Method+" "+r.URL.Path] = r.Proto
	s.mu.Unlock()
	if s.before != nil && s.before(w, r) {
		return
	}
	if r.URL.Path != api.PathHealth && r.Header.Get("Authorization") != "Bearer "+testKey {
		refuse(w, fault.New(fault.AuthFailed, "the key is not known"))
		return
	}
	s.mux().ServeHTTP(w, r)
}

// count is how many requests there were of a method and path.
func (s *service) count(call string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.seen {
		if c == call {
			n++
		}
	}
	return n
}

func (s *service) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, op := range backend.Operations() {
		m.HandleFunc("POST "+api.PathOf(op), func(w http.ResponseWriter, r *http.Request) { s.submit(w, r, op) })
	}
	m.HandleFunc("POST "+api.PathBatch, s.batch)
	m.HandleFunc("PUT "+api.PathInput, s.input)
	m.HandleFunc("GET "+api.PathJobs, s.list)
	m.HandleFunc("GET "+api.PathJob, s.job)
	m.HandleFunc("DELETE "+api.PathJob, s.cancel)
	m.HandleFunc("GET "+api.PathResult, s.result)
	m.HandleFunc("GET "+api.PathArchive, s.archive)
	if !s.noManifest {
		m.HandleFunc("GET "+api.PathManifest, s.manifest)
		m.HandleFunc("GET "+api.PathFile+"{path...}", s.file)
	}
	if !s.noStream {
		m.HandleFunc("GET "+api.PathEvents, s.events)
	}
	m.HandleFunc("GET "+api.PathSnapshots, s.listSnapshots)
	m.HandleFunc("GET "+api.PathSnapshot, s.snapshot)
	m.HandleFunc("DELETE "+api.PathSnapshot, s.snapshot)
	m.HandleFunc("GET "+api.PathSnapshotFile, s.snapshot)
	m.HandleFunc("GET "+api.PathCapable, func(w http.ResponseWriter, r *http.Request) {
		reply(w, r, 200, api.Capabilities{Version: "v1", Backend: "double", Capabilities: backend.Capabilities{
			Operations: []backend.Operation{backend.OpScan, backend.OpGenerateIaC, "of-tomorrow"}, Formats: []string{"terraform"},
			Features: append(runner.Features(), backend.FeatureDurableJobs, backend.FeatureSnapshots, backend.FeatureParts, "of-tomorrow"),
		}})
	})
	m.HandleFunc("GET "+api.PathAuth, func(w http.ResponseWriter, r *http.Request) {
		reply(w, r, 200, api.Identity{KeyID: "0123456789ab", Name: "tester", Scopes: api.Scopes(), Tenants: []string{"*"}})
	})
	m.HandleFunc("GET "+api.PathHealth, func(w http.ResponseWriter, r *http.Request) {
		reply(w, r, 200, api.Health{Version: "v1", Health: backend.Health{Healthy: true, Dependencies: []backend.Dependency{{Name: "queue", Healthy: true, LatencySeconds: 0.001}}}})
	})
	return m
}

// reply writes JSON with an ETag, or 304.
func reply(w http.ResponseWriter, r *http.Request, status int, body any) {
	content, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	etag := `"` + sum(string(content))[:16] + `"`
	w.Header().Set("ETag", etag)
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

func refuse(w http.ResponseWriter, err error) {
	p := api.ProblemOf(err)
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// answer writes what a call of the runner came to.
func answered[T any](w http.ResponseWriter, r *http.Request, status int, body T, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, r, status, body)
}

func (s *service) submit(w http.ResponseWriter, r *http.Request, op backend.Operation) {
	body := api.NewBody(op)
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(body); err != nil {
		refuse(w, fault.New(fault.InvalidArgument, "the body is wrong", fault.Because(err)))
		return
	}
	submission := body.Submission()
	submission.IdempotencyKey = r.Header.Get(api.HeaderIdempotencyKey)
	job, err := s.Submit(r.Context(), submission)
	answered(w, r, http.StatusAccepted, job, err)
}

func (s *service) batch(w http.ResponseWriter, r *http.Request) {
	var batch api.Batch
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		refuse(w, fault.New(fault.InvalidArgument, "the body is wrong", fault.Because(err)))
		return
	}
	out := api.BatchAnswer{}
	for _, o := range batch.Operations {
		body := api.NewBody(o.Operation)
		_ = json.Unmarshal(o.Body, body)
		submission := body.Submission()
		submission.IdempotencyKey = o.IdempotencyKey
		job, err := s.Submit(r.Context(), submission)
		item := api.BatchItem{Job: &job}
		if err != nil {
			item = api.BatchItem{Problem: api.ProblemOf(err)}
		}
		out.Items = append(out.Items, item)
	}
	reply(w, r, 200, out)
}

func (s *service) input(w http.ResponseWriter, r *http.Request) {
	in := backend.Input{Path: "x", Size: r.ContentLength, SHA256: r.PathValue("sha256")}
	answered(w, r, http.StatusCreated, in, s.PutInput(r.Context(), in, r.Body))
}

func (s *service) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	page, err := s.ListJobs(r.Context(), backend.JobFilter{
		Status: backend.JobStatus(q.Get("status")), Operation: backend.Operation(q.Get("operation")), TenantID: q.Get("tenant_id"),
		Limit: limit, Cursor: q.Get("cursor"),
	})
	answered(w, r, 200, page, err)
}

func (s *service) job(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	job, err := s.GetJob(r.Context(), id)
	patience, _ := time.ParseDuration(r.URL.Query().Get("wait"))
	if known := r.Header.Get("If-None-Match"); err == nil && patience > 0 && !s.noLongPoll {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		changed := errors.New("changed")
		_ = s.WatchJob(ctx, id, 0, func(backend.Event) error {
			if job, err = s.GetJob(ctx, id); err == nil && etagOf(job) != known {
				return changed
			}
			return nil
		})
		job, err = s.GetJob(r.Context(), id)
	}
	answered(w, r, 200, job, err)
}

func etagOf(job backend.JobStatusResponse) string {
	content, _ := json.Marshal(job)
	return `"` + sum(string(content))[:16] + `"`
}

func (s *service) cancel(w http.ResponseWriter, r *http.Request) {
	job, err := s.CancelJob(r.Context(), r.PathValue("id"))
	answered(w, r, 200, api.Cancellation{JobStatusResponse: job, CancelRequested: true}, err)
}

func (s *service) result(w http.ResponseWriter, r *http.Request) {
	result, err := s.GetResult(r.Context(), r.PathValue("id"))
	if err != nil {
		refuse(w, err)
		return
	}
	content, _ := json.Marshal(result)
	reply(w, r, 200, api.Result{JobID: r.PathValue("id"), Operation: result.Operation(), Result: content})
}

func (s *service) manifest(w http.ResponseWriter, r *http.Request) {
	artifacts, err := s.ListArtifacts(r.Context(), r.PathValue("id"))
	answered(w, r, 200, api.Manifest{JobID: r.PathValue("id"), Artifacts: artifacts}, err)
}

func (s *service) file(w http.ResponseWriter, r *http.Request) {
	artifacts, err := s.ListArtifacts(r.Context(), r.PathValue("id"))
	at := slices.IndexFunc(artifacts, func(a backend.Artifact) bool { return a.Path == r.PathValue("path") })
	if err != nil || at < 0 {
		refuse(w, fault.New(fault.ArtifactsNotAvailable, "there is no such file"))
		return
	}
	serve(w, r, s.files[artifacts[at].Path])
}

// serve writes content, with ranges.
func serve(w http.ResponseWriter, r *http.Request, content string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+sum(content)+`"`)
	http.ServeContent(w, r, "", time.Time{}, stringReader(content))
}

func (s *service) archive(w http.ResponseWriter, r *http.Request) {
	artifacts, err := s.ListArtifacts(r.Context(), r.PathValue("id"))
	if err != nil {
		refuse(w, err)
		return
	}
	serve(w, r, zipOf(func(z *zip.Writer) {
		for _, a := range artifacts {
			f, _ := z.CreateHeader(&zip.FileHeader{Name: a.Path, Method: zip.Store})
			_, _ = f.Write([]byte(s.files[a.Path]))
		}
	}))
}

func (s *service) events(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, err := s.GetJob(r.Context(), id); err != nil {
		refuse(w, err)
		return
	}
	after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	ctx := conn.CloseRead(r.Context())
	err = s.WatchJob(ctx, id, after, func(e backend.Event) error {
		content, _ := json.Marshal(e)
		return conn.Write(ctx, websocket.MessageText, content)
	})
	if err == nil {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}

func (s *service) listSnapshots(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	page := backend.SnapshotPage{Snapshots: slices.Clone(s.snapshots)}
	s.mu.Unlock()
	if limit, _ := strconv.Atoi(r.URL.Query().Get("limit")); limit > 0 && limit < len(page.Snapshots) {
		page.Snapshots = page.Snapshots[:limit]
	}
	reply(w, r, 200, page)
}

func (s *service) snapshot(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.snapshots, func(n backend.Snapshot) bool { return n.ID == r.PathValue("id") })
	switch {
	case at < 0:
		refuse(w, fault.New(fault.SnapshotNotFound, "there is no such snapshot"))
	case r.Method == http.MethodDelete:
		s.snapshots = slices.Delete(s.snapshots, at, at+1)
		w.WriteHeader(http.StatusNoContent)
	case filepath.Base(r.URL.Path) == "file":
		serve(w, r, snapshotContent)
	default:
		reply(w, r, 200, backend.SnapshotDetail{Snapshot: s.snapshots[at]})
	}
}

// start puts the double on a site.
func (s *service) start(t *testing.T) *site {
	t.Helper()
	at := newSite(t, s)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return at
}

// gateOf is a scan that waits for a signal.
func gateOf(release <-chan struct{}) func(context.Context, *runner.Job) error {
	return func(ctx context.Context, _ *runner.Job) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
