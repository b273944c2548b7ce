package service

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/service/worker"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/launch"
)

// program is the backend's program, ready to be started.
type program struct {
	config  Backend
	path    string
	environ []string
	logger  *slog.Logger
}

// findProgram finds the backend's program: where the configuration says, or beside this one.
func findProgram(c Backend, environ []string, logger *slog.Logger) (*program, error) {
	p := &program{config: c, path: c.Path, environ: environ, logger: logger}
	if p.path == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fault.New(fault.BackendNotFound, "the folder of atg-server cannot be found", fault.Because(err), fault.Hint("set backend.path"))
		}
		if whole, err := filepath.EvalSymlinks(self); err == nil {
			self = whole
		}
		p.path = filepath.Join(filepath.Dir(self), "atg-backend-"+c.Name)
		if runtime.GOOS == "windows" {
			p.path += ".exe"
		}
	}
	if _, err := os.Stat(p.path); err != nil {
		message := "the backend's program cannot be used"
		if errors.Is(err, fs.ErrNotExist) {
			message = "there is no program for backend " + c.Name
		}
		return nil, fault.New(fault.BackendNotFound, message, fault.Because(err), fault.On(p.path), fault.From(fault.OriginService),
			fault.Hint("put it beside atg-server, or set backend.path"))
	}
	return p, nil
}

// start starts the backend with its data below dir, so that nothing of a job outlives the job on a worker.
func (p *program) start(ctx context.Context, dir string) (worker.Program, error) {
	env := launch.Environment(p.config.Name, p.config.Path == "", p.config.Env, p.environ)
	for variable, folder := range map[string]string{"XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state", "TMPDIR": "tmp"} {
		folder = filepath.Join(dir, folder)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fault.New(fault.ExecutionFailed, "the worker's disk cannot be used", fault.Because(err), fault.On(folder), fault.From(fault.OriginService), fault.Retryable())
		}
		env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, variable+"=") })
		env = append(env, variable+"="+folder)
	}
	running, err := launch.Start(ctx, launch.Spec{
		Name: p.config.Name, Path: p.path, SHA256: p.config.SHA256, Env: env, Logger: p.logger, Host: buildinfo.Version(),
	})
	if err != nil {
		return nil, err
	}
	return process{running}, nil
}

// process is a launched backend as a worker's Program.
type process struct{ *launch.Process }

func (p process) Backend() backend.Backend { return p.Process.Backend() }

// probe asks the backend what it can do.
func (p *program) probe(ctx context.Context, settings backend.Settings, dir string) (can backend.Capabilities, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return can, fault.New(fault.ExecutionFailed, "the data folder cannot be used", fault.Because(err), fault.On(dir))
	}
	dir, err = os.MkdirTemp(dir, "probe-")
	if err != nil {
		return can, fault.New(fault.ExecutionFailed, "the data folder cannot be used", fault.Because(err), fault.On(dir))
	}
	defer func() { _ = os.RemoveAll(dir) }()
	running, err := p.start(ctx, dir)
	if err != nil {
		return can, err
	}
	defer func() { _ = running.Stop(context.WithoutCancel(ctx)) }()
	b := running.Backend()
	if _, err := b.Describe(ctx); err != nil {
		return can, err
	}
	if err := b.Configure(ctx, settings); err != nil {
		return can, err
	}
	return b.Capabilities(ctx)
}
