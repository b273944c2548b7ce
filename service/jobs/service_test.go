package jobs_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var (
	alice = jobs.Caller{Key: "alice", Tenants: []string{"t1", "t2"}}
	bob   = jobs.Caller{Key: "bob", Tenants: []string{"t3"}}
	root  = jobs.Caller{Key: "root", Tenants: []string{"*"}}
)

func newService(change func(*jobs.Options)) (*jobs.Service, *jobstest.Store) {
	s := jobstest.New()
	o := jobs.Options{Records: s, Queue: s, Events: s, Files: s, Snapshots: s}
	if change != nil {
		change(&o)
	}
	return jobs.New(o), s
}

func scan(tenant, key string) backend.Submission {
	return backend.Submission{Request: &backend.ScanRequest{TenantID: tenant}, IdempotencyKey: key}
}

func TestIdempotency(t *testing.T) {
	service, store := newService(nil)
	first, created, err := service.Submit(t.Context(), alice, scan("t1", "k"), "")
	if err != nil || !created || first.Status != backend.JobPending || first.TenantID != "t1" {
		t.Fatalf("Submit = %+v, %v, %v", first, created, err)
	}
	again, created, err := service.Submit(t.Context(), alice, scan("t1", "k"), "")
	if err != nil || created || again.JobID != first.JobID {
		t.Errorf("the same again = %+v, %v, %v", again, created, err)
	}
	if _, _, err := service.Submit(t.Context(), alice, scan("t2", "k"), ""); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("other content = %v", err)
	}
	other, created, err := service.Submit(t.Context(), root, scan("t1", "k"), "")
	if err != nil || !created || other.JobID == first.JobID {
		t.Errorf("another owner's key = %+v, %v, %v", other, created, err)
	}
	if n, _ := store.Depth(t.Context()); n != 2 {
		t.Errorf("%d jobs are queued", n)
	}
}

func TestRefusedSubmissions(t *testing.T) {
	service, _ := newService(func(o *jobs.Options) {
		o.Operations = []backend.Operation{backend.OpScan, backend.OpCreateTenant, backend.OpGenerateIaC}
		o.Formats = []string{"terraform", "bicep"}
	})
	for name, c := range map[string]struct {
		caller jobs.Caller
		sub    backend.Submission
		code   fault.Code
		words  string
	}{
		"no request":          {alice, backend.Submission{}, fault.InvalidArgument, "no request"},
		"an operation":        {alice, backend.Submission{Request: &backend.VisualizationRequest{TenantID: "t1"}}, fault.Unsupported, "visualize"},
		"a format":            {alice, backend.Submission{Request: &backend.IaCGenerationRequest{TenantID: "t1", OutputFormat: "arm"}}, fault.Unsupported, "arm"},
		"a long key":          {alice, scan("t1", strings.Repeat("k", 256)), fault.InvalidArgument, "255"},
		"another's tenant":    {bob, scan("t1", ""), fault.Forbidden, "t1"},
		"none of two tenants": {alice, scan("", ""), fault.InvalidArgument, "several"},
		"an input that is not there": {alice, backend.Submission{Request: &backend.TenantCreationRequest{TenantID: "t1", Spec: "a.md"},
			Inputs: []backend.Input{{Path: "a.md", SHA256: "00"}}}, fault.InvalidArgument, "a.md"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := service.Submit(t.Context(), c.caller, c.sub, "")
			if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.words) {
				t.Errorf("Submit = %v (%s)", err, fault.CodeOf(err))
			}
		})
	}
}

func TestTheOnlyTenant(t *testing.T) {
	service, store := newService(func(o *jobs.Options) { o.Tenants = []string{"configured"} })
	for caller, want := range map[string]string{"bob": "t3", "root": "configured"} {
		job, _, err := service.Submit(t.Context(), map[string]jobs.Caller{"bob": bob, "root": root}[caller], scan("", ""), "")
		if err != nil || job.TenantID != want {
			t.Fatalf("%s: %+v, %v", caller, job, err)
		}
		r, _, err := store.Get(t.Context(), job.JobID)
		if err != nil {
			t.Fatal(err)
		}
		request, err := r.Decoded()
		if err != nil || request.Tenant() != want {
			t.Errorf("%s: the request is about %q, %v", caller, request.Tenant(), err)
		}
	}
}

func TestAnothersJobIsNone(t *testing.T) {
	service, _ := newService(nil)
	job, _, err := service.Submit(t.Context(), alice, scan("t1", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	id := job.JobID
	calls := map[string]func(c jobs.Caller, id string) error{
		"Status":    func(c jobs.Caller, id string) error { _, err := service.Status(t.Context(), c, id); return err },
		"Result":    func(c jobs.Caller, id string) error { _, _, err := service.Result(t.Context(), c, id); return err },
		"Artifacts": func(c jobs.Caller, id string) error { _, err := service.Artifacts(t.Context(), c, id); return err },
		"OpenArtifact": func(c jobs.Caller, id string) error {
			_, err := service.OpenArtifact(t.Context(), c, id, "x")
			return err
		},
		"Cancel": func(c jobs.Caller, id string) error { _, _, err := service.Cancel(t.Context(), c, id, 0); return err },
		"Watch": func(c jobs.Caller, id string) error {
			return service.Watch(t.Context(), c, id, 0, func(backend.Event) error { return nil })
		},
	}
	for name, call := range calls {
		foreign, unknown := call(bob, id), call(bob, "job-none")
		if fault.CodeOf(foreign) != fault.JobNotFound {
			t.Errorf("%s of another's job = %v", name, foreign)
		}
		if a, b := strings.ReplaceAll(foreign.Error(), id, ""), strings.ReplaceAll(unknown.Error(), "job-none", ""); a != b {
			t.Errorf("%s tells another's job from one that does not exist: %q, %q", name, a, b)
		}
	}
	if page, err := service.List(t.Context(), bob, backend.JobFilter{}); err != nil || len(page.Jobs) != 0 {
		t.Errorf("List = %+v, %v", page, err)
	}
	if page, err := service.List(t.Context(), alice, backend.JobFilter{}); err != nil || len(page.Jobs) != 1 {
		t.Errorf("the owner's List = %+v, %v", page, err)
	}
}

func TestNoResultYet(t *testing.T) {
	service, store := newService(nil)
	job, _, _ := service.Submit(t.Context(), alice, scan("t1", ""), "")
	if _, _, err := service.Result(t.Context(), alice, job.JobID); fault.CodeOf(err) != fault.JobNotComplete || !fault.Of(err).Retryable {
		t.Errorf("of a pending job: %v", err)
	}
	why := fault.New(fault.AzureForbidden, "no")
	if _, err := jobs.Change(t.Context(), store, job.JobID, func(r *jobs.Record) error { r.Fail(why, time.Now()); return nil }); err != nil {
		t.Fatal(err)
	}
	_, _, err := service.Result(t.Context(), alice, job.JobID)
	if f := fault.Of(err); f.Code != fault.JobNotComplete || f.Retryable || !errors.Is(f.Cause, why) {
		t.Errorf("of a failed job: %v", err)
	}
}

func TestStatusWhen(t *testing.T) {
	service, store := newService(nil)
	job, _, _ := service.Submit(t.Context(), alice, scan("t1", ""), "")
	pending := func(s backend.JobStatusResponse) bool { return s.Status == backend.JobPending }
	if s, err := service.StatusWhen(t.Context(), alice, job.JobID, pending, time.Millisecond); err != nil || s.Status != backend.JobPending {
		t.Errorf("with the patience over: %+v, %v", s, err)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if s, err := service.StatusWhen(t.Context(), alice, job.JobID, pending, time.Minute); err != nil || s.Status != backend.JobRunning {
				t.Errorf("StatusWhen = %+v, %v", s, err)
			}
		})
	}
	if _, err := jobs.Change(t.Context(), store, job.JobID, func(r *jobs.Record) error { r.Begin("w", 1, time.Now()); return nil }); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if n := store.Waiters(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestABatch(t *testing.T) {
	service, _ := newService(nil)
	var subs []backend.Submission
	for i := range 100 {
		subs = append(subs, scan([]string{"t1", "t3"}[i%2], ""))
	}
	for i, item := range service.SubmitBatch(t.Context(), alice, subs, "") {
		if i%2 == 0 && (item.Job == nil || item.Job.TenantID != "t1") || i%2 == 1 && fault.CodeOf(item.Fault) != fault.Forbidden {
			t.Errorf("item %d = %+v", i, item)
		}
	}
}

func TestInputs(t *testing.T) {
	service, store := newService(nil)
	const sum = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" // of foo
	if _, _, err := service.PutInput(t.Context(), alice, sum, strings.NewReader("bar")); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("other content = %v", err)
	}
	for _, want := range []bool{true, false} {
		in, created, err := service.PutInput(t.Context(), alice, sum, strings.NewReader("foo"))
		if err != nil || created != want || in.Size != 3 || in.SHA256 != sum {
			t.Errorf("PutInput = %+v, %v, %v", in, created, err)
		}
	}
	sub := backend.Submission{
		Request: &backend.TenantCreationRequest{TenantID: "t1", Spec: "a.md"}, Inputs: []backend.Input{{Path: "a.md", SHA256: sum}},
	}
	job, _, err := service.Submit(t.Context(), alice, sub, "")
	if err != nil {
		t.Fatal(err)
	}
	r, _, _ := store.Get(t.Context(), job.JobID)
	if diff := cmp.Diff([]backend.Input{{Path: "a.md", Size: 3, SHA256: sum}}, r.Inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	sub.Request.(*backend.TenantCreationRequest).TenantID = "t3"
	if _, _, err := service.Submit(t.Context(), bob, sub, ""); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("another's input = %v", err)
	}
}

func TestSnapshots(t *testing.T) {
	service, store := newService(nil)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, s := range []backend.Snapshot{
		{ID: "old", TenantID: "t1", Complete: true}, {ID: "filtered", TenantID: "t1", Complete: true, Filtered: true},
		{ID: "partial", TenantID: "t1"}, {ID: "foreign", TenantID: "t3", Complete: true},
	} {
		s.CreatedAt = at.Add(time.Duration(i) * time.Hour)
		if err := store.PutSnapshot(t.Context(), backend.SnapshotDetail{Snapshot: s}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), jobs.SnapshotFile(s), strings.NewReader(s.ID), nil); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := service.ListSnapshots(t.Context(), alice, backend.SnapshotFilter{}); err != nil || len(page.Snapshots) != 3 {
		t.Errorf("ListSnapshots = %+v, %v", page, err)
	}
	if _, err := service.OpenSnapshot(t.Context(), alice, "foreign"); fault.CodeOf(err) != fault.SnapshotNotFound {
		t.Errorf("another tenant's = %v", err)
	}
	spec := func(snapshot string) (string, error) {
		job, _, err := service.Submit(t.Context(), alice, backend.Submission{Request: &backend.SpecGenerationRequest{TenantID: "t1", Snapshot: snapshot}}, "")
		if err != nil {
			return "", err
		}
		r, _, err := store.Get(t.Context(), job.JobID)
		return chosen(t, r), err
	}
	for given, want := range map[string]string{"": "old", "latest": "old", "partial": "partial"} {
		if got, err := spec(given); err != nil || got != want {
			t.Errorf("of %q: %q, %v", given, got, err)
		}
	}
	if _, err := spec("foreign"); fault.CodeOf(err) != fault.SnapshotNotFound {
		t.Errorf("of another tenant's snapshot: %v", err)
	}
	again := func(key, snapshot string) (backend.JobStatusResponse, bool, error) {
		return service.Submit(t.Context(), alice, backend.Submission{
			Request: &backend.IaCGenerationRequest{TenantID: "t1", OutputFormat: "arm", Snapshot: snapshot}, IdempotencyKey: key,
		}, "")
	}
	first, created, err := again("k", "")
	if err != nil || !created {
		t.Errorf("Submit = %v, %v", created, err)
	}
	if err := service.DeleteSnapshot(t.Context(), alice, "old"); err != nil {
		t.Fatal(err)
	}
	if second, created, err := again("k", ""); err != nil || created || second.JobID != first.JobID {
		t.Errorf("the same submission, whose snapshot is gone: %+v, %v, %v", second, created, err)
	}
	for key, snapshot := range map[string]string{"k": "old", "other": "", "": ""} {
		if _, _, err := again(key, snapshot); fault.CodeOf(err) != fault.SnapshotNotFound {
			t.Errorf("another submission, by key %q: %v", key, err)
		}
	}
	if _, err := store.Stat(t.Context(), jobs.FileName{Kind: jobs.KindSnapshot, Of: "t1", Path: "old"}); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("the file of a deleted snapshot: %v", err)
	}
	if _, err := spec(""); fault.CodeOf(err) != fault.SnapshotNotFound || !strings.Contains(fault.Of(err).Hint, "atg scan") {
		t.Errorf("without a complete one: %v", err)
	}
}

func chosen(t *testing.T, r jobs.Record) string {
	t.Helper()
	var request backend.SpecGenerationRequest
	if err := json.Unmarshal(r.Request, &request); err != nil {
		t.Fatal(err)
	}
	return request.Snapshot
}
