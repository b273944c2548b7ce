package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// unwritable is the message of a fault of the user's folder.
const unwritable = "the output folder cannot be written"

// delivery is how files come into a folder.
type delivery struct {
	what   string                    // they are of; the same files come under the same name
	admit  func(root *os.Root) error // says whether they may, before they are fetched and again before they are moved
	fetch  func(staging string) ([]backend.Artifact, error)
	place  func(backend.Artifact) string                           // relative to the folder, with slashes
	moving func(root *os.Root, artifacts []backend.Artifact) error // is told of what is about to take its place
	// moved is told of the artifacts that took their place; whole says that these are all.
	moved func(root *os.Root, artifacts []backend.Artifact, whole bool) error
}

// receive lets d fetch files into a folder inside dir, verifies what it says it wrote, and moves each to
// its place. It answers their absolute paths.
func (s *Session) receive(ctx context.Context, dir string, d delivery) ([]string, error) {
	fail := func(err error) error {
		return fault.New(fault.ExecutionFailed, unwritable, fault.Because(err), fault.On(dir), fault.From(fault.OriginHost),
			fault.Hint("make it writable for yourself, or choose another folder"))
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fail(err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fail(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fail(err)
	}
	defer func() { _ = root.Close() }()
	if err := d.admit(root); err != nil {
		return nil, err
	}
	staging, done, err := s.stage(ctx, dir, d.what)
	if ctx.Err() != nil && err != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fail(err)
	}
	kept := false
	defer func() { done(kept) }()

	artifacts, err := d.fetch(staging)
	if err != nil {
		kept = fault.CodeOf(err) != fault.Integrity
		return nil, err
	}
	if err := checkNames(artifacts); err != nil {
		return nil, err
	}
	for _, a := range artifacts {
		if err := s.verify(staging, a); err != nil {
			return nil, err
		}
	}
	if err := d.admit(root); err != nil {
		kept = true
		return nil, err
	}
	if err := d.moving(root, artifacts); err != nil {
		return nil, fail(err)
	}
	written := make([]string, 0, len(artifacts))
	for _, a := range artifacts {
		to := filepath.FromSlash(d.place(a))
		if parent := filepath.Dir(to); parent != "." {
			err = root.MkdirAll(parent, 0o750)
		}
		from := filepath.Join(filepath.Base(staging), filepath.FromSlash(a.Path))
		if err == nil && a.Executable() {
			_ = root.Chmod(from, 0o700) // where files have no modes, none is missing
		}
		if err == nil {
			err = root.Rename(from, to)
		}
		if err != nil {
			break
		}
		written = append(written, filepath.Join(dir, to))
	}
	if err := errors.Join(err, d.moved(root, artifacts[:len(written)], err == nil)); err != nil {
		return nil, fail(err)
	}
	return written, nil
}

// stage makes the folder inside dir in which files arrive. That of a durable job or of a snapshot has a name by
// which a later download finds what an earlier one has left there, and goes on with it; others wait
// meanwhile. Done ends its use and removes it, unless what it holds is kept for later.
func (s *Session) stage(ctx context.Context, dir, what string) (staging string, done func(kept bool), err error) {
	if !s.durable() {
		staging, err = os.MkdirTemp(dir, stagingPrefix)
		return staging, func(bool) { _ = os.RemoveAll(staging) }, err
	}
	sum := sha256.Sum256([]byte(s.Name + "\n" + what))
	staging = filepath.Join(dir, stagingPrefix+hex.EncodeToString(sum[:6]))
	lock, err := s.claim(ctx, staging+".lock")
	if err != nil {
		return "", nil, err
	}
	done = func(kept bool) {
		if kept {
			_ = os.Remove(staging) // if nothing has come yet
		} else {
			_ = os.RemoveAll(staging)
		}
		_ = os.Remove(lock.Name()) // while it is held: see claim
		_ = lock.Close()
		if runtime.GOOS == "windows" { // where what is open cannot be removed, neither before nor by mistake
			_ = os.Remove(lock.Name())
		}
	}
	err = os.Mkdir(staging, 0o700)
	if info, found := os.Lstat(staging); errors.Is(err, fs.ErrExist) && found == nil && info.IsDir() {
		err = nil
	}
	if err != nil {
		done(true)
		return "", nil, err
	}
	return staging, done, nil
}

// claim locks a file that is there only as long as somebody has locked it. The end of ctx ends the wait.
func (s *Session) claim(ctx context.Context, name string) (*lockedfile.File, error) {
	type answer struct {
		file *lockedfile.File
		err  error
	}
	for {
		answered, left := make(chan answer), make(chan struct{})
		go func() { // a lock cannot be given up, but be given back
			file, err := lockedfile.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
			select {
			case answered <- answer{file, err}:
			case <-left:
				if err == nil {
					_ = file.Close()
				}
			}
		}()
		var a answer
		select {
		case a = <-answered:
		case <-ctx.Done():
			close(left)
			return nil, context.Cause(ctx)
		}
		if a.err != nil {
			return nil, a.err
		}
		ours, err := a.file.Stat()
		theirs, gone := os.Lstat(name)
		if err == nil && gone == nil && os.SameFile(ours, theirs) {
			return a.file, nil
		}
		_ = a.file.Close() // whoever had it has removed it: it is nobody's by now
	}
}
