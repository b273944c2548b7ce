package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"

	"github.com/hashicorp/go-plugin/runner"
)

// process is a backend's operating system process. It implements go-plugin's runner.Runner.
//
// Its standard input is a pipe that the host holds open: end-of-file tells the backend that the host
// is gone. It leads a process group of its own, so that Ctrl-C at the terminal reaches the host alone
// and that nothing it starts outlives it. Its standard error is read here, not by go-plugin.
type process struct {
	cmd      *exec.Cmd
	lifeline *os.File // the host's end of standard input
	stdout   *os.File
	stderr   *os.File
	group    group // how this platform ends all of it
	log      *logBridge

	exited chan struct{} // closed when the process is gone
	read   chan struct{} // closed when all of its standard error was read

	mu       sync.Mutex
	running  bool // it was started
	unwanted bool // it is to be ended, even if it is only about to be started
}

var _ runner.Runner = (*process)(nil)

// newProcess prepares to start the program.
func newProcess(path string, log *logBridge) *process {
	cmd := exec.Command(path) //nolint:gosec // starting the program that the user configured is the purpose
	return &process{cmd: cmd, log: log, exited: make(chan struct{}), read: make(chan struct{})}
}

// Start starts the process and returns when it runs.
func (p *process) Start(context.Context) error {
	files, err := p.pipes()
	defer func() {
		for _, f := range files {
			_ = f.Close() // the child has its own
		}
	}()
	if err != nil {
		return err
	}
	p.group.prepare(p.cmd)
	started := make(chan error, 1)
	go func() {
		// Linux ends the child when the thread that started it ends, so this one stays until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := p.spawn(); err != nil {
			started <- err
			return
		}
		started <- nil
		_ = p.cmd.Wait()
		p.group.kill(p.cmd) // what it has started and left behind
		close(p.exited)
	}()
	if err := <-started; err != nil {
		p.closePipes()
		return err
	}
	go func() {
		defer close(p.read)
		p.log.readFrom(p.stderr)
	}()
	return nil
}

// spawn starts the program in its group, unless it is unwanted by now.
func (p *process) spawn() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unwanted {
		return context.Canceled
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	if err := p.group.adopt(p.cmd); err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return err
	}
	p.running = true
	return nil
}

// pipes makes the standard streams and answers the child's ends.
func (p *process) pipes() (child []*os.File, err error) {
	in, lifeline, err := os.Pipe()
	if err != nil {
		return child, fmt.Errorf("make a pipe: %w", err)
	}
	child, p.lifeline = append(child, in), lifeline
	stdout, out, err := os.Pipe()
	if err != nil {
		return child, fmt.Errorf("make a pipe: %w", err)
	}
	child, p.stdout = append(child, out), stdout
	stderr, errOut, err := os.Pipe()
	if err != nil {
		return child, fmt.Errorf("make a pipe: %w", err)
	}
	child, p.stderr = append(child, errOut), stderr
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in, out, errOut
	return child, nil
}

func (p *process) closePipes() {
	for _, f := range []*os.File{p.lifeline, p.stdout, p.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// end ends the process and everything in its group, and waits until it is gone. One that is not
// started yet will not be.
func (p *process) end() {
	p.mu.Lock()
	p.unwanted = true
	running := p.running
	p.mu.Unlock()
	if !running {
		return
	}
	select {
	case <-p.exited:
	default:
		p.group.kill(p.cmd)
		<-p.exited
	}
}

// started says whether there was a process at all.
func (p *process) started() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// Wait returns when the process is gone.
func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if state := p.cmd.ProcessState; state != nil && !state.Success() {
		return errors.New(state.String())
	}
	return nil
}

// Kill ends the process at once.
func (p *process) Kill(context.Context) error {
	p.end()
	return nil
}

// Stdout carries the handshake.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr has nothing for go-plugin: it ends when all was read here.
func (p *process) Stderr() io.ReadCloser { return endsWith{p.read} }

type endsWith struct{ done <-chan struct{} }

func (e endsWith) Read([]byte) (int, error) { <-e.done; return 0, io.EOF }
func (e endsWith) Close() error             { return nil }

// Name is the program's path.
func (p *process) Name() string { return p.cmd.Path }

// ID is the process id.
func (p *process) ID() string {
	if !p.started() {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose adds nothing: Start's own faults say what is wrong.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost leaves addresses alone: both are on one machine.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin leaves addresses alone.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// closeLifeline tells the process, if it is still there, that the host no longer wants it.
func (p *process) closeLifeline() {
	if p.lifeline != nil {
		_ = p.lifeline.Close()
	}
}
