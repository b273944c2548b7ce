// The backend that sends its work to a job service. atg starts it; see plugins/remote.
package main

import (
	"github.com/azure-tenant-grapher/atg/plugins/remote"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

func main() { serve.Backend(remote.New()) }
