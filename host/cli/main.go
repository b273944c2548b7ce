// Package cli is atg's command line: it parses, calls host/dispatch, and prints through host/ui. Each
// verb has a file of its own.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Process is the process that atg runs in.
type Process struct {
	Args    []string // without the program's name
	Environ []string // as os.Environ
	Streams ui.Streams
}

// OS is the operating system's process.
func OS() Process {
	return Process{Args: os.Args[1:], Environ: os.Environ(), Streams: ui.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}}
}

// Getenv is the value of a variable, empty if it is not set.
func (p Process) Getenv(name string) string {
	for i := len(p.Environ) - 1; i >= 0; i-- {
		if key, value, ok := strings.Cut(p.Environ[i], "="); ok && key == name {
			return value
		}
	}
	return ""
}

// Main runs a command and answers the exit code of the process (see atg help
// exit-codes). The first Ctrl-C ends the command in good order, the second at once.
func Main(ctx context.Context, p Process) int {
	if len(p.Args) == 1 && (p.Args[0] == "version" || p.Args[0] == "--version") { // cheap: nothing is built for it
		fmt.Fprintln(p.Streams.Out, versionLine())
		return 0
	}
	if len(p.Args) > 0 && p.Args[0] == completeCommand {
		return complete(ctx, p, p.Args[1:])
	}
	var g grammar
	parser, err := newParser(&g, p.Args)
	if err != nil {
		panic(err) // the grammar is wrong: a test would have found it
	}
	if name, ok := extensionName(parser.Model.Node, p.Args); ok {
		return runExtension(ctx, p, parser.Model.Node, name)
	}
	a := &app{process: p, flags: &g.globals, root: parser.Model.Node, backends: &dispatch.Processes{}}
	ctx, signals := interruptible(ctx)
	defer signals.stop()
	a.hold = signals.hold
	code := make(chan int, 1)
	go func() { code <- run(ctx, a, &g, parser) }()
	select {
	case c := <-code:
		return c
	case <-signals.again:
		a.backends.Kill()
		return fault.Interrupted.ExitCode()
	}
}

// run parses and runs a command, and shows its fault.
func run(ctx context.Context, a *app, g *grammar, parser *kong.Kong) (code int) {
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fault.New(fault.Internal, fmt.Sprintf("a defect of atg: %v", r), fault.From(fault.OriginHost),
					fault.Because(errors.New(string(debug.Stack()))), fault.Hint("please report it"))
			}
		}()
		return parse(ctx, a, g, parser)
	}()
	if err == nil {
		return 0
	}
	if a.console == nil { // not even the flags were understood: those that were say how to speak
		a.console = newConsole(a.process, g.globals)
	}
	a.console.Fault(fault.Of(err))
	return exitCode(err)
}

func parse(ctx context.Context, a *app, g *grammar, parser *kong.Kong) error {
	if node, ok := helpWanted(parser.Model.Node, a.process.Args); ok {
		a.flags.NoPager = slices.Contains(a.process.Args, "--no-pager")
		a.console = a.withPager(consoleOptions(a.process, globals{}))
		return a.console.Show(func(p *ui.Page) { nodeHelp(p, node, a.process) })
	}
	if err := kong.Bind(a).Apply(parser); err != nil {
		return err
	}
	parsed, err := parser.Parse(a.process.Args)
	if err != nil {
		var wrong *kong.ParseError
		if errors.As(err, &wrong) && wrong.Context != nil {
			_, _ = wrong.Context.Apply() // what was understood says how to speak of the rest
		}
		return usageFault(parser, err)
	}
	if d := g.Timeout.Value(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d,
			fault.New(fault.Timeout, fmt.Sprintf("the time of --timeout, %s, is over", ui.Span(d)), fault.From(fault.OriginHost)))
		defer cancel()
	}
	options := consoleOptions(a.process, g.globals)
	if g.JQ != "" {
		if g.Output == string(ui.FormatYAML) {
			return usage("--jq prints JSON and text: it does not go together with -o yaml")
		}
		if options.JQ, err = ui.ParseJQ(ctx, g.JQ); err != nil {
			return err
		}
	}
	options.Seen = a.seen
	a.console = a.withPager(options)
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run()
}

// withPager is a console that shows long results in pages, unless --no-pager is given.
func (a *app) withPager(options ui.Options) *ui.Console {
	if !a.flags.NoPager {
		options.Pager, options.Hold = a.pager, a.hold
	}
	return ui.New(a.process.Streams, options)
}

func newConsole(p Process, g globals) *ui.Console { return ui.New(p.Streams, consoleOptions(p, g)) }

func consoleOptions(p Process, g globals) ui.Options {
	return ui.Options{
		Format: ui.Format(g.Output), Color: ui.ColorMode(g.Color), LogFormat: ui.LogFormat(g.LogFormat),
		Quiet: g.Quiet, Verbose: g.Verbose, NoProgress: g.NoProgress, NoInput: g.NoInput, Getenv: p.Getenv,
	}
}

// exitCode is the exit code of a command that ends with err. Nothing else decides it.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	return fault.CodeOf(err).ExitCode()
}
