package local

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// storeDir is where snapshots are kept by default: atg/snapshots in $XDG_DATA_HOME, else in
// ~/.local/share, and in %LocalAppData% on Windows: beside the backends that the host looks for there.
func storeDir() (string, error) {
	base := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // the specification says to ignore others
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fault.New(fault.ConfigInvalid, "there is no folder for snapshots", fault.Because(err), fault.Hint("set store_dir"))
		}
		base = filepath.Join(home, ".local", "share")
		if runtime.GOOS == "windows" {
			if base = os.Getenv("LOCALAPPDATA"); base == "" {
				base = filepath.Join(home, "AppData", "Local")
			}
		}
	}
	return filepath.Join(base, "atg", "snapshots"), nil
}

// writable tries to write a file where snapshots go, making the folder if there is none.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".health-*")
	if err != nil {
		return err
	}
	_ = f.Close()
	return os.Remove(f.Name())
}
