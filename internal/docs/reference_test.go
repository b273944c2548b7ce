package docs_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/docs"
)

var update = flag.Bool("update", false, "write docs/reference")

const (
	root      = "../.."
	reference = root + "/docs/reference"
)

// TestTheReferenceIsCurrent compares docs/reference with what the code says; make docs writes it.
func TestTheReferenceIsCurrent(t *testing.T) {
	pages, err := docs.Pages(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.RemoveAll(reference); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	for _, p := range pages {
		file := filepath.Join(reference, filepath.FromSlash(p.Name))
		known[filepath.Clean(file)] = true
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(p.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		there, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v; run: make docs", err)
			continue
		}
		if diff := cmp.Diff(strings.Split(string(there), "\n"), strings.Split(p.Text, "\n")); diff != "" {
			t.Errorf("docs/reference/%s is not what the code says; run: make docs (-there +code)\n%s", p.Name, diff)
		}
	}
	err = filepath.WalkDir(reference, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !known[filepath.Clean(path)] {
			t.Errorf("%s is made of nothing; run: make docs", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestThePagesSayEverything looks for what would be missing without a word: a flag, a key or a code without a sentence.
func TestThePagesSayEverything(t *testing.T) {
	pages, err := docs.Pages(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, p := range pages {
		if strings.HasPrefix(p.Name, "cli") || p.Name == "configuration.md" || p.Name == "faults.md" {
			for line := range strings.SplitSeq(p.Text, "\n") {
				if strings.HasPrefix(line, "| `") {
					rows++
					if strings.HasSuffix(line, "|  |") {
						t.Errorf("docs/reference/%s: nothing is said of %s", p.Name, line)
					}
				}
			}
		}
	}
	if rows < 300 {
		t.Errorf("only %d flags, keys and codes are described", rows)
	}
}
