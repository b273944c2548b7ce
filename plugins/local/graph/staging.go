package graph

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Names in a store. Everything of an unfinished snapshot lies in one folder, whose lock file its
// writer keeps locked; the folder of a dead writer can be told by its free lock.
const (
	fileSuffix    = ".db"          // a snapshot: its id before it
	sidecarSuffix = ".json"        // what List says about it
	sidecarTemp   = ".describing-" // a sidecar that is being made anew
	stagingPrefix = ".writing-"    // the folder of an unfinished one: its id behind it
	storeLock     = ".lock"        // held for moments, by whoever adds or removes names
	stagingLock   = "lock"
	stagingFile   = "snapshot.db"
	stagingSide   = "snapshot.json"
)

// staging is the folder of one unfinished snapshot.
type staging struct {
	store *Store
	id    string
	dir   string
	lock  *os.File // nil once closed
}

// stage makes the folder of a new snapshot, after removing what dead writers left behind.
func (s *Store) stage(id string) (*staging, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, writeFault(s.dir, err)
	}
	unlock, err := s.lock()
	if err != nil {
		return nil, writeFault(s.dir, err)
	}
	defer unlock()
	s.sweep()

	g := &staging{store: s, id: id, dir: filepath.Join(s.dir, stagingPrefix+id)}
	_, err = os.Lstat(s.file(id))
	if err == nil {
		err = fs.ErrExist
	} else if errors.Is(err, fs.ErrNotExist) {
		err = os.Mkdir(g.dir, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.New(fault.Conflict, "the snapshot "+id+" exists or is being written", fault.On(id))
	}
	if err == nil {
		g.lock, err = os.OpenFile(filepath.Join(g.dir, stagingLock), os.O_CREATE|os.O_RDWR, 0o600)
	}
	if err == nil {
		_, err = lock(g.lock, true)
	}
	if err != nil {
		g.remove()
		return nil, writeFault(s.dir, err)
	}
	return g, nil
}

// publish moves the finished files into the store. The snapshot itself comes last, so that one
// that is there is whole; only then does its file have the identity by which it is known again.
func (g *staging) publish(snapshot backend.Snapshot) error {
	unlock, err := g.store.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Rename(filepath.Join(g.dir, stagingSide), g.store.sidecar(g.id)); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(g.dir, stagingFile), g.store.file(g.id)); err != nil {
		return err
	}
	if sealed, err := identify(g.store.file(g.id)); err == nil {
		g.store.keepSidecar(description{Snapshot: snapshot, Verified: &sealed})
	}
	g.remove()
	return syncDir(g.store.dir)
}

// remove deletes the folder with all that is in it.
func (g *staging) remove() {
	if g.lock != nil {
		discard(g.lock) // first: Windows deletes no open file
		g.lock = nil
	}
	_ = os.RemoveAll(g.dir)
}

// sweep removes what dead writers left: unlocked folders, and descriptions whose snapshot never
// came. The caller holds the store's lock, so nobody is between making a folder and locking it.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, stagingPrefix) && e.IsDir():
			g := staging{dir: filepath.Join(s.dir, name)}
			f, err := os.OpenFile(filepath.Join(g.dir, stagingLock), os.O_RDWR, 0)
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) { // died before it had a lock
					g.remove()
				}
				continue
			}
			g.lock = f
			if free, err := lock(f, false); err != nil || !free {
				discard(f)
				continue
			}
			g.remove()
		case strings.HasPrefix(name, sidecarTemp):
			_ = os.Remove(filepath.Join(s.dir, name))
		case idForm().MatchString(strings.TrimSuffix(name, sidecarSuffix)) && strings.HasSuffix(name, sidecarSuffix):
			id := strings.TrimSuffix(name, sidecarSuffix)
			if _, err := os.Lstat(s.file(id)); errors.Is(err, fs.ErrNotExist) {
				_ = os.Remove(s.sidecar(id))
			}
		}
	}
}

// lock takes the store's lock until unlock.
func (s *Store) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, storeLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := lock(f, true); err != nil {
		discard(f)
		return nil, err
	}
	return func() { discard(f) }, nil
}
