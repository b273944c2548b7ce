// Package output writes generated files: below one folder, whole, and searched for secrets on their way.
package output

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Files are the files of one generation. Its methods may be called from several goroutines.
type Files struct {
	root *os.Root
	scan func(path string) Scanner

	mu      sync.Mutex
	names   []string
	folders map[string]bool // that are there
}

// Scanner looks through a file while it is written. Write never fails; Found are what it found, in words, at the end.
type Scanner interface {
	io.Writer
	Found() []string
}

// New writes below dir, which exists. scan makes a scanner for each file; nil scans nothing.
func New(dir string, scan func(path string) Scanner) (*Files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, failed(dir, err)
	}
	return &Files{root: root, scan: scan}, nil
}

// Close ends the writing.
func (f *Files) Close() error { return f.root.Close() }

// Names are the files that were written, sorted, with slashes.
func (f *Files) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(slices.Values(f.names))
}

// Write writes a file: content writes it into a buffer that never fails, and its own error is the answer. name is relative, with
// slashes; folders are made. A file that is there already, or that holds a secret, is an error.
func (f *Files) Write(name string, content func(io.Writer) error) error {
	return f.write(name, 0o600, content)
}

// WriteProgram is Write of a script that may be run.
func (f *Files) WriteProgram(name string, content func(io.Writer) error) error {
	return f.write(name, 0o700, content)
}

func (f *Files) write(name string, mode os.FileMode, content func(io.Writer) error) (err error) {
	name = path.Clean(name)
	if err := f.folder(path.Dir(name)); err != nil {
		return failed(name, err)
	}
	file, err := f.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return failed(name, err)
	}
	defer func() { err = errors.Join(err, wrap(name, file.Close())) }()
	var scanner Scanner
	to := io.Writer(file)
	if f.scan != nil {
		scanner = f.scan(name)
		to = io.MultiWriter(scanner, file)
	}
	buffer := bufio.NewWriterSize(to, 1<<16)
	if err := content(buffer); err != nil {
		return err
	}
	if err := buffer.Flush(); err != nil {
		return failed(name, err)
	}
	if scanner != nil {
		if found := scanner.Found(); len(found) > 0 {
			return fault.New(fault.ExecutionFailed, fmt.Sprintf("the generated file %s would hold a secret: %s", name, found[0]), fault.On(name),
				fault.Hint("nothing was written where you asked for it; leave the resource out with --exclude-type, and tell us of it"))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = append(f.names, name)
	return nil
}

// folder makes a folder, once.
func (f *Files) folder(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if dir == "." || f.folders[dir] {
		return nil
	}
	if err := f.root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
		return err
	}
	if f.folders == nil {
		f.folders = map[string]bool{}
	}
	f.folders[dir] = true
	return nil
}

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return failed(name, err)
}

func failed(name string, err error) error {
	return fault.New(fault.ExecutionFailed, "cannot write the generated file "+name, fault.On(name), fault.Because(err),
		fault.Hint("the folder for temporary files needs space, and must be writable"))
}
