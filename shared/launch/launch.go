// Package launch starts a backend program, connects with it, and ends it: verification, handshake, log
// bridge, supervision. The host uses it for the user's backend, and a worker of the service for the
// backend behind a job.
package launch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

const (
	// startTimeout bounds the handshake unless Spec says otherwise.
	startTimeout = 10 * time.Second
	// closeTimeout bounds the backend's own Close in Stop.
	closeTimeout = 2 * time.Second
	// lastWords bounds the wait for the rest of a dead backend's standard error.
	lastWords = time.Second
	// maxSocketDir is how long, in bytes, a folder may be for a socket in it to have a valid address:
	// those end at 104 bytes on macOS and at 108 on Linux, and go-plugin adds about 40.
	maxSocketDir = 60
)

// Spec says which program to start and how.
type Spec struct {
	Name   string
	Path   string   // of the program
	SHA256 string   // lower-case hexadecimal; empty is not pinned. Checked at each Start.
	Env    []string // the whole environment; see Environment
	// Logger gets the backend's log lines, each at its own level; nil is slog.Default.
	Logger *slog.Logger
	// StartTimeout bounds the time until the handshake is complete; 0 is 10 seconds.
	StartTimeout time.Duration
}

// Process is a running backend.
type Process struct {
	spec    Spec
	process *process
	plugin  *plugin.Client
	client  *rpc.Client
}

// Start verifies the program, starts it, and shakes hands. Its errors are faults: backend_not_found,
// backend_incompatible (not executable, another platform, another protocol, no backend at all),
// backend_crashed (it ended before the handshake), integrity (it is not the pinned one). The end of
// ctx during Start ends what was started; afterwards ctx means nothing to the process: Stop ends it.
//
// The file is checked before it is started, not while: whoever can replace it between the two can as
// well replace it afterwards, so a pinned backend belongs into a folder that only its user can write.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if spec.Logger == nil {
		spec.Logger = slog.Default()
	}
	if spec.StartTimeout == 0 {
		spec.StartTimeout = startTimeout
	}
	if err := verify(spec); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	log := &logBridge{log: spec.Logger.With("backend", spec.Name)}
	p := &Process{spec: spec, process: newProcess(spec.Path, log)}
	p.plugin = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  rpc.Handshake,
		VersionedPlugins: rpc.PluginSets(nil),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		GRPCDialOptions:  rpc.DialOptions(),
		AutoMTLS:         runtime.GOOS == "windows", // a Unix socket in a private folder needs no TLS
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: socketRoot()},
		SkipHostEnv:      true,
		StartTimeout:     spec.StartTimeout,
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       log,
		SyncStderr:       log,
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			env := append(append([]string{}, spec.Env...), cmd.Env...)
			p.process.cmd.Env = append(env, serve.LifelineVariable+"=stdin", serve.LogLevelVariable+"="+least(ctx, spec.Logger))
			return p.process, nil
		},
	})

	stopWatching := context.AfterFunc(ctx, p.process.end)
	client, err := p.connect()
	if !stopWatching() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		p.Kill()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, p.startFault(err)
	}
	client.Translate = p.translate
	p.client = client
	return p, nil
}

func (p *Process) connect() (*rpc.Client, error) {
	protocol, err := p.plugin.Client()
	if err != nil {
		return nil, err
	}
	dispensed, err := protocol.Dispense(rpc.PluginName)
	if err != nil {
		return nil, err
	}
	client, ok := dispensed.(*rpc.Client)
	if !ok {
		return nil, fmt.Errorf("dispensed a %T", dispensed)
	}
	return client, nil
}

// Backend is the running backend. Its errors tell a dead process (backend_crashed, with its last
// words) from a call that failed.
func (p *Process) Backend() *rpc.Client { return p.client }

// Exited is closed when the process is gone, whoever ended it.
func (p *Process) Exited() <-chan struct{} { return p.process.exited }

// Stop closes the backend, asks the process to end, and ends it and all that it started if it does not
// within two seconds each. It is idempotent.
func (p *Process) Stop(ctx context.Context) error {
	select {
	case <-p.process.exited:
		p.release()
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err := p.client.Close(ctx)
	p.plugin.Kill() // asks for an orderly end, waits two seconds, then ends the group
	p.release()
	return err
}

// Kill ends the process and all that it started at once.
func (p *Process) Kill() {
	p.process.end()
	p.release()
}

// release gives back what the host holds for the process, which is gone.
func (p *Process) release() {
	p.plugin.Kill()
	p.process.closeLifeline()
}

// translate makes the error of a call that met a dead process say so.
func (p *Process) translate(err error) error {
	if fault.CodeOf(err) != fault.BackendCrashed {
		return err
	}
	// The connection may break a moment before the process is seen to end.
	wait := time.NewTimer(lastWords)
	defer wait.Stop()
	select {
	case <-p.process.exited:
	case <-wait.C:
		return fault.New(fault.BackendCrashed, fmt.Sprintf("the backend %q closed its connection and does not answer any more", p.spec.Name),
			fault.Hint("run it again with -v to see its log"), fault.Because(errors.Join(err, p.process.log.end())))
	}
	return fault.New(fault.BackendCrashed, fmt.Sprintf("the backend %q ended in the middle of its work (%s)", p.spec.Name, p.state()),
		fault.Hint("run it again with -v to see its log"), fault.Because(p.lastWords()))
}

// startFault says why there was no handshake.
func (p *Process) startFault(err error) error {
	if !p.process.started() {
		return p.execFault(err)
	}
	text, words := err.Error(), p.lastWords()
	switch {
	case strings.Contains(text, "timeout while waiting"):
		return unusable(p.spec, fmt.Sprintf("did not say within %s that it is ready", p.spec.StartTimeout), fault.Because(words))
	case strings.Contains(text, "ncompatible API version"), strings.Contains(text, "ncompatible core API version"):
		return unusable(p.spec, fmt.Sprintf("speaks another version of the protocol than this atg (%d)", backend.Protocol), fault.Because(err))
	case strings.Contains(text, "Unrecognized remote plugin message: \n"), strings.Contains(text, "plugin exited before"):
		return fault.New(fault.BackendCrashed, fmt.Sprintf("the backend %q ended before it was ready (%s)", p.spec.Name, p.state()),
			fault.On(p.spec.Path), fault.Hint("run %s by hand to see whether it is an atg backend", p.spec.Path), fault.Because(words))
	case strings.Contains(text, "Unrecognized remote plugin message"):
		line, _, _ := strings.Cut(strings.TrimPrefix(text, "Unrecognized remote plugin message: "), "\n")
		return unusable(p.spec, fmt.Sprintf("is no atg backend: it printed %q instead of shaking hands", clean(line)), fault.Because(words))
	}
	return unusable(p.spec, "could not be connected with", fault.Because(errors.Join(err, words)))
}

// execFault says why the operating system did not start the program.
func (p *Process) execFault(err error) error {
	if built := builtFor(p.spec.Path); built != "" && isExecFormat(err) {
		return unusable(p.spec, fmt.Sprintf("was built for another platform: it is %s, this is %s/%s", built, runtime.GOOS, runtime.GOARCH))
	}
	if isExecFormat(err) {
		return unusable(p.spec, "is no program that this platform can run", fault.Because(err))
	}
	return unusable(p.spec, "could not be started", fault.Because(err))
}

func (p *Process) state() string {
	select {
	case <-p.process.exited:
		return p.process.cmd.ProcessState.String()
	default:
		return "state unknown"
	}
}

// lastWords waits a moment for all of standard error and answers its end.
func (p *Process) lastWords() error {
	wait := time.NewTimer(lastWords)
	defer wait.Stop()
	select {
	case <-p.process.read:
	case <-wait.C:
	}
	return p.process.log.end()
}

// socketRoot is where go-plugin makes the private folder of the socket.
func socketRoot() string {
	if dir := os.TempDir(); len(dir) <= maxSocketDir || runtime.GOOS == "windows" {
		return dir
	}
	return "/tmp"
}

// least is the name of the least level that the logger shows.
func least(ctx context.Context, log *slog.Logger) string {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(ctx, level) {
			return strings.ToLower(level.String())
		}
	}
	return "error"
}

// ID is the operating system's id of the process.
func (p *Process) ID() string { return p.process.ID() }
