package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// WorkDir is a folder for the job's parts and temporary files: the submission's, or one that goes
// with the process.
func (j *Job) WorkDir() (string, error) {
	if dir := j.submission.WorkDir; dir != "" {
		return dir, nil
	}
	return j.runner.folder(j.id, "work")
}

// OutputDir is the folder whose files become the job's artifacts when it completes.
func (j *Job) OutputDir() (string, error) { return j.runner.folder(j.id, "output") }

// InputPath is the file that was sent as the input of that path.
func (j *Job) InputPath(name string) (string, error) {
	for _, in := range j.submission.Inputs {
		if in.Path == name {
			dir, err := j.runner.folder("inputs")
			return filepath.Join(dir, in.SHA256), err
		}
	}
	return "", fault.New(fault.InvalidArgument, fmt.Sprintf("the job has no input %q", name))
}

// PutInput stores an input. See backend.InputStore.
func (r *Runner) PutInput(_ context.Context, in backend.Input, content io.Reader) error {
	if sum, err := hex.DecodeString(in.SHA256); err != nil || len(sum) != sha256.Size {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the SHA-256 of the input %q is not one", in.Path))
	}
	dir, err := r.folder("inputs")
	if err != nil {
		return err
	}
	want := backend.Artifact(in)
	if err := store(filepath.Join(dir, in.SHA256), io.LimitReader(content, in.Size+1), want); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs[in.SHA256] = struct{}{}
	return nil
}

// ListArtifacts answers the files that a completed job left in its OutputDir.
func (r *Runner) ListArtifacts(ctx context.Context, id string) ([]backend.Artifact, error) {
	_, artifacts, err := r.artifacts(ctx, id)
	return artifacts, err
}

// copies is how many files DownloadArtifacts copies at a time.
const copies = 4

// DownloadArtifacts copies them below dir.
func (r *Runner) DownloadArtifacts(ctx context.Context, id, dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
	from, artifacts, err := r.artifacts(ctx, id)
	if err != nil {
		return nil, err
	}
	report := backend.Progress{Phase: "files", Unit: "bytes"}
	for _, a := range artifacts {
		report.Total += a.Size
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next, done := make(chan backend.Artifact), make(chan backend.Artifact)
	var working sync.WaitGroup
	for range copies {
		working.Go(func() {
			for a := range next {
				if err := copyFile(filepath.Join(from, filepath.FromSlash(a.Path)), filepath.Join(dir, filepath.FromSlash(a.Path)), a); err != nil {
					stop(err)
					continue
				}
				select {
				case done <- a:
				case <-ctx.Done():
				}
			}
		})
	}
	go func() {
		defer close(done)
		defer working.Wait()
		defer close(next)
		for _, a := range artifacts {
			select {
			case next <- a:
			case <-ctx.Done():
				return
			}
		}
	}()
	for a := range done {
		report.Done += a.Size
		report.Message = a.Path
		if progress != nil {
			progress(report)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return artifacts, nil
}

// artifacts are the files of a completed job, which do not change any more.
func (r *Runner) artifacts(ctx context.Context, id string) (dir string, artifacts []backend.Artifact, err error) {
	job, err := r.job(id)
	if err != nil {
		return "", nil, err
	}
	if _, err := job.outcome(); err != nil {
		return "", nil, err
	}
	if dir, err = job.OutputDir(); err != nil {
		return "", nil, err
	}
	job.described.Lock()
	defer job.described.Unlock()
	if job.artifacts == nil {
		if job.artifacts, err = describeAll(ctx, dir); err != nil {
			return "", nil, fault.New(fault.ArtifactsNotAvailable, "the job's files cannot be read", fault.On(id), fault.Because(err))
		}
	}
	return dir, slices.Clone(job.artifacts), nil
}

// describeAll describes the files below a folder.
func describeAll(ctx context.Context, dir string) ([]backend.Artifact, error) {
	artifacts := []backend.Artifact{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		a, err := describe(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		a.Path = path.Clean(filepath.ToSlash(relative))
		artifacts = append(artifacts, a)
		return nil
	})
	return artifacts, err
}

// buffers are those for copying: a folder may have thousands of small files.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// transfer is io.Copy with one of buffers.
func transfer(to io.Writer, from io.Reader) (int64, error) {
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, buffer[:])
}

// copyFile copies a file.
func copyFile(from, to string, want backend.Artifact) error {
	source, err := os.Open(from)
	if err != nil {
		return fault.New(fault.ArtifactsNotAvailable, fmt.Sprintf("the file %q cannot be read", want.Path), fault.Because(err))
	}
	defer func() { _ = source.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fault.New(fault.ExecutionFailed, fmt.Sprintf("cannot make the folder of %q", to), fault.Because(err))
	}
	return store(to, source, want)
}

// store writes content to name, which appears only once it is whole and what it was said to be.
func store(name string, content io.Reader, want backend.Artifact) (err error) {
	failed := func(err error) error {
		return fault.New(fault.ExecutionFailed, fmt.Sprintf("cannot write %q", name), fault.Because(err))
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".atg-*")
	if err != nil {
		return failed(err)
	}
	defer func() {
		_ = file.Close()
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	sum := sha256.New()
	n, err := transfer(io.MultiWriter(file, sum), content)
	if err != nil {
		return failed(err)
	}
	if err := file.Close(); err != nil {
		return failed(err)
	}
	if n != want.Size || hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return fault.New(fault.Integrity, fmt.Sprintf("the file %q is not what it was said to be", want.Path),
			fault.Hint("send it again"), fault.Retryable())
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return failed(err)
	}
	return nil
}

func describe(name string) (backend.Artifact, error) {
	file, err := os.Open(name)
	if err != nil {
		return backend.Artifact{}, err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	n, err := transfer(sum, file)
	return backend.Artifact{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
