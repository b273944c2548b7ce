package local

import (
	"context"
	"log/slog"
	"time"

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
		temp, err := job.WorkDir()
		if err != nil {
			return nil, err
		}
		if q.Reader, err = reader.WithGraph(ctx, temp); err != nil {
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

// exposureTimeout is how long a description waits for what deserves a look, once. It adorns the description, and where it takes longer it is
// given up for good.
const exposureTimeout = 20 * time.Second

// exposure counts what deserves a look in a snapshot, once: it is kept beside it. It answers nothing where that cannot be had.
func (e *engine) exposure(ctx context.Context, s backend.Snapshot) []backend.Count {
	if counts, ok := e.store.Exposure(s.ID, query.ExposureVersion()); ok {
		return counts
	}
	limited, cancel := context.WithTimeout(ctx, exposureTimeout)
	defer cancel()
	counts, err := e.countExposure(limited, s.ID)
	if err != nil {
		slog.Debug("what deserves a look is not counted", "snapshot", s.ID, "error", err)
		if ctx.Err() != nil || limited.Err() == nil {
			return nil
		}
	}
	e.store.KeepExposure(s.ID, query.ExposureVersion(), counts)
	return counts
}

func (e *engine) countExposure(ctx context.Context, id string) ([]backend.Count, error) {
	reader, err := e.store.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if !reader.HasGraph() { // to make one would take too long
		return nil, nil
	}
	return query.Exposure(ctx, reader)
}
