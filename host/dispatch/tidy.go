package dispatch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// tidy deals with the files of the manifest that earlier runs wrote and op did not write again. Code is
// removed before new code is used: Terraform would deploy a file that was left as if it were a part of it.
// What somebody has changed is theirs and stays, but never without a word; what other operations wrote
// stays.
func (s *Session) tidy(root *os.Root, m *manifest, op backend.Operation, written []backend.Artifact) {
	now := map[string]string{} // the paths that were written, by themselves in lower case
	for _, a := range written {
		now[strings.ToLower(a.Path)] = a.Path
	}
	var left, removed, changed []string
	for file, sum := range m.Files {
		again := now[strings.ToLower(file)]
		if again == file {
			continue
		}
		is, err := sumOf(root, file)
		replaced := op == backend.OpGenerateIaC && slices.Contains(m.Code, file)
		switch {
		case gone(root, file), sameFile(root, file, again): // the latter where names differ in case and files do not
			m.forget(file)
		case replaced && err == nil && is == sum && root.Remove(filepath.FromSlash(file)) == nil:
			removeEmpty(root, path.Dir(file))
			m.forget(file)
			removed = append(removed, file)
		case replaced: // stays in the manifest, so that every later run tells of it too
			changed = append(changed, file)
		case err != nil || is != sum:
			m.forget(file) // somebody's own by now
		default:
			left = append(left, file)
		}
	}
	if len(removed) > 0 {
		s.options.Note("removed from the output folder what earlier code had and this has not: %s", some(removed))
	}
	if len(changed) > 0 {
		s.options.Note("still in the output folder, because it was changed since earlier code had it: %s; this code has it not, "+
			"and a tool may deploy it all the same: remove it, or move it elsewhere", some(changed))
	}
	if len(left) > 0 {
		s.options.Note("the output folder also holds what an earlier run wrote: %s", some(left))
	}
}

// forget takes a file out of the manifest.
func (m *manifest) forget(file string) {
	delete(m.Files, file)
	m.Code = slices.DeleteFunc(m.Code, func(f string) bool { return f == file })
}

// removeEmpty removes a folder, and those above it, as far as nothing is in them.
func removeEmpty(root *os.Root, dir string) {
	for ; dir != "."; dir = path.Dir(dir) {
		name := filepath.FromSlash(dir)
		if info, err := root.Lstat(name); err != nil || !info.IsDir() || root.Remove(name) != nil {
			return
		}
	}
}

func gone(root *os.Root, file string) bool {
	_, err := root.Lstat(filepath.FromSlash(file))
	return errors.Is(err, fs.ErrNotExist)
}

// sameFile says whether two names, of which the second may be empty, are those of one file.
func sameFile(root *os.Root, a, b string) bool {
	if b == "" {
		return false
	}
	one, err := root.Lstat(filepath.FromSlash(a))
	if err != nil {
		return false
	}
	other, err := root.Lstat(filepath.FromSlash(b))
	return err == nil && os.SameFile(one, other)
}

// mostNamed is how many files a note names.
const mostNamed = 5

// some names files for a note, in order.
func some(files []string) string {
	slices.Sort(files)
	if more := len(files) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(files[:mostNamed], ", "), more)
	}
	return strings.Join(files, ", ")
}
