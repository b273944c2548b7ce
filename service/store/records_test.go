package store

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestEnqueueAnswersADuplicateWithWhatIsStored(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	other := neighbour(t, s)
	first := job("job-1", "owner")
	enqueue(t, s, first)
	second := first
	second.Content = "something else"
	for name, at := range map[string]*Store{"here": s, "elsewhere": other} {
		stored, created, err := at.Enqueue(t.Context(), second)
		if err != nil || created || stored.Content != first.Content {
			t.Errorf("%s, while it waits: created %v, content %q: %v", name, created, stored.Content, err)
		}
	}
	d := take(t, s)
	update(t, s, "job-1", run)
	update(t, s, "job-1", complete)
	if err := d.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]*Store{"here": s, "elsewhere": other} {
		stored, created, err := at.Enqueue(t.Context(), second)
		if err != nil || created || stored.Job.Status != backend.JobCompleted {
			t.Errorf("%s, when it is done: created %v, %s: %v", name, created, stored.Job.Status, err)
		}
	}
}

func TestEnqueueOfManyAtOnceMakesEachJobOnce(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	const distinct, times = 60, 3
	var made [distinct]atomic.Int32
	var all sync.WaitGroup
	for i := range distinct * times {
		all.Go(func() {
			n := i % distinct
			stored, created, err := s.Enqueue(t.Context(), job(fmt.Sprintf("job-%02d", n), fmt.Sprintf("owner-%d", n%4)))
			if err != nil || stored.Job.JobID != fmt.Sprintf("job-%02d", n) {
				t.Errorf("%s: %v", stored.Job.JobID, err)
			}
			if created {
				made[n].Add(1)
			}
		})
	}
	all.Wait()
	for n := range distinct {
		if made[n].Load() != 1 {
			t.Errorf("job %d was made %d times", n, made[n].Load())
		}
	}
	if depth, err := s.Depth(t.Context()); err != nil || depth != distinct {
		t.Errorf("%d jobs wait: %v", depth, err)
	}
}

func TestGetFindsAJobWhereverItIs(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	other := neighbour(t, s)
	r := job("job-1", "an owner with * and . and >")
	enqueue(t, s, r)
	got, revision, err := other.Get(t.Context(), "job-1")
	if diff := cmp.Diff(r, got); err != nil || revision != 0 || diff != "" {
		t.Errorf("queued: revision %d: %v\n%s", revision, err, diff)
	}
	run(&r)
	updated, err := other.Update(t.Context(), r, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, revision, err = s.Get(t.Context(), "job-1")
	if diff := cmp.Diff(r, got); err != nil || revision != updated || diff != "" {
		t.Errorf("kept: revision %d of %d: %v\n%s", revision, updated, err, diff)
	}
	if _, _, err := s.Get(t.Context(), "job-2"); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("another one: %v", err)
	}
}

func TestUpdateComparesRevisions(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	r := job("job-1", "owner")
	enqueue(t, s, r)
	one, err := s.Update(t.Context(), r, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), r, 0); !errors.Is(err, jobs.ErrChanged) {
		t.Errorf("as if it were queued only: %v", err)
	}
	two, err := s.Update(t.Context(), r, one)
	if err != nil || two <= one {
		t.Errorf("%d after %d: %v", two, one, err)
	}
	if _, err := s.Update(t.Context(), r, one); !errors.Is(err, jobs.ErrChanged) {
		t.Errorf("an old revision: %v", err)
	}
	for _, was := range []jobs.Revision{0, 7} {
		if _, err := s.Update(t.Context(), job("job-2", "owner"), was); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("revision %d of no job: %v", was, err)
		}
	}
}

func TestLargeRecords(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	r := job("job-1", "owner")
	enqueue(t, s, r)
	for i := range 15_000 { // 2 MB as JSON
		r.Artifacts = append(r.Artifacts, backend.Artifact{
			Path: fmt.Sprintf("modules/resource-group-%d/main.tf", i), Size: int64(i), SHA256: strings.Repeat(fmt.Sprintf("%08x", i*7919), 8),
		})
	}
	if _, err := s.Update(t.Context(), r, 0); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Get(t.Context(), "job-1")
	if err != nil || !slices.Equal(got.Artifacts, r.Artifacts) {
		t.Errorf("%d artifacts: %v", len(got.Artifacts), err)
	}
	huge := job("job-2", "owner")
	content := make([]byte, 9<<20)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	huge.Request = []byte(`"` + base64.StdEncoding.EncodeToString(content) + `"`)
	if _, _, err := s.Enqueue(t.Context(), huge); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("larger than a message: %v", err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	other := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"), job("job-2", "owner"))
	update(t, s, "job-1", run)
	update(t, s, "job-1", complete)
	if err := s.Append(t.Context(), "job-1", backend.Event{Seq: 1, Kind: backend.EventLog, Log: &backend.Log{}}); err != nil {
		t.Fatal(err)
	}
	<-s.js.PublishAsyncComplete()
	eventually(t, "the other process never heard of the end", func() bool {
		job, _, err := other.Status(t.Context(), "job-1")
		return err == nil && job.Status == backend.JobCompleted
	})
	changed, forget := other.Changed("job-1")
	defer forget()
	if err := s.Remove(t.Context(), "job-1"); err != nil {
		t.Fatal(err)
	}
	<-changed
	for name, at := range map[string]*Store{"here": s, "elsewhere": other} {
		if _, _, err := at.Get(t.Context(), "job-1"); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("%s: Get: %v", name, err)
		}
		if _, _, err := at.Status(t.Context(), "job-1"); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("%s: Status: %v", name, err)
		}
		page, err := at.List(t.Context(), "owner", backend.JobFilter{})
		if diff := cmp.Diff([]string{"job-2"}, ids(page)); err != nil || diff != "" {
			t.Errorf("%s: List: %v %s", name, err, diff)
		}
		if err := at.Watch(t.Context(), "job-1", 0, nil); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("%s: Watch: %v", name, err)
		}
	}
	if _, err := s.last(t.Context(), eventsStream, eventsSubject("job-1")); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("its events are still there: %v", err)
	}
	if d := take(t, s); d.ID() != "job-2" {
		t.Errorf("%s was still in the queue", d.ID())
	}
	enqueue(t, s, job("job-1", "owner")) // although the server knows the message's id for a day
	if d := take(t, s); d.ID() != "job-1" {
		t.Errorf("took %s instead of the job that came anew", d.ID())
	}
}

func TestStatusAndChangedFollowTheRecordAndTheEvents(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	other := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"))
	if job, owner, err := other.Status(t.Context(), "job-1"); err != nil || job.Status != backend.JobPending || owner != "owner" {
		t.Errorf("at once, elsewhere: %s of %q: %v", job.Status, owner, err)
	}
	await := func(what string, does func(), is func(backend.JobStatusResponse) bool) {
		t.Helper()
		changed, forget := other.Changed("job-1")
		defer forget()
		does()
		for {
			<-changed
			changed, forget = other.Changed("job-1")
			if job, _, err := other.Status(t.Context(), "job-1"); err == nil && is(job) {
				forget()
				return
			}
		}
	}
	await("running", func() { update(t, s, "job-1", run) }, func(j backend.JobStatusResponse) bool { return j.Status == backend.JobRunning })
	progress := backend.Event{Seq: jobs.Seq(1, 1), Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "resources", Done: 1, Total: 4}}
	await("progress", func() {
		if err := s.Append(t.Context(), "job-1", progress); err != nil {
			t.Error(err)
		}
	}, func(j backend.JobStatusResponse) bool { return j.Phase == "resources" && j.Progress == nil })
	quarter := 0.25
	whole := backend.Event{Seq: jobs.Seq(1, 2), Kind: backend.EventStatus, Status: &backend.JobStatusResponse{JobID: "job-1", Status: backend.JobRunning, Progress: &quarter}}
	await("progress of the whole", func() {
		if err := s.Append(t.Context(), "job-1", whole); err != nil {
			t.Error(err)
		}
	}, func(j backend.JobStatusResponse) bool {
		return j.Phase == "resources" && j.Progress != nil && *j.Progress == 0.25
	})
	if diff := cmp.Diff(map[backend.JobStatus]int64{backend.JobRunning: 1}, other.JobCounts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	page, err := other.List(t.Context(), "owner", backend.JobFilter{Status: backend.JobRunning})
	if err != nil || len(page.Jobs) != 1 || page.Jobs[0].Phase != "resources" {
		t.Errorf("%+v: %v", page, err)
	}
	await("completed", func() { update(t, s, "job-1", complete) }, func(j backend.JobStatusResponse) bool {
		return j.Status == backend.JobCompleted && j.Phase == "" && j.Progress == nil
	})
	changed, forget := s.Changed("job-1")
	forget()
	forget()
	select {
	case <-changed:
		t.Error("somebody who gave up was told")
	default:
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	for i := range 25 {
		r := job(fmt.Sprintf("job-%02d", i), fmt.Sprintf("owner-%d", i%2))
		r.Job.CreatedAt = epoch.Add(time.Duration(i/5) * time.Second) // some at the same time
		if i%3 == 0 {
			r.Job.Operation, r.Job.TenantID = backend.OpGenerateIaC, "tenant-2"
		}
		enqueue(t, s, r)
	}
	update(t, s, "job-04", run)
	cases := map[string]struct {
		owner  string
		filter backend.JobFilter
		want   []string
	}{
		"an owner's":     {"owner-1", backend.JobFilter{Limit: 3}, []string{"job-23", "job-21", "job-19"}},
		"a status":       {"owner-0", backend.JobFilter{Status: backend.JobRunning}, []string{"job-04"}},
		"an operation":   {"owner-0", backend.JobFilter{Operation: backend.OpGenerateIaC, Limit: 2}, []string{"job-24", "job-18"}},
		"a tenant":       {"owner-1", backend.JobFilter{TenantID: "tenant-2", Limit: 2}, []string{"job-21", "job-15"}},
		"nobody's":       {"owner-2", backend.JobFilter{}, []string{}},
		"nothing":        {"owner-1", backend.JobFilter{Status: backend.JobFailed}, []string{}},
		"every one's":    {"", backend.JobFilter{Limit: 2}, []string{"job-24", "job-23"}},
		"of both, after": {"", backend.JobFilter{Limit: 2, Cursor: place{epoch.Add(2 * time.Second), "job-11"}.cursor()}, []string{"job-10", "job-09"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			page, err := s.List(t.Context(), c.owner, c.filter)
			if diff := cmp.Diff(c.want, ids(page)); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
	var all []string
	for filter := (backend.JobFilter{Limit: 4}); ; {
		page, err := s.List(t.Context(), "owner-0", filter)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids(page)...)
		if filter.Cursor = page.Cursor; filter.Cursor == "" {
			break
		}
	}
	if len(all) != 13 || all[0] != "job-24" || all[12] != "job-00" {
		t.Errorf("page by page: %v", all)
	}
	if _, err := s.List(t.Context(), "", backend.JobFilter{Cursor: "nonsense"}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a wrong cursor: %v", err)
	}
}

func TestRestartFindsEveryJob(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storeOn(t, dir)
	for i := range 600 { // more than a page of a scan
		r := job(fmt.Sprintf("job-%03d", i), "owner")
		r.Job.CreatedAt = epoch.Add(time.Duration(i) * time.Second)
		enqueue(t, s, r)
	}
	for i := range 3 {
		d := take(t, s)
		update(t, s, d.ID(), run)
		if i == 0 {
			update(t, s, d.ID(), complete)
			if err := d.Done(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	before, err := s.List(t.Context(), "", backend.JobFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = storeOn(t, dir)
	after, err := s.List(t.Context(), "", backend.JobFilter{Limit: 1000})
	if diff := cmp.Diff(before, after); err != nil || diff != "" || len(after.Jobs) != 600 {
		t.Errorf("%d jobs: %v %s", len(after.Jobs), err, diff)
	}
	if _, created, err := s.Enqueue(t.Context(), job("job-000", "owner")); err != nil || created {
		t.Errorf("a job that ended before the restart was made again: %v", err)
	}
}

// TestTheLargestResultFits: as much as a result of generate-iac may list, which no compression makes much smaller, fits also
// into a message of a cluster that keeps NATS's default of 1 MiB.
func TestTheLargestResultFits(t *testing.T) {
	t.Parallel()
	random := func() string {
		b := make([]byte, 225) // 300 characters
		_, _ = rand.Read(b)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	result := backend.IaCGenerationResult{Success: true, Checks: []backend.Check{{Tool: "terraform", State: backend.CheckFailed}}}
	for range backend.MaxOmitted {
		result.Omitted = append(result.Omitted, backend.Omitted{Resource: random(), Reason: "there is no type for it"})
	}
	for range backend.MaxFindings {
		result.Checks[0].Findings = append(result.Checks[0].Findings, backend.CheckFinding{Message: random()})
	}
	want, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	update(t, s, "job-1", func(r *jobs.Record) { complete(r); r.Result = want })
	r, _, err := s.Get(t.Context(), "job-1")
	if err != nil || !bytes.Equal(r.Result, want) {
		t.Errorf("%d bytes of %d: %v", len(r.Result), len(want), err)
	}
	if b, err := encode(r); err != nil || len(b) > 1<<20 {
		t.Errorf("the record takes %d bytes: %v", len(b), err)
	}
}
