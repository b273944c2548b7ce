// The backend that works on this machine. atg starts it; see plugins/local.
package main

import (
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

func main() { serve.Backend(local.New()) }
