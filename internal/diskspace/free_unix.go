//go:build unix

// Package diskspace says what the disk of a folder has room for.
package diskspace

import "golang.org/x/sys/unix"

// Free is how many bytes this user can still write to the disk of a folder.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:gosec,unconvert // types differ between systems; neither is negative
}
