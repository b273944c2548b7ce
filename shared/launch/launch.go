// Package launch starts a backend program, connects with it, and ends it: verification, handshake, log
// bridge, supervision. The host uses it for the user's backend, and a worker of the service for the
// backend behind a job.
//
// Whatever goes wrong comes out as one *fault.Fault whose cause shows the end of what the backend wrote to
// its standard error. When Start fails, and when Stop or Kill returns, nothing is left of the backend: not its
// process, nor what it has started (unless that has left the process group), nor its socket.
package launch

import (
	"cmp"
	"context"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

const (
	// DefaultStartTimeout bounds the handshake unless Spec says otherwise.
	DefaultStartTimeout = 10 * time.Second
	// StopGrace bounds the whole of an orderly end in Stop; then the process is killed.
	StopGrace = 2 * time.Second
)

// Spec says which program to start and how.
type Spec struct {
	Name   string   // the NAME in atg-backend-NAME
	Path   string   // of the program
	SHA256 string   // hexadecimal; checked at each Start. Empty is not pinned.
	Repair string   // what to do if it is another; empty: set backends.NAME.sha256
	Env    []string // the whole environment, nothing is inherited; see Environment
	// Logger gets the backend's log lines, each at its own level; nil is slog.Default. It decides at Start which
	// levels the backend is asked for.
	Logger *slog.Logger
	// StartTimeout bounds the time until the handshake is complete; 0 is DefaultStartTimeout.
	StartTimeout time.Duration
	Host         string // the host's version, for messages; may be empty
}

// Process is a running backend. End it with Stop or Kill, also after it has crashed.
type Process struct {
	spec    Spec
	process *process
	plugin  *plugin.Client
	client  *rpc.Client
	socket  *socketDir
	ended   sync.Once
}

// Start verifies the program, starts it, and shakes hands. Its errors are faults: backend_not_found,
// integrity (it is not the pinned one), backend_incompatible (not executable, built for another platform,
// another protocol, no backend at all, no handshake in time), backend_crashed (it ended before it was
// ready), interrupted or timeout (ctx ended). The end of ctx during Start ends what was started;
// afterwards ctx means nothing to the process.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	spec.Name = cmp.Or(spec.Name, filepath.Base(spec.Path))
	spec.StartTimeout = cmp.Or(spec.StartTimeout, DefaultStartTimeout)
	if spec.Logger == nil {
		spec.Logger = slog.Default()
	}
	program, err := verify(spec)
	if err != nil {
		return nil, err
	}
	defer program.close()
	socket, err := newSocketDir()
	if err != nil {
		return nil, noSocket(err)
	}
	bridge := newBridge(context.WithoutCancel(ctx), spec.Logger.With("backend", spec.Name))
	p := &Process{spec: spec, process: newProcess(spec, program, bridge), socket: socket}
	p.plugin = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  rpc.Handshake,
		VersionedPlugins: rpc.PluginSets(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		// The socket is dialled directly, whatever proxy the host's environment names.
		GRPCDialOptions:  append(rpc.DialOptions(), grpc.WithNoProxy()),
		AutoMTLS:         runtime.GOOS == "windows", // a Unix socket in a private folder needs no TLS
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: socket.root},
		SkipHostEnv:      true,
		StartTimeout:     spec.StartTimeout,
		Logger:           hclog.NewNullLogger(), // faults say what go-plugin would log
		SyncStdout:       bridge.stdout(),
		SyncStderr:       bridge.stderr(),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			if err := socket.take(dir); err != nil {
				return nil, noSocket(err)
			}
			p.process.sockets = dir
			p.process.cmd.Env = slices.Concat(spec.Env, cmd.Env, []string{rpc.LogLevelEnv + "=" + bridge.level()})
			return p.process, nil
		},
	})

	// Nothing below waits without end: when ctx or the time is over the process is killed, and its death
	// ends every wait.
	starting, cancel := context.WithTimeoutCause(ctx, spec.StartTimeout, errSilent)
	defer cancel()
	disarm := context.AfterFunc(starting, p.process.kill)
	err = p.connect(starting)
	if !disarm() || err != nil {
		p.Kill()
		return nil, p.startFault(starting, err)
	}
	p.client.Translate = p.translate
	return p, nil
}

// connect starts the process, shakes hands and dials.
func (p *Process) connect(ctx context.Context) error {
	protocol, err := p.plugin.Client()
	switch {
	case err != nil && p.socket.path == "":
		return noSocket(err)
	case err != nil:
		return err
	}
	backend, err := protocol.Dispense(rpc.PluginName)
	if err != nil {
		return err
	}
	p.client = backend.(*rpc.Client) // rpc.PluginSets makes nothing else
	// So far go-plugin does not mind if nobody answers at the socket.
	if err := p.client.Greet(ctx); err != nil {
		if p.process.dies() {
			return p.process.crashed("before it was ready")
		}
		return p.incompatible("shook hands, but does not answer at its socket: " + clean(err.Error()))
	}
	return nil
}

// Backend is the running backend. Its errors tell a dead process (backend_crashed, with how it ended
// and the end of its standard error) from a call that failed.
func (p *Process) Backend() *rpc.Client { return p.client }

// ID is the operating system's id of the process.
func (p *Process) ID() string { return p.process.ID() }

// Exited is closed when the process is gone, whoever ended it, and all of its output was read.
func (p *Process) Exited() <-chan struct{} { return p.process.exited }

// Stop closes the backend and asks the process to end; both together may take StopGrace. What is left by
// then, or when ctx ends, is killed. It returns when the process is gone. Its error is that of the backend's
// Close, or says that the process had to be killed; a process that is already gone is no error. Further
// calls of Stop and Kill do nothing.
func (p *Process) Stop(ctx context.Context) error {
	err := error(nil)
	p.ended.Do(func() { err = p.stop(ctx) })
	return err
}

func (p *Process) stop(ctx context.Context) error {
	defer p.release()
	if p.process.gone() {
		return nil
	}
	p.process.stopping.Store(true)
	ctx, cancel := context.WithTimeoutCause(ctx, StopGrace, errStuck)
	defer cancel()
	disarm := context.AfterFunc(ctx, p.process.kill)

	closing, cancelClose := context.WithTimeout(ctx, StopGrace*3/4)
	defer cancelClose()
	err := p.client.Close(closing)
	// A backend that does not know go-plugin's Shutdown ends when its standard input does.
	hint := time.AfterFunc(StopGrace/8, p.process.closeLifeline)
	defer hint.Stop()
	p.plugin.Kill() // Shutdown, then wait for the end, which kill brings about if need be
	if !disarm() {
		return fault.New(fault.BackendCrashed, "the backend "+quoted(p.spec.Name)+" did not stop and was killed",
			fault.On(p.spec.Path), fault.Because(context.Cause(ctx)))
	}
	return err
}

// Kill ends the process and all that it started at once, and returns when they are gone.
func (p *Process) Kill() {
	p.process.stopping.Store(true)
	p.process.kill() // also in the middle of a Stop, which then returns
	p.ended.Do(p.release)
}

// release gives back what the host holds for a process that is gone or killed.
func (p *Process) release() {
	p.process.kill()
	p.plugin.Kill()
	p.process.closeLifeline()
	p.socket.remove()
}
