//go:build unix

package extension

import (
	"context"
	"fmt"
	"syscall"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Run runs the program with atg's terminal. On Unix it takes over the process, so that exit code,
// signals and terminal are its own, and returns only if that failed; on Windows it waits and answers
// the exit code.
func Run(_ context.Context, path string, args, env []string) (exitCode int, err error) {
	err = syscall.Exec(path, append([]string{path}, args...), env) //nolint:gosec // running what the user asked for is the purpose
	return 0, fault.New(fault.ExecutionFailed, fmt.Sprintf("the extension %s cannot be run", path), fault.On(path), fault.Because(err))
}
