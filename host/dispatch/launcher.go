package dispatch

import (
	"context"
	"log/slog"
	"sync"

	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/launch"
)

// Launcher starts backends as processes of their own. Its Start is one for Options.
type Launcher struct {
	// Find finds the program of a backend.
	Find func(name string) (discover.Program, error)
	// Allow names the variables that a backend gets beside the usual ones.
	Allow     func(name string) []string
	Environ   []string // as os.Environ
	Logger    *slog.Logger
	Processes *Processes
}

// Start finds and starts the program of a backend.
func (l *Launcher) Start(ctx context.Context, name string) (Program, error) {
	found, err := l.Find(name)
	if err != nil {
		return nil, err
	}
	p, err := launch.Start(ctx, launch.Spec{
		Name: found.Name, Path: found.Path, SHA256: found.SHA256, Repair: found.Repair(), Logger: l.Logger, Host: buildinfo.Version(),
		Env: launch.Environment(found.Name, found.Bundled, l.Allow(found.Name), l.Environ),
	})
	if err != nil {
		return nil, err
	}
	return l.Processes.add(process{p}), nil
}

// process is a launched backend as a Program.
type process struct{ *launch.Process }

func (p process) Backend() backend.Backend { return p.Process.Backend() }

// Processes are the backends that run, so that a user who has had enough can end them all at once.
type Processes struct {
	mu      sync.Mutex
	running map[Program]bool
}

func (ps *Processes) add(p Program) Program {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.running == nil {
		ps.running = map[Program]bool{}
	}
	t := &tracked{Program: p, all: ps}
	ps.running[t] = true
	return t
}

// Kill ends them and what they have started.
func (ps *Processes) Kill() {
	ps.mu.Lock()
	running := make([]Program, 0, len(ps.running))
	for p := range ps.running {
		running = append(running, p)
	}
	ps.mu.Unlock()
	var ended sync.WaitGroup
	for _, p := range running {
		ended.Go(p.Kill)
	}
	ended.Wait()
}

// tracked is a Program that is forgotten once it was stopped.
type tracked struct {
	Program
	all *Processes
}

func (t *tracked) Stop(ctx context.Context) error {
	err := t.Program.Stop(ctx)
	if err == nil {
		t.all.mu.Lock()
		defer t.all.mu.Unlock()
		delete(t.all.running, t)
	}
	return err
}
