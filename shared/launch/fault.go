package launch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// deathWait bounds the wait for the end of a process whose connection broke: the kernel closes a dying
// process's sockets a moment before its parent can see it end.
const deathWait = time.Second

// The causes of an end that launch itself brings about.
var (
	errSilent = errors.New("no handshake in time")
	errStuck  = errors.New("it did not end in time")
)

// startFault says why Start failed. The process is gone by now, so all of its output is there.
func (p *Process) startFault(starting context.Context, err error) error {
	cause := context.Cause(starting)
	switch f := fault.As(err); {
	case errors.Is(cause, errSilent):
		return p.incompatible(fmt.Sprintf("was not ready within %s", p.spec.StartTimeout),
			fault.Hint("if the program is an atg backend, the machine may be overloaded: try again"), fault.Retryable())
	case cause != nil:
		return fault.Of(fmt.Errorf("start the backend %s: %w: %w", quoted(p.spec.Name), starting.Err(), cause))
	case f != nil:
		return f
	}
	return p.incompatible("could not be connected with: " + clean(err.Error()))
}

// noSocket says that there is no place for a backend's socket.
func noSocket(err error) error {
	return fault.New(fault.Internal, "there is no folder for the backend's socket", fault.From(fault.OriginHost), fault.Because(err),
		fault.Hint("set TMPDIR to a folder of yours with a short path that you can write to"))
}

// incompatible is the fault of a program that was started and does not behave like a backend.
func (p *Process) incompatible(why string, options ...fault.Option) error {
	return incompatible(p.spec, why, append([]fault.Option{fault.Because(p.process.bridge.lastWords())}, options...)...)
}

// incompatible says that a program is none that this host can use.
func incompatible(spec Spec, why string, options ...fault.Option) *fault.Fault {
	return fault.New(fault.BackendIncompatible, fmt.Sprintf("the program of the backend %s %s: %s", quoted(spec.Name), why, spec.Path),
		append([]fault.Option{fault.On(spec.Path), fault.From(fault.OriginHost), fault.Hint("reinstall the backend, or set backends.%s.path to the right program", spec.Name)}, options...)...)
}

// translate tells a process that died from a connection that broke. Every other error stays as it is,
// also a backend_crashed that the backend itself reports of another one.
func (p *Process) translate(err error) error {
	switch {
	case !errors.Is(err, rpc.ErrDisconnected):
		return err
	case p.process.stopping.Load():
		return fault.New(fault.Interrupted, "the backend "+quoted(p.spec.Name)+" was stopped", fault.Because(context.Canceled))
	case p.process.dies():
		f := p.process.crashed("in the middle of its work")
		f.Retryable = true // with another process
		return f
	}
	return fault.New(fault.BackendCrashed, fmt.Sprintf("the backend %s closed its connection, though its process runs on", quoted(p.spec.Name)),
		fault.On(p.spec.Path), fault.From(fault.OriginHost), fault.Hint("run the command again with -v to see the backend's log"),
		fault.Because(p.process.bridge.lastWords()), fault.Retryable())
}

// dies says whether a process whose connection broke is gone, be it in a moment.
func (p *process) dies() bool {
	wait := time.NewTimer(deathWait)
	defer wait.Stop()
	select {
	case <-p.exited:
		return true
	case <-wait.C:
		return false
	}
}

// crashed is the fault of a process that has ended.
func (p *process) crashed(when string) *fault.Fault {
	hint := "run the command again with -v to see the backend's log"
	if strings.HasPrefix(p.end(), "signal: killed") {
		hint = "if the system killed it, memory ran out: see the system's log"
	}
	return fault.New(fault.BackendCrashed, fmt.Sprintf("the backend %s ended %s (%s)", quoted(p.spec.Name), when, p.end()),
		fault.On(p.spec.Path), fault.From(fault.OriginHost), fault.Hint("%s", hint), fault.Because(p.bridge.lastWords()))
}

// quoted shows a name that may hold anything.
func quoted(s string) string { return fmt.Sprintf("%q", s) }
