package worker

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// overallPace is how often a backend is asked how far the whole job is, at most.
const overallPace = time.Second

// aftermath is how long the events of a backend that has ended may still take to arrive.
const aftermath = 2 * time.Second

// follow reports what the backend's job does, and answers its result. When ctx ends, the work is stopped
// first; the error is then the cause of ctx.
func (a *attempt) follow(ctx context.Context, id string) (backend.Result, error) {
	a.asked = time.Now()
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	var last backend.JobStatusResponse
	go func() {
		ended <- a.backend.WatchJob(watching, id, 0, func(e backend.Event) error {
			if e.Terminal() {
				last = *e.Status
				return nil
			}
			return a.forward(ctx, id, e)
		})
	}()
	var err error
	select {
	case err = <-ended:
	case <-a.program.Exited():
		after := time.NewTimer(aftermath)
		defer after.Stop()
		select {
		case err = <-ended:
		case <-after.C:
			stop()
			err = <-ended
		}
	case <-ctx.Done():
		a.halt(ctx, id)
		stop()
		<-ended //nolint:errcheck // why it ended is known
		return nil, context.Cause(ctx)
	}
	if err == nil && !last.Status.Terminal() {
		err = fault.New(fault.BackendCrashed, "the backend stopped to report on the job before its end", fault.From(fault.OriginService), fault.Retryable())
	}
	if err != nil {
		return nil, err
	}
	if last.Status != backend.JobCompleted {
		return nil, ending(last)
	}
	result, err := a.backend.GetResult(ctx, id)
	if err == nil && (result == nil || result.Operation() != a.request.Operation()) {
		err = fault.New(fault.BackendIncompatible, "the backend answered a result of another operation", fault.On(id), fault.From(fault.OriginService))
	}
	return result, err
}

// halt stops the work; the process goes by force if it does not.
func (a *attempt) halt(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.o.Grace)
	defer cancel()
	if _, err := a.backend.CancelJob(ctx, id); err != nil && fault.CodeOf(err) != fault.Conflict {
		a.program.Kill()
	}
}

// ending is the fault of a backend's job that did not complete.
func ending(last backend.JobStatusResponse) error {
	if last.Fault == nil {
		return fault.New(fault.JobFailed, "the backend gave no reason why the job "+string(last.Status), fault.From(fault.OriginBackend))
	}
	f := *last.Fault
	if f.Origin == "" {
		f.Origin = fault.OriginBackend
	}
	if last.Status == backend.JobCancelled { // by nobody here
		f.Code = fault.JobFailed
	}
	return &f
}

// forward passes an event of the backend's job on as one of the service's.
func (a *attempt) forward(ctx context.Context, id string, e backend.Event) error {
	switch e.Kind {
	case backend.EventProgress:
		a.report.progress(ctx, *e.Progress)
		a.overall(ctx, id, e.Progress.Phase)
	case backend.EventPart:
		if err := a.keepPart(context.WithoutCancel(ctx), *e.Part); err != nil {
			return err
		}
		a.report.tell(ctx, backend.Event{Kind: e.Kind, Part: e.Part})
	case backend.EventStatus:
		job := a.r.Job
		job.Progress, job.Phase = a.stage.overall(e.Status.Progress), e.Status.Phase
		a.report.status(ctx, job)
	case backend.EventLog, backend.EventSignIn:
		a.report.tell(ctx, backend.Event{Kind: e.Kind, Log: e.Log, SignIn: e.SignIn})
	}
	return nil
}

// overall tells how far the whole job is, now and then: the progress of a phase does not say it.
func (a *attempt) overall(ctx context.Context, id, phase string) {
	if a.stage == planning || time.Since(a.asked) < overallPace {
		return
	}
	a.asked = time.Now()
	job, err := a.backend.GetJob(ctx, id)
	if err != nil || job.Progress == nil || a.told != nil && *a.told == *job.Progress {
		return
	}
	a.told = job.Progress
	status := a.r.Job
	status.Progress, status.Phase = a.stage.overall(job.Progress), phase
	a.report.status(ctx, status)
}

// collect stores what the job made: its files, and the snapshot of a scan. A result that does not say which snapshot it is of,
// says it now: the request may have left the choice to the service.
func (a *attempt) collect(ctx context.Context, id string, result backend.Result) (backend.Result, []backend.Artifact, error) {
	var made []backend.Artifact
	if iac, ok := result.(*backend.IaCGenerationResult); ok && iac.Snapshot == "" {
		iac.Snapshot = *backend.SnapshotsOf(a.request)[0]
	}
	if a.r.Parent != "" { // what a shard makes are its parts
		return result, nil, nil
	}
	if scan, ok := result.(*backend.ScanResult); ok && a.stage == merging && a.r.Job.StartedAt != nil { // the backend knows only of its own time
		scan.DurationSeconds = a.w.o.Now().Sub(*a.r.Job.StartedAt).Seconds()
	}
	if scan, ok := result.(*backend.ScanResult); ok && scan.Snapshot != nil {
		file, err := a.keepSnapshot(ctx, scan)
		if err != nil {
			return nil, nil, err
		}
		made = append(made, file)
	}
	store, ok := a.backend.(backend.ArtifactStore)
	if !ok || !a.can.Has(backend.FeatureArtifacts) {
		return result, made, nil
	}
	listed, err := store.ListArtifacts(ctx, id)
	if err != nil || len(listed) == 0 {
		return result, made, err
	}
	for _, f := range listed {
		if !safe(f.Path) {
			return nil, nil, fault.New(fault.Integrity, fmt.Sprintf("the backend gave a file the unsafe name %q", f.Path), fault.On(id), fault.From(fault.OriginService))
		}
	}
	dir := filepath.Join(a.dir, "artifacts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, disk(err, dir)
	}
	files, err := store.DownloadArtifacts(ctx, id, dir, func(p backend.Progress) { a.report.progress(ctx, p) })
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if err := a.keep(ctx, dir, f, jobs.FileName{Kind: jobs.KindArtifact, Of: a.r.Job.JobID, Path: f.Path}); err != nil {
			return nil, nil, err
		}
	}
	made = append(made, files...)
	slices.SortFunc(made, func(a, b backend.Artifact) int { return strings.Compare(a.Path, b.Path) })
	return result, made, nil
}

// safe says that a file's name stays below its folder on every system, whoever unpacks the archive that the API makes of them.
func safe(name string) bool {
	return name != "." && filepath.IsLocal(filepath.FromSlash(name)) && path.Clean(name) == name && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || r == ':' || unicode.IsControl(r) })
}

// keep stores a file that the backend wrote below dir.
func (a *attempt) keep(ctx context.Context, dir string, f backend.Artifact, name jobs.FileName) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return disk(err, dir)
	}
	defer func() { _ = root.Close() }()
	content, err := root.Open(filepath.FromSlash(f.Path))
	if err != nil {
		return disk(err, f.Path)
	}
	defer func() { _ = content.Close() }()
	return a.w.store(ctx, name, content, &f)
}

// storing is how often a file is stored, at most, where the store fails for a reason that may pass, as while a cluster elects a leader.
const storing = 3

// store stores a file of this machine.
func (w *Worker) store(ctx context.Context, name jobs.FileName, content io.ReadSeeker, want *backend.Artifact) error {
	for n := 1; ; n++ {
		_, err := w.o.Files.Put(ctx, name, content, want)
		if err == nil || n == storing || ctx.Err() != nil || fault.CodeOf(err) != fault.ServiceUnavailable || !pause(ctx, time.Second) {
			return err
		}
		w.o.Logger.WarnContext(ctx, "a file could not be stored, and is tried again", "path", name.Path, "error", err)
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return disk(err, name.Path)
		}
	}
}
