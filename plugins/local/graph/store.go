package graph

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Store is a folder of snapshots. Any number of processes may use it at once.
type Store struct {
	dir string
}

// OpenStore opens the store in dir. The folder need not exist: the first snapshot makes it,
// for its owner alone. An existing one keeps its mode.
func OpenStore(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if dir == "" || err != nil {
		return nil, fault.New(fault.ConfigInvalid, fmt.Sprintf("%q is no folder for snapshots", dir), fault.Because(err))
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, fault.New(fault.ExecutionFailed, abs+" is a file, not a folder for snapshots", fault.On(abs),
			fault.Hint("choose another folder, or move the file away"))
	}
	return &Store{dir: abs}, nil
}

// Dir is the store's folder, as an absolute path.
func (s *Store) Dir() string { return s.dir }

func (s *Store) file(id string) string    { return filepath.Join(s.dir, id+fileSuffix) }
func (s *Store) sidecar(id string) string { return filepath.Join(s.dir, id+sidecarSuffix) }

// writeFault says why a snapshot could not be written to a folder. A fault stays as it is.
func writeFault(dir string, err error) error {
	if err == nil || fault.As(err) != nil {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Of(err)
	case code(err) == sqlite3.SQLITE_FULL, diskFull(err):
		message := "the disk is full: cannot write a snapshot to " + dir
		if free, ok := freeSpace(dir); ok {
			message += fmt.Sprintf(" (%d MB free)", free>>20)
		}
		return fault.New(fault.ExecutionFailed, message, fault.On(dir), fault.Because(err),
			fault.Hint("free some space there, or choose another folder; "+
				"earlier snapshots are untouched, and `atg snapshot delete` removes those no longer needed"))
	}
	return fault.New(fault.ExecutionFailed, "cannot write a snapshot to "+dir, fault.On(dir), fault.Because(err),
		fault.Hint("make the folder writable for the user who runs atg, or choose another one; earlier snapshots are untouched"))
}
