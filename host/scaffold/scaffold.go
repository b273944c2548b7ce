// Package scaffold writes the start of a backend: a small one that works, in a language, to be changed into one's own.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Languages are those in which there is a start.
func Languages() []string { return []string{"go", "python"} }

// The files of each language, as they are but for those that end in .tmpl, in which NAME stands for the backend's name. Whatever
// another program reads (Go's, above all) ends so. What Python shares with examples/backend-python is the same there.
//
//go:embed go/*.tmpl python/*.tmpl python/build.py python/requirements.txt python/src/*.py python/src/__main__.py.tmpl python/src/atg/backend/v1/*.py
var files embed.FS

// release is a version that Go's module proxy may know.
var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// Write writes the start of the backend called name below dir, and answers its files, relative to dir with slashes, sorted. The
// folder must not exist, or be empty: it appears whole or not at all. version is that of this atg, which a start in Go requires if
// it is a release. Errors are faults: invalid_argument for another language, conflict for a folder that is not empty.
func Write(dir, language, name, version string) ([]string, error) {
	if !slices.Contains(Languages(), language) {
		return nil, fault.Newf(fault.InvalidArgument, "there is no start in %q: write %s", language, strings.Join(Languages(), " or "))
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // the user's own folder
		return nil, failed(dir, err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // removes it only if it is empty
		return nil, fault.New(fault.Conflict, "there is something already", fault.On(dir), fault.Hint("choose another folder with --dir"))
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), ".atg-new-")
	if err != nil {
		return nil, failed(dir, err)
	}
	defer func() { _ = os.RemoveAll(made) }()
	requires := ""
	if release.MatchString(version) {
		requires = "\nrequire github.com/azure-tenant-grapher/atg " + version + "\n"
	}
	fill := strings.NewReplacer("NAME", name, "REQUIRE\n", requires)
	var written []string
	if err := fs.WalkDir(files, language, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		to := strings.TrimPrefix(path, language+"/")
		if template, ok := strings.CutSuffix(to, ".tmpl"); ok {
			to, content = strings.Replace(template, "gitignore", ".gitignore", 1), []byte(fill.Replace(string(content)))
		}
		written = append(written, to)
		target := filepath.Join(made, filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // source code is no secret
			return err
		}
		return os.WriteFile(target, content, 0o644) //nolint:gosec // source code is no secret
	}); err != nil {
		return nil, failed(dir, err)
	}
	if err := errors.Join(os.Chmod(made, 0o755), os.Rename(made, dir)); err != nil { //nolint:gosec // source code is no secret
		return nil, failed(dir, err)
	}
	slices.Sort(written)
	return written, nil
}

func failed(dir string, err error) error {
	return fault.New(fault.ExecutionFailed, fmt.Sprintf("%s cannot be written", filepath.Base(dir)), fault.On(dir), fault.Because(err))
}
