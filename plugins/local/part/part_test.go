package part

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var header = Header{Request: "digest", Key: "sub/resources/3-of-8", Form: FormGraph, Table: "resources", Scopes: []string{"sub"}, Range: 3, Ranges: 8}

func write(t *testing.T, dir string, h Header, f Footer, rows ...[]byte) backend.Part {
	t.Helper()
	w, err := Create(dir, h)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Add(rows...); err != nil {
		t.Fatal(err)
	}
	p, err := w.Finish(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	rows := [][]byte{[]byte(`{"id":"/a"}`), []byte(`{}`), bytes.Repeat([]byte(`{"long":1}`), 300_000)}
	for i := range 5000 {
		rows = append(rows, fmt.Appendf(nil, `{"id":"/row/%d","name":"🙂 '\"\n"}`, i))
	}
	footer := Footer{Listed: map[string]int64{"sub": 5003}, Gaps: []Gap{{Scope: "sub", Kind: "x/y", State: "denied", Count: 2, Reason: fault.New(fault.AzureForbidden, "refused")}}}
	p := write(t, dir, header, footer, rows...)
	if p.Rows != int64(len(rows)) || p.Key != header.Key || p.Path != "parts/sub/resources/3-of-8.part" {
		t.Errorf("the part is %+v", p)
	}
	r, err := Open(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := header
	want.Version = version
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Error(diff)
	}
	var got [][]byte
	back, err := r.Rows(func(raw []byte) error { got = append(got, bytes.Clone(raw)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	footer.Rows = int64(len(rows))
	if diff := cmp.Diff(footer, back); diff != "" {
		t.Error(diff)
	}
	if !slices.EqualFunc(rows, got, bytes.Equal) {
		t.Errorf("%d rows came back as %d others", len(rows), len(got))
	}
}

func TestWhatIsNotAFinishedPartIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, file string, p *backend.Part){
		"a flipped bit": func(t *testing.T, file string, _ *backend.Part) {
			change(t, file, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"cut off": func(t *testing.T, file string, _ *backend.Part) {
			change(t, file, func(b []byte) []byte { return b[:len(b)-3] })
		},
		"another's key": func(_ *testing.T, _ string, p *backend.Part) { p.Key = "sub/resources/4-of-8" },
		"empty":         func(t *testing.T, file string, _ *backend.Part) { change(t, file, func([]byte) []byte { return nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := write(t, dir, header, Footer{}, []byte(`{"id":"/a"}`), []byte(`{"id":"/b"}`))
			spoil(t, filepath.Join(dir, filepath.FromSlash(p.Path)), &p)
			if r, err := Open(dir, p); !errors.Is(err, ErrDamaged) {
				t.Errorf("Open answers %v, %v", r, err)
			}
		})
	}
}

func change(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAPathThatLeadsOutIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, header, Footer{}, []byte(`{}`))
	p.Path = "../" + filepath.Base(dir) + "/" + p.Path
	if _, err := Open(filepath.Join(dir, "parts"), p); err == nil {
		t.Error("a file outside of the work folder was opened")
	}
}

func TestAnAbortedPartLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, header)
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	if files, _ := filepath.Glob(filepath.Join(dir, "parts", "*", "*", "*")); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

func BenchmarkWrite(b *testing.B) {
	row := fmt.Appendf(nil, `{"id":"/subscriptions/1/resourceGroups/rg/providers/Microsoft.Compute/disks/d","properties":{"a":%q}}`, bytes.Repeat([]byte("property "), 300))
	b.SetBytes(int64(len(row)))
	w, err := Create(b.TempDir(), header)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	for b.Loop() {
		if err := w.Add(row); err != nil {
			b.Fatal(err)
		}
	}
}
