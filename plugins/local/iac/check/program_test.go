package check_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
)

// script makes a program in a folder.
func script(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+content), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	want := script(t, second, "tool", "")
	t.Chdir(second)
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"in the second folder":        {[]string{"PATH=" + first + string(os.PathListSeparator) + second}, want},
		"the last PATH counts":        {[]string{"PATH=" + first, "PATH=" + second}, want},
		"not there":                   {[]string{"PATH=" + first}, ""},
		"no PATH":                     {[]string{"HOME=/"}, ""},
		"never of the present folder": {[]string{"PATH=." + string(os.PathListSeparator)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := check.Find("tool", test.env); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	program := script(t, dir, "tool", `echo "$1 in $PWD for $WHO"; echo "two
words" >&2; exit 3`)
	a := check.Run(t.Context(), dir, []string{"WHO=me"}, program, "works")
	if got := strings.TrimSpace(string(a.Stdout)); got != "works in "+dir+" for me" || a.Code != 3 || a.Err != nil || a.Why() != "two words" {
		t.Errorf("%q, code %d, %v, %q", got, a.Code, a.Err, a.Why())
	}
	if a := check.Run(t.Context(), dir, nil, filepath.Join(dir, "none")); a.Err == nil || a.Why() == "" {
		t.Errorf("a program that is not there: %+v", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := check.Run(ctx, dir, nil, program); !errors.Is(a.Err, context.Canceled) {
		t.Errorf("after the end: %v", a.Err)
	}
}
