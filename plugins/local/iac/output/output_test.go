package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// words finds a word.
type words struct{ text strings.Builder }

func (w *words) Write(p []byte) (int, error) { return w.text.Write(p) }

func (w *words) Found() []string {
	if strings.Contains(w.text.String(), "secret") {
		return []string{"a word in line 1"}
	}
	return nil
}

func files(t *testing.T, scan func(string) Scanner) (*Files, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := New(dir, scan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func TestFiles(t *testing.T) {
	f, dir := files(t, func(string) Scanner { return &words{} })
	if err := errors.Join(f.Write("z.txt", text("z")), f.Write("a/b/c.txt", text(strings.Repeat("c", 1<<17))), f.WriteProgram("run.sh", text("#!/bin/sh")), f.Write("./a/./d.txt", text(""))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/b/c.txt", "a/d.txt", "run.sh", "z.txt"}, f.Names()); diff != "" {
		t.Error(diff)
	}
	for name, mode := range map[string]os.FileMode{"z.txt": 0o600, "run.sh": 0o700, "a": 0o700, "a/b/c.txt": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a", "b", "c.txt")); err != nil || len(got) != 1<<17 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestFilesThatFail(t *testing.T) {
	f, _ := files(t, func(string) Scanner { return &words{} })
	if err := f.Write("there.txt", text("x")); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	cases := map[string]struct {
		name    string
		content func(io.Writer) error
		is      error
		code    fault.Code
	}{
		"twice":                      {"there.txt", text("x"), os.ErrExist, fault.ExecutionFailed},
		"above the folder":           {"../x.txt", text("x"), nil, fault.ExecutionFailed},
		"far above the folder":       {"a/../../../x.txt", text("x"), nil, fault.ExecutionFailed},
		"below a file":               {"there.txt/x.txt", text("x"), nil, fault.ExecutionFailed},
		"what makes it fails":        {"failed.txt", func(io.Writer) error { return failed }, failed, fault.Internal},
		"it would hold a secret":     {"s.txt", text("a secret"), nil, fault.ExecutionFailed},
		"a secret far behind":        {"far.txt", text(strings.Repeat("x", 1<<18) + "secret"), nil, fault.ExecutionFailed},
		"a secret in several writes": {"w.txt", func(w io.Writer) error { return errors.Join(text("sec")(w), text("ret")(w)) }, nil, fault.ExecutionFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := f.Write(c.name, c.content)
			switch {
			case err == nil || c.is != nil && !errors.Is(err, c.is):
				t.Errorf("the error is %v", err)
			case errors.Is(err, failed): // it stays as it is
			case fault.CodeOf(err) != c.code || fault.As(err).Hint == "":
				t.Errorf("the fault is %+v", fault.As(err))
			}
		})
	}
	if diff := cmp.Diff([]string{"there.txt"}, f.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestNewNeedsAFolder(t *testing.T) {
	if _, err := New(filepath.Join(t.TempDir(), "none"), nil); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("the error is %v", err)
	}
}

func TestFilesMayBeWrittenAtOnce(t *testing.T) {
	f, _ := files(t, nil)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			if err := f.Write(fmt.Sprintf("d%d/x%d.txt", i%3, i), text("secret")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(f.Names()) != 20 {
		t.Errorf("%v", f.Names())
	}
}
