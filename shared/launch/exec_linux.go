package launch

import (
	"fmt"
	"os"
)

// handlePath leads the process that is about to be started to an open file, whatever bears its name
// by then; to path, where there is no /proc.
func handlePath(file *os.File, path string) string {
	handle := fmt.Sprintf("/proc/self/fd/%d", file.Fd())
	if _, err := os.Stat(handle); err != nil {
		return path
	}
	return handle
}
