package diskspace

import "golang.org/x/sys/windows"

// Free is how many bytes this user can still write to the disk of a folder.
func Free(dir string) (uint64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	return free, windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
}
