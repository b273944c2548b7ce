package local

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/picture"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// snapshotInput is the path of an input that is a snapshot, before its id: the job service sends one with the job that reads it.
const snapshotInput = "snapshots/"

// isID is the form of a tenant's id; else it is named by one of its domains, which a snapshot does not know.
var isID = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// generateIaC turns a snapshot into code.
func (l *local) generateIaC(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.IaCGenerationRequest)
	reader, err := l.openSnapshot(ctx, job, request.TenantID, request.Snapshot)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	job.Tenant(reader.Snapshot().TenantID)
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	g := iac.Generator{Reader: reader, Dir: dir, Progress: job.Progress, Env: os.Environ()}
	result, err := g.Generate(ctx, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// generateSpec writes the specification of a snapshot.
func (l *local) generateSpec(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.SpecGenerationRequest)
	reader, err := l.openSnapshot(ctx, job, request.TenantID, request.Snapshot)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	job.Tenant(reader.Snapshot().TenantID)
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	g := tenant.Generator{Reader: reader, Dir: dir, Progress: job.Progress}
	result, err := g.Generate(ctx, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// visualize draws a snapshot.
func (l *local) visualize(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.VisualizationRequest)
	reader, err := l.openSnapshot(ctx, job, request.TenantID, request.Snapshot)
	if err != nil {
		return nil, err
	}
	defer func() { reader.Close() }()
	job.Tenant(reader.Snapshot().TenantID)
	work, err := job.WorkDir()
	if err != nil {
		return nil, err
	}
	withGraph, err := reader.WithGraph(ctx, work)
	if err != nil {
		return nil, err
	}
	reader = withGraph // closing it closes both
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	g := picture.Generator{Reader: reader, Dir: dir, Progress: job.Progress}
	result, err := g.Generate(ctx, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// openSnapshot opens the snapshot that a job reads: the one that was sent with it, the one of the store with that id, or else the newest complete
// one of the tenant. One of another tenant is fault.InvalidArgument.
func (l *local) openSnapshot(ctx context.Context, job *runner.Job, tenant, id string) (*graph.Reader, error) {
	reader, err := l.findSnapshot(ctx, job, tenant, id)
	if err != nil {
		return nil, err
	}
	if found := reader.Snapshot().TenantID; isID.MatchString(tenant) && !strings.EqualFold(found, tenant) {
		reader.Close()
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the snapshot %s is of the tenant %s, not of %s", id, found, tenant), fault.On(id),
			fault.Hint("name the snapshot's tenant with --tenant-id, or another snapshot"))
	}
	return reader, nil
}

// findSnapshot is openSnapshot, whatever its tenant.
func (l *local) findSnapshot(ctx context.Context, job *runner.Job, tenant, id string) (*graph.Reader, error) {
	for _, in := range job.Submission().Inputs {
		if in.Path == snapshotInput+id {
			path, err := job.InputPath(in.Path)
			if err != nil {
				return nil, err
			}
			return graph.OpenFile(ctx, path)
		}
	}
	e, err := l.configured()
	if err != nil {
		return nil, err
	}
	if id == "" {
		newest, err := e.store.Latest(ctx, tenant)
		if err != nil {
			return nil, err
		}
		id = newest.ID
	}
	return e.store.Open(ctx, id)
}
