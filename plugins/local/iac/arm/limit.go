package arm

import (
	"errors"
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Azure's limits for one template (Microsoft's best practices for templates). A nested deployment is one resource of its template:
// all that it deploys has to be within maxResource.
const (
	maxTemplate   = 4 << 20 // bytes of a file
	maxResource   = 1 << 20 // bytes of a resource
	maxResources  = 800
	maxParameters = 256
	maxVariables  = 256 // 512 in newer text; the smaller one holds everywhere
	maxName       = 64  // characters of a deployment's name
)

// errTooLarge says that bytes are over a limit; without what only people need there may be fewer.
var errTooLarge = errors.New("over a limit in bytes")

func tooLarge(what string, bytes, limit int) error {
	return fault.New(fault.ExecutionFailed, fmt.Sprintf("%s is over %s in an ARM template, and Azure takes no more: %d bytes", what, megabytes(limit), bytes),
		fault.Because(errTooLarge), fault.Hint("leave large resources out with --exclude-type, or generate Terraform, which has no such limit"))
}

func megabytes(n int) string { return fmt.Sprintf("%d MB", n>>20) }

func overLimit(what string, n, limit int, of string) error {
	return fault.New(fault.ExecutionFailed, fmt.Sprintf("%s would have %d %s, and Azure takes %d in an ARM template", what, n, of, limit),
		fault.Hint("leave resources out with --exclude-type, or generate Terraform, which has no such limit"))
}
