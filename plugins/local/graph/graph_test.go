package graph

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// roleVariable is set in a process that a test starts of its own program, to run that same test in
// another role. The process works in the store that is its working folder.
const roleVariable = "GRAPH_TEST_ROLE"

// another makes a process that runs the calling test in another role.
func another(t *testing.T, s *Store) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), roleVariable+"=1")
	return cmd
}

// otherStore is the store that such a process works in; nil in the test itself.
func otherStore(t *testing.T) *Store {
	t.Helper()
	if os.Getenv(roleVariable) == "" {
		return nil
	}
	s, err := OpenStore(".")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	tenant       = "11111111-1111-1111-1111-111111111111"
	subscription = "22222222-2222-2222-2222-222222222222"
)

var began = time.Date(2026, 3, 4, 5, 6, 7, 891e6, time.UTC)

func newStore(t testing.TB) *Store {
	t.Helper()
	name := "a store's #1 100%25" // hard to put into a URI
	if runtime.GOOS != "windows" {
		name += "?mode=memory"
	}
	s, err := OpenStore(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWriter(t testing.TB, s *Store, meta Meta) *Writer {
	t.Helper()
	if meta.TenantID == "" {
		meta.TenantID = tenant
	}
	w, err := s.NewWriter(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	return w
}

// write makes a snapshot with rows.
func write(t testing.TB, s *Store, meta Meta, rows ...Row) backend.Snapshot {
	t.Helper()
	w := newWriter(t, s, meta)
	if err := w.Add(rows); err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// query answers the rows of a snapshot's table as text, NULL as "<null>".
func query(t *testing.T, s *Store, id, sql string) [][]string {
	t.Helper()
	return queryWith(t, s, id, sql)
}

// queryWith is query with arguments.
func queryWith(t *testing.T, s *Store, id, sql string, args ...any) [][]string {
	t.Helper()
	db := openFinished(s.file(id))
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for rows.Next() {
		values := make([]*string, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(columns))
		for i, v := range values {
			line[i] = "<null>"
			if v != nil {
				line[i] = *v
			}
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// names are the names in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}
