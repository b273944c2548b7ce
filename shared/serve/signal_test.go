//go:build unix

package serve_test

import (
	"strings"
	"syscall"
	"testing"
)

func TestSignals(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"told": syscall.SIGTERM, "hung up": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, "good")
			if err := s.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			s.ended(t, "it was told to: "+signal.String())
		})
	}
	t.Run("Ctrl-C is the host's", func(t *testing.T) {
		t.Parallel()
		s := run(t, "good")
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGPIPE} {
			if err := s.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.stdin.Close(); err != nil {
			t.Fatal(err)
		}
		s.ended(t, "the host is gone")
		if strings.Contains(s.cmd.ProcessState.String(), "signal") {
			t.Errorf("it ended by %s", s.cmd.ProcessState)
		}
	})
}
