package launch

import "syscall"

// dieWithParent makes the kernel end the backend when the host is gone. The signal is one that
// shared/serve answers by ending the whole group; SIGKILL would leave behind what the backend started.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }
