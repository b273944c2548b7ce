package graph

import (
	"encoding/json"
	"os"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// A sidecar is the description of a snapshot beside its file, as JSON, with what cannot stand in
// the file itself: its size and checksum. It makes List fast and is made anew where it is missing.

// writeSidecar writes a description, synced to disk.
func writeSidecar(path string, snapshot backend.Snapshot) error {
	content, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(content, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// keepSidecar puts a description beside a snapshot that has none, if the store lets it. It only saves
// the next reader some work, so a failure does not matter.
func (s *Store) keepSidecar(id string, snapshot backend.Snapshot) {
	f, err := os.CreateTemp(s.dir, sidecarTemp+"*")
	if err != nil {
		return
	}
	discard(f)
	if writeSidecar(f.Name(), snapshot) != nil || os.Rename(f.Name(), s.sidecar(id)) != nil {
		_ = os.Remove(f.Name())
	}
}

// readSidecar reads the description of the snapshot with that id and size. ok is false where there
// is none that fits.
func readSidecar(path, id string, size int64) (snapshot backend.Snapshot, ok bool) {
	content, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(content, &snapshot) != nil {
		return snapshot, false
	}
	return snapshot, snapshot.ID == id && snapshot.Size == size && len(snapshot.SHA256) == 64
}
