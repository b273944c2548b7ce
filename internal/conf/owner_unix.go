//go:build unix

package conf

import (
	"io/fs"
	"syscall"
)

// owner is the id of the user whose file it is; -1 where that is not known.
func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
