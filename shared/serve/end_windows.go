package serve

import "os"

// endGroup ends this process. What it has started ends with the host's job object.
func endGroup() { os.Exit(1) }
