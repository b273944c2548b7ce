package local

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph/query"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// query asks a snapshot.
func (l *local) query(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.SnapshotQueryRequest)
	e, err := l.configured()
	if err != nil {
		return nil, err
	}
	q := query.Query{Timeout: e.queryTimeout}
	if q.Dir, err = job.OutputDir(); err != nil {
		return nil, err
	}
	if query.NeedsSnapshot(request) {
		reader, err := l.openSnapshot(ctx, job, request.TenantID, request.Snapshot)
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		job.Tenant(reader.Snapshot().TenantID)
		if q.Temp, err = job.WorkDir(); err != nil {
			return nil, err
		}
		if q.Reader, err = reader.WithGraph(ctx, q.Temp); err != nil {
			return nil, err
		}
		defer q.Reader.Close()
	}
	result, err := q.Run(ctx, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}
