//go:build unix

package query

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tempSize is how many bytes the temporary files in dir have. SQLite takes away their names as soon as it has opened them, so they are
// found among the open files of this process. Where the system does not tell how these were called, all that have lost their names count.
func tempSize(dir string) int64 {
	const open = "/dev/fd"
	entries, err := os.ReadDir(open)
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, e := range entries {
		path := filepath.Join(open, e.Name())
		if name, err := os.Readlink(path); err == nil && !strings.HasPrefix(name, dir) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink == 0 {
			total += info.Size()
		}
	}
	return total
}
