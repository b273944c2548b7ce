package graph

import (
	"errors"

	"golang.org/x/sys/windows"
)

// freeSpace is how many bytes the user may still write to the volume of dir.
func freeSpace(dir string) (bytes uint64, ok bool) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(name, &bytes, nil, nil)
	return bytes, err == nil
}

// diskFull says that the operating system had no room to write.
func diskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// syncDir does nothing: Windows keeps names durable by itself and cannot flush a folder.
func syncDir(string) error { return nil }
