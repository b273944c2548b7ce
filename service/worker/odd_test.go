package worker

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// odd answers the result of another operation.
type odd struct{ *program }

func (o odd) Backend() backend.Backend { return o }

func (o odd) GetResult(context.Context, string) (backend.Result, error) {
	return &backend.IaCGenerationResult{Success: true}, nil
}

func TestAResultOfAnotherOperation(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		return &backend.ScanResult{Success: true}, nil
	}, nil)
	start := b.options.Start
	b.options.Start = func(ctx context.Context, dir string) (Program, error) {
		p, err := start(ctx, dir)
		return odd{p.(*program)}, err
	}
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	if r := b.end(id); r.Job.Status != backend.JobFailed || fault.CodeOf(r.Job.Fault) != fault.BackendIncompatible {
		t.Errorf("the job ended as %+v, %+v", r.Job, r.Job.Fault)
	}
}

// stray lists a file that it has no business to write.
type stray struct {
	*program
	name string
}

func (s stray) Backend() backend.Backend { return s }

func (s stray) Capabilities(ctx context.Context) (backend.Capabilities, error) {
	c, err := s.program.Capabilities(ctx)
	c.Features = append(c.Features, backend.FeatureArtifacts)
	return c, err
}

func (s stray) ListArtifacts(context.Context, string) ([]backend.Artifact, error) {
	return []backend.Artifact{{Path: s.name, SHA256: sum("")}}, nil
}

func (s stray) DownloadArtifacts(_ context.Context, _, dir string, _ func(backend.Progress)) ([]backend.Artifact, error) {
	return []backend.Artifact{{Path: s.name, SHA256: sum("")}}, os.WriteFile(filepath.Join(dir, "x"), nil, 0o600)
}

// linking delivers a link to a file of somebody else's.
type linking struct {
	stray
	to string
}

func (l linking) Backend() backend.Backend { return l }

func (l linking) ListArtifacts(context.Context, string) ([]backend.Artifact, error) {
	return []backend.Artifact{{Path: "x", Size: 4, SHA256: sum("mine")}}, nil
}

func (l linking) DownloadArtifacts(_ context.Context, _, dir string, _ func(backend.Progress)) ([]backend.Artifact, error) {
	return []backend.Artifact{{Path: "x", Size: 4, SHA256: sum("mine")}}, os.Symlink(l.to, filepath.Join(dir, "x"))
}

func TestALinkLeadsNowhere(t *testing.T) {
	mine := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		return &backend.SpecGenerationResult{Success: true}, nil
	}, nil)
	start := b.options.Start
	b.options.Start = func(ctx context.Context, dir string) (Program, error) {
		p, err := start(ctx, dir)
		return linking{stray{program: p.(*program)}, mine}, err
	}
	b.keep("s1")
	id := b.submit(&backend.SpecGenerationRequest{TenantID: "t1"})
	b.work()
	if r := b.end(id); r.Job.Status != backend.JobFailed || len(r.Artifacts) > 0 {
		t.Errorf("the job ended as %+v with %+v", r.Job, r.Artifacts)
	}
}

func TestNothingOfAJobStays(t *testing.T) {
	folder := make(chan string, 1)
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) { return scanned() }, nil)
	start := b.options.Start
	b.options.Start = func(ctx context.Context, dir string) (Program, error) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder of a job is %v, %v", info.Mode(), err)
		}
		folder <- dir
		if err := os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600); err != nil {
			t.Error(err)
		}
		return start(ctx, dir)
	}
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	b.end(id)
	shutdown()
	if left, err := os.ReadDir(filepath.Dir(<-folder)); err != nil && !os.IsNotExist(err) || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestAFileThatWouldLeaveItsFolder(t *testing.T) {
	for _, name := range []string{"../x", "/x", "a/../../x", "a/../x", `..\x`, "C:x", "x\x1b", "", ".", "x/"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
				return &backend.SpecGenerationResult{Success: true}, nil
			}, nil)
			start := b.options.Start
			b.options.Start = func(ctx context.Context, dir string) (Program, error) {
				p, err := start(ctx, dir)
				return stray{p.(*program), name}, err
			}
			b.keep("s1")
			id := b.submit(&backend.SpecGenerationRequest{TenantID: "t1"})
			b.work()
			if r := b.end(id); r.Job.Status != backend.JobFailed || fault.CodeOf(r.Job.Fault) != fault.Integrity || len(r.Artifacts) > 0 {
				t.Errorf("the job ended as %+v, %+v", r.Job, r.Job.Fault)
			}
		})
	}
}
