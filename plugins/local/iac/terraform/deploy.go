package terraform

import _ "embed"

// deploy is the script without its first lines.
//
//go:embed deploy.sh
var deploy string
