package graph

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestDeadWritersAreClearedUpBehind(t *testing.T) {
	if s := otherStore(t); s != nil { // dies in the middle of a snapshot
		w := newWriter(t, s, Meta{})
		if err := w.Add(synthetic(2500)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(os.Stdout, w.ID())
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	s := newStore(t)
	earlier := write(t, s, Meta{})
	cmd := another(t, s)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.dir, stagingPrefix+strings.TrimSpace(id))

	// While it lives, other writers leave it alone, and readers do not see it.
	second := write(t, s, Meta{})
	if _, err := os.Stat(filepath.Join(folder, stagingFile)); err != nil {
		t.Errorf("a living writer has lost its file: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	page, err := s.List(t.Context(), backend.SnapshotFilter{})
	if err != nil || len(page.Broken) != 0 {
		t.Errorf("List: %+v, %v", page.Broken, err)
	}
	if diff := cmp.Diff([]backend.Snapshot{second, earlier}, page.Snapshots); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(folder, stagingFile)); err != nil {
		t.Errorf("the test is void: the dead writer left nothing: %v", err)
	}

	orphan := s.sidecar(NewID(began))
	if err := os.WriteFile(orphan, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	newWriter(t, s, Meta{}).Abort()
	want := []string{storeLock, earlier.ID + ".db", earlier.ID + ".json", second.ID + ".db", second.ID + ".json"}
	if diff := cmp.Diff(want, names(t, s.dir)); diff != "" {
		t.Errorf("the next writer does not clear up (-want +got):\n%s", diff)
	}
}

func TestTwoScansOfOneTenantAtOnce(t *testing.T) {
	s := newStore(t)
	const scans = 4
	var wait sync.WaitGroup
	snapshots := make([]backend.Snapshot, scans)
	errs := make([]error, scans)
	begin := make(chan struct{})
	for i := range scans {
		wait.Go(func() {
			<-begin
			w, err := s.NewWriter(t.Context(), Meta{TenantID: tenant, CreatedAt: began})
			if err != nil {
				errs[i] = err
				return
			}
			defer w.Abort()
			for range 3 {
				errs[i] = errors.Join(errs[i], w.Add(synthetic(500)))
			}
			snapshots[i], err = w.Finish(t.Context(), backend.Coverage{Complete: true})
			errs[i] = errors.Join(errs[i], err)
		})
	}
	close(begin)
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), backend.SnapshotFilter{})
	if err != nil || len(page.Snapshots) != scans || len(page.Broken) != 0 {
		t.Fatalf("List = %+v, %v", page, err)
	}
	for _, snapshot := range snapshots {
		if snapshot.Resources != 500 {
			t.Errorf("%s has %d resources", snapshot.ID, snapshot.Resources)
		}
		if _, err := s.Get(t.Context(), snapshot.ID); err != nil {
			t.Error(err)
		}
	}
}

// SQLite's own limit stands for a full disk: it fails with the same code, wherever tests run.
func TestFullDisk(t *testing.T) {
	cases := map[string]int{"while adding": 2500, "while finishing": 500} // rows
	for name, rows := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			earlier := write(t, s, Meta{})
			w := newWriter(t, s, Meta{})
			adding := name == "while adding"
			fill := func() {
				t.Helper()
				var pages int
				err := w.conn.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages)
				if err == nil {
					_, err = w.conn.ExecContext(t.Context(), fmt.Sprintf("COMMIT; PRAGMA max_page_count = %d; BEGIN", pages+10))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if adding {
				fill()
			}
			if added := w.Add(synthetic(rows)); adding != (added != nil) {
				t.Fatalf("Add: %v", added)
			}
			if !adding {
				fill()
			}
			_, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
			f := fault.As(err)
			if f == nil || f.Code != fault.ExecutionFailed || f.Resource != s.dir ||
				!strings.Contains(f.Message, "disk is full") || !strings.Contains(f.Message, s.dir) ||
				!strings.Contains(f.Message, "MB free") || !strings.Contains(f.Hint, "free some space") {
				t.Errorf("Finish: %v, hint %q", err, f.Hint)
			}
			w.Abort()
			if diff := cmp.Diff([]string{storeLock, earlier.ID + ".db", earlier.ID + ".json"}, names(t, s.dir)); diff != "" {
				t.Error(diff)
			}
			if _, err := s.Get(t.Context(), earlier.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStoreThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(file); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("OpenStore of a file: %v", err)
	}
	if _, err := OpenStore(""); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Errorf("OpenStore of nothing: %v", err)
	}
	s, err := OpenStore(filepath.Join(file, "below", "it"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.NewWriter(t.Context(), Meta{TenantID: tenant})
	if f := fault.As(err); f == nil || f.Code != fault.ExecutionFailed || !strings.Contains(f.Message, s.dir) || f.Hint == "" {
		t.Errorf("NewWriter: %v", err)
	}
}
