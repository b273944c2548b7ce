package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	stagePrefix = ".staging-"
	// retired is how long a program that was replaced is kept: one that runs may read more of its own file.
	retired = 24 * time.Hour
)

func (i *Installer) folder() string { return filepath.Join(i.Data, "backends") }

// stage makes a folder for what is being fetched, on the file system that it will stay on.
func (i *Installer) stage() (string, error) {
	if i.Data == "" {
		return "", fault.New(fault.ConfigInvalid, "there is no home folder to keep backends in", fault.From(fault.OriginHost), fault.Hint("set HOME"))
	}
	folder := i.folder()
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // programs are no secret
		return "", unusable(folder, err)
	}
	if info, err := os.Stat(folder); err == nil && runtime.GOOS != "windows" && info.Mode()&0o002 != 0 {
		return "", fault.New(fault.Integrity, "everybody may write to the folder of backends", fault.On(folder), fault.From(fault.OriginHost), fault.Hint("chmod o-w %s", folder))
	}
	staged, err := os.MkdirTemp(folder, stagePrefix+"*")
	if err != nil {
		return "", unusable(folder, err)
	}
	return staged, nil
}

// fileName is that of the program of a backend, on this system.
func fileName(name string) string {
	if runtime.GOOS == "windows" {
		return filePrefix + name + ".exe"
	}
	return filePrefix + name
}

// place puts the program where its SHA-256 says. What is there already is replaced if it is not what it should be.
func (i *Installer) place(o *Offer) error {
	folder := lockfile.Folder(i.Data, o.SHA256)
	to := filepath.Join(folder, fileName(o.Name))
	if there, _, err := sum(to); err == nil && there == o.SHA256 {
		now := time.Now()
		_ = os.Chtimes(folder, now, now)
		return os.Chmod(to, 0o755) //nolint:gosec // a program
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // programs are no secret
		return unusable(folder, err)
	}
	if file, err := os.OpenFile(o.program, os.O_RDWR, 0); err == nil { // what is renamed must be on the disk before
		err = errors.Join(file.Sync(), file.Close())
		if err != nil {
			return unusable(o.program, err)
		}
	}
	err := os.Rename(o.program, to)
	if err != nil && runtime.GOOS == "windows" { // a damaged one that runs can be moved, not replaced
		_ = os.Rename(to, filepath.Join(o.folder, "old"))
		err = os.Rename(o.program, to)
	}
	if err != nil {
		return unusable(to, err)
	}
	return nil
}

// retire begins the time after which a program that was replaced is removed.
func (i *Installer) retire(sha256 string) {
	now := time.Now()
	_ = os.Chtimes(lockfile.Folder(i.Data, sha256), now, now)
}

// tidy removes what was replaced, and what was left over, a day ago and earlier. What cannot be removed is left for the next time.
func (i *Installer) tidy(ctx context.Context) {
	old := func(e os.DirEntry) bool {
		info, err := e.Info()
		return err == nil && time.Since(info.ModTime()) > retired
	}
	_ = lockfile.Update(ctx, i.Lock, func(f *lockfile.File) error { // nobody installs meanwhile
		used := map[string]bool{}
		for _, e := range f.Backends {
			used[e.Platforms[lockfile.Here()].SHA256] = true
		}
		store := filepath.Dir(lockfile.Folder(i.Data, "x"))
		entries, _ := os.ReadDir(store)
		for _, e := range entries {
			if lockfile.IsSHA256(e.Name()) && !used[e.Name()] && old(e) {
				_ = os.RemoveAll(filepath.Join(store, e.Name()))
			}
		}
		entries, _ = os.ReadDir(i.folder())
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), stagePrefix) && old(e) {
				_ = os.RemoveAll(filepath.Join(i.folder(), e.Name()))
			}
		}
		return errKeep
	})
}

// errKeep leaves the lock file as it is.
var errKeep = errors.New("nothing to change")

// Remove removes an installed backend, and answers what the lock file said of it. One that runs goes on, but on Windows its program
// is left behind until the next installation.
func (i *Installer) Remove(ctx context.Context, name string) (lockfile.Entry, error) {
	var gone lockfile.Entry
	err := lockfile.Update(ctx, i.Lock, func(f *lockfile.File) error {
		e, ok := f.Backends[name]
		if !ok {
			return fault.New(fault.BackendNotFound, "the backend \""+name+"\" was not installed by atg", fault.From(fault.OriginHost),
				fault.Hint("atg backend list shows which are installed; remove the file of another yourself"))
		}
		gone = e
		delete(f.Backends, name)
		for _, other := range f.Backends {
			if other.Platforms[lockfile.Here()] == e.Platforms[lockfile.Here()] {
				return nil
			}
		}
		if sum := e.Platforms[lockfile.Here()].SHA256; sum != "" {
			_ = os.RemoveAll(lockfile.Folder(i.Data, sum))
		}
		return nil
	})
	return gone, err
}
