package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

func TestWatchEndsWithTheErrorOfYield(t *testing.T) {
	gone := make(chan error, 1)
	client := dial(t, fake{watch: func(_ context.Context, _ string, after uint64, yield func(backend.Event) error) error {
		for seq := after + 1; ; seq++ {
			if err := yield(backend.Event{Seq: seq, Kind: backend.EventLog, Log: &backend.Log{}}); err != nil {
				gone <- err
				return err
			}
		}
	}})
	enough := errors.New("enough")
	var last uint64
	err := client.WatchJob(t.Context(), "x", 7, func(e backend.Event) error {
		last = e.Seq
		if e.Seq == 10 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || last != 10 {
		t.Errorf("WatchJob = %v behind event %d", err, last)
	}
	if err := <-gone; !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("the backend's yield = %v", err)
	}
}

func TestWatchCancelledInTheMiddle(t *testing.T) {
	gone := make(chan struct{})
	client := dial(t, fake{watch: func(ctx context.Context, _ string, _ uint64, yield func(backend.Event) error) error {
		defer close(gone)
		if err := yield(backend.Event{Seq: 1}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user has seen enough")
	err := client.WatchJob(ctx, "x", 0, func(backend.Event) error { cancel(why); return nil })
	if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("WatchJob = %v", err)
	}
	<-gone
}

func TestWatchEndsWithTheBackendsFault(t *testing.T) {
	client := dial(t, fake{watch: func(_ context.Context, _ string, _ uint64, yield func(backend.Event) error) error {
		if err := yield(backend.Event{Seq: 1}); err != nil {
			return err
		}
		return fault.New(fault.ServiceUnavailable, "lost it", fault.Retryable())
	}})
	events := 0
	err := client.WatchJob(t.Context(), "x", 0, func(backend.Event) error { events++; return nil })
	if f := fault.As(err); events != 1 || f == nil || f.Code != fault.ServiceUnavailable || !f.Retryable {
		t.Errorf("WatchJob = %v behind %d events", err, events)
	}
}

// A reader that stops in the middle holds up neither the job nor another reader nor another call,
// although all of them share one connection.
func TestASlowReaderBlocksNobody(t *testing.T) {
	const lines = 2000
	impl := small{runner.New(runner.Works{backend.OpScan: func(_ context.Context, job *runner.Job) (backend.Result, error) {
		for range lines {
			job.Log(backend.LevelInfo, "%s", strings.Repeat("x", 4<<10))
		}
		return &backend.ScanResult{Success: true}, nil
	}})}
	t.Cleanup(func() { _ = impl.Close(context.WithoutCancel(t.Context())) })
	client := dial(t, impl)
	job, err := client.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil {
		t.Fatal(err)
	}

	var slow sync.WaitGroup
	stopped, resume := make(chan struct{}), make(chan struct{})
	seen := 0
	slow.Go(func() {
		err := client.WatchJob(t.Context(), job.JobID, 0, func(e backend.Event) error {
			if seen++; seen == 1 {
				close(stopped)
				<-resume
			}
			return nil
		})
		if err != nil {
			t.Errorf("the slow reader: %v", err)
		}
	})
	<-stopped
	logs, terminal := 0, false
	if err := client.WatchJob(t.Context(), job.JobID, 0, func(e backend.Event) error {
		if e.Kind == backend.EventLog {
			logs++
		}
		terminal = e.Terminal()
		return nil
	}); err != nil || logs != lines || !terminal {
		t.Errorf("the other reader: %d lines, %v", logs, err)
	}
	if _, err := client.GetResult(t.Context(), job.JobID); err != nil {
		t.Errorf("GetResult = %v", err)
	}
	close(resume)
	slow.Wait()
	if seen < lines {
		t.Errorf("the slow reader saw %d events in the end", seen)
	}
}

func TestPutInput(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 250_000)
	refused := fault.New(fault.Integrity, "no")
	var got []byte
	client := dial(t, fake{put: func(_ context.Context, in backend.Input, r io.Reader) error {
		switch in.Path {
		case "refused":
			return refused
		case "known":
			return nil
		}
		var err error
		got, err = io.ReadAll(r)
		return err
	}})
	for _, size := range []int{0, 1, 1 << 20, len(content)} {
		if err := client.PutInput(t.Context(), backend.Input{Path: "new"}, bytes.NewReader(content[:size])); err != nil || !bytes.Equal(got, content[:size]) {
			t.Errorf("PutInput: %d bytes of %d arrived, %v", len(got), size, err)
		}
	}
	if err := client.PutInput(t.Context(), backend.Input{Path: "refused"}, bytes.NewReader(content)); !errors.Is(err, refused) {
		t.Errorf("a refused input: %v", err)
	}
	if err := client.PutInput(t.Context(), backend.Input{Path: "known"}, bytes.NewReader(content)); err != nil {
		t.Errorf("an input that the backend knows and does not read: %v", err)
	}
}

// An input that its reader gives up in the middle: the backend has begun, and must hear of it.
func TestPutInputThatCannotBeRead(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	client := dial(t, fake{put: func(_ context.Context, _ backend.Input, r io.Reader) error {
		_, err := io.ReadFull(r, make([]byte, 1))
		close(begun)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		ended <- err
		return err
	}})
	content := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), &failingReader{begun})
	if err := client.PutInput(t.Context(), backend.Input{Path: "new"}, content); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("PutInput = %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the backend reads %v", err)
	}
}

type failingReader struct{ when <-chan struct{} }

func (r *failingReader) Read([]byte) (int, error) { <-r.when; return 0, errors.New("bad sector") }

// stores has every optional interface, made of function fields.
type stores struct {
	fake
	batch    func([]backend.Submission) ([]backend.BatchItem, error)
	download func(dir string, progress func(backend.Progress)) ([]backend.Artifact, error)
}

func (stores) ListJobs(_ context.Context, f backend.JobFilter) (backend.JobPage, error) {
	return backend.JobPage{Jobs: []backend.JobStatusResponse{{JobID: f.TenantID}}, Cursor: f.Cursor}, nil
}

func (s stores) SubmitBatch(_ context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	return s.batch(submissions)
}

func (stores) ListArtifacts(_ context.Context, id string) ([]backend.Artifact, error) {
	return []backend.Artifact{{Path: id}}, nil
}

func (s stores) DownloadArtifacts(_ context.Context, _, dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
	return s.download(dir, progress)
}

func (stores) ListSnapshots(_ context.Context, f backend.SnapshotFilter) (backend.SnapshotPage, error) {
	return backend.SnapshotPage{Snapshots: []backend.Snapshot{{ID: f.TenantID}}}, nil
}

func (stores) GetSnapshot(_ context.Context, id string) (backend.SnapshotDetail, error) {
	return backend.SnapshotDetail{Snapshot: backend.Snapshot{ID: id}}, nil
}

func (stores) DeleteSnapshot(_ context.Context, id string) error {
	return fault.New(fault.SnapshotNotFound, id)
}

func (s stores) FetchSnapshot(_ context.Context, _, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	files, err := s.download(dir, progress)
	if err != nil {
		return backend.Artifact{}, err
	}
	return files[0], nil
}

func TestListsCross(t *testing.T) {
	client := dial(t, stores{})
	jobs, err := client.ListJobs(t.Context(), backend.JobFilter{TenantID: "t", Cursor: "c"})
	if err != nil || len(jobs.Jobs) != 1 || jobs.Jobs[0].JobID != "t" || jobs.Cursor != "c" {
		t.Errorf("ListJobs = %+v, %v", jobs, err)
	}
	if files, err := client.ListArtifacts(t.Context(), "a\xff"); err != nil || len(files) != 1 || files[0].Path != "a\uFFFD" {
		t.Errorf("ListArtifacts = %+v, %v", files, err)
	}
	if page, err := client.ListSnapshots(t.Context(), backend.SnapshotFilter{TenantID: "t"}); err != nil || page.Snapshots[0].ID != "t" {
		t.Errorf("ListSnapshots = %+v, %v", page, err)
	}
	if detail, err := client.GetSnapshot(t.Context(), "s"); err != nil || detail.Snapshot.ID != "s" {
		t.Errorf("GetSnapshot = %+v, %v", detail, err)
	}
	if err := client.DeleteSnapshot(t.Context(), "s"); fault.CodeOf(err) != fault.SnapshotNotFound || err.Error() != "s" {
		t.Errorf("DeleteSnapshot = %v", err)
	}
}

func TestDownloadsSendProgressAndThenTheFiles(t *testing.T) {
	const each = 50
	late := make(chan func(backend.Progress), 10)
	client := dial(t, stores{download: func(dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
		var files sync.WaitGroup
		for range 4 { // several files at once
			files.Go(func() {
				for i := range each {
					progress(backend.Progress{Phase: dir, Done: int64(i)})
				}
			})
		}
		files.Wait()
		late <- progress
		return []backend.Artifact{{Path: "a", Size: 1}}, nil
	}})
	want := []backend.Artifact{{Path: "a", Size: 1}}
	dir := t.TempDir()
	updates := 0
	count := func(p backend.Progress) {
		if p.Phase == dir {
			updates++
		}
	}
	files, err := client.DownloadArtifacts(t.Context(), "x", dir, count)
	if d := cmp.Diff(want, files); d != "" || err != nil || updates != 4*each {
		t.Errorf("DownloadArtifacts: %v, %d updates\n%s", err, updates, d)
	}
	(<-late)(backend.Progress{}) // behind the end: no harm
	if file, err := client.FetchSnapshot(t.Context(), "x", dir, nil); err != nil || file != want[0] {
		t.Errorf("FetchSnapshot = %+v, %v", file, err)
	}
	(<-late)(backend.Progress{})
	if _, err := client.DownloadArtifacts(t.Context(), "x", "/tmp/\xff", nil); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a folder that cannot cross: %v", err)
	}
}

func TestDownloadsFailWithTheBackendsFault(t *testing.T) {
	client := dial(t, stores{download: func(string, func(backend.Progress)) ([]backend.Artifact, error) {
		return nil, fault.New(fault.ArtifactsNotAvailable, "gone")
	}})
	_, download := client.DownloadArtifacts(t.Context(), "x", t.TempDir(), nil)
	_, fetch := client.FetchSnapshot(t.Context(), "x", t.TempDir(), nil)
	for call, err := range map[string]error{"DownloadArtifacts": download, "FetchSnapshot": fetch} {
		if fault.CodeOf(err) != fault.ArtifactsNotAvailable {
			t.Errorf("%s = %v", call, err)
		}
	}
}

// careless ends downloads without a word, or with too many words.
type careless struct{ v1.UnimplementedBackendServer }

func (careless) DownloadArtifacts(*v1.DownloadRequest, grpc.ServerStreamingServer[v1.DownloadUpdate]) error {
	return nil
}

func (careless) FetchSnapshot(_ *v1.DownloadRequest, out grpc.ServerStreamingServer[v1.DownloadUpdate]) error {
	return out.Send(&v1.DownloadUpdate{Update: &v1.DownloadUpdate_Written{Written: &v1.ArtifactList{Artifacts: []*v1.Artifact{{}, {}}}}})
}

func TestABackendOutsideTheContractIsToldSo(t *testing.T) {
	client := dialServer(t, careless{})
	_, download := client.DownloadArtifacts(t.Context(), "x", t.TempDir(), nil)
	_, fetch := client.FetchSnapshot(t.Context(), "x", t.TempDir(), nil)
	_, unknown := client.GetJob(t.Context(), "x")
	for call, c := range map[string]struct {
		err  error
		code fault.Code
	}{
		"a download without files": {download, fault.BackendIncompatible},
		"a snapshot in two files":  {fetch, fault.BackendIncompatible},
		"a call it does not know":  {unknown, fault.Unsupported},
	} {
		if fault.CodeOf(c.err) != c.code {
			t.Errorf("%s = %v (%s)", call, c.err, fault.CodeOf(c.err))
		}
	}
}

func TestABatchRefusesEachOnItsOwn(t *testing.T) {
	answers := 1
	client := dial(t, stores{batch: func(submissions []backend.Submission) ([]backend.BatchItem, error) {
		items := make([]backend.BatchItem, len(submissions)*answers)
		for i := range items {
			items[i].Job = &backend.JobStatusResponse{JobID: submissions[i].Request.Tenant()}
		}
		return items, nil
	}})
	batch := []backend.Submission{
		{Request: &backend.ScanRequest{TenantID: "first"}}, {}, {Request: (*backend.ScanRequest)(nil)},
		{Request: &backend.ScanRequest{}, WorkDir: "\xff"}, {Request: &backend.VisualizationRequest{TenantID: "last"}},
	}
	items, err := client.SubmitBatch(t.Context(), batch)
	var got []string
	for _, i := range items {
		if i.Fault != nil {
			got = append(got, string(i.Fault.Code))
			continue
		}
		got = append(got, i.Job.JobID)
	}
	if d := cmp.Diff([]string{"first", "invalid_argument", "invalid_argument", "invalid_argument", "last"}, got); d != "" || err != nil {
		t.Errorf("SubmitBatch: %v (-want +got)\n%s", err, d)
	}
	answers = 0
	if _, err := client.SubmitBatch(t.Context(), batch); fault.CodeOf(err) != fault.BackendIncompatible {
		t.Errorf("a batch that is not answered: %v", err)
	}
	if _, err := client.Submit(t.Context(), batch[2]); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("Submit of nothing = %v", err)
	}
}

// bare is a backend that has no optional interface.
type bare struct{ backend.Backend }

func TestFeaturesThatABackendLacksAreUnsupported(t *testing.T) {
	client := dial(t, bare{})
	_, jobs := client.ListJobs(t.Context(), backend.JobFilter{})
	_, batch := client.SubmitBatch(t.Context(), []backend.Submission{{Request: &backend.ScanRequest{}}})
	_, artifacts := client.ListArtifacts(t.Context(), "x")
	_, download := client.DownloadArtifacts(t.Context(), "x", t.TempDir(), nil)
	_, snapshots := client.ListSnapshots(t.Context(), backend.SnapshotFilter{})
	_, snapshot := client.GetSnapshot(t.Context(), "x")
	_, fetch := client.FetchSnapshot(t.Context(), "x", t.TempDir(), nil)
	for call, err := range map[string]error{
		"ListJobs": jobs, "SubmitBatch": batch, "ListArtifacts": artifacts, "DownloadArtifacts": download, "ListSnapshots": snapshots,
		"GetSnapshot": snapshot, "FetchSnapshot": fetch, "DeleteSnapshot": client.DeleteSnapshot(t.Context(), "x"),
		"PutInput": client.PutInput(t.Context(), backend.Input{}, strings.NewReader("x")),
	} {
		if fault.CodeOf(err) != fault.Unsupported {
			t.Errorf("%s = %v", call, err)
		}
	}
}

var _ interface {
	backend.Lister
	backend.Batcher
	backend.InputStore
	backend.ArtifactStore
	backend.SnapshotStore
} = stores{}

var _ backend.Backend = (*rpc.Client)(nil)
