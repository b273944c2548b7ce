package serve

import "os"

// endGroup ends this process; the host's job object ends what it has started.
func endGroup() { os.Exit(0) }
