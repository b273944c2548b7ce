// Command atg-azuresim runs a simulator of Azure's control plane for demonstrations and tests.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve serveCmd `cmd:"" default:"withargs" help:"Serve a simulated tenant until interrupted."`
	Env   envCmd   `cmd:"" help:"Print the environment that points a client at a running simulator."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	parsed := kong.Parse(&cli,
		kong.Name("atg-azuresim"),
		kong.Description("A simulator of Azure's control plane: sign-in, Resource Manager, Resource Graph."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	parsed.FatalIfErrorf(parsed.Run())
}
