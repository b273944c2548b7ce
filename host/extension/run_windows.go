package extension

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Run runs the program with atg's terminal. On Unix it takes over the process, so that exit code,
// signals and terminal are its own, and returns only if that failed; on Windows it waits and answers
// the exit code. Ctrl-C reaches the program by the console: that ctx ends does not kill it.
func Run(_ context.Context, path string, args, env []string) (exitCode int, err error) {
	cmd := exec.Command(path, args...) //nolint:gosec // running what the user asked for is the purpose
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fault.New(fault.ExecutionFailed, fmt.Sprintf("the extension %s cannot be run", path), fault.On(path), fault.Because(err))
	}
	return 0, nil
}
