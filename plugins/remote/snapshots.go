package remote

import (
	"context"
	"net/http"
	"os"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// snapshotSuffix ends the name of a snapshot's file, behind its id.
const snapshotSuffix = ".db"

func noSnapshot(id string) error {
	return fault.New(fault.SnapshotNotFound, "there is no snapshot "+printable(id), fault.On(printable(id)), fault.From(fault.OriginBackend),
		fault.Hint("see which there are: atg --backend remote snapshot list"))
}

// ListSnapshots answers the snapshots of the key's tenants, newest first.
func (c *RemoteClient) ListSnapshots(ctx context.Context, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	q := call{method: http.MethodGet, path: api.PathSnapshots,
		query: queryOf(map[string]string{"tenant_id": filter.TenantID, "cursor": filter.Cursor}, filter.Limit)}
	page, err := askFor[backend.SnapshotPage](ctx, c, q)
	if page.Snapshots == nil {
		page.Snapshots = []backend.Snapshot{}
	}
	return page, err
}

// GetSnapshot answers one snapshot with its contents summed up; fault.SnapshotNotFound.
func (c *RemoteClient) GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	if err := checkID(id, noSnapshot); err != nil {
		return backend.SnapshotDetail{}, err
	}
	q := call{method: http.MethodGet, path: api.Fill(api.PathSnapshot, id), notFound: fault.SnapshotNotFound}
	return askFor[backend.SnapshotDetail](ctx, c, q)
}

// DeleteSnapshot removes one; fault.SnapshotNotFound.
func (c *RemoteClient) DeleteSnapshot(ctx context.Context, id string) error {
	if err := checkID(id, noSnapshot); err != nil {
		return err
	}
	if err := c.checkKey(ctx); err != nil {
		return err
	}
	q := call{method: http.MethodDelete, path: api.Fill(api.PathSnapshot, id), notFound: fault.SnapshotNotFound}
	tries := 0
	a, err := retried(ctx, c, func(ctx context.Context) (answer, error) {
		tries++
		return c.exchange(ctx, q)
	})
	switch {
	case tries > 1 && fault.CodeOf(err) == fault.SnapshotNotFound: // the first one was heard, and its answer lost
		return nil
	case err != nil || len(a.body) == 0:
		return err
	}
	return notJSON(q, a)
}

// FetchSnapshot brings a snapshot as one file into the folder dir, which exists, and answers it. It goes
// on with what an earlier try has left.
func (c *RemoteClient) FetchSnapshot(ctx context.Context, id, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	detail, err := c.GetSnapshot(ctx, id)
	if err != nil {
		return backend.Artifact{}, err
	}
	id = detail.Snapshot.ID // the newest one has a name of its own, and an id
	if err := checkID(id, noSnapshot); err != nil {
		return backend.Artifact{}, err
	}
	want := backend.Artifact{Path: id + snapshotSuffix, Size: detail.Snapshot.Size, SHA256: detail.Snapshot.SHA256}
	if err := checkArtifacts([]backend.Artifact{want}); err != nil {
		return backend.Artifact{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return backend.Artifact{}, notWritten(dir, err)
	}
	defer func() { _ = root.Close() }()
	m := &meter{report: progress, p: backend.Progress{Phase: "snapshot", Unit: "bytes", Total: want.Size}}
	defer c.notices.listen(m.say)()
	hash := newHasher()
	defer hash.close()
	q := call{method: http.MethodGet, path: api.Fill(api.PathSnapshotFile, id), notFound: fault.SnapshotNotFound}
	f := &file{c: c, from: q, root: root, want: want, part: partName(want), meter: m, hash: hash}
	if err := f.get(ctx); err != nil {
		return backend.Artifact{}, err
	}
	m.end()
	return want, nil
}
