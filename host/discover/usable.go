package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// usable says why a file cannot be a backend's program, without starting it; nil if nothing is seen.
// One that was dropped into a folder must not be replaceable by everybody.
func usable(name, path string, dropped bool) *fault.Fault {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return broken(name, path, fault.BackendNotFound, "is not there", "correct the path, or the link")
	case err != nil:
		f := broken(name, path, fault.BackendIncompatible, "cannot be looked at", "")
		f.Cause = err
		return f
	case info.IsDir():
		return broken(name, path, fault.BackendIncompatible, "is a folder", "the program itself must have this name")
	case !info.Mode().IsRegular():
		return broken(name, path, fault.BackendIncompatible, "is no file", "")
	case runtime.GOOS == "windows": // its modes say nothing about who may write and execute
		return nil
	case info.Mode()&0o111 == 0:
		return broken(name, path, fault.BackendIncompatible, "is not executable", "chmod +x "+path)
	}
	if !dropped {
		return nil
	}
	if info.Mode()&0o002 != 0 {
		return broken(name, path, fault.BackendIncompatible, "may be written by everybody", "chmod o-w "+path)
	}
	folders := []string{filepath.Dir(path)}
	if real, err := filepath.EvalSymlinks(path); err == nil && filepath.Dir(real) != folders[0] {
		folders = append(folders, filepath.Dir(real)) // where a link leads counts as well
	}
	for _, folder := range folders {
		if at, err := os.Stat(folder); err == nil && at.Mode()&0o002 != 0 && at.Mode()&fs.ModeSticky == 0 {
			return broken(name, path, fault.BackendIncompatible, "is in a folder that everybody may write to", "chmod o-w "+folder)
		}
	}
	return nil
}

func broken(name, path string, code fault.Code, what, hint string) *fault.Fault {
	return fault.New(code, fmt.Sprintf("the program of the backend %q %s: %s", name, what, path), fault.On(path), fault.Hint("%s", hint))
}
