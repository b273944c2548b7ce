package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// grammar is the command line: the flags of every command, and the commands.
type grammar struct {
	globals

	Scan         scanCmd         `kong:"-"`
	GenerateIaC  generateIaCCmd  `kong:"-"`
	CreateTenant createTenantCmd `kong:"-"`
	GenerateSpec generateSpecCmd `kong:"-"`
	Visualize    visualizeCmd    `kong:"-"`
	Snapshot     snapshotVerbs   `kong:"-"`
	Job          struct {
		List     jobListCmd     `cmd:"" help:"List your jobs, newest first."`
		Show     jobShowCmd     `cmd:"" help:"Show how far a job is, or what became of it."`
		Watch    jobWatchCmd    `cmd:"" help:"Follow a job to its end, and print its result."`
		Result   jobResultCmd   `cmd:"" help:"Print the result of a completed job."`
		Download jobDownloadCmd `cmd:"" help:"Bring the files of a completed job."`
		Cancel   jobCancelCmd   `cmd:"" help:"Cancel a job."`
		Submit   jobSubmitCmd   `cmd:"" help:"Submit many operations at once."`
		Flush    jobFlushCmd    `cmd:"" help:"Send the submissions that --queue has kept."`
	} `kong:"-"`
	Health  healthCmd `kong:"-"`
	Backend struct {
		List    backendListCmd    `cmd:"" help:"List the backends that atg finds."`
		Info    backendInfoCmd    `cmd:"" help:"Show what a backend is, what it can do, and its settings."`
		New     backendNewCmd     `cmd:"" help:"Write the start of a backend of your own."`
		Test    backendTestCmd    `cmd:"" help:"Check that a backend keeps the contract."`
		Install backendInstallCmd `cmd:"" help:"Install a backend, and pin its program."`
		Remove  backendRemoveCmd  `cmd:"" help:"Remove backends that were installed."`
		Upgrade backendUpgradeCmd `cmd:"" help:"Bring installed backends up to date."`
		Push    backendPushCmd    `cmd:"" help:"Publish a backend in a registry."`
	} `kong:"-"`
	Config struct {
		Show     configShowCmd     `cmd:"" help:"Show each value and where it comes from."`
		Path     configPathCmd     `cmd:"" help:"Print the path of the configuration file."`
		Validate configValidateCmd `cmd:"" help:"Check the configuration, and the settings of each backend in it."`
		Init     configInitCmd     `cmd:"" help:"Ask what you want of atg, and write the configuration file."`
	} `kong:"-"`
	Auth struct {
		Login  authLoginCmd  `cmd:"" help:"Keep the key of a job service."`
		Logout authLogoutCmd `cmd:"" help:"Forget the key of a job service."`
		Status authStatusCmd `cmd:"" help:"Say where the key comes from, and whether the service takes it."`
	} `kong:"-"`
	Doctor     doctorCmd     `kong:"-"`
	Completion completionCmd `kong:"-"`
	Version    versionCmd    `kong:"-"`
	Help       helpCmd       `kong:"-"`
}

// command is a command of atg's own.
type command struct {
	name, group, help string
	grammar           any // its part of the grammar
}

func (g *grammar) commands() []command {
	return []command{
		{"scan", "work", "Scan a tenant into a snapshot.", &g.Scan},
		{"generate-iac", "work", "Generate Terraform, Bicep or ARM from a snapshot.", &g.GenerateIaC},
		{"create-tenant", "work", "Deploy a written specification into a tenant.", &g.CreateTenant},
		{"generate-spec", "work", "Write the specification of a snapshot, for people and for create-tenant.", &g.GenerateSpec},
		{"visualize", "work", "Draw a snapshot as a page to look at: a graph to search, filter and walk through.", &g.Visualize},
		{"snapshot", "work", "Work with snapshots: " + verbNames(g.Snapshot) + ".", &g.Snapshot},
		{"job", "work", "Work with jobs that outlive a command: list, show, watch, result, download, cancel, submit, flush.", &g.Job},
		{"health", "setup", "Check that the backend works, and what it depends on.", &g.Health},
		{"backend", "setup", "Find, write, test, install and publish backends: list, info, new, test, install, remove, upgrade, push.", &g.Backend},
		{"config", "setup", "Show, check and make the configuration: show, path, validate, init.", &g.Config},
		{"auth", "setup", "Keep the key of a job service: login, logout, status.", &g.Auth},
		{"doctor", "setup", "Look at everything that commands need, and say what to do about what is wrong.", &g.Doctor},
		{"completion", "setup", "Print what lets a shell complete commands, flags and values: bash, zsh, fish, powershell.", &g.Completion},
		{"version", "setup", "Print the version of atg.", &g.Version},
		{"help", "setup", "Explain a command, or a topic: remote, jobs, exit-codes, environment, extensions.", &g.Help},
	}
}

// globals are the flags that every command takes.
type globals struct {
	BackendName string        `name:"backend" group:"global" placeholder:"NAME" help:"Backend that does the work (default: local)."`
	Remote      bool          `group:"global" help:"The same as --backend remote."`
	Profile     string        `group:"global" placeholder:"NAME" help:"Profile of the configuration file."`
	ConfigFile  string        `name:"config" group:"global" placeholder:"FILE" help:"Configuration file."`
	Output      string        `name:"output-format" short:"o" group:"global" enum:"table,json,yaml,ndjson" default:"table" placeholder:"FORMAT" help:"Format of the result: table, json, yaml or ndjson."`
	JQ          string        `name:"jq" group:"global" placeholder:"EXPR" help:"Print what the jq expression makes of the result's JSON; with -o ndjson, of each line."`
	Quiet       bool          `short:"q" group:"global" help:"Only the result, and errors."`
	Verbose     bool          `short:"v" group:"global" help:"Also the logs of atg and of the backend."`
	LogFormat   string        `group:"global" enum:"text,json" default:"text" placeholder:"FORMAT" help:"Format of logs, progress and errors on stderr: text or json."`
	NoProgress  bool          `group:"global" help:"Do not show progress."`
	NoInput     bool          `group:"global" help:"Never ask; fail where an answer is needed."`
	NoPager     bool          `group:"global" help:"Show long results at once, and not page by page."`
	Color       string        `group:"global" enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Colours and links: auto, always or never."`
	Timeout     conf.Duration `group:"global" placeholder:"DURATION" help:"End the command after so long: seconds, as 300, or 5m."`
}

// filterFlags narrow what is read or taken.
type filterFlags struct {
	Subscription  []string  `group:"filter" aliases:"filter-by-subscriptions" placeholder:"ID|NAME" help:"Only these subscriptions."`
	ResourceGroup []string  `group:"filter" aliases:"filter-by-rgs" placeholder:"NAME" help:"Only these resource groups."`
	ResourceType  []string  `group:"filter" placeholder:"TYPE" help:"Only these types, as microsoft.compute/virtualmachines."`
	Location      []string  `group:"filter" placeholder:"REGION" help:"Only these regions, as westeurope."`
	Tag           []tagFlag `group:"filter" sep:"none" placeholder:"K=V" help:"Only resources with all of these tags; K alone is any value."`
	ExcludeType   []string  `group:"filter" placeholder:"TYPE" help:"Not these types, nor their children."`
}

func (f filterFlags) filter() backend.Filter {
	filter := backend.Filter{
		Subscriptions: f.Subscription, ResourceGroups: f.ResourceGroup, ResourceTypes: f.ResourceType,
		Locations: f.Location, ExcludeTypes: f.ExcludeType,
	}
	for _, t := range f.Tag {
		if filter.Tags == nil {
			filter.Tags = map[string]string{}
		}
		filter.Tags[t.name] = t.value
	}
	return filter
}

// tagFlag is NAME=VALUE or NAME.
type tagFlag struct{ name, value string }

// UnmarshalText reads a tag.
func (t *tagFlag) UnmarshalText(text []byte) error {
	t.name, t.value, _ = strings.Cut(string(text), "=")
	if t.name == "" {
		return fmt.Errorf("%q is no tag: write NAME=VALUE, or NAME for any value", text)
	}
	return nil
}

// limitFlag is a number above zero; without the flag it is zero, no limit.
type limitFlag int64

// UnmarshalText reads a number, whose thousands may be apart: 10000, 10_000, 10,000.
func (l *limitFlag) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(strings.NewReplacer("_", "", ",", "").Replace(string(text)), 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no limit: write a whole number above 0", text)
	}
	*l = limitFlag(n)
	return nil
}

// newParser makes the parser of a command line into g. It prints nothing and never ends the process.
// Where the first argument is a command, it knows that one alone: building them all takes longer than
// many a command itself.
func newParser(g *grammar, args []string) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name("atg"), kong.NoDefaultHelp(), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard),
		kong.ExplicitGroups([]kong.Group{
			{Key: "work", Title: "Work"}, {Key: "setup", Title: "Set up"},
			{Key: "filter", Title: "Filters"}, {Key: "target", Title: "Where the code is for, if elsewhere"}, {Key: "wait", Title: "Waiting for the job"}, {Key: "global", Title: "Global flags"},
		}),
	}
	all := g.commands()
	for _, c := range all {
		if len(args) > 0 && args[0] == c.name && c.name != "help" {
			all = []command{c}
		}
	}
	for _, c := range all {
		options = append(options, kong.DynamicCommand(c.name, c.help, c.group, c.grammar))
	}
	return kong.New(g, options...)
}

// verb is what every command implements.
type verb interface {
	Run(ctx context.Context, a *app) error
}

var (
	_ verb = (*scanCmd)(nil)
	_ verb = (*generateIaCCmd)(nil)
	_ verb = (*createTenantCmd)(nil)
	_ verb = (*jobListCmd)(nil)
	_ verb = (*jobShowCmd)(nil)
	_ verb = (*jobWatchCmd)(nil)
	_ verb = (*jobResultCmd)(nil)
	_ verb = (*jobDownloadCmd)(nil)
	_ verb = (*jobCancelCmd)(nil)
	_ verb = (*jobSubmitCmd)(nil)
	_ verb = (*jobFlushCmd)(nil)
	_ verb = (*healthCmd)(nil)
	_ verb = (*backendListCmd)(nil)
	_ verb = (*backendInfoCmd)(nil)
	_ verb = (*backendTestCmd)(nil)
	_ verb = (*backendInstallCmd)(nil)
	_ verb = (*backendRemoveCmd)(nil)
	_ verb = (*backendUpgradeCmd)(nil)
	_ verb = (*backendPushCmd)(nil)
	_ verb = (*configShowCmd)(nil)
	_ verb = (*configPathCmd)(nil)
	_ verb = (*configValidateCmd)(nil)
	_ verb = (*configInitCmd)(nil)
	_ verb = (*authLoginCmd)(nil)
	_ verb = (*authLogoutCmd)(nil)
	_ verb = (*authStatusCmd)(nil)
	_ verb = (*doctorCmd)(nil)
	_ verb = (*completionCmd)(nil)
	_ verb = (*versionCmd)(nil)
	_ verb = (*helpCmd)(nil)
)
