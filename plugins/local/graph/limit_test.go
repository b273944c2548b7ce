//go:build !windows

package graph

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestWriteErrorLeavesNothing(t *testing.T) {
	if s := otherStore(t); s != nil { // may write files of 1 MiB at most
		signal.Ignore(unix.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		w := newWriter(t, s, Meta{})
		err := w.Add(synthetic(5000))
		w.Abort()
		f := fault.As(err)
		if f == nil || f.Code != fault.ExecutionFailed || f.Resource != s.dir || f.Hint == "" {
			t.Fatalf("Add: %v", err)
		}
		fmt.Fprintln(os.Stdout, f.Message)
		return
	}
	s := newStore(t)
	earlier := write(t, s, Meta{})
	out, err := another(t, s).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "cannot write a snapshot to "+s.dir) {
		t.Fatalf("%v: %s", err, out)
	}
	if diff := cmp.Diff([]string{storeLock, earlier.ID + ".db", earlier.ID + ".json"}, names(t, s.dir)); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Get(t.Context(), earlier.ID); err != nil {
		t.Error(err)
	}
}

func TestDiskFull(t *testing.T) {
	for _, err := range []error{unix.ENOSPC, unix.EDQUOT} {
		f := fault.As(writeFault("/somewhere", &os.PathError{Op: "write", Path: "x", Err: err}))
		if !strings.Contains(f.Message, "disk is full") {
			t.Errorf("%v: %v", err, f)
		}
	}
	if f := fault.As(writeFault("/somewhere", unix.EROFS)); strings.Contains(f.Message, "full") || f.Code != fault.ExecutionFailed {
		t.Errorf("read-only: %v", f)
	}
}
