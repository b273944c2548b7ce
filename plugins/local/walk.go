package local

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/export"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/walk"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// nodesFile is the artifact of snapshot-reach.
const nodesFile = "nodes.ndjson"

// snapshotPath finds how two nodes are connected.
func (l *local) snapshotPath(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.SnapshotPathRequest)
	reader, err := l.openGraph(ctx, job, request.TenantID, request.Snapshot)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	result, err := walk.Path(ctx, reader, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// snapshotReach writes what a node can reach.
func (l *local) snapshotReach(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.SnapshotReachRequest)
	reader, err := l.openGraph(ctx, job, request.TenantID, request.Snapshot)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, nodesFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unwritable(dir, err)
	}
	to := bufio.NewWriterSize(file, 1<<16)
	result, err := walk.Reach(ctx, reader, request, to)
	if failed := errors.Join(to.Flush(), file.Close()); err == nil && failed != nil {
		err = unwritable(dir, failed)
	}
	if err != nil {
		return nil, err
	}
	result.Nodes = nodesFile
	return result, nil
}

// snapshotExport writes a snapshot in another format.
func (l *local) snapshotExport(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.SnapshotExportRequest)
	reader, err := l.openGraph(ctx, job, request.TenantID, request.Snapshot)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	x := export.Exporter{Reader: reader, Dir: dir, Progress: job.Progress}
	result, err := x.Export(ctx, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}

func unwritable(dir string, err error) error {
	return fault.New(fault.ExecutionFailed, "cannot write into "+dir, fault.Because(err), fault.Hint("there must be room for files, and the folder writable for the user who runs atg"))
}

// openGraph is openSnapshot, of a snapshot that has a graph or gets one.
func (l *local) openGraph(ctx context.Context, job *runner.Job, tenant, id string) (*graph.Reader, error) {
	reader, err := l.openSnapshot(ctx, job, tenant, id)
	if err != nil {
		return nil, err
	}
	job.Tenant(reader.Snapshot().TenantID)
	dir, err := job.WorkDir()
	if err != nil {
		reader.Close()
		return nil, err
	}
	whole, err := reader.WithGraph(ctx, dir)
	if err != nil {
		reader.Close()
		return nil, err
	}
	return whole, nil
}
