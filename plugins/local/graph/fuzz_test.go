package graph

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzOpenFile: whatever is wrong with the file of a snapshot that somebody has sent, reading it ends, in a fault or with rows, and
// neither crashes nor writes. What is fuzzed is a good snapshot that is changed at a place, cut or added to: bytes at random would
// not get past its header.
func FuzzOpenFile(f *testing.F) {
	f.Add(uint32(0), []byte(nil), int32(0))
	f.Add(uint32(16), []byte{0, 1}, int32(0))                            // pages of 65,536 bytes
	f.Add(uint32(28), []byte{255, 255, 255, 255}, int32(0))              // as many as there can be
	f.Add(uint32(60), []byte{0, 0, 0, 9}, int32(0))                      // of a later format
	f.Add(uint32(100), []byte{13, 0, 0, 255, 255}, int32(0))             // the schema's page
	f.Add(uint32(16384), []byte{5, 0, 0, 0, 9, 0, 0, 0, 1, 2}, int32(0)) // a table that is its own child
	f.Add(uint32(40000), []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), int32(0))
	f.Add(uint32(0), []byte("SQLite format 4\x00"), int32(0))
	f.Add(uint32(0), []byte(nil), int32(-1))
	f.Add(uint32(0), []byte(nil), int32(1))
	s := newStore(f)
	good := write(f, s, Meta{TenantName: "Contoso", CreatedAt: began}, synthetic(20)...)
	content, err := os.ReadFile(s.file(good.ID))
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, at uint32, change []byte, size int32) {
		changed := append([]byte(nil), content...)
		if len(change) > 64 {
			return
		}
		copy(changed[int(at)%len(changed):], change)
		switch {
		case size < 0:
			changed = changed[:max(0, len(changed)+int(size))]
		case size > 0:
			changed = append(changed, make([]byte, size&0xffff)...)
		}
		path := filepath.Join(dir, "x.db")
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := readAll(ctx, path); err != nil {
			if f := fault.As(err); f == nil || f.Code != fault.Integrity && f.Code != fault.Unsupported && f.Code != fault.ExecutionFailed {
				t.Errorf("%v", err)
			}
		}
		if ctx.Err() != nil {
			t.Error("it took 10 seconds")
		}
		after, err := os.ReadFile(path)
		if err != nil || string(after) != string(changed) {
			t.Errorf("the file was changed, or is gone: %v", err)
		}
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(left) != 1 {
			t.Errorf("%v is left", left)
		}
	})
}

// readAll reads everything that there is in a snapshot.
func readAll(ctx context.Context, path string) error {
	r, err := OpenFile(ctx, path)
	if err != nil {
		return err
	}
	defer r.Close()
	_, version, err := checkFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var all []error
	all = append(all,
		r.Heads(ctx, func(Head) error { return nil }), r.Nameless(ctx, func(Head) error { return nil }),
		r.Entries(ctx, func(*Entry) error { return nil }), r.NamelessEntries(ctx, func(*Entry) error { return nil }),
	)
	if version >= firstWithIdentities && r.HasGraph() {
		_, labels := r.EdgeLabels(ctx)
		all = append(all, labels,
			r.Nodes(ctx, func(Node) error { return nil }), r.NodeTypes(ctx, func(int64, NodeKind, string) error { return nil }),
			r.Links(ctx, func(int64, int64, int64) error { return nil }), r.Identities(ctx, func(Identity) error { return nil }),
		)
	}
	_, err = rows(ctx, r)
	return errors.Join(append(all, err)...)
}

// rows reads each row whole.
func rows(ctx context.Context, r *Reader) (n int, err error) {
	l, err := r.Lookup(ctx)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	for _, table := range Tables() {
		for row := range int64(30) {
			if _, err := l.Row(ctx, Place{table, row}); err == nil {
				n++
			}
		}
	}
	return n, nil
}

// FuzzSidecar: whatever stands beside a snapshot, a list has the snapshot as its file says, or says that it is broken.
func FuzzSidecar(f *testing.F) {
	s := newStore(f)
	good := write(f, s, Meta{TenantName: "Contoso", CreatedAt: began})
	content, err := os.ReadFile(s.sidecar(good.ID))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	for _, text := range []string{`{}`, `null`, `{"id":"` + good.ID + `","sha256":"` + good.SHA256 + `","size":-1}`, `{"id":"` + good.ID + `","created_at":"0000-00-00"}`, "{"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := s.sidecar(good.ID)
		_ = os.Remove(path)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		page, err := s.List(t.Context(), backend.SnapshotFilter{})
		if err != nil || len(page.Snapshots)+len(page.Broken) != 1 {
			t.Fatalf("List = %+v, %v", page, err)
		}
		if len(page.Snapshots) == 1 && page.Snapshots[0].ID != good.ID {
			t.Errorf("the snapshot is called %q", page.Snapshots[0].ID)
		}
		if r, err := s.Open(t.Context(), good.ID); err == nil {
			r.Close()
		} else if fault.CodeOf(err) != fault.Integrity {
			t.Error(err)
		}
	})
}
