package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// A file is split into objects, so that a reader can begin anywhere, and these into chunks, which are messages.
// Smaller chunks, each synced, are more than the server takes of a fast writer.
const (
	chunkSize   = 960 << 10
	segmentSize = 4 * chunkSize // 3.75 MiB
)

// fetches is how many segments are fetched at a time: a server drops a connection on which 64 MiB wait.
const fetches = 8

// manifest says what a file consists of. It is written last: a file without one is not there.
type manifest struct {
	Kind     jobs.FileKind `json:"kind"`
	Of       string        `json:"of"`
	Path     string        `json:"path"`
	Size     int64         `json:"size"`
	SHA256   string        `json:"sha256"`
	StoredAt time.Time     `json:"stored_at"`
	Object   string        `json:"object"`   // its objects are named OBJECT/0, OBJECT/1, …
	Segments []string      `json:"segments"` // the NUID of each object, each of segmentSize bytes but the last
}

func (m manifest) artifact() backend.Artifact {
	return backend.Artifact{Path: m.Path, Size: m.Size, SHA256: m.SHA256}
}

func objectName(object string, i int) string { return object + "/" + strconv.Itoa(i) }

// Put is jobs.Files.
func (s *Store) Put(ctx context.Context, name jobs.FileName, content io.Reader, want *backend.Artifact) (_ backend.Artifact, err error) {
	what := fmt.Sprintf("the file %q could not be stored", name.Path)
	if err := s.Room(); err != nil {
		return backend.Artifact{}, err
	}
	m := manifest{Kind: name.Kind, Of: name.Of, Path: name.Path, StoredAt: time.Now().UTC(), Object: nuid.Next()}
	stored := false
	defer func() {
		if !stored {
			s.discard(ctx, m)
		}
	}()
	source := &source{in: bufio.NewReader(content)}
	if err := s.segments(ctx, &m, source); err != nil {
		if source.err != nil {
			return backend.Artifact{}, source.err // the caller's own
		}
		return backend.Artifact{}, s.fault(ctx, err, what)
	}
	if want != nil && (want.SHA256 != m.SHA256 || want.Size >= 0 && want.Size != m.Size) {
		return backend.Artifact{}, fault.New(fault.Integrity, fmt.Sprintf("the content of %q is not what was announced", name.Path),
			fault.On(name.Path), fault.From(fault.OriginService), fault.Hint("it was changed or cut off on its way: send it again"))
	}
	before, err := s.manifest(ctx, fileKey(name))
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		return backend.Artifact{}, s.fault(ctx, err, what)
	}
	data, err := encode(m)
	if err != nil {
		return backend.Artifact{}, s.fault(ctx, err, what)
	}
	if err := s.bulk.persist(ctx, func(ctx context.Context) error {
		_, err := s.manifests.Put(ctx, fileKey(name), data)
		return err
	}); err != nil {
		var refused *jetstream.APIError
		stored = !errors.As(err, &refused) // it may be there, though nobody said so; if it is not, the janitor removes the pieces
		return backend.Artifact{}, s.fault(ctx, err, what)
	}
	stored = true
	s.discard(ctx, before)
	return m.artifact(), nil
}

// segments stores the content as objects.
func (s *Store) segments(ctx context.Context, m *manifest, in *source) error {
	sum := sha256.New()
	in.sum = sum
	for {
		if _, err := in.in.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				m.SHA256 = hex.EncodeToString(sum.Sum(nil))
				return nil
			}
			in.err = err
			return err
		}
		in.left = segmentSize
		// The client waits for ever for a leader that has died over a chunk, unless it is told not to.
		bounded, cancel := context.WithTimeout(ctx, min(patience, 5*s.bulk.try))
		o, err := s.objects.Put(bounded, jetstream.ObjectMeta{
			Name: objectName(m.Object, len(m.Segments)), Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunkSize},
		}, in)
		cancel()
		if err != nil {
			return err
		}
		m.Segments = append(m.Segments, o.NUID)
		m.Size += int64(o.Size) //nolint:gosec // at most segmentSize
	}
}

// source is what is left of a segment of the content, in whole chunks.
type source struct {
	in   *bufio.Reader
	sum  io.Writer
	left int
	err  error // of the content itself
}

func (r *source) Read(p []byte) (int, error) {
	n, err := io.ReadFull(r.in, p[:min(len(p), r.left)])
	r.left -= n
	_, _ = r.sum.Write(p[:n])
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return n, io.EOF
	case err != nil:
		r.err = err
		return n, err
	case r.left == 0:
		return n, io.EOF
	}
	return n, nil
}

// manifest answers a file's manifest; jobs.ErrNotFound.
func (s *Store) manifest(ctx context.Context, key string) (m manifest, err error) {
	got, err := s.bulk.last(ctx, bucketStream(manifestsBucket), bucketSubject(manifestsBucket, key))
	if err != nil {
		return m, err
	}
	if removed(got.header) {
		return m, jobs.ErrNotFound
	}
	return m, decode(got.data, &m)
}

// Stat is jobs.Files.
func (s *Store) Stat(ctx context.Context, name jobs.FileName) (backend.Artifact, error) {
	m, err := s.manifest(ctx, fileKey(name))
	if err != nil {
		return backend.Artifact{}, s.fault(ctx, err, fmt.Sprintf("the file %q could not be looked up", name.Path))
	}
	return m.artifact(), nil
}

// Open is jobs.Files. ctx bounds the reading, too.
func (s *Store) Open(ctx context.Context, name jobs.FileName) (jobs.File, error) {
	m, err := s.manifest(ctx, fileKey(name))
	if err != nil {
		return nil, s.fault(ctx, err, fmt.Sprintf("the file %q could not be opened", name.Path))
	}
	return newFile(ctx, s, m), nil
}

// Delete is jobs.Files.
func (s *Store) Delete(ctx context.Context, name jobs.FileName) error {
	return s.deleteFile(ctx, fileKey(name))
}

// DeleteAll is jobs.Files.
func (s *Store) DeleteAll(ctx context.Context, kind jobs.FileKind, of string) error {
	keys, err := s.fileKeys(ctx, token(string(kind))+"."+token(of)+".*")
	for _, key := range keys {
		if err == nil {
			err = s.deleteFile(ctx, key)
		}
	}
	return s.fault(ctx, err, "the files could not be removed")
}

// fileKeys lists the keys of manifests, and of some that were removed. It asks the leader: a replica that was cut off does not know
// what came last, which would then stay for good.
func (s *Store) fileKeys(ctx context.Context, filter string) (keys []string, err error) {
	subject := bucketSubject(manifestsBucket, "")
	err = s.bulk.persist(ctx, func(ctx context.Context) error {
		stream, err := s.bulk.js.Stream(ctx, bucketStream(manifestsBucket))
		if err != nil {
			return err
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject+filter))
		if err != nil {
			return err
		}
		keys = nil
		for at := range info.State.Subjects {
			keys = append(keys, at[len(subject):])
		}
		return nil
	})
	return keys, err
}

func (s *Store) deleteFile(ctx context.Context, key string) error {
	const what = "the file could not be removed"
	m, err := s.manifest(ctx, key)
	if errors.Is(err, jobs.ErrNotFound) {
		return nil
	}
	if err != nil {
		return s.fault(ctx, err, what)
	}
	bounded, cancel := bound(ctx)
	defer cancel()
	if err := s.manifests.Purge(bounded, key, jetstream.PurgeTTL(marker)); err != nil {
		return s.fault(ctx, err, what)
	}
	s.discard(ctx, m)
	return nil
}

// discard frees what a manifest lists, even if ctx has ended. What it cannot free the janitor finds.
func (s *Store) discard(ctx context.Context, m manifest) {
	ctx = context.WithoutCancel(ctx)
	for i, nuid := range m.Segments {
		for _, subject := range []string{objectSubject(objectName(m.Object, i)), chunkSubject(nuid)} {
			if err := s.bulk.purge(ctx, segmentsStream, subject); err != nil {
				s.log.WarnContext(ctx, "the space of a file was not freed yet", "path", m.Path, "error", err)
				return
			}
		}
	}
}

// Usage is jobs.Files.
func (s *Store) Usage(ctx context.Context) (int64, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	st, err := s.bulk.js.Stream(ctx, segmentsStream)
	if err != nil {
		return 0, s.fault(ctx, err, "the files could not be counted")
	}
	return int64(st.CachedInfo().State.Bytes), nil //nolint:gosec // a size
}

func (s *Store) startFiles(ctx, _ context.Context) (err error) {
	if s.objects, err = s.bulk.js.ObjectStore(ctx, segmentsBucket); err != nil {
		return err
	}
	s.manifests, err = s.bulk.js.KeyValue(ctx, manifestsBucket)
	return err
}
