package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// app is what a verb works with. Configuration and backends are touched only by the verbs that need
// them.
type app struct {
	process  Process
	flags    *globals
	root     *kong.Node // the command line's model, for help
	tenantID string     // of --tenant-id
	console  *ui.Console
	backends *dispatch.Processes
	// start replaces the launching of programs, in tests.
	start func(ctx context.Context, name string) (dispatch.Program, error)

	// browse replaces the opening of a file in the browser, in tests.
	browse func(ctx context.Context, file string) error

	// seen sees the results that are printed, in tests.
	seen func(ui.Document)
	// hold leaves Ctrl-C to a pager; nil where nothing catches it.
	hold func() (release func())

	loaded *config.Config
}

// tenantFlag is the flag of verbs that work on one tenant.
type tenantFlag struct {
	TenantID string `placeholder:"TENANT" help:"Tenant: its id or a domain (default: the configured one, else the only one in reach)."`
}

// AfterApply makes the flag a layer of the configuration, where it wins over the others.
func (t tenantFlag) AfterApply(a *app) error {
	a.tenantID = t.TenantID
	return nil
}

// tenant is the tenant to work on; empty lets the backend find the only one. The configuration is
// loaded already.
func (a *app) tenant() string { return a.loaded.TenantID }

// config loads the configuration, once.
func (a *app) config() (*config.Config, error) {
	if a.loaded != nil {
		return a.loaded, nil
	}
	c, err := config.Load(a.sources())
	if err != nil {
		return nil, err
	}
	a.console.SetProgress(c.ShowProgress, c.ProgressUpdateInterval)
	cloud, _ := c.Settings(config.Local)["cloud"].(string)
	a.console.SetPortal(portals[cmp.Or(cloud, "public")])
	a.loaded = c
	return c, nil
}

func (a *app) sources() config.Options {
	return config.Options{Environ: a.process.Environ, Flags: config.Flags{
		Config: a.flags.ConfigFile, Profile: a.flags.Profile, Backend: a.flags.BackendName, Remote: a.flags.Remote,
		TenantID: a.tenantID, NoProgress: a.flags.NoProgress,
	}}
}

// dispatcher runs operations as flags and configuration say.
func (a *app) dispatcher(ctx context.Context) (*dispatch.ExecutionDispatcher, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	if c.IsRemoteMode() {
		if err := a.unlock(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := c.CheckRemote(); err != nil {
		return nil, err
	}
	return a.dispatcherFor(c, finder(c)), nil
}

// finder finds backends where the configuration says.
func finder(c *config.Config) func(string) (discover.Program, error) {
	return func(name string) (discover.Program, error) { return discover.Find(discover.From(c), name) }
}

// dispatcherFor is the dispatcher for backends that find finds.
func (a *app) dispatcherFor(c *config.Config, find func(string) (discover.Program, error)) *dispatch.ExecutionDispatcher {
	launcher := &dispatch.Launcher{
		Find: find, Environ: a.process.Environ, Logger: a.console.Logger(), Processes: a.backends,
		Allow: func(name string) []string { return c.Backends[name].Env },
	}
	start := launcher.Start
	if a.start != nil {
		start = a.start
	}
	return dispatch.New(dispatch.Options{
		Backend: c.Backend, Fallback: c.Fallback, Start: start, Settings: c.Settings, Check: c.CheckSettings,
		Profile: c.Profile, Checkpoints: checkpointsOf(c),
		Observe: func() dispatch.Observer { return a.console.Progress() },
		Note:    a.console.Note,
		Command: func(name string) []string { return a.command(c, name) },
		Enqueue: func(_ context.Context, u dispatch.Unsent) (string, error) { return a.enqueue(c, u) },
	})
}

// checkpointsOf keeps the finished parts of scans on this machine; nil where there is no home folder.
func checkpointsOf(c *config.Config) *checkpoint.Store {
	if c.Paths.State == "" {
		return nil
	}
	return checkpoint.New(filepath.Join(c.Paths.State, "scans"))
}

// confirm asks; a no ends the command.
func (a *app) confirm(ctx context.Context, question string) error {
	yes, err := a.console.Confirm(ctx, question)
	if err == nil && !yes {
		err = fault.New(fault.Interrupted, "nothing was done", fault.From(fault.OriginHost))
	}
	return err
}

// needsFlag is the fault where a question could not be asked.
func needsFlag(what string) error {
	return fault.New(fault.InvalidArgument, what+" needs a confirmation, and there is nobody to ask",
		fault.Hint("confirm with --yes"), fault.From(fault.OriginHost))
}

// usage is the fault of a wrong command line.
func usage(format string, args ...any) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf(format, args...), fault.From(fault.OriginHost))
}

// command is how to call atg again with the same configuration and the backend of that name: by what flags
// and variables chose, while the file speaks for itself.
func (a *app) command(c *config.Config, name string) []string {
	words := []string{"atg"}
	if a.flags.ConfigFile != "" {
		words = append(words, "--config", a.flags.ConfigFile)
	}
	if c.Profile != "" && (a.flags.Profile != "" || a.process.Getenv("ATG_PROFILE") != "") {
		words = append(words, "--profile", c.Profile)
	}
	if name != c.Backend || name != dispatch.Local && !c.BackendByFile() {
		words = append(words, "--backend", name)
	}
	return words
}
