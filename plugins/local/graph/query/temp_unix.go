//go:build unix

package query

import (
	"os"
	"path/filepath"
	"syscall"
)

// tempSize is how many bytes SQLite's temporary files have. They have no names once they are open, so they are found among the open files
// of this process: nothing else that a backend has open has lost its name.
func tempSize() int64 {
	const open = "/dev/fd"
	entries, err := os.ReadDir(open)
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(open, e.Name()))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink == 0 {
			total += info.Size()
		}
	}
	return total
}
