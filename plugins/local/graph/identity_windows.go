package graph

import (
	"os"
	"syscall"
	"time"
)

// identify answers the identity of the file at path. Windows tells without opening it when it was
// made, which a copy does not inherit.
func identify(path string) (identity, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return identity{}, err
	}
	i := identity{Modified: info.ModTime().UTC()}
	if data, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		i.Changed = time.Unix(0, data.CreationTime.Nanoseconds()).UTC()
	}
	return i, nil
}
