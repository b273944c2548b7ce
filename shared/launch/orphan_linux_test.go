package launch_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program that does not mind its standard input ends with the host all the same, and so does a
// backend that is stopped when the host dies: the kernel continues a process group that is orphaned.
func TestNothingIsLeftThatDoesNotMindItsLifeline(t *testing.T) {
	for mode, stop := range map[string]bool{"hang": false, "good": true} {
		t.Run(mode, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			w := newWitness(t)
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), modeVariable+"=host", "ATG_TEST_BACKEND="+mode, w.env, "TMPDIR="+t.TempDir())
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as a terminal's shell would have
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			gone := w.sees(mode)
			if stop {
				w.sees("ready")
				stopProcess(t, readPID(t, out))
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			gone()
		})
	}
}

// stopProcess stops a process and returns when all of its threads stand still: the kernel continues only a
// group that it finds stopped when it is orphaned.
func stopProcess(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; <-ticker.C {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(threads) == 0 {
			t.Fatalf("the process %d is gone: %v", pid, err)
		}
		moving := 0
		for _, thread := range threads {
			content, err := os.ReadFile(thread)
			if _, state, found := strings.Cut(string(content), ") "); err != nil || !found || !strings.HasPrefix(state, "T") {
				moving++
			}
		}
		if moving == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d threads of the process %d do not stop", moving, pid)
		}
	}
}
