//go:build unix

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait of a script.
func patience(ts *testscript.TestScript) (context.Context, context.CancelFunc) {
	return context.WithTimeout(stateOf(ts).ctx, time.Minute)
}

// exits is exits CODE PROGRAM ARGS…: exec with the exit code that it must have.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := strconv.Itoa(codeOf(err)); got != args[0] {
		ts.Logf("%s", ts.ReadFile("stderr"))
		ts.Fatalf("%s exited with %s, not %s: %v", strings.Join(args[1:], " "), got, args[0], err)
	}
}

func codeOf(err error) int {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// process is a program that a script has started in the background.
type process struct {
	cmd  *exec.Cmd
	done chan error
}

// background is background NAME PROGRAM ARGS…: starts a program; its output goes to NAME.stdout and
// NAME.stderr.
func background(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: background NAME PROGRAM ARGS…")
	}
	program, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(program, args[2:]...)
	cmd.Env, cmd.Dir = environ(ts), ts.MkAbs(".")
	for _, stream := range []struct {
		to   **os.File
		name string
	}{{new(*os.File), "stdout"}, {new(*os.File), "stderr"}} {
		file, err := os.Create(ts.MkAbs(args[0] + "." + stream.name))
		ts.Check(err)
		defer func() { _ = file.Close() }()
		if stream.name == "stdout" {
			cmd.Stdout = file
		} else {
			cmd.Stderr = file
		}
	}
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	stateOf(ts).processes[args[0]] = p
	ts.Defer(func() { _ = cmd.Process.Kill() })
}

// environ is the script's environment.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "TZ", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "SSL_CERT_FILE",
		"ATG_KEYRING", "ATG_PROFILE", "ATG_API_KEY", "ATG_SERVICE_URL", "ATG_CA_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST", "ATG_AZURE_CLOUD", "ATG_AZURE_AUTHORITY_HOST",
		"ATG_AZURE_RESOURCE_MANAGER_ENDPOINT", "ATG_AZURE_GRAPH_ENDPOINT",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// signalProcess is signal NAME INT|TERM|KILL.
func signalProcess(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME INT|TERM|KILL")
	}
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	ts.Check(stateOf(ts).processes[args[0]].cmd.Process.Signal(signals[args[1]]))
}

// ends is ends NAME CODE: waits for the program's end; -1 is an end by a signal.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ends NAME CODE")
	}
	ctx, cancel := patience(ts)
	defer cancel()
	select {
	case err := <-stateOf(ts).processes[args[0]].done:
		if got := strconv.Itoa(codeOf(err)); got != args[1] {
			ts.Logf("%s", ts.ReadFile(args[0]+".stderr"))
			ts.Fatalf("%s exited with %s, not %s", args[0], got, args[1])
		}
	case <-ctx.Done():
		ts.Fatalf("%s does not end", args[0])
	}
}

// backends are the processes of backends that belong to this script, by their home.
func backends(ts *testscript.TestScript) []int {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	ts.Check(err)
	var found []int
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		text := "\x00" + string(content)
		if strings.Contains(text, "\x00HOME="+stateOf(ts).home+"\x00") && strings.Contains(text, "\x00ATG_BACKEND_COOKIE=") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			ts.Check(err)
			found = append(found, pid)
		}
	}
	return found
}

// killBackend is kill-backend: ends every backend of this script at once.
func killBackend(ts *testscript.TestScript, _ bool, _ []string) { signalBackends(ts, syscall.SIGKILL) }

// freezeBackend is freeze-backend: every backend of this script is there and answers nothing any more.
func freezeBackend(ts *testscript.TestScript, _ bool, _ []string) {
	signalBackends(ts, syscall.SIGSTOP)
}

func signalBackends(ts *testscript.TestScript, signal syscall.Signal) {
	pids := backends(ts)
	if len(pids) == 0 {
		ts.Fatalf("there is no backend")
	}
	for _, pid := range pids {
		ts.Check(syscall.Kill(pid, signal))
	}
}

// says is says NAME TEXT: waits until a background program has written TEXT to its standard error.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: says NAME TEXT")
	}
	until(ts, args[0]+" does not say "+args[1], func() bool { return strings.Contains(ts.ReadFile(args[0]+".stderr"), args[1]) })
}

// noBackends is no-backends: waits until no backend of this script is left.
func noBackends(ts *testscript.TestScript, _ bool, _ []string) {
	until(ts, "backends are left", func() bool { return len(backends(ts)) == 0 })
}

// until waits for what gives no signal, as the end of a process that is nobody's child here.
func until(ts *testscript.TestScript, otherwise string, done func() bool) {
	ctx, cancel := patience(ts)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ts.Fatalf("%s", otherwise)
		}
	}
}
