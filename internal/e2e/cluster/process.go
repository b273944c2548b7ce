package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a process may take to end in good order before it is killed.
const patience = 30 * time.Second

// Process is one of a cluster. It can be started again once it has ended, with the same data, at the same address.
type Process struct {
	Name    string // nats-1, api-2, worker-3
	Address string // host:port at which it listens for clients; empty for a worker
	Dir     string // its own, with its data
	// Path is its program. It may be changed for the next start: to one of another version, say.
	Path string

	monitor string // host:port of the monitor of a NATS server
	args    []string
	env     []string
	ready   func(ctx context.Context, first <-chan []byte) error // waits until it is; first yields its first line

	mu      sync.Mutex
	running *running
}

// running is a process at one time.
type running struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed once it has ended and was waited for
	err   error         // how it ended; set before ended is closed
}

// errNotRunning says that there is no process to do something to.
var errNotRunning = errors.New("it does not run")

// Start starts the process and returns when it is ready, or with the end of its log when it ends before that, or with ctx's
// error, when it may yet become ready. The process outlives ctx.
func (p *Process) Start(ctx context.Context) error {
	r, first, err := p.launch()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-r.ended:
			cancel(fmt.Errorf("it ended: %w", r.err))
		case <-waiting.Done():
		}
	}()
	if err := p.ready(waiting, first); err != nil {
		return fmt.Errorf("%s does not become ready: %w\n%s", p.Name, err, p.Tail())
	}
	return nil
}

// launch starts it without waiting.
func (p *Process) launch() (*running, <-chan []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil && !p.running.over() {
		return nil, nil, errors.New("it runs already")
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = log.Close() }()
	first := &firstLine{line: make(chan []byte, 1)}
	cmd := exec.Command(p.Path, p.args...) //nolint:noctx // it outlives whoever starts it
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.env, p.Dir, first, log, time.Second
	cmd.SysProcAttr = attributes()
	r := &running{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Where the kernel ends a process with its parent, the parent is the thread that started it. This one stays.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			r.err = cmd.Wait()
			close(r.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, nil, err
	}
	p.running = r
	return r, first.line, nil
}

func (r *running) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// now is the process as it runs; nil if it does not.
func (p *Process) now() *running {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil || p.running.over() {
		return nil
	}
	return p.running
}

// Running says whether it runs, be it paused.
func (p *Process) Running() bool { return p.now() != nil }

// PID is its process id; 0 if it does not run.
func (p *Process) PID() int {
	if r := p.now(); r != nil {
		return r.cmd.Process.Pid
	}
	return 0
}

// Ended is closed when the process that runs now has ended; nil if none does.
func (p *Process) Ended() <-chan struct{} {
	if r := p.now(); r != nil {
		return r.ended
	}
	return nil
}

// Kill ends it at once (SIGKILL), and returns when it has ended. What does not run stays ended.
func (p *Process) Kill() {
	if r := p.now(); r != nil {
		_ = r.cmd.Process.Kill() // it may have ended meanwhile
		<-r.ended
	}
}

// Stop ends it in good order (SIGTERM) and returns when it has ended. What does not end in half a minute is killed, and an error.
func (p *Process) Stop() error {
	r := p.now()
	if r == nil {
		return nil
	}
	if err := terminate(r.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.Name, err)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-r.ended:
		return nil
	case <-late.C:
		p.Kill()
		return fmt.Errorf("%s did not end within %s and was killed\n%s", p.Name, patience, p.Tail())
	}
}

// Restart stops it and starts it again.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.Start(ctx)
}

// Pause stops it where it is (SIGSTOP): its connections stay open, and nobody answers on them. Unix only.
func (p *Process) Pause() error { return p.signal(pauseSignal) }

// Resume lets it go on (SIGCONT). What does not run, or is not paused, is left alone.
func (p *Process) Resume() { _ = p.signal(resumeSignal) }

func (p *Process) signal(s syscall.Signal) error {
	r := p.now()
	if r == nil {
		return fmt.Errorf("signal %s: %w", p.Name, errNotRunning)
	}
	return r.cmd.Process.Signal(s)
}

// LogFile is the file with all that it has logged since the cluster was laid out.
func (p *Process) LogFile() string { return filepath.Join(p.Dir, "log") }

// Log is all that it has logged.
func (p *Process) Log() string {
	content, err := os.ReadFile(p.LogFile())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// Tail are the last lines of its log, for people.
func (p *Process) Tail() string {
	lines := strings.Split(strings.TrimRight(p.Log(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// firstLine takes what a process prints, and hands over its first line.
type firstLine struct {
	line chan []byte
	have []byte
	done bool
}

// Write implements io.Writer.
func (f *firstLine) Write(b []byte) (int, error) {
	if f.done {
		return len(b), nil
	}
	f.have = append(f.have, b...)
	if line, _, whole := bytes.Cut(f.have, []byte("\n")); whole {
		f.line <- line
		f.have, f.done = nil, true
	}
	return len(b), nil
}
