package checkpoint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzKept: whatever a crash or somebody else has left where an unfinished scan is kept, it is listed or passed over, each part once and
// within the scan's folder, what is resumed goes on behind whole lines, and nothing outside of the folder is touched.
func FuzzKept(f *testing.F) {
	const record = `{"run":"20260101T000000Z-00000000","jobs":["j"],"backend":"local","request":{"tenant_id":"t"},"started_at":"2026-01-01T00:00:00Z","updated_at":"2126-01-01T00:00:00Z"}`
	const part = `{"key":"a","path":"parts/a.part","rows":1,"sha256":"x"}` + "\n"
	f.Add(record, part+part+`{"key":"b","pa`)
	f.Add(record, `{"key":"a","path":"../../x"}`+"\n"+`{"key":"b","path":"/etc/passwd"}`+"\nnull\n[]\n"+part)
	f.Add(strings.Replace(record, "20260101T000000Z-00000000", "../..", 1), part)
	f.Add(strings.Replace(record, `"backend"`, `"later":1,"backend"`, 1), "\n\n\n")
	f.Add(record+record, "\x00\xff")
	f.Add(`{"run":"20260101T000000Z-00000000","backend":"x","request":null}`, "")
	f.Fuzz(func(t *testing.T, record, journal string) {
		above := t.TempDir()
		dir := filepath.Join(above, "scans", "20260101T000000Z-00000000")
		if err := os.MkdirAll(filepath.Join(dir, "work"), 0o700); err != nil {
			t.Fatal(err)
		}
		outside := filepath.Join(above, "x")
		for name, content := range map[string]string{filepath.Join(dir, "record.json"): record, filepath.Join(dir, "parts.ndjson"): journal, outside: "mine"} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := checkpoint.New(filepath.Join(above, "scans"))
		scans, err := s.List()
		if err != nil || len(scans) > 1 {
			t.Fatalf("List = %+v, %v", scans, err)
		}
		run, err := s.Resume(checkpoint.Last)
		if (err == nil) != (len(scans) == 1) || err != nil && fault.CodeOf(err) != fault.InvalidArgument {
			t.Fatalf("Resume = %v of %+v", err, scans)
		}
		if err == nil {
			kept := run.Scan().Parts
			seen := map[string]bool{}
			for _, p := range kept {
				if seen[p.Key] || !filepath.IsLocal(filepath.FromSlash(p.Path)) {
					t.Errorf("%+v", kept)
				}
				seen[p.Key] = true
			}
			if err := run.Part(backend.Part{Key: "\x00new", Path: "parts/new.part"}); err != nil {
				t.Fatal(err)
			}
			run.Close()
			again, err := s.List()
			if err != nil || len(again) != 1 || len(again[0].Parts) != len(kept)+1 && !seen["\x00new"] {
				t.Errorf("%d parts became %+v, %v", len(kept), again, err)
			}
		}
		fresh, err := s.Start(checkpoint.Record{Backend: "local", Request: &backend.ScanRequest{}}) // which removes what is too old
		if err != nil {
			t.Fatal(err)
		}
		fresh.Remove()
		if content, err := os.ReadFile(outside); err != nil || string(content) != "mine" {
			t.Errorf("what is outside is %q, %v", content, err)
		}
	})
}
