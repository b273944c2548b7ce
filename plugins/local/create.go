package local

import (
	"context"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/create"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// createTenant plans, deploys or takes back a specification.
func (l *local) createTenant(ctx context.Context, job *runner.Job) (backend.Result, error) {
	e, err := l.configured()
	if err != nil {
		return nil, err
	}
	t := create.Task{Request: job.Submission().Request.(*backend.TenantCreationRequest), Job: knownAs(job), Report: job}
	if t.WorkDir, err = job.WorkDir(); err != nil {
		return nil, err
	}
	if !t.Request.Rollback {
		if t.Spec, err = job.InputPath(t.Request.Spec); err != nil {
			return nil, err
		}
	}
	result, err := e.creator.Run(ctx, t)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// knownAs is the id by which people know a job. A worker of the service gives each of its attempts the key JOB/ATTEMPT: all of
// them are one job, and what one attempt has begun in Azure the next one goes on with.
func knownAs(job *runner.Job) string {
	id, attempt, ok := strings.Cut(job.Submission().IdempotencyKey, "/")
	if ok && id != "" && attempt != "" && strings.Trim(attempt, "0123456789") == "" {
		return id
	}
	return job.ID()
}
