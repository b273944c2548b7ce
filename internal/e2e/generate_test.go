//go:build unix

package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// filesOf are the regular files below a folder of the script by their path there; none is a mistake of the script.
func filesOf(ts *testscript.TestScript, dir string) map[string][]byte {
	root, found := ts.MkAbs(dir), map[string][]byte{}
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		found[filepath.ToSlash(name)] = content
		return err
	}))
	if len(found) == 0 {
		ts.Fatalf("there are no files in %s", dir)
	}
	return found
}

// mentions is mentions TEXT FOLDER [BUT…]: a file below the folder has the text, in any case, other than those of the names BUT; with ! none has.
func mentions(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: mentions TEXT FOLDER [BUT…]")
	}
	text, in := bytes.ToLower([]byte(args[0])), []string(nil)
	for name, content := range filesOf(ts, args[1]) {
		if bytes.Contains(bytes.ToLower(content), text) && !slices.Contains(args[2:], filepath.Base(name)) {
			in = append(in, name)
		}
	}
	slices.Sort(in)
	if (len(in) > 0) == neg {
		ts.Fatalf("%q is in %d files of %s: %s", args[0], len(in), args[1], strings.Join(in, ", "))
	}
}

// eachMentions is each-mentions TEXT FOLDER PATTERN…: every file below the folder whose name matches one of the patterns has the text, and there
// are some for each pattern.
func eachMentions(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: each-mentions TEXT FOLDER PATTERN…")
	}
	files := filesOf(ts, args[1])
	for _, pattern := range args[2:] {
		matching := 0
		for name, content := range files {
			matched, err := filepath.Match(pattern, filepath.Base(name))
			ts.Check(err)
			if !matched {
				continue
			}
			matching++
			if !bytes.Contains(content, []byte(args[0])) {
				ts.Fatalf("%s does not say %q", name, args[0])
			}
		}
		if matching == 0 {
			ts.Fatalf("there is no %s in %s", pattern, args[1])
		}
	}
}

// numberOf is numberof N TEXT FOLDER PATTERN: the text is N times in the files below the folder whose names match the pattern.
func numberOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: numberof N TEXT FOLDER PATTERN")
	}
	if n := occurrences(ts, args[1], args[2], args[3]); strconv.Itoa(n) != args[0] {
		ts.Fatalf("%q is there %d times", args[1], n)
	}
}

// count is count NAME TEXT FOLDER PATTERN: $NAME is how often the text is in these files, which have it.
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: count NAME TEXT FOLDER PATTERN")
	}
	n := occurrences(ts, args[1], args[2], args[3])
	if n == 0 {
		ts.Fatalf("%q is not there", args[1])
	}
	ts.Setenv(args[0], strconv.Itoa(n))
}

func occurrences(ts *testscript.TestScript, text, dir, pattern string) (n int) {
	for name, content := range filesOf(ts, dir) {
		matched, err := filepath.Match(pattern, filepath.Base(name))
		ts.Check(err)
		if matched {
			n += bytes.Count(content, []byte(text))
		}
	}
	return n
}

// sameFiles is same-files A B: the folders have the same files with the same bytes and modes.
func sameFiles(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same-files A B")
	}
	a, b := filesOf(ts, args[0]), filesOf(ts, args[1])
	var differ []string
	for name, content := range a {
		other, there := b[name]
		if !there || !bytes.Equal(content, other) || modeOf(ts, args[0], name) != modeOf(ts, args[1], name) {
			differ = append(differ, name)
		}
	}
	for name := range b {
		if _, there := a[name]; !there {
			differ = append(differ, name)
		}
	}
	slices.Sort(differ)
	if (len(differ) == 0) == neg {
		ts.Fatalf("of %d files these differ: %s", len(a), strings.Join(differ, ", "))
	}
}

func modeOf(ts *testscript.TestScript, dir, name string) fs.FileMode {
	info, err := os.Stat(filepath.Join(ts.MkAbs(dir), filepath.FromSlash(name)))
	ts.Check(err)
	return info.Mode()
}
