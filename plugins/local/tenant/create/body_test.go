package create

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBody(t *testing.T) {
	dir := t.TempDir()
	b, err := newBody(dir, "westeurope", map[string]string{"job": "j"}, map[string]any{"password": map[string]string{"value": "hunter2"}},
		[][]byte{[]byte(`{"resources":`), []byte(`["x"]`), []byte("}\n")})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"location":"westeurope","tags":{"job":"j"},"properties":{"mode":"Incremental","parameters":{"password":{"value":"hunter2"}},"template":{"resources":["x"]}` + "\n}}"
	if err := iotest.TestReader(b, []byte(want)); err != nil {
		t.Error(err)
	}
	if !json.Valid([]byte(want)) {
		t.Error("it is no JSON")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: %v", files, err)
	}
	kept, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(kept), "hunter2") || len(kept) == 0 {
		t.Errorf("the file has %q: %v", kept, err)
	}
	b.close()
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 0 {
		t.Errorf("%v stands", files)
	}
	if _, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size())); err == nil {
		t.Error("what is closed can be read")
	}
}

func TestABodyNeedsItsFolder(t *testing.T) {
	if _, err := newBody(filepath.Join(t.TempDir(), "none"), "", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Error(err)
	}
}
