// Package cli is the command line of atg-server.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/service"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Process is the process that atg-server runs in.
type Process struct {
	Args     []string // without the program's name
	Environ  []string // as os.Environ
	Out, Err io.Writer
}

// OS is the operating system's process.
func OS() Process {
	return Process{Args: os.Args[1:], Environ: os.Environ(), Out: os.Stdout, Err: os.Stderr}
}

// getenv is the value of a variable, empty if it is not set.
func (p *Process) getenv(name string) string {
	for i := len(p.Environ) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(p.Environ[i], "="); ok && key == name {
			return value
		}
	}
	return ""
}

type commands struct {
	Start startCmd `cmd:"" help:"Run the service until interrupted."`
	Keys  keysCmd  `cmd:"" help:"Make, list and revoke API keys."`

	LogFormat string           `enum:"text,json" default:"text" env:"ATG_SERVER_LOG_FORMAT" help:"Form of the log on standard error: text or json."`
	LogLevel  string           `enum:"debug,info,warn,error" default:"info" env:"ATG_SERVER_LOG_LEVEL" help:"What is logged: debug, info, warn or error."`
	Version   kong.VersionFlag `help:"Print the version."`
}

// where are the flags by which every command finds the service's things.
type where struct {
	Config   string `type:"path" placeholder:"FILE" env:"ATG_SERVER_CONFIG" help:"Configuration file (YAML)."`
	DataDir  string `type:"path" placeholder:"DIR" env:"ATG_SERVER_DATA_DIR" help:"Folder of everything that the service keeps (default: atg/server in the user's data folder)."`
	NATSURL  string `name:"nats-url" placeholder:"URL" env:"ATG_SERVER_NATS_URL" help:"NATS cluster with JetStream to use instead of the embedded server: tls://HOST:4222,…"`
	NATSCred string `name:"nats-creds" type:"path" placeholder:"FILE" env:"ATG_SERVER_NATS_CREDS" help:"Credentials file for the cluster."`
	NATSCA   string `name:"nats-ca" type:"path" placeholder:"FILE" env:"ATG_SERVER_NATS_CA" help:"PEM file of the cluster's certificate authority."`
}

// overrides are the flags that were given, by key of the configuration.
func (w where) overrides() map[string]any {
	return given(map[string]any{"data_dir": w.DataDir, "nats.url": w.NATSURL, "nats.creds": w.NATSCred, "nats.ca": w.NATSCA})
}

// given leaves out what was not.
func given(flags map[string]any) map[string]any {
	for key, value := range flags {
		if value == "" || value == 0 || value == false {
			delete(flags, key)
		}
	}
	return flags
}

// load reads the configuration, with flags and variables above the file.
func (w where) load(p *Process, flags map[string]any) (service.Config, error) {
	above := w.overrides()
	for key, value := range flags {
		above[key] = value
	}
	return service.LoadConfig(w.Config, above, flagOf, p.getenv)
}

// flagOf names the flag of a key of the configuration; its variable is named alike.
func flagOf(key string) string {
	switch key {
	case "backend.name":
		return "--backend"
	case "worker.concurrency":
		return "--concurrency"
	}
	return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

// exited is how kong ends a run that asked for help or the version.
type exited int

// Main runs a command until it or ctx ends, and answers the exit code of the process: that of its fault.
func Main(ctx context.Context, process Process) (code int) {
	p := &process
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			code = int(e)
		default:
			panic(e)
		}
	}()
	var c commands
	parser, err := newParser(&c, p.Out, p.Err)
	if err != nil {
		panic(err) // the grammar is wrong: a test would have found it
	}
	parsed, err := parser.Parse(p.Args)
	if err != nil {
		fmt.Fprintf(p.Err, "atg-server: %v\n\nSee atg-server --help.\n", err)
		return fault.InvalidArgument.ExitCode()
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(p, c.logger(p)); err != nil {
		complain(p, fault.Of(err))
		return fault.CodeOf(err).ExitCode()
	}
	return 0
}

// about is what atg-server is.
const about = "The job service of atg: commands of atg run here with --backend remote.\n\n" +
	"To try it on this machine: atg-server start --dev, then atg --profile dev scan."

func newParser(c *commands, out, errors io.Writer) (*kong.Kong, error) {
	return kong.New(c, kong.Name("atg-server"), kong.UsageOnError(), kong.Writers(out, errors), kong.Description(about),
		kong.Vars{"version": strings.TrimSpace("atg-server " + buildinfo.Version() + " " + buildinfo.Commit())},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Exit(func(n int) { panic(exited(n)) }))
}

func (c *commands) logger(p *Process) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong has checked it
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.Err, options))
	}
	return slog.New(slog.NewTextHandler(p.Err, options))
}

// complain prints a fault: what happened, every problem of it, and what to do.
func complain(p *Process, f *fault.Fault) {
	fmt.Fprintf(p.Err, "atg-server: %s", f.Error())
	if f.Resource != "" && !strings.Contains(f.Error(), f.Resource) {
		fmt.Fprintf(p.Err, " (%s)", f.Resource)
	}
	fmt.Fprintln(p.Err)
	for _, problem := range f.Problems {
		fmt.Fprintf(p.Err, "  %s: %s", problem.Key, problem.Message)
		if problem.Line > 0 {
			fmt.Fprintf(p.Err, ", line %d", problem.Line)
		}
		if problem.Hint != "" {
			fmt.Fprintf(p.Err, " (%s)", problem.Hint)
		}
		fmt.Fprintln(p.Err)
	}
	if f.Hint != "" {
		fmt.Fprintf(p.Err, "  hint: %s\n", f.Hint)
	}
}
