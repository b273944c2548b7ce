package graph

import (
	"encoding/json"
	"os"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// description is what stands beside a snapshot's file, as JSON: what the snapshot says about itself,
// with what cannot stand in the file, its size and checksum, and whether these were found right. It
// makes List and Get fast, and is made anew where it is missing.
type description struct {
	backend.Snapshot
	// Verified is the identity that the file had when it was sealed, or when its checksum last proved
	// right; nil if neither is known.
	Verified *identity `json:"verified,omitempty"`
	Exposure *exposure `json:"exposure,omitempty"`
}

// exposure is what was counted of a snapshot after its scan, and by what: another version may count otherwise.
type exposure struct {
	By     string          `json:"by"`
	Counts []backend.Count `json:"counts"`
}

// Exposure answers what KeepExposure has kept of a snapshot.
func (s *Store) Exposure(id, by string) (counts []backend.Count, ok bool) {
	d, ok := readSidecar(s.sidecar(id), id)
	if !ok || d.Exposure == nil || d.Exposure.By != by {
		return nil, false
	}
	return d.Exposure.Counts, true
}

// KeepExposure keeps what was counted of a snapshot beside it. by says what counted it.
func (s *Store) KeepExposure(id, by string, counts []backend.Count) {
	if d, ok := readSidecar(s.sidecar(id), id); ok {
		d.Exposure = &exposure{By: by, Counts: counts}
		s.keepSidecar(d)
	}
}

// identity tells a file from itself after a change. Its size stands in the description. What a system
// does not know is zero.
type identity struct {
	Modified time.Time `json:"modified"`
	Changed  time.Time `json:"changed,omitzero"` // of its inode, which nobody can set back; on Windows, when it was made
	Inode    uint64    `json:"inode,omitempty"`
}

// is says that two identities are of one unchanged file.
func (i identity) is(other identity) bool {
	return i.Inode == other.Inode && i.Modified.Equal(other.Modified) && i.Changed.Equal(other.Changed)
}

// writeSidecar writes a description, synced to disk.
func writeSidecar(path string, d description) error {
	content, err := json.MarshalIndent(d, "", "  ")
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

// keepSidecar puts a description beside a snapshot, if the store lets it. It only saves the next
// reader some work, so a failure does not matter.
func (s *Store) keepSidecar(d description) {
	f, err := os.CreateTemp(s.dir, sidecarTemp+"*")
	if err != nil {
		return
	}
	discard(f)
	if writeSidecar(f.Name(), d) != nil || os.Rename(f.Name(), s.sidecar(d.ID)) != nil {
		_ = os.Remove(f.Name())
	}
}

// readSidecar reads the description of the snapshot with that id. ok is false where there is none.
func readSidecar(path, id string) (d description, ok bool) {
	content, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(content, &d) != nil {
		return d, false
	}
	return d, d.ID == id && len(d.SHA256) == 64
}
