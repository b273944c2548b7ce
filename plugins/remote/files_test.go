package remote

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-cmp/cmp"
)

// contents are the files below a folder, by path.
func contents(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		relative, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(relative)] = string(content)
		return err
	})
	return files, err
}

// holds says in which files a folder differs from want.
func holds(dir string, want map[string]string) error {
	got, err := contents(dir)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		return fmt.Errorf("other files (-want +got): %s %w", d, err)
	}
	return nil
}
