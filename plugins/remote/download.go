package remote

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// parallel is how many files come at once.
const parallel = 4

// noManifest are the answers of a service that gives a job's files as one archive only.
var noManifest = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// ListArtifacts answers the files of a completed job, by path. fault.ArtifactsNotAvailable if they are gone, fault.JobNotComplete
// if the job has not completed, fault.Integrity if their names or sizes cannot be trusted. Of a service that has only an
// archive it takes a download.
func (c *RemoteClient) ListArtifacts(ctx context.Context, id string) ([]backend.Artifact, error) {
	artifacts, whole, err := c.manifest(ctx, id)
	if err == nil && !whole {
		return c.listArchive(ctx, id)
	}
	return artifacts, err
}

// DownloadArtifacts brings the files of a completed job into the folder dir, which exists, and answers them by path. Each has its
// name once it is whole and has its SHA-256; until then it is a partial file, with which a later download
// goes on. Nothing is written outside of dir, whatever the names say: fault.Integrity. Progress is in
// bytes; it comes from several goroutines, but never at the same time.
func (c *RemoteClient) DownloadArtifacts(ctx context.Context, id, dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
	artifacts, whole, err := c.manifest(ctx, id)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, notWritten(dir, err)
	}
	defer func() { _ = root.Close() }()
	m := &meter{report: progress, p: backend.Progress{Phase: "files", Unit: "bytes"}}
	defer c.notices.listen(m.say)()
	if !whole {
		return c.downloadArchive(ctx, id, root, m)
	}
	for _, a := range artifacts {
		m.expect(a.Size)
	}
	if err := c.bring(ctx, root, id, artifacts, m); err != nil {
		return nil, err
	}
	m.end()
	return artifacts, nil
}

// manifest asks for the list of a job's files. Whole is false where the service has none.
func (c *RemoteClient) manifest(ctx context.Context, id string) (artifacts []backend.Artifact, whole bool, err error) {
	if err := checkID(id, noJob); err != nil {
		return nil, false, err
	}
	if err := c.checkKey(ctx); err != nil {
		return nil, false, err
	}
	q := call{method: http.MethodGet, path: api.Fill(api.PathManifest, id), allow: noManifest}
	a, err := c.ask(ctx, q)
	if err != nil {
		return nil, false, err
	}
	if slices.Contains(noManifest, a.status) {
		switch err := c.refused(q, a); fault.CodeOf(err) {
		case fault.RemoteFailed, fault.InvalidArgument, fault.Unsupported: // it does not know the path
			return nil, false, nil
		default:
			return nil, false, err
		}
	}
	m, err := decodeAnswer[api.Manifest](q, a)
	if err == nil {
		err = checkArtifacts(m.Artifacts)
	}
	if err != nil {
		return nil, false, err
	}
	if m.Artifacts == nil {
		m.Artifacts = []backend.Artifact{}
	}
	slices.SortFunc(m.Artifacts, func(a, b backend.Artifact) int { return cmp.Compare(a.Path, b.Path) })
	return m.Artifacts, true, nil
}

// bring brings files, several at once. The first failure ends it.
func (c *RemoteClient) bring(ctx context.Context, root *os.Root, id string, artifacts []backend.Artifact, m *meter) error {
	todo := make(chan backend.Artifact)
	workers, ctx := errgroup.WithContext(ctx)
	workers.Go(func() error {
		defer close(todo)
		for _, a := range artifacts {
			select {
			case todo <- a:
			case <-ctx.Done():
				return nil // a worker says why
			}
		}
		return nil
	})
	for range min(parallel, len(artifacts)) {
		workers.Go(func() error {
			hash := newHasher()
			defer hash.close()
			for a := range todo {
				q := call{method: http.MethodGet, path: api.FilePath(id, a.Path), notFound: fault.ArtifactsNotAvailable}
				f := &file{c: c, from: q, root: root, want: a, part: partName(a), meter: m, hash: hash}
				if err := f.get(ctx); err != nil {
					return err
				}
			}
			return context.Cause(ctx)
		})
	}
	return workers.Wait()
}

// meter reports how many bytes have come: not more often than anybody can see.
type meter struct {
	mu     sync.Mutex
	report func(backend.Progress)
	p      backend.Progress
	shown  time.Time
	over   bool
}

// meterPace is the time between two reports.
const meterPace = 100 * time.Millisecond

// expect counts n bytes more to come; a number below 0 is unknown.
func (m *meter) expect(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Total += max(n, 0)
}

// add counts n bytes of a file that have come, or have to come again if n is below 0.
func (m *meter) add(n int64, path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Done += n
	m.p.Message = path
	if now := time.Now(); now.Sub(m.shown) >= meterPace && !m.over {
		m.shown = now
		m.report(m.p)
	}
}

// say reports that something has to wait.
func (m *meter) say(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return
	}
	p := m.p
	p.Message = text
	m.report(p)
}

// end reports the last time.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	m.p.Message = ""
	m.report(m.p)
}
