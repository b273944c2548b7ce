//go:build unix

package launch_test

import (
	"strconv"
	"syscall"
	"testing"
	"time"
)

// gone waits until there is no such process. There is no signal to wait for: it is not our child.
func gone(t *testing.T, pid string) {
	t.Helper()
	id, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatalf("%q is no process id", pid)
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(20 * time.Second)
	for syscall.Kill(id, 0) == nil {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("the process %d is still there", id)
		}
	}
}
