// Command atg-server is atg's job service: a REST API over a queue, and workers that run backends. atg
// finds it as `atg server`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/azure-tenant-grapher/atg/cmd/atg-server/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.OS())
	stop()
	os.Exit(code)
}
