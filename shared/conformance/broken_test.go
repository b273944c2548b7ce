package conformance_test

import (
	"context"
	"io"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
)

// broken overrides calls of the reference; a nil field leaves the call alone.
type broken struct {
	*reference
	submit   func(*reference, backend.Submission) (backend.JobStatusResponse, error)
	get      func(*reference, string) (backend.JobStatusResponse, error)
	watch    func(*reference, string, uint64, func(backend.Event) error) error
	result   func(*reference, string) (backend.Result, error)
	cancel   func(*reference, string) (backend.JobStatusResponse, error)
	list     func(*reference, backend.JobFilter) (backend.JobPage, error)
	put      func(*reference, backend.Input, io.Reader) error
	download func(*reference, string, string) ([]backend.Artifact, error)
	snapshot func(*reference, string) (backend.SnapshotDetail, error)
	fetch    func(*reference, string, string) (backend.Artifact, error)
	batch    func(*reference, []backend.Submission) ([]backend.BatchItem, error)
	close    func(context.Context) error
}

func (b broken) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	if b.submit != nil {
		return b.submit(b.reference, s)
	}
	return b.reference.Submit(ctx, s)
}

func (b broken) GetJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	if b.get != nil {
		return b.get(b.reference, id)
	}
	return b.reference.GetJob(ctx, id)
}

func (b broken) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	if b.watch != nil {
		return b.watch(b.reference, id, after, yield)
	}
	return b.reference.WatchJob(ctx, id, after, yield)
}

func (b broken) GetResult(ctx context.Context, id string) (backend.Result, error) {
	if b.result != nil {
		return b.result(b.reference, id)
	}
	return b.reference.GetResult(ctx, id)
}

func (b broken) CancelJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	if b.cancel != nil {
		return b.cancel(b.reference, id)
	}
	return b.reference.CancelJob(ctx, id)
}

func (b broken) ListJobs(ctx context.Context, f backend.JobFilter) (backend.JobPage, error) {
	if b.list != nil {
		return b.list(b.reference, f)
	}
	return b.reference.ListJobs(ctx, f)
}

func (b broken) PutInput(ctx context.Context, in backend.Input, r io.Reader) error {
	if b.put != nil {
		return b.put(b.reference, in, r)
	}
	return b.reference.PutInput(ctx, in, r)
}

func (b broken) DownloadArtifacts(ctx context.Context, id, dir string, p func(backend.Progress)) ([]backend.Artifact, error) {
	if b.download != nil {
		return b.download(b.reference, id, dir)
	}
	return b.reference.DownloadArtifacts(ctx, id, dir, p)
}

func (b broken) GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	if b.snapshot != nil {
		return b.snapshot(b.reference, id)
	}
	return b.reference.GetSnapshot(ctx, id)
}

func (b broken) FetchSnapshot(ctx context.Context, id, dir string, p func(backend.Progress)) (backend.Artifact, error) {
	if b.fetch != nil {
		return b.fetch(b.reference, id, dir)
	}
	return b.reference.FetchSnapshot(ctx, id, dir, p)
}

func (b broken) SubmitBatch(ctx context.Context, s []backend.Submission) ([]backend.BatchItem, error) {
	if b.batch != nil {
		return b.batch(b.reference, s)
	}
	return b.reference.SubmitBatch(ctx, s)
}

func (b broken) Close(ctx context.Context) error {
	if b.close != nil {
		return b.close(ctx)
	}
	return b.reference.Close(ctx)
}

// also are the checks that a defect cannot but fail, too.
var also = map[string][]string{
	"configure/unknown-setting":     {"configure/all-at-once", "errors/shape"}, // it takes every setting
	"configure/secrets-stay-secret": {"configure/all-at-once", "secrets/nowhere"},
	"jobs/not-found":                {"errors/shape", "messages/long-names"},                                      // its error is no fault
	"jobs/result":                   {"parts/files", "parts/not-again", "parts/damaged", "shards/equal"},          // they read the result
	"jobs/concurrent-calls":         {"jobs/states", "cancel/finished", "cancel/prompt", "cancel/stops-the-work"}, // no job ends
	"events/reader-may-leave":       {"cancel/prompt"},
	"cancel/finished":               {"cancel/stops-the-work"},
	"cancel/stops-the-work":         {"cancel/prompt", "cancel/finished", "jobs/not-found"},
	"parts/files":                   {"parts/not-again"}, // no part is what it is said to be
}

// confined are the checks that the test of a defect runs: all, but for large messages, which take a while, unless the defect itself does.
func confined(defect string) []string {
	if few, ok := slow[defect]; ok {
		return few
	}
	var names []string
	for _, c := range conformance.Checks() {
		if !strings.HasPrefix(c.Name, "messages/large-") {
			names = append(names, c.Name)
		}
	}
	return names
}
