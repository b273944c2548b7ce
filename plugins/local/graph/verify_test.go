package graph

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// touch sets the time of a file's last change, so that a test need not wait until the clock of the file
// system has moved on.
func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.Chtimes(path, began, began); err != nil {
		t.Fatal(err)
	}
}

// flip changes one bit of what is last in a file: free space or text that SQLite does not check.
func flip(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{last[0] ^ 1}, info.Size()-1); err != nil {
		t.Fatal(err)
	}
}

// redescribe rewrites the description beside a snapshot.
func redescribe(t *testing.T, s *Store, id string, change func(*description)) {
	t.Helper()
	d, ok := readSidecar(s.sidecar(id), id)
	if !ok {
		t.Fatal("there is no description")
	}
	change(&d)
	if err := writeSidecar(s.sidecar(id), d); err != nil {
		t.Fatal(err)
	}
}

// A file that is not the one that was found right is read whole, once.
func TestChangedFilesAreVerifiedOnce(t *testing.T) {
	copied := func(t *testing.T, s *Store, id string) {
		rewrite(t, s.file(id), func(b []byte) []byte { return b })
		touch(t, s.file(id))
	}
	cases := map[string]struct {
		change func(*testing.T, *Store, string)
		reads  bool // the whole file
		damage bool
	}{
		"as the scan left it": {change: func(*testing.T, *Store, string) {}},
		"touched":             {change: func(t *testing.T, s *Store, id string) { touch(t, s.file(id)) }, reads: true},
		"copied":              {change: copied, reads: true},
		"no identity known": {change: func(t *testing.T, s *Store, id string) {
			redescribe(t, s, id, func(d *description) { d.Verified = nil })
		}, reads: true},
		"flipped bit": {change: func(t *testing.T, s *Store, id string) {
			flip(t, s.file(id))
			touch(t, s.file(id))
		}, reads: true, damage: true},
		"copy with a flipped bit": {change: func(t *testing.T, s *Store, id string) {
			copied(t, s, id)
			flip(t, s.file(id))
			touch(t, s.file(id))
		}, reads: true, damage: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			want := write(t, s, Meta{}, synthetic(10)...)
			c.change(t, s, want.ID)
			// Whether the file is read shows in a description with a wrong checksum.
			var checksum string
			redescribe(t, s, want.ID, func(d *description) {
				checksum = d.SHA256
				d.SHA256 = strings.Repeat("0", len(checksum))
			})
			if _, err := s.Get(t.Context(), want.ID); (err != nil) != c.reads {
				t.Errorf("Get with a wrong checksum: %v", err)
			}
			redescribe(t, s, want.ID, func(d *description) { d.SHA256 = checksum })

			_, err := s.Get(t.Context(), want.ID)
			_, digestErr := s.Digest(t.Context(), want.ID)
			dir := t.TempDir()
			_, fetchErr := s.Fetch(t.Context(), want.ID, dir, nil)
			if c.damage {
				for what, err := range map[string]error{"Get": err, "Digest": digestErr, "Fetch": fetchErr} {
					f := fault.As(err)
					if f == nil || f.Code != fault.Integrity || f.Resource != s.file(want.ID) || f.Hint == "" ||
						!strings.Contains(f.Message, "checksum") || !strings.Contains(f.Message, s.file(want.ID)) {
						t.Errorf("%s: %v", what, err)
					}
				}
				if left := names(t, dir); len(left) != 0 {
					t.Errorf("Fetch leaves %v", left)
				}
				return
			}
			if err != nil || digestErr != nil || fetchErr != nil {
				t.Fatalf("Get: %v, Digest: %v, Fetch: %v", err, digestErr, fetchErr)
			}
			// It is not read again.
			redescribe(t, s, want.ID, func(d *description) { d.SHA256 = strings.Repeat("0", len(checksum)) })
			if _, err := s.Get(t.Context(), want.ID); err != nil {
				t.Errorf("Get again: %v", err)
			}
		})
	}
}

// A store that was copied as a whole, and one whose descriptions are of an earlier atg, open.
func TestCopiedAndEarlierStores(t *testing.T) {
	s := newStore(t)
	want := write(t, s, Meta{}, synthetic(10)...)
	earlier, err := json.Marshal(want) // a description was no more than the snapshot
	if err != nil {
		t.Fatal(err)
	}
	for name, side := range map[string][]byte{"copied": nil, "earlier": earlier} {
		t.Run(name, func(t *testing.T) {
			other := newStore(t)
			if err := os.CopyFS(other.dir, os.DirFS(s.dir)); err != nil {
				t.Fatal(err)
			}
			if side != nil {
				if err := os.WriteFile(other.sidecar(want.ID), side, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			page, err := other.List(t.Context(), backend.SnapshotFilter{})
			if diff := cmp.Diff([]backend.Snapshot{want}, page.Snapshots); diff != "" || err != nil {
				t.Error(diff, err)
			}
			detail, err := other.Get(t.Context(), want.ID)
			if diff := cmp.Diff(want, detail.Snapshot); diff != "" || err != nil {
				t.Error(diff, err)
			}
			d, ok := readSidecar(other.sidecar(want.ID), want.ID)
			if now, err := identify(other.file(want.ID)); !ok || err != nil || d.Verified == nil || !d.Verified.is(now) {
				t.Errorf("it is not remembered that the file is right: %+v, %v", d, err)
			}
		})
	}
}

// A damaged file of which nothing is known is not described as if it were whole.
func TestDamageWithoutDescription(t *testing.T) {
	s := newStore(t)
	snapshot := write(t, s, Meta{}, synthetic(100)...)
	pages := query(t, s, snapshot.ID, "SELECT rootpage FROM sqlite_schema WHERE name = 'resources_type'")
	if len(pages) != 1 {
		t.Fatal(pages)
	}
	var root int
	if err := json.Unmarshal([]byte(pages[0][0]), &root); err != nil {
		t.Fatal(err)
	}
	rewrite(t, s.file(snapshot.ID), func(b []byte) []byte { // the index has no cells
		clear(b[(root-1)*pageSize+3 : (root-1)*pageSize+5])
		return b
	})
	if err := os.Remove(s.sidecar(snapshot.ID)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), snapshot.ID)
	if f := fault.As(err); f == nil || f.Code != fault.Integrity || !strings.Contains(f.Error(), "damaged") {
		t.Errorf("Get: %v", err)
	}
	if diff := cmp.Diff([]string{storeLock, filepath.Base(s.file(snapshot.ID))}, names(t, s.dir)); diff != "" {
		t.Error(diff)
	}
}

// A description that is gone is found again in the file, and the file's time may be any.
func TestOldFilesAreFound(t *testing.T) {
	s := newStore(t)
	want := write(t, s, Meta{}, synthetic(3)...)
	if err := os.Remove(s.sidecar(want.ID)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(s.file(want.ID), time.Time{}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	detail, err := s.Get(t.Context(), want.ID)
	if diff := cmp.Diff(want, detail.Snapshot); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
