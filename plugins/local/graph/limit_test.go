//go:build !windows

package graph

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const limitedRole = "limited"

func init() {
	// The operating system lets it write files of 1 MiB at most.
	roles[limitedRole] = func(ctx context.Context, dir string) error {
		signal.Ignore(unix.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
			return err
		}
		s, err := OpenStore(dir)
		if err != nil {
			return err
		}
		w, err := s.NewWriter(ctx, Meta{TenantID: tenant})
		if err != nil {
			return err
		}
		err = w.Add(synthetic(5000))
		if err == nil {
			_, err = w.Finish(ctx, backend.Coverage{})
		}
		w.Abort()
		f := fault.As(err)
		if f == nil {
			return errors.New("it wrote more than it may")
		}
		fmt.Printf("%s|%s|%s", f.Code, f.Message, f.Hint)
		return nil
	}
}

func TestWriteErrorLeavesNothing(t *testing.T) {
	s := newStore(t)
	earlier := write(t, s, Meta{})
	out, err := another(t, limitedRole, s.dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(out), "|")
	if len(parts) != 3 || parts[0] != string(fault.ExecutionFailed) || !strings.Contains(parts[1], s.dir) || parts[2] == "" {
		t.Errorf("the fault is %q", out)
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
