package checkpoint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// begin starts a scan whose job has that id and finishes so many parts of ten rows.
func begin(t *testing.T, s *checkpoint.Store, job string, parts int) *checkpoint.Run {
	t.Helper()
	run, err := s.Start(checkpoint.Record{
		Backend: "local", Profile: "prod", TenantID: "contoso",
		Request: &backend.ScanRequest{TenantID: "contoso", Filter: backend.Filter{Locations: []string{"westeurope"}}, ResourceLimit: 9},
	})
	if err == nil {
		err = run.Began(job)
	}
	for i := range parts {
		if err == nil {
			err = run.Part(part(i))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func part(i int) backend.Part {
	return backend.Part{Key: fmt.Sprintf("sub/resources/%d-of-9", i), Path: fmt.Sprintf("parts/%d.part", i), Rows: 10, SHA256: strings.Repeat("a", 64)}
}

func resume(t *testing.T, s *checkpoint.Store, name string) *checkpoint.Run {
	t.Helper()
	run, err := s.Resume(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Close)
	return run
}

func TestAScanIsTakenUpAsItWasLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "scans")
	first := begin(t, checkpoint.New(dir), "job-1", 3)
	work := first.WorkDir()
	if info, err := os.Stat(work); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the work folder: %v, %v", info, err)
	}
	if err := first.Tenant("11111111-2222-4333-8444-555555555555"); err != nil {
		t.Fatal(err)
	}
	first.Close() // as by the death of its process

	second := resume(t, checkpoint.New(dir), "job-1")
	scan := second.Scan()
	want := []backend.Part{part(0), part(1), part(2)}
	if d := cmp.Diff(want, scan.Parts); d != "" || second.WorkDir() != work || second.Finished() != 3 {
		t.Errorf("%d parts in %s (-want +got):\n%s", second.Finished(), second.WorkDir(), d)
	}
	if scan.Request.ResourceLimit != 9 || scan.Request.Filter.Locations[0] != "westeurope" || scan.TenantID[:4] != "1111" || scan.Ended != "" {
		t.Errorf("the record: %+v of %+v", scan.Record, scan.Request)
	}
	again := part(1)
	again.SHA256 = strings.Repeat("b", 64)
	if err := second.Began("job-2"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []backend.Part{part(3), again} {
		if err := second.Part(p); err != nil {
			t.Fatal(err)
		}
	}
	if second.Finished() != 4 {
		t.Errorf("%d parts, not 4", second.Finished())
	}
	if err := second.Keep(fault.Interrupted); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"job-1", "job-2", checkpoint.Last, scan.Run, scan.Run[:9]} {
		third := resume(t, checkpoint.New(dir), name)
		if got := third.Scan(); got.Ended != fault.Interrupted || got.ID() != "job-2" || got.Rows() != 40 || got.Parts[1] != again {
			t.Errorf("%s: %s with %+v", name, got, got.Parts)
		}
		third.Close()
	}
	last := resume(t, checkpoint.New(dir), checkpoint.Last)
	last.Remove()
	if scans, err := checkpoint.New(dir).List(); err != nil || len(scans) != 0 {
		t.Errorf("what is whole is kept: %v, %v", scans, err)
	}
	if _, err := os.Stat(work); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}

// A process may die at any byte of what it writes: whole lines count, and what comes later is not spoilt.
func TestTheJournalIsGoodToTheLastWholeLine(t *testing.T) {
	dir := t.TempDir()
	store := checkpoint.New(dir)
	run := begin(t, store, "job", 3)
	run.Close()
	file := filepath.Join(filepath.Dir(run.WorkDir()), "parts.ndjson")
	journal, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(journal) + 1 {
		if err := os.WriteFile(file, journal[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := strings.Count(string(journal[:n]), "\n")
		for _, more := range []int{0, 1} { // what was added is there the next time
			taken, err := store.Resume("job")
			if err != nil {
				t.Fatalf("after %d bytes: %v", n, err)
			}
			if got := len(taken.Scan().Parts); got != whole+more {
				t.Fatalf("after %d bytes there are %d parts, not %d", n, got, whole+more)
			}
			if err := taken.Part(part(7)); err != nil {
				t.Fatal(err)
			}
			taken.Close()
		}
	}
}

func TestLinesThatAreNoPartsArePassedOver(t *testing.T) {
	store := checkpoint.New(t.TempDir())
	run := begin(t, store, "job", 1)
	run.Close()
	file := filepath.Join(filepath.Dir(run.WorkDir()), "parts.ndjson")
	journal, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rubbish := "\x00\x00\n{\"key\":\"\"}\n{\"key\":\"x\",\"path\":\"../../etc/passwd\"}\n[1]\n"
	if err := os.WriteFile(file, append([]byte(rubbish), journal...), 0o600); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]backend.Part{part(0)}, resume(t, store, "job").Scan().Parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
}

func TestOneAtATime(t *testing.T) {
	store := checkpoint.New(t.TempDir())
	run := begin(t, store, "job", 1)
	for _, name := range []string{"job", checkpoint.Last} {
		if _, err := store.Resume(name); fault.CodeOf(err) != fault.Conflict || fault.As(err).Hint == "" {
			t.Errorf("a running scan was resumed: %v", err)
		}
	}
	scans, err := store.List()
	if err != nil || len(scans) != 1 || !scans[0].Running {
		t.Errorf("listed: %v, %v", scans, err)
	}
	run.Close()
	resume(t, store, "job")
	if _, err := store.Resume("job"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a scan was resumed twice: %v", err)
	}
}

func TestNames(t *testing.T) {
	store := checkpoint.New(t.TempDir())
	if _, err := store.Resume("last"); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "no scan to resume") {
		t.Errorf("without any: %v", err)
	}
	begin(t, store, "abcd", 2).Close()
	begin(t, store, "abef", 1).Close()
	tests := map[string]struct {
		want     string // an id
		message  string
		problems int
	}{
		"abcd": {want: "abcd"},
		"abc":  {want: "abcd"},
		"abe":  {want: "abef"},
		"last": {want: "abef"},
		"ab":   {message: `the ids of 2 scans begin with "ab"`, problems: 2},
		"x":    {message: `there is no scan "x" to resume`, problems: 2},
		"":     {message: `there is no scan "" to resume`, problems: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run, err := store.Resume(name)
			if test.want != "" {
				if err != nil || run.Scan().ID() != test.want {
					t.Fatalf("%v, %v", run, err)
				}
				run.Close()
				return
			}
			f := fault.As(err)
			if f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, test.message) || len(f.Problems) != test.problems {
				t.Fatalf("the answer is %+v", f)
			}
			if p := f.Problems[1]; p.Key != "abcd" || !strings.Contains(p.Message, "tenant contoso, profile prod") || !strings.Contains(p.Message, "2 finished parts with 20 rows") {
				t.Errorf("what there is: %+v", p)
			}
		})
	}
}

func TestWhatNobodyWillResumeGoes(t *testing.T) {
	dir := t.TempDir()
	store := checkpoint.New(dir)
	day := 24 * time.Hour
	age := func(run *checkpoint.Run, by time.Duration) {
		file := filepath.Join(filepath.Dir(run.WorkDir()), "record.json")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		now := run.Scan().UpdatedAt.Format("2006-01-02T15:04")
		then := run.Scan().UpdatedAt.Add(-by).Format("2006-01-02T15:04")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(content), now, then)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old, young, running, empty := begin(t, store, "old", 1), begin(t, store, "young", 1), begin(t, store, "running", 1), begin(t, store, "empty", 0)
	for _, run := range []*checkpoint.Run{old, young, empty} {
		run.Close()
	}
	defer running.Close()
	age(old, 8*day)
	age(young, 6*day)
	age(running, 8*day)
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.Mkdir(rubbish, 0o700); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-8 * day)
	if err := os.Chtimes(rubbish, then, then); err != nil {
		t.Fatal(err)
	}

	begin(t, store, "next", 1).Close()
	scans, err := store.List()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, scan := range scans {
		left = append(left, scan.ID())
	}
	if d := cmp.Diff([]string{"next", "young", "running"}, left); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
	for _, gone := range []string{rubbish, old.WorkDir(), empty.WorkDir()} {
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
}

// A record of a later version may ask for what this one does not know: it is not half understood.
func TestARecordWithUnknownFieldsIsNotRead(t *testing.T) {
	store := checkpoint.New(t.TempDir())
	run := begin(t, store, "job", 1)
	run.Close()
	file := filepath.Join(filepath.Dir(run.WorkDir()), "record.json")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(content), `"resource_limit"`, `"only_on_mondays"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Resume("job"); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("it was taken up: %v", err)
	}
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.New(filepath.Join(file, "scans")).Start(checkpoint.Record{}); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("the answer is %v", err)
	}
}
