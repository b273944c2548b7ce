package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// chunkSize is how much of an input travels in one message, in bytes.
const chunkSize = 1 << 20

// Client is a backend in another process. It has every optional interface; what the backend lacks the
// far side answers as unsupported. Every error is a *fault.Fault.
type Client struct {
	stub v1.BackendClient
	// Translate, if set, sees every error before the caller does. shared/launch sets it, to tell a
	// broken connection from a dead process.
	Translate func(error) error

	greeting atomic.Pointer[backend.Description]
}

// Interface assertions.
var (
	_ backend.Backend       = (*Client)(nil)
	_ backend.Lister        = (*Client)(nil)
	_ backend.Batcher       = (*Client)(nil)
	_ backend.InputStore    = (*Client)(nil)
	_ backend.Sharer        = (*Client)(nil)
	_ backend.ArtifactStore = (*Client)(nil)
	_ backend.SnapshotStore = (*Client)(nil)
)

// NewClient calls the backend at the other end of conn.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{stub: v1.NewBackendClient(conn)}
}

// translated makes err the caller's.
func (c *Client) translated(ctx context.Context, err error, trailer metadata.MD) error {
	if err = fromStatus(ctx, err, trailer); err != nil && c.Translate != nil {
		return c.Translate(err)
	}
	return err
}

// call makes one unary call.
func call[In, Out any](ctx context.Context, c *Client, rpc func(context.Context, *In, ...grpc.CallOption) (*Out, error), in *In) (*Out, error) {
	var trailer metadata.MD
	out, err := rpc(ctx, in, grpc.Trailer(&trailer))
	if err != nil {
		return nil, c.translated(ctx, err, trailer)
	}
	return out, nil
}

// get is call with a domain type as its answer.
func get[D, In, Out any](ctx context.Context, c *Client, rpc func(context.Context, *In, ...grpc.CallOption) (*Out, error), in *In) (D, error) {
	out, err := call(ctx, c, rpc, in)
	if err != nil {
		var none D
		return none, err
	}
	return decoded[D](out), nil
}

// Greet asks whether anybody answers at the other end: its error matches ErrDisconnected, or is that of ctx. It asks for the
// description, which is what every caller asks for first, and which the next Describe then has at hand.
func (c *Client) Greet(ctx context.Context) error {
	var trailer metadata.MD
	out, err := c.stub.Describe(ctx, &v1.Empty{}, grpc.Trailer(&trailer))
	if err == nil {
		d := decoded[backend.Description](out)
		c.greeting.Store(&d)
		return nil
	}
	if err = fromStatus(ctx, err, trailer); ctx.Err() != nil || errors.Is(err, ErrDisconnected) {
		return err
	}
	return nil // somebody is there: Describe says what is wrong
}

// Describe implements backend.Backend.
func (c *Client) Describe(ctx context.Context) (backend.Description, error) {
	if d := c.greeting.Swap(nil); d != nil && ctx.Err() == nil {
		return *d, nil
	}
	return get[backend.Description](ctx, c, c.stub.Describe, &v1.Empty{})
}

// Configure implements backend.Backend.
func (c *Client) Configure(ctx context.Context, settings backend.Settings) error {
	if settings == nil {
		settings = backend.Settings{}
	}
	content, err := json.Marshal(map[string]any(settings))
	if err != nil {
		return fault.New(fault.ConfigInvalid, "the settings cannot be sent", fault.Because(err))
	}
	_, err = call(ctx, c, c.stub.Configure, &v1.Settings{Json: content})
	return err
}

// Capabilities implements backend.Backend.
func (c *Client) Capabilities(ctx context.Context) (backend.Capabilities, error) {
	return get[backend.Capabilities](ctx, c, c.stub.Capabilities, &v1.Empty{})
}

// CheckHealth implements backend.Backend: that the backend cannot be asked is unhealthy too.
func (c *Client) CheckHealth(ctx context.Context) backend.Health {
	health, err := get[backend.Health](ctx, c, c.stub.CheckHealth, &v1.Empty{})
	if err != nil {
		f := fault.Of(err)
		return backend.Health{Message: f.Error(), Dependencies: []backend.Dependency{{Name: "backend", Message: f.Error(), Fault: f}}}
	}
	return health
}

// Submit implements backend.Backend.
func (c *Client) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	m, err := submissionToProto(s)
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	return get[backend.JobStatusResponse](ctx, c, c.stub.Submit, m)
}

// SubmitBatch implements backend.Batcher.
func (c *Client) SubmitBatch(ctx context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	return eachSubmitted(submissions, submissionToProto, func(accepted []*v1.Submission) ([]backend.BatchItem, error) {
		out, err := call(ctx, c, c.stub.SubmitBatch, &v1.Batch{Submissions: accepted})
		if err != nil {
			return nil, err
		}
		items := make([]backend.BatchItem, len(out.GetItems()))
		for i, m := range out.GetItems() {
			items[i] = decoded[backend.BatchItem](m)
		}
		return items, nil
	})
}

// GetJob implements backend.Backend.
func (c *Client) GetJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	return get[backend.JobStatusResponse](ctx, c, c.stub.GetJob, &v1.JobID{Id: utf8(id)})
}

// ListJobs implements backend.Lister.
func (c *Client) ListJobs(ctx context.Context, filter backend.JobFilter) (backend.JobPage, error) {
	return get[backend.JobPage](ctx, c, c.stub.ListJobs, encoded[v1.JobFilter](filter))
}

// WatchJob implements backend.Backend.
func (c *Client) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := c.stub.WatchJob(streamCtx, &v1.WatchRequest{Id: utf8(id), After: after})
	if err != nil {
		return c.translated(ctx, err, nil)
	}
	for {
		m, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return c.translated(ctx, err, events.Trailer())
		}
		e := decoded[backend.Event](m)
		if e.Kind.Known() && !e.WellFormed() { // whoever reads a kind relies on what it names
			return malformed(id, e)
		}
		if err := yield(e); err != nil {
			return err
		}
	}
}

// malformed is the fault of an event that does not hold what its kind names, or more.
func malformed(id string, e backend.Event) error {
	return fault.New(fault.BackendIncompatible, fmt.Sprintf("the backend sent an event of the kind %s that does not hold what its kind names, or more", e.Kind),
		fault.On(id), fault.From(fault.OriginHost), fault.Hint("atg backend test says what else is wrong with it"))
}

// GetResult implements backend.Backend.
func (c *Client) GetResult(ctx context.Context, id string) (backend.Result, error) {
	out, err := call(ctx, c, c.stub.GetResult, &v1.JobID{Id: utf8(id)})
	if err != nil {
		return nil, err
	}
	return resultFromProto(out)
}

// CancelJob implements backend.Backend.
func (c *Client) CancelJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	return get[backend.JobStatusResponse](ctx, c, c.stub.CancelJob, &v1.JobID{Id: utf8(id)})
}

// Close implements backend.Backend. It does not end the process.
func (c *Client) Close(ctx context.Context) error {
	_, err := call(ctx, c, c.stub.Close, &v1.Empty{})
	return err
}

// SetShare implements backend.Sharer.
func (c *Client) SetShare(ctx context.Context, share float64) error {
	_, err := call(ctx, c, c.stub.SetShare, &v1.Share{Share: share})
	return err
}

// PutInput implements backend.InputStore.
func (c *Client) PutInput(ctx context.Context, in backend.Input, content io.Reader) error {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	out, err := c.stub.PutInput(streamCtx)
	if err != nil {
		return c.translated(ctx, err, nil)
	}
	err = out.Send(&v1.InputChunk{Input: encoded[v1.Input](in)})
	for err == nil {
		buffer := make([]byte, chunkSize) // gRPC may keep the last one
		n, readErr := io.ReadFull(content, buffer)
		if n > 0 {
			err = out.Send(&v1.InputChunk{Content: buffer[:n]})
		}
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
			break
		}
		if readErr != nil {
			return fault.New(fault.ExecutionFailed, "the input cannot be read", fault.On(in.Path), fault.Because(readErr))
		}
	}
	// An error of Send says only that the far side has answered; the answer is here.
	_, err = out.CloseAndRecv()
	return c.translated(ctx, err, out.Trailer())
}

// ListArtifacts implements backend.ArtifactStore.
func (c *Client) ListArtifacts(ctx context.Context, id string) ([]backend.Artifact, error) {
	out, err := call(ctx, c, c.stub.ListArtifacts, &v1.JobID{Id: utf8(id)})
	if err != nil {
		return nil, err
	}
	return artifactsFromProto(out), nil
}

// DownloadArtifacts implements backend.ArtifactStore.
func (c *Client) DownloadArtifacts(ctx context.Context, id, dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
	return c.download(ctx, c.stub.DownloadArtifacts, id, dir, progress)
}

// ListSnapshots implements backend.SnapshotStore.
func (c *Client) ListSnapshots(ctx context.Context, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	return get[backend.SnapshotPage](ctx, c, c.stub.ListSnapshots, encoded[v1.SnapshotFilter](filter))
}

// GetSnapshot implements backend.SnapshotStore.
func (c *Client) GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	return get[backend.SnapshotDetail](ctx, c, c.stub.GetSnapshot, &v1.SnapshotID{Id: utf8(id)})
}

// DeleteSnapshot implements backend.SnapshotStore.
func (c *Client) DeleteSnapshot(ctx context.Context, id string) error {
	_, err := call(ctx, c, c.stub.DeleteSnapshot, &v1.SnapshotID{Id: utf8(id)})
	return err
}

// FetchSnapshot implements backend.SnapshotStore.
func (c *Client) FetchSnapshot(ctx context.Context, id, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	files, err := c.download(ctx, c.stub.FetchSnapshot, id, dir, progress)
	if err != nil {
		return backend.Artifact{}, err
	}
	if len(files) != 1 {
		return backend.Artifact{}, fault.Newf(fault.BackendIncompatible, "the backend wrote %d files for one snapshot", len(files))
	}
	return files[0], nil
}

func (c *Client) download(ctx context.Context, rpc func(context.Context, *v1.DownloadRequest, ...grpc.CallOption) (grpc.ServerStreamingClient[v1.DownloadUpdate], error),
	id, dir string, progress func(backend.Progress),
) ([]backend.Artifact, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates, err := rpc(streamCtx, &v1.DownloadRequest{Id: utf8(id), Dir: dir})
	if err != nil {
		return nil, c.translated(ctx, err, nil)
	}
	var files []backend.Artifact
	complete := false
	for {
		m, err := updates.Recv()
		switch {
		case errors.Is(err, io.EOF) && complete:
			return files, nil
		case errors.Is(err, io.EOF):
			return nil, fault.New(fault.BackendIncompatible, "the backend ended a download without saying what it wrote")
		case err != nil:
			return nil, c.translated(ctx, err, updates.Trailer())
		}
		switch u := m.GetUpdate().(type) {
		case *v1.DownloadUpdate_Progress:
			if progress != nil {
				progress(decoded[backend.Progress](u.Progress))
			}
		case *v1.DownloadUpdate_Written:
			files, complete = artifactsFromProto(u.Written), true
		}
	}
}

func artifactsFromProto(m *v1.ArtifactList) []backend.Artifact {
	artifacts := make([]backend.Artifact, len(m.GetArtifacts()))
	for i, a := range m.GetArtifacts() {
		artifacts[i] = decoded[backend.Artifact](a)
	}
	return artifacts
}
