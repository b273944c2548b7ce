// Package extension runs `atg NAME` as the program atg-NAME, for every NAME that is no command of
// atg's own.
package extension

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	prefix = "atg-"
	// server is atg's own program for the job service: it is found beside atg first, and keeps its
	// environment.
	server = "server"
)

// Options say where extensions are looked for.
type Options struct {
	Path    string // the PATH variable
	Program string // the atg program, beside which `server` is looked for first; empty: the running one
}

// Extension is a program that can be called as a command.
type Extension struct {
	Name string `json:"name"` // what follows atg on the command line
	Path string `json:"path"`
}

// Find finds the program of an extension. It answers fault.InvalidArgument if there is none. Folders of
// PATH that are not absolute, the current one above all, are passed over: what lies about there is not
// what the user has installed.
func Find(o Options, name string) (Extension, error) {
	if !callable(name) {
		return Extension{}, none(name)
	}
	folders := folders(o.Path)
	if name == server {
		if beside, err := besideAtg(o.Program); err == nil {
			folders = append([]string{beside}, folders...)
		}
	}
	for _, folder := range folders {
		for _, suffix := range suffixes() {
			path := filepath.Join(folder, prefix+name+suffix)
			if executable(path) {
				return Extension{Name: name, Path: path}, nil
			}
		}
	}
	return Extension{}, none(name)
}

func none(name string) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("there is no program %s%s on the PATH", prefix, name), fault.On(name))
}

// callable says whether a program of that name may be an extension: backends never are.
func callable(name string) bool {
	return config.ValidName(name) && name != "backend" && !strings.HasPrefix(name, "backend-")
}

// List lists the extensions there are, by name. Of several with one name, the first on PATH counts.
func List(o Options) []Extension {
	found := map[string]string{}
	for _, folder := range folders(o.Path) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // a PATH often names folders that are not there
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), prefix)
			for _, suffix := range suffixes() {
				if suffix != "" {
					name = strings.TrimSuffix(strings.ToLower(name), suffix)
				}
			}
			path := filepath.Join(folder, e.Name())
			if ok && callable(name) && found[name] == "" && executable(path) {
				found[name] = path
			}
		}
	}
	out := make([]Extension, 0, len(found))
	for name, path := range found {
		out = append(out, Extension{Name: name, Path: path})
	}
	slices.SortFunc(out, func(a, b Extension) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Unknown is the fault of a word that is neither a command nor an extension: fault.InvalidArgument,
// with the nearest of both as a hint.
func Unknown(o Options, word string, commands []string) error {
	known := slices.Clone(commands)
	for _, e := range List(o) {
		known = append(known, e.Name)
	}
	hint := "atg help lists the commands"
	if near := nearest.To(word, known); near != "" {
		hint = fmt.Sprintf("did you mean atg %s? atg help lists the commands", near)
	}
	return fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no command of atg, and there is no program %s%s on the PATH", word, prefix, word), fault.Hint("%s", hint))
}

// folders are the absolute folders of a PATH.
func folders(path string) []string {
	return slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool { return !filepath.IsAbs(dir) })
}

// besideAtg is the folder of the atg program, links followed.
func besideAtg(program string) (string, error) {
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

// suffixes are the ends of a program's file name. Batch files are none: cmd.exe reads their arguments
// anew, so that what a user passes could become a command.
func suffixes() []string {
	if runtime.GOOS == "windows" {
		return []string{".exe", ".com"}
	}
	return []string{""}
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
}
