package graph

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// rewrite changes the bytes of a file.
func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil { // it is read-only
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenFilesSayWhyAndHideNothing(t *testing.T) {
	cases := map[string]struct {
		change func([]byte) []byte
		code   fault.Code
		says   string
		bare   bool // without its sidecar
	}{
		"empty":           {change: func([]byte) []byte { return nil }, code: fault.Integrity, says: "cut off"},
		"cut off":         {change: func(b []byte) []byte { return b[:len(b)-5000] }, code: fault.Integrity, says: "cut off"},
		"added to":        {change: func(b []byte) []byte { return append(b, 1) }, code: fault.Integrity, says: "added to"},
		"grown":           {change: grow, code: fault.Integrity, says: "was changed: it has"},
		"foreign":         {change: func([]byte) []byte { return []byte(strings.Repeat("not a database ", 20)) }, code: fault.Integrity, says: "no snapshot"},
		"other database":  {change: func(b []byte) []byte { clear(b[68:72]); return b }, code: fault.Integrity, says: "no snapshot"},
		"newer":           {change: version(7), code: fault.Unsupported, says: "newer atg: its format is 7, and this atg reads up to 3"},
		"no version":      {change: version(0), code: fault.Integrity, says: "unknown format 0"},
		"damaged inside":  {change: func(b []byte) []byte { clear(b[100:8000]); return b }, code: fault.Integrity, says: "damaged", bare: true},
		"damaged further": {change: func(b []byte) []byte { clear(b[16384:]); return b }, code: fault.Integrity, says: "damaged", bare: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			good := write(t, s, Meta{CreatedAt: began})
			bad := write(t, s, Meta{CreatedAt: began.Add(time.Hour)})
			rewrite(t, s.file(bad.ID), c.change)
			if c.bare {
				if err := os.Remove(s.sidecar(bad.ID)); err != nil {
					t.Fatal(err)
				}
			}
			page, err := s.List(t.Context(), backend.SnapshotFilter{})
			if err != nil || len(page.Snapshots) != 1 || page.Snapshots[0].ID != good.ID {
				t.Errorf("List = %+v, %v", page, err)
			}
			if len(page.Broken) != 1 || page.Broken[0].ID != bad.ID || !strings.Contains(page.Broken[0].Reason, c.says) {
				t.Errorf("broken are %+v", page.Broken)
			}
			_, err = s.Get(t.Context(), bad.ID)
			if f := fault.As(err); f == nil || f.Code != c.code || !strings.Contains(f.Error(), c.says) || f.Hint == "" {
				t.Errorf("Get: %v", err)
			}
			if _, err := s.Fetch(t.Context(), bad.ID, t.TempDir(), nil); fault.CodeOf(err) != c.code {
				t.Errorf("Fetch: %v", err)
			}
			if latest, err := s.Latest(t.Context(), tenant); err != nil || latest.ID != good.ID {
				t.Errorf("Latest = %s, %v", latest.ID, err)
			}
			if err := s.Delete(t.Context(), bad.ID); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
	}
}

// grow adds a page as SQLite would.
func grow(b []byte) []byte {
	page := int(binary.BigEndian.Uint16(b[16:]))
	binary.BigEndian.PutUint32(b[28:], uint32(len(b)/page+1))
	return append(b, make([]byte, page)...)
}

func version(n uint32) func([]byte) []byte {
	return func(b []byte) []byte { binary.BigEndian.PutUint32(b[60:], n); return b }
}

func TestNamesThatAreNoIds(t *testing.T) {
	s := newStore(t)
	good := write(t, s, Meta{})
	content, err := os.ReadFile(s.file(good.ID))
	if err != nil {
		t.Fatal(err)
	}
	renamed := NewID(began)
	for _, id := range []string{"copy", renamed} {
		if err := os.WriteFile(s.file(id), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := NewID(began)
	if err := os.Mkdir(s.file(folder), 0o700); err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), backend.SnapshotFilter{})
	if err != nil || len(page.Snapshots) != 1 {
		t.Fatalf("List = %+v, %v", page, err)
	}
	reasons := map[string]string{}
	for _, b := range page.Broken {
		reasons[b.ID] = strings.TrimPrefix(b.Reason, s.file(b.ID)+" ")
	}
	want := map[string]string{
		"copy": "is not named as a snapshot", renamed: "holds the snapshot " + good.ID, folder: "is not a regular file",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Error(diff)
	}
}

func TestSidecarIsMadeAnew(t *testing.T) {
	cases := map[string]func(t *testing.T, path string){
		"missing": func(t *testing.T, path string) { _ = os.Remove(path) },
		"garbage": func(t *testing.T, path string) { rewrite(t, path, func([]byte) []byte { return []byte("{") }) },
		"of another file": func(t *testing.T, path string) {
			rewrite(t, path, func(b []byte) []byte { return []byte(strings.Replace(string(b), `"id": "`, `"id": "x`, 1)) })
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			want := write(t, s, Meta{TenantName: "Contoso", CreatedAt: began}, synthetic(3)...)
			before, err := os.ReadFile(s.sidecar(want.ID))
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, s.sidecar(want.ID))
			page, err := s.List(t.Context(), backend.SnapshotFilter{})
			if diff := cmp.Diff([]backend.Snapshot{want}, page.Snapshots); diff != "" || err != nil {
				t.Error(diff, err)
			}
			after, err := os.ReadFile(s.sidecar(want.ID))
			if diff := cmp.Diff(string(before), string(after)); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if diff := cmp.Diff([]string{storeLock, want.ID + ".db", want.ID + ".json"}, names(t, s.dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
