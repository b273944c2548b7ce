package main

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
)

// streams are the standard streams of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

type commands struct {
	Serve   serveCmd         `cmd:"" default:"withargs" help:"Serve a simulated tenant until interrupted."`
	Env     envCmd           `cmd:"" help:"Print the environment that points a client at a running simulator."`
	Version kong.VersionFlag `help:"Print the version."`
}

// exited is how kong ends a run that asked for help or the version.
type exited int

// run executes a command line and returns the exit code: 2 for one that is wrong.
func run(ctx context.Context, args []string, std *streams) (code int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			code = int(e)
		default:
			panic(e)
		}
	}()
	parser, err := kong.New(&commands{},
		kong.Name("atg-azuresim"),
		kong.Description("A simulator of Azure's control plane: sign-in, Resource Manager, Resource Graph, Microsoft Graph."),
		kong.Vars{"version": buildinfo.Version()},
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		return report(std, err, 1)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return report(std, err, 2)
	}
	if err := command.Run(); err != nil {
		return report(std, err, 1)
	}
	return 0
}

func report(std *streams, err error, code int) int {
	fmt.Fprintf(std.err, "atg-azuresim: %v\n", err)
	return code
}
