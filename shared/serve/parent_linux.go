package serve

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shared/launch lets the kernel kill this process when the host dies, for backends that do not mind
// their standard input. This one does, and has to end first what it has started, so it asks for a signal
// that it can catch. Only the main thread can do that, on which init functions run.
//
// A pinned program is started through a file descriptor, whose number would be its name in ps.
func init() {
	if !launched() {
		return
	}
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0)
	if name, err := unix.BytePtrFromString(filepath.Base(os.Args[0])); err == nil {
		_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0) //nolint:gosec // the kernel copies at most 15 bytes
	}
}
