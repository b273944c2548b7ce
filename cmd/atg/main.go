// Command atg scans Azure tenants into graphs. It is the host: the work is done by backends.
package main

import (
	"context"
	"os"

	"github.com/azure-tenant-grapher/atg/host/cli"
)

func main() { os.Exit(cli.Main(context.Background(), cli.OS())) }
