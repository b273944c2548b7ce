package graph

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// roles are what a process of this test's own program does instead of testing, by the value of
// roleVariable.
var roles = map[string]func(ctx context.Context, dir string) error{}

const (
	roleVariable = "GRAPH_TEST_ROLE"
	dirVariable  = "GRAPH_TEST_DIR"
)

func TestMain(m *testing.M) {
	if role := roles[os.Getenv(roleVariable)]; role != nil {
		if err := role(context.Background(), os.Getenv(dirVariable)); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	tenant       = "11111111-1111-1111-1111-111111111111"
	subscription = "22222222-2222-2222-2222-222222222222"
)

var began = time.Date(2026, 3, 4, 5, 6, 7, 891e6, time.UTC)

func newStore(t *testing.T) *Store {
	t.Helper()
	name := "a store #1 100%25" // hard to put into a URI
	if runtime.GOOS != "windows" {
		name += "?mode=memory"
	}
	s, err := OpenStore(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWriter(t *testing.T, s *Store, meta Meta) *Writer {
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
func write(t *testing.T, s *Store, meta Meta, rows ...Row) backend.Snapshot {
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
	db := openFinished(s.file(id))
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), sql)
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
