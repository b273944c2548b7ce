package check

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Find is where a program is, by the PATH of an environment, as in exec.Cmd: nil is that of this process. It is empty if the program is not
// there. A folder of PATH that is relative is passed over: what lies in the folder that one happens to be in is not run.
func Find(program string, env []string) string {
	if env == nil {
		env = os.Environ()
	}
	for _, variable := range slices.Backward(env) {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.EqualFold(name, "PATH") {
			continue
		}
		for _, dir := range filepath.SplitList(value) {
			if !filepath.IsAbs(dir) {
				continue
			}
			if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
				return found
			}
		}
		return ""
	}
	return ""
}

// Answer is what a run of a program gave.
type Answer struct {
	Stdout, Stderr []byte
	Code           int
	Err            error // it could not run
}

// grace is how long a program's own children may keep its output open once it has been ended.
const grace = 5 * time.Second

// Run runs a program, as Find found it, in a folder and with an environment, until it or ctx ends.
func Run(ctx context.Context, dir string, env []string, program string, arguments ...string) Answer {
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // a program as it was found, with arguments that no shell reads
	command.Dir, command.Env, command.WaitDelay = dir, env, grace
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	a := Answer{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if exited, ok := errors.AsType[*exec.ExitError](err); ok {
		a.Code = exited.ExitCode()
	} else {
		a.Err = err
	}
	return a
}

// Why is the reason of a run that was no success, in one line.
func (a Answer) Why() string {
	if a.Err != nil {
		return a.Err.Error()
	}
	return Line(cmp.Or(string(a.Stderr), string(a.Stdout)))
}

// Line makes one line of a text that a program wrote for a terminal, without the frame that Terraform draws.
func Line(text string) string {
	return strings.Join(strings.Fields(strings.Trim(text, "╷│╵ \n")), " ")
}
