package launch_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
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
				if err := syscall.Kill(readPID(t, out), syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			gone()
		})
	}
}
