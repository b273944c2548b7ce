package queue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzEntry: whatever lies in the queue as an entry, it is one or a problem; its inputs are files of the queue, and to remove it
// removes nothing outside.
func FuzzEntry(f *testing.F) {
	for _, content := range []string{
		`{"id":"e","operation":"scan","request":{"tenant_id":"t"},"idempotency_key":"k","inputs":[{"path":"spec.md","sha256":"` + strings.Repeat("0a", 32) + `"}]}`,
		`{"id":"e","operation":"create-tenant","request":{},"idempotency_key":"k","inputs":[{"sha256":"../../mine"},{"sha256":".."},{"sha256":""}],"output_dir":"/etc","refused":{"code":"x"}}`,
		`{"id":"../mine","operation":"scan","idempotency_key":"k"}`, `{"id":"e","operation":"x","request":7,"idempotency_key":"k","sent_at":"never"}`, `null`, `{`, "\xff",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		above := t.TempDir()
		dir := filepath.Join(above, "queue")
		if err := os.MkdirAll(filepath.Join(dir, "inputs"), 0o700); err != nil {
			t.Fatal(err)
		}
		mine := filepath.Join(above, "mine")
		for name, content := range map[string][]byte{filepath.Join(dir, "e.json"): content, mine: []byte("mine"), filepath.Join(above, "mine.json"): []byte("{}")} {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := New(dir)
		entries, problems, err := s.List()
		if err != nil || len(entries)+len(problems) != 1 {
			t.Fatalf("List = %+v, %+v, %v", entries, problems, err)
		}
		for _, e := range entries {
			if request, err := e.Decode(); err == nil && request.Operation() != e.Operation {
				t.Errorf("%s became %s", e.Operation, request.Operation())
			} else if err != nil && fault.As(err) == nil {
				t.Error(err)
			}
			for _, in := range e.Inputs {
				file := s.InputFile(in)
				if rel, err := filepath.Rel(dir, file); err != nil || !filepath.IsLocal(rel) || !strings.HasPrefix(rel, "inputs"+string(filepath.Separator)) {
					t.Errorf("the input %q is %s", in.SHA256, file)
				}
			}
			if err := s.Remove(e); err != nil && fault.As(err) == nil {
				t.Error(err)
			}
		}
		for _, name := range []string{mine, filepath.Join(above, "mine.json")} {
			if _, err := os.Stat(name); err != nil {
				t.Error(err)
			}
		}
	})
}
