// Package remote is the backend that sends its work to a job service: RemoteClient speaks with the service, and over it
// stands the Backend that atg starts. Its jobs outlive it.
package remote

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// name is the NAME in atg-backend-NAME.
const name = "remote"

// remote is the backend.
type remote struct {
	options options
	client  atomic.Pointer[RemoteClient] // nil until Configure
}

var (
	_ backend.Backend       = (*remote)(nil)
	_ backend.Lister        = (*remote)(nil)
	_ backend.Batcher       = (*remote)(nil)
	_ backend.InputStore    = (*remote)(nil)
	_ backend.ArtifactStore = (*remote)(nil)
	_ backend.SnapshotStore = (*remote)(nil)
)

// New makes the backend. It does nothing until it is configured.
func New() backend.Backend { return &remote{} }

// Describe implements backend.Backend.
func (r *remote) Describe(context.Context) (backend.Description, error) {
	return backend.Description{
		Name: name, Version: buildinfo.Version(), Commit: buildinfo.Commit(), Protocol: backend.Protocol,
		Summary: "sends the work to an atg job service", SettingsSchema: schema(),
	}, nil
}

// Configure implements backend.Backend.
func (r *remote) Configure(ctx context.Context, given backend.Settings) error {
	config, err := decode(given)
	if err != nil {
		return err
	}
	client, err := newClient(ctx, config, r.options)
	if err != nil {
		return err
	}
	client.trace = traceOf(os.Getenv("TRACEPARENT"))
	if !r.client.CompareAndSwap(nil, client) {
		return fault.New(fault.Conflict, "the backend is already configured", fault.From(fault.OriginBackend))
	}
	slog.DebugContext(ctx, "configured", "service", client.origin(), "trace_id", client.trace.id)
	return nil
}

// configured answers the client that Configure has made.
func (r *remote) configured() (*RemoteClient, error) {
	if c := r.client.Load(); c != nil {
		return c, nil
	}
	return nil, fault.New(fault.Conflict, "the backend is not configured yet", fault.From(fault.OriginBackend))
}

// with calls the service, if it has the feature; the empty one is the core that every service has.
func with[T any](ctx context.Context, r *remote, f backend.Feature, do func(*RemoteClient) (T, error)) (T, error) {
	c, err := r.configured()
	if err == nil && f != "" {
		err = c.needs(ctx, f)
	}
	if err != nil {
		var none T
		return none, err
	}
	return do(c)
}

// Capabilities implements backend.Backend.
func (r *remote) Capabilities(ctx context.Context) (backend.Capabilities, error) {
	return with(ctx, r, "", func(c *RemoteClient) (backend.Capabilities, error) {
		able, err := c.Capabilities(ctx)
		return usable(able), err
	})
}

// CheckHealth implements backend.Backend.
func (r *remote) CheckHealth(ctx context.Context) backend.Health {
	c, err := r.configured()
	if err != nil {
		return backend.Health{Message: err.Error()}
	}
	return c.HealthCheck(ctx)
}

// Submit implements backend.Backend.
func (r *remote) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	return with(ctx, r, "", func(c *RemoteClient) (backend.JobStatusResponse, error) {
		if s.Request != nil {
			if err := c.can(ctx, s.Request.Operation()); err != nil {
				return backend.JobStatusResponse{}, err
			}
		}
		return c.Submit(ctx, s)
	})
}

// SubmitBatch implements backend.Batcher.
func (r *remote) SubmitBatch(ctx context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	return with(ctx, r, backend.FeatureBatch, func(c *RemoteClient) ([]backend.BatchItem, error) { return c.SubmitBatch(ctx, submissions) })
}

// GetJob implements backend.Backend.
func (r *remote) GetJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	return with(ctx, r, "", func(c *RemoteClient) (backend.JobStatusResponse, error) { return c.GetJobStatus(ctx, id) })
}

// ListJobs implements backend.Lister.
func (r *remote) ListJobs(ctx context.Context, filter backend.JobFilter) (backend.JobPage, error) {
	return with(ctx, r, backend.FeatureListJobs, func(c *RemoteClient) (backend.JobPage, error) { return c.ListJobs(ctx, filter) })
}

// WatchJob implements backend.Backend.
func (r *remote) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	c, err := r.configured()
	if err != nil {
		return err
	}
	return c.WatchJob(ctx, id, after, yield)
}

// GetResult implements backend.Backend.
func (r *remote) GetResult(ctx context.Context, id string) (backend.Result, error) {
	return with(ctx, r, "", func(c *RemoteClient) (backend.Result, error) { return c.GetJobResult(ctx, id) })
}

// CancelJob implements backend.Backend.
func (r *remote) CancelJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	return with(ctx, r, "", func(c *RemoteClient) (backend.JobStatusResponse, error) { return c.CancelJob(ctx, id) })
}

// PutInput implements backend.InputStore.
func (r *remote) PutInput(ctx context.Context, in backend.Input, content io.Reader) error {
	_, err := with(ctx, r, backend.FeatureInputs, func(c *RemoteClient) (struct{}, error) {
		return struct{}{}, c.UploadInput(ctx, in, content)
	})
	return err
}

// ListArtifacts implements backend.ArtifactStore.
func (r *remote) ListArtifacts(ctx context.Context, id string) ([]backend.Artifact, error) {
	return with(ctx, r, backend.FeatureArtifacts, func(c *RemoteClient) ([]backend.Artifact, error) { return c.ListArtifacts(ctx, id) })
}

// DownloadArtifacts implements backend.ArtifactStore.
func (r *remote) DownloadArtifacts(ctx context.Context, id, dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
	return with(ctx, r, backend.FeatureArtifacts, func(c *RemoteClient) ([]backend.Artifact, error) {
		return c.DownloadArtifacts(ctx, id, dir, progress)
	})
}

// ListSnapshots implements backend.SnapshotStore.
func (r *remote) ListSnapshots(ctx context.Context, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	return with(ctx, r, backend.FeatureSnapshots, func(c *RemoteClient) (backend.SnapshotPage, error) { return c.ListSnapshots(ctx, filter) })
}

// GetSnapshot implements backend.SnapshotStore.
func (r *remote) GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	return with(ctx, r, backend.FeatureSnapshots, func(c *RemoteClient) (backend.SnapshotDetail, error) { return c.GetSnapshot(ctx, id) })
}

// DeleteSnapshot implements backend.SnapshotStore.
func (r *remote) DeleteSnapshot(ctx context.Context, id string) error {
	_, err := with(ctx, r, backend.FeatureSnapshots, func(c *RemoteClient) (struct{}, error) {
		return struct{}{}, c.DeleteSnapshot(ctx, id)
	})
	return err
}

// FetchSnapshot implements backend.SnapshotStore.
func (r *remote) FetchSnapshot(ctx context.Context, id, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	return with(ctx, r, backend.FeatureSnapshots, func(c *RemoteClient) (backend.Artifact, error) {
		return c.FetchSnapshot(ctx, id, dir, progress)
	})
}

// Close implements backend.Backend. The jobs go on.
func (r *remote) Close(context.Context) error {
	if c := r.client.Load(); c != nil {
		return c.Close()
	}
	return nil
}
