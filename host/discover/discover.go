// Package discover finds backend programs. It looks at files and never starts one.
package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const prefix = "atg-backend-"

// bundled are the backends that atg brings along.
var bundled = []string{config.Local, config.Remote}

// Options say where backends are looked for.
type Options struct {
	Backends map[string]config.Backend // explicit paths and pins
	Program  string                    // the atg program, beside which the bundled backends are; empty: the running one
	Path     string                    // $ATG_BACKEND_PATH: folders, as PATH lists them
	Data     string                    // the data folder, in which backends is one more
	Lock     string                    // the lock file of the installed backends; empty: none is
	Trust    config.Trust              // which of them must be signed
}

// From takes the options from the configuration.
func From(c *config.Config) Options {
	return Options{Backends: c.Backends, Path: c.BackendPath, Data: c.Paths.Data, Lock: c.Paths.Lock, Trust: c.Trust}
}

// Program is a backend's program.
type Program struct {
	Name     string   `json:"name"`
	Path     string   `json:"path,omitempty"`
	SHA256   string   `json:"sha256,omitempty"`   // pinned by the configuration, else the lock file; launch checks it
	Source   string   `json:"source,omitempty"`   // what led to it: backends.NAME.path, beside atg, ATG_BACKEND_PATH, a folder
	Bundled  bool     `json:"bundled"`            // atg brings it along
	Shadowed []string `json:"shadowed,omitempty"` // programs of the same name that this one hides
	// Installed is what the lock file says of it; nil: atg has not installed it.
	Installed *lockfile.Entry `json:"installed,omitempty"`
	Fault     *fault.Fault    `json:"fault,omitempty"` // why it cannot be used
}

// Find finds the program of a backend. It answers fault.BackendNotFound, with the nearest known name
// and the places that were searched, or the reason why the program cannot be used.
func Find(o Options, name string) (Program, error) {
	if !config.ValidName(name) {
		return Program{}, fault.New(fault.BackendNotFound, fmt.Sprintf("%q is no name of a backend", name),
			fault.Hint("names are of lower-case letters, digits and hyphens"))
	}
	lock, err := &lockfile.File{}, error(nil)
	if !slices.Contains(bundled, name) && o.Backends[name].Path == "" {
		lock, err = o.lock()
	}
	p, ok := o.find(name, lock)
	switch {
	case !ok && err != nil: // it may be one that was installed
		return Program{}, err
	case !ok:
		return Program{}, o.missing(name)
	}
	if p.Fault != nil {
		return p, p.Fault
	}
	return p, nil
}

// List lists the backends there are, by name, the bundled ones first. A broken one has a Fault.
func List(o Options) []Program {
	lock, _ := o.lock()
	names := map[string]bool{}
	for name := range lock.Backends {
		names[name] = true
	}
	for name := range o.Backends {
		names[name] = names[name] || o.Backends[name].Path != ""
	}
	for _, place := range o.places() {
		if place.installed {
			continue
		}
		entries, err := os.ReadDir(place.folder)
		if err != nil {
			continue // a place need not be there
		}
		for _, e := range entries {
			if name, ok := nameOf(e.Name()); ok && !slices.Contains(bundled, name) {
				names[name] = true
			}
		}
	}
	for _, name := range bundled {
		names[name] = true
	}
	var out []Program
	for name, wanted := range names {
		if p, ok := o.find(name, lock); ok && wanted {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Program) int {
		if a.Bundled != b.Bundled {
			if a.Bundled {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// find finds the first program of that name, usable or not.
func (o Options) find(name string, lock *lockfile.File) (Program, bool) {
	p := Program{Name: name, SHA256: strings.ToLower(o.Backends[name].SHA256), Bundled: slices.Contains(bundled, name)}
	if path := o.Backends[name].Path; path != "" {
		p.Path, p.Source = expand(path), "backends."+name+".path"
		p.Fault = usable(p.Name, p.Path, false)
		return p, true
	}
	if p.Bundled {
		folder, err := o.beside()
		if err != nil {
			return p, false
		}
		p.Path, p.Source = filepath.Join(folder, fileName(name)), "beside atg"
		if _, err := os.Lstat(p.Path); errors.Is(err, fs.ErrNotExist) {
			return p, false
		}
		p.Fault = usable(p.Name, p.Path, false)
		return p, true
	}
	for _, place := range o.places() {
		path := filepath.Join(place.folder, fileName(name))
		if place.installed {
			e, ok := lock.Backends[name]
			if !ok {
				continue
			}
			path = filepath.Join(lockfile.Folder(o.Data, e.Platforms[lockfile.Here()].SHA256), fileName(name))
			if p.Path == "" {
				o.installed(&p, path, e)
				continue
			}
		}
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if p.Path != "" {
			p.Shadowed = append(p.Shadowed, path)
			continue
		}
		p.Path, p.Source = path, place.source
		if p.Fault = usable(name, path, true); p.Fault == nil {
			p.Fault = o.unsigned(name, path, lock.Backends[name])
		}
	}
	return p, p.Path != ""
}

// place is a folder of dropped-in backends.
type place struct {
	folder, source string
	installed      bool // where atg puts what it installs: the lock file says what is there
}

func (o Options) places() []place {
	var places []place
	for _, folder := range filepath.SplitList(o.Path) {
		if filepath.IsAbs(folder) { // what lies about in the current folder is not installed
			places = append(places, place{folder: folder, source: "ATG_BACKEND_PATH"})
		}
	}
	if o.Data != "" {
		folder := filepath.Join(o.Data, "backends")
		places = append(places, place{source: "backends.lock.json", installed: true}, place{folder: folder, source: folder})
	}
	return places
}

// beside is the folder of the atg program, links followed.
func (o Options) beside() (string, error) {
	program := o.Program
	if program == "" {
		running, err := os.Executable()
		if err != nil {
			return "", err
		}
		program = running
	}
	real, err := filepath.EvalSymlinks(program)
	return filepath.Dir(real), err
}

// missing says that there is no such backend, which one may be meant, and where it was looked for.
func (o Options) missing(name string) error {
	if slices.Contains(bundled, name) {
		folder, _ := o.beside()
		return fault.New(fault.BackendNotFound, fmt.Sprintf("the backend %q, which belongs to atg, is not beside it", name), fault.On(filepath.Join(folder, fileName(name))),
			fault.Hint("install atg with all its programs, or set backends.%s.path", name))
	}
	var searched []string
	for _, p := range o.places() {
		if !p.installed {
			searched = append(searched, p.folder)
		}
	}
	var known []string
	for _, p := range List(o) {
		known = append(known, p.Name)
	}
	hint := "atg backend list shows those there are"
	if near := nearest.To(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return fault.New(fault.BackendNotFound, fmt.Sprintf("there is no backend %q: no program %s in %s", name, fileName(name), strings.Join(searched, " or ")),
		fault.Hint("%s", hint))
}

func fileName(name string) string {
	if runtime.GOOS == "windows" {
		return prefix + name + ".exe"
	}
	return prefix + name
}

// nameOf is the backend's name in the name of its file.
func nameOf(file string) (string, bool) {
	name, ok := strings.CutPrefix(file, prefix)
	if runtime.GOOS == "windows" {
		var exe bool
		name, exe = strings.CutSuffix(strings.ToLower(name), ".exe")
		ok = ok && exe
	}
	return name, ok && config.ValidName(name)
}

// expand gives a path that begins with ~/ the user's home.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
