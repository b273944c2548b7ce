package launch

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// drainWait bounds the wait for the output of a process that is gone; only something that left its
// process group can still hold the pipes open.
const drainWait = 500 * time.Millisecond

// process is a backend's operating system process. It implements go-plugin's runner.Runner.
//
// Its standard input is the lifeline, a pipe whose other end the host holds open: end-of-file tells the
// backend that the host is gone. It leads a process group of its own (on Windows, a job object), so that
// Ctrl-C at the terminal reaches the host alone, and what it starts can be ended with it. Its output is
// read here, not by go-plugin, which stops reading at a long line.
type process struct {
	spec     Spec
	program  *program
	cmd      exec.Cmd
	bridge   *bridge
	banner   *banner
	lifeline *os.File
	sockets  string        // the folder in which its socket has to be
	exited   chan struct{} // closed when the process and its group are gone and all output was read
	stopping atomic.Bool   // the host wants it to end

	mu     sync.Mutex
	group  *group // set while the process runs, until it is reaped
	pid    int    // 0 if it was never started
	killed bool   // it is to be killed as soon as it runs
}

var _ runner.Runner = (*process)(nil)

// newProcess prepares to start the program.
func newProcess(spec Spec, program *program, b *bridge) *process {
	p := &process{spec: spec, program: program, bridge: b, banner: newBanner(b), exited: make(chan struct{})}
	p.cmd = exec.Cmd{
		Path: program.execPath, Args: []string{program.path}, WaitDelay: drainWait,
		Stdout: p.banner, Stderr: b.stderr(), SysProcAttr: attributes(),
	}
	return p
}

// Start starts the process and reads its handshake. Its errors are faults. It ends when the process
// does: the caller bounds it with kill.
func (p *process) Start(context.Context) error {
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return fault.New(fault.Internal, "cannot make a pipe to the backend", fault.Because(err))
	}
	p.cmd.Stdin, p.lifeline = stdin, lifeline
	started := make(chan error)
	go p.run(started)
	err = <-started
	_ = stdin.Close() // the process has its own
	if err != nil {
		p.closeLifeline()
		return p.program.execFault(p.spec, err)
	}
	sweepSocketDirs() // there is time now
	rpc.Prepare()
	select {
	case <-p.banner.complete:
	case <-p.exited:
		p.banner.end() // a last line without an end
	}
	line, printed := p.banner.line()
	if !printed {
		return p.crashed("before it was ready")
	}
	if why := refuse(line, p.sockets); why != "" {
		p.kill()
		<-p.exited // for all of its last words
		if p.spec.Host != "" {
			why = strings.ReplaceAll(why, "this atg", "this atg ("+p.spec.Host+")")
		}
		return incompatible(p.spec, why, fault.Because(p.bridge.lastWords()))
	}
	return nil
}

// run is the life of the process. Linux delivers the parent-death signal when the thread that
// started the process ends, so this thread is kept until the process is gone.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.spawn(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.group.wait()
	p.mu.Lock()
	p.group.kill() // what it leaves behind; before it is reaped, while its id cannot be another's
	group := p.group
	p.group = nil
	p.mu.Unlock()
	_ = p.cmd.Wait()
	group.close()
	p.bridge.flush()
	close(p.exited)
}

// spawn starts the program in a group of its own.
func (p *process) spawn() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return context.Canceled
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	group, err := newGroup(p.cmd.Process)
	if err != nil {
		return errors.Join(err, p.cmd.Process.Kill(), p.cmd.Wait())
	}
	p.group, p.pid = group, p.cmd.Process.Pid
	return nil
}

// kill ends the process and everything in its group. One that does not run yet never will.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.group != nil {
		p.group.kill()
	}
}

// gone says whether the process has ended.
func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// end says how the process ended: exit status 3, signal: killed.
func (p *process) end() string {
	if !p.gone() {
		return "still running"
	}
	return p.cmd.ProcessState.String()
}

// closeLifeline tells the process, if it is still there, that the host is done with it.
func (p *process) closeLifeline() {
	if p.lifeline != nil {
		_ = p.lifeline.Close()
	}
}

// Wait returns when the process is gone.
func (p *process) Wait(context.Context) error {
	<-p.exited
	return nil
}

// Kill implements runner.Runner.
func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// Stdout shows go-plugin the handshake and then nothing until the process is gone.
func (p *process) Stdout() io.ReadCloser {
	line, _ := p.banner.line()
	return io.NopCloser(io.MultiReader(strings.NewReader(line+"\n"), silence{p.exited}))
}

// Stderr shows go-plugin nothing.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(silence{p.exited}) }

// silence is a stream without content that ends when done is closed.
type silence struct{ done <-chan struct{} }

func (s silence) Read([]byte) (int, error) { <-s.done; return 0, io.EOF }

// Name is the program's path.
func (p *process) Name() string { return p.program.path }

// ID is the process id, empty if there never was a process.
func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == 0 {
		return ""
	}
	return strconv.Itoa(p.pid)
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
