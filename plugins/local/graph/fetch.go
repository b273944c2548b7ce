package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Fetch copies a snapshot, named by its id or an unambiguous beginning of it, into dir, which
// exists, and answers the file. It appears there whole, for its owner alone, once its checksum has
// proved right; fault.Integrity if it has not. progress may be nil; it counts bytes.
func (s *Store) Fetch(ctx context.Context, id, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	id, err := s.resolve(id)
	if err != nil {
		return backend.Artifact{}, err
	}
	snapshot, err := s.load(ctx, id)
	var from *os.File
	if err == nil {
		from, err = os.Open(s.file(id))
		err = readFault(s.file(id), err)
	}
	if errors.Is(err, fs.ErrNotExist) { // deleted a moment ago
		return backend.Artifact{}, notFound(id, nil)
	}
	if err != nil {
		return backend.Artifact{}, err
	}
	defer discard(from)
	artifact := backend.Artifact{Path: id + fileSuffix, Size: snapshot.Size, SHA256: snapshot.SHA256}

	to, err := os.CreateTemp(dir, ".atg-*")
	if err != nil {
		return backend.Artifact{}, writeFault(dir, err)
	}
	defer func() { _ = os.Remove(to.Name()) }() // gone by then if all went well
	defer discard(to)
	sum, err := copyFile(ctx, to, from, snapshot.Size, progress)
	switch {
	case err != nil:
		return backend.Artifact{}, writeFault(dir, err)
	case sum != snapshot.SHA256:
		return backend.Artifact{}, damaged(s.file(id))
	}
	if err := errors.Join(to.Sync(), to.Close()); err != nil {
		return backend.Artifact{}, writeFault(dir, err)
	}
	if err := os.Rename(to.Name(), filepath.Join(dir, artifact.Path)); err != nil {
		return backend.Artifact{}, writeFault(dir, err)
	}
	return artifact, writeFault(dir, syncDir(dir))
}

// copyFile copies a file of the given size and answers the SHA-256 of what it copied.
func copyFile(ctx context.Context, to io.Writer, from *os.File, size int64, progress func(backend.Progress)) (string, error) {
	hash := sha256.New()
	buffer := make([]byte, copyBuffer)
	for done := int64(0); ; {
		n, err := (reader{ctx, from}).Read(buffer)
		hash.Write(buffer[:n])
		if _, err := to.Write(buffer[:n]); err != nil {
			return "", err
		}
		done += int64(n)
		if progress != nil && n > 0 {
			progress(backend.Progress{Phase: "copying", Done: done, Total: size, Unit: "bytes"})
		}
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", readFault(from.Name(), err)
		}
	}
}

// Delete removes a snapshot, named by its id or an unambiguous beginning of it, also one that cannot
// be read; fault.SnapshotNotFound.
func (s *Store) Delete(_ context.Context, id string) error {
	id, err := s.resolve(id)
	if err != nil {
		return err
	}
	unlock, err := s.lock()
	if err == nil {
		defer unlock()
		err = os.Remove(s.file(id))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // deleted a moment ago
		return notFound(id, nil)
	case err != nil:
		return fault.New(fault.ExecutionFailed, "cannot delete "+s.file(id), fault.On(s.file(id)), fault.Because(err),
			fault.Hint("the folder must be writable for the user who runs atg, and no program may have the file open"))
	}
	_ = os.Remove(s.sidecar(id)) // one that stays is of no snapshot: the next writer removes it
	return nil
}
