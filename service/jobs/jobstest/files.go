package jobstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type stored struct {
	content  []byte
	artifact backend.Artifact
}

// Put is jobs.Files.
func (s *Store) Put(ctx context.Context, name jobs.FileName, content io.Reader, want *backend.Artifact) (backend.Artifact, error) {
	b, err := io.ReadAll(content)
	if err != nil {
		return backend.Artifact{}, err
	}
	sum := sha256.Sum256(b)
	got := backend.Artifact{Path: name.Path, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
	if want != nil && (want.SHA256 != got.SHA256 || (want.Size >= 0 && want.Size != got.Size)) {
		return backend.Artifact{}, fault.New(fault.Integrity, "the content is not what was announced", fault.On(name.Path))
	}
	if err := s.enter(ctx, "Put"); err != nil {
		return backend.Artifact{}, err
	}
	defer s.mu.Unlock()
	s.files[name] = stored{content: b, artifact: got}
	return got, nil
}

// Open is jobs.Files.
func (s *Store) Open(ctx context.Context, name jobs.FileName) (jobs.File, error) {
	if err := s.enter(ctx, "Open"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	f, ok := s.files[name]
	if !ok {
		return nil, jobs.ErrNotFound
	}
	return &file{bytes.NewReader(f.content), f.artifact}, nil
}

// Stat is jobs.Files.
func (s *Store) Stat(ctx context.Context, name jobs.FileName) (backend.Artifact, error) {
	if err := s.enter(ctx, "Stat"); err != nil {
		return backend.Artifact{}, err
	}
	defer s.mu.Unlock()
	f, ok := s.files[name]
	if !ok {
		return backend.Artifact{}, jobs.ErrNotFound
	}
	return f.artifact, nil
}

// Delete is jobs.Files.
func (s *Store) Delete(ctx context.Context, name jobs.FileName) error {
	if err := s.enter(ctx, "Delete"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.files, name)
	return nil
}

// DeleteAll is jobs.Files.
func (s *Store) DeleteAll(ctx context.Context, kind jobs.FileKind, of string) error {
	if err := s.enter(ctx, "DeleteAll"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for name := range s.files {
		if name.Kind == kind && name.Of == of {
			delete(s.files, name)
		}
	}
	return nil
}

// Usage is jobs.Files.
func (s *Store) Usage(ctx context.Context) (int64, error) {
	if err := s.enter(ctx, "Usage"); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	var n int64
	for _, f := range s.files {
		n += f.artifact.Size
	}
	return n, nil
}

type file struct {
	*bytes.Reader
	artifact backend.Artifact
}

func (f *file) Artifact() backend.Artifact { return f.artifact }
func (f *file) Close() error               { return nil }
