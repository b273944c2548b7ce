//go:build unix

package store

import "golang.org/x/sys/unix"

// diskFree is how many bytes this user can still write to the disk of a folder.
func diskFree(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:gosec,unconvert // types differ between systems; neither is negative
}
