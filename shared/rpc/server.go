package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

type server struct {
	v1.UnimplementedBackendServer
	impl backend.Backend
}

// NewServer answers the contract's calls by calling impl.
func NewServer(impl backend.Backend) v1.BackendServer { return &server{impl: impl} }

// answer runs a call and sends its fault as the trailer.
func answer[M any](ctx context.Context, call func() (*M, error)) (*M, error) {
	var m *M
	trailer, err := guarded(ctx, func() (err error) {
		m, err = call()
		return err
	})
	if err != nil {
		_ = grpc.SetTrailer(ctx, trailer)
		return nil, err
	}
	return m, nil
}

// stream is answer for a call that streams.
func stream(s grpc.ServerStream, call func() error) error {
	trailer, err := guarded(s.Context(), call)
	s.SetTrailer(trailer)
	return err
}

// guarded runs a call and encodes its error. A panic of the backend, be it in its method or in its
// error's, is a fault like any other: it ends neither the process nor the other jobs.
func guarded(ctx context.Context, call func() error) (trailer metadata.MD, err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "the backend panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			trailer, err = toStatus(fault.Newf(fault.Internal, "the backend panicked: %v", p))
		}
	}()
	if err := call(); err != nil {
		return toStatus(err)
	}
	return nil, nil
}

// feature answers the interface behind a feature, or that the backend has it not.
func feature[I any](s *server, f backend.Feature) (I, error) {
	if i, ok := s.impl.(I); ok {
		return i, nil
	}
	var none I
	return none, fault.New(fault.Unsupported, fmt.Sprintf("this backend does not have the feature %s", f))
}

func (s *server) Describe(ctx context.Context, _ *v1.Empty) (*v1.Description, error) {
	return answer(ctx, func() (*v1.Description, error) {
		d, err := s.impl.Describe(ctx)
		return encoded[v1.Description](d), err
	})
}

func (s *server) Configure(ctx context.Context, m *v1.Settings) (*v1.Empty, error) {
	return answer(ctx, func() (*v1.Empty, error) {
		settings := backend.Settings{}
		if err := json.Unmarshal(m.GetJson(), &settings); err != nil {
			return nil, fault.New(fault.InvalidArgument, "the settings are no JSON object")
		}
		return &v1.Empty{}, s.impl.Configure(ctx, settings)
	})
}

func (s *server) Capabilities(ctx context.Context, _ *v1.Empty) (*v1.CapabilitiesResponse, error) {
	return answer(ctx, func() (*v1.CapabilitiesResponse, error) {
		c, err := s.impl.Capabilities(ctx)
		return encoded[v1.CapabilitiesResponse](c), err
	})
}

func (s *server) CheckHealth(ctx context.Context, _ *v1.Empty) (*v1.Health, error) {
	return answer(ctx, func() (*v1.Health, error) { return encoded[v1.Health](s.impl.CheckHealth(ctx)), nil })
}

func (s *server) Submit(ctx context.Context, m *v1.Submission) (*v1.Job, error) {
	return answer(ctx, func() (*v1.Job, error) {
		submission, err := submissionFromProto(m)
		if err != nil {
			return nil, err
		}
		job, err := s.impl.Submit(ctx, submission)
		return encoded[v1.Job](job), err
	})
}

func (s *server) SubmitBatch(ctx context.Context, m *v1.Batch) (*v1.BatchResponse, error) {
	return answer(ctx, func() (*v1.BatchResponse, error) {
		batcher, err := feature[backend.Batcher](s, backend.FeatureBatch)
		if err != nil {
			return nil, err
		}
		items, err := eachSubmitted(m.GetSubmissions(), submissionFromProto, func(accepted []backend.Submission) ([]backend.BatchItem, error) {
			return batcher.SubmitBatch(ctx, accepted)
		})
		out := &v1.BatchResponse{}
		for _, i := range items {
			out.Items = append(out.Items, encoded[v1.BatchItem](i))
		}
		return out, err
	})
}

func (s *server) GetJob(ctx context.Context, m *v1.JobID) (*v1.Job, error) {
	return answer(ctx, func() (*v1.Job, error) {
		job, err := s.impl.GetJob(ctx, m.GetId())
		return encoded[v1.Job](job), err
	})
}

func (s *server) ListJobs(ctx context.Context, m *v1.JobFilter) (*v1.JobPage, error) {
	return answer(ctx, func() (*v1.JobPage, error) {
		lister, err := feature[backend.Lister](s, backend.FeatureListJobs)
		if err != nil {
			return nil, err
		}
		page, err := lister.ListJobs(ctx, decoded[backend.JobFilter](m))
		return encoded[v1.JobPage](page), err
	})
}

func (s *server) WatchJob(m *v1.WatchRequest, out grpc.ServerStreamingServer[v1.Event]) error {
	return stream(out, func() error {
		return s.impl.WatchJob(out.Context(), m.GetId(), m.GetAfter(), func(e backend.Event) error {
			return gone(out.Context(), out.Send(encoded[v1.Event](e)))
		})
	})
}

func (s *server) GetResult(ctx context.Context, m *v1.JobID) (*v1.Result, error) {
	return answer(ctx, func() (*v1.Result, error) {
		result, err := s.impl.GetResult(ctx, m.GetId())
		if err != nil {
			return nil, err
		}
		return resultToProto(result)
	})
}

func (s *server) CancelJob(ctx context.Context, m *v1.JobID) (*v1.Job, error) {
	return answer(ctx, func() (*v1.Job, error) {
		job, err := s.impl.CancelJob(ctx, m.GetId())
		return encoded[v1.Job](job), err
	})
}

func (s *server) Close(ctx context.Context, _ *v1.Empty) (*v1.Empty, error) {
	return answer(ctx, func() (*v1.Empty, error) { return &v1.Empty{}, s.impl.Close(ctx) })
}

func (s *server) SetShare(ctx context.Context, m *v1.Share) (*v1.Empty, error) {
	return answer(ctx, func() (*v1.Empty, error) {
		sharer, err := feature[backend.Sharer](s, backend.FeatureBudget)
		if err != nil {
			return nil, err
		}
		return &v1.Empty{}, sharer.SetShare(ctx, m.GetShare())
	})
}

func (s *server) PutInput(in grpc.ClientStreamingServer[v1.InputChunk, v1.Empty]) error {
	return stream(in, func() error {
		store, err := feature[backend.InputStore](s, backend.FeatureInputs)
		if err != nil {
			return err
		}
		first, err := in.Recv()
		if err != nil && !errors.Is(err, io.EOF) {
			return gone(in.Context(), err)
		}
		if first.GetInput() == nil {
			return fault.New(fault.InvalidArgument, "the first message of an input does not name it")
		}
		if err := store.PutInput(in.Context(), decoded[backend.Input](first.GetInput()), &chunkReader{stream: in}); err != nil {
			return err
		}
		return in.SendAndClose(&v1.Empty{})
	})
}

// chunkReader reads the content of an input from its stream.
type chunkReader struct {
	stream grpc.ClientStreamingServer[v1.InputChunk, v1.Empty]
	rest   []byte
}

func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		chunk, err := r.stream.Recv()
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, gone(r.stream.Context(), err)
		}
		r.rest = chunk.GetContent()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (s *server) ListArtifacts(ctx context.Context, m *v1.JobID) (*v1.ArtifactList, error) {
	return answer(ctx, func() (*v1.ArtifactList, error) {
		store, err := feature[backend.ArtifactStore](s, backend.FeatureArtifacts)
		if err != nil {
			return nil, err
		}
		artifacts, err := store.ListArtifacts(ctx, m.GetId())
		return artifactsToProto(artifacts), err
	})
}

func (s *server) DownloadArtifacts(m *v1.DownloadRequest, out grpc.ServerStreamingServer[v1.DownloadUpdate]) error {
	return stream(out, func() error {
		store, err := feature[backend.ArtifactStore](s, backend.FeatureArtifacts)
		if err != nil {
			return err
		}
		return downloaded(out, func(progress func(backend.Progress)) ([]backend.Artifact, error) {
			return store.DownloadArtifacts(out.Context(), m.GetId(), m.GetDir(), progress)
		})
	})
}

func (s *server) ListSnapshots(ctx context.Context, m *v1.SnapshotFilter) (*v1.SnapshotPage, error) {
	return answer(ctx, func() (*v1.SnapshotPage, error) {
		store, err := feature[backend.SnapshotStore](s, backend.FeatureSnapshots)
		if err != nil {
			return nil, err
		}
		page, err := store.ListSnapshots(ctx, decoded[backend.SnapshotFilter](m))
		return encoded[v1.SnapshotPage](page), err
	})
}

func (s *server) GetSnapshot(ctx context.Context, m *v1.SnapshotID) (*v1.SnapshotDetail, error) {
	return answer(ctx, func() (*v1.SnapshotDetail, error) {
		store, err := feature[backend.SnapshotStore](s, backend.FeatureSnapshots)
		if err != nil {
			return nil, err
		}
		detail, err := store.GetSnapshot(ctx, m.GetId())
		return encoded[v1.SnapshotDetail](detail), err
	})
}

func (s *server) DeleteSnapshot(ctx context.Context, m *v1.SnapshotID) (*v1.Empty, error) {
	return answer(ctx, func() (*v1.Empty, error) {
		store, err := feature[backend.SnapshotStore](s, backend.FeatureSnapshots)
		if err != nil {
			return nil, err
		}
		return &v1.Empty{}, store.DeleteSnapshot(ctx, m.GetId())
	})
}

func (s *server) FetchSnapshot(m *v1.DownloadRequest, out grpc.ServerStreamingServer[v1.DownloadUpdate]) error {
	return stream(out, func() error {
		store, err := feature[backend.SnapshotStore](s, backend.FeatureSnapshots)
		if err != nil {
			return err
		}
		return downloaded(out, func(progress func(backend.Progress)) ([]backend.Artifact, error) {
			file, err := store.FetchSnapshot(out.Context(), m.GetId(), m.GetDir(), progress)
			return []backend.Artifact{file}, err
		})
	})
}

// downloaded runs a download, sends its progress, and at last what it wrote. Progress may come from
// several files at once, and of a file that was given up even behind the end.
func downloaded(out grpc.ServerStreamingServer[v1.DownloadUpdate], download func(func(backend.Progress)) ([]backend.Artifact, error)) error {
	var mu sync.Mutex
	ended := false
	files, err := download(func(p backend.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if !ended { // that nobody listens any more, the last message finds out
			_ = out.Send(&v1.DownloadUpdate{Update: &v1.DownloadUpdate_Progress{Progress: encoded[v1.Progress](p)}})
		}
	})
	mu.Lock()
	defer mu.Unlock()
	ended = true
	if err != nil {
		return err
	}
	return gone(out.Context(), out.Send(&v1.DownloadUpdate{Update: &v1.DownloadUpdate_Written{Written: artifactsToProto(files)}}))
}

func artifactsToProto(artifacts []backend.Artifact) *v1.ArtifactList {
	list := &v1.ArtifactList{}
	for _, a := range artifacts {
		list.Artifacts = append(list.Artifacts, encoded[v1.Artifact](a))
	}
	return list
}
