package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestFaults runs the short cases of the matrix, and then some seconds of random trouble with a seed that is always the same. All cases, and
// trouble for long, are for go run ./internal/e2e/faults, and make soak.
func TestFaults(t *testing.T) {
	dir, err := os.MkdirTemp("", "atg-faults-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := options{bin: filepath.Join(dir, "bin")}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", o.bin+"/", "github.com/azure-tenant-grapher/atg/cmd/atg-server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := o.build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	cases := &caseRunner{dir: dir, o: o, log: t.Output()}
	defer cases.close()
	ran := 0
	for _, c := range allCases() {
		if !c.short {
			continue
		}
		ran++
		t.Run(c.name, func(t *testing.T) {
			seen := cases.run(t.Context(), c)
			t.Logf("%s: %s (%.1f s)", seen.What, seen.Seen, seen.Seconds)
			if !seen.OK {
				t.Errorf("%s\nall of it: go run ./internal/e2e/faults -keep -case %s", seen.Error, c.name)
			}
		})
	}
	if ran < 5 {
		t.Errorf("only %d cases are short", ran)
	}
	cases.close()
	t.Run("soak", func(t *testing.T) {
		const seed = 7
		if err := cases.soak(t.Context(), seed, 8*time.Second, t.Output(), t.Output()); err != nil {
			t.Errorf("%v\nagain: go run ./internal/e2e/faults -soak 8s -seed %d", err, seed)
		}
	})
}

// TestCasesHaveNames of their own.
func TestCasesHaveNames(t *testing.T) {
	names := map[string]bool{}
	for _, c := range allCases() {
		if names[c.name] || c.name == "" || c.what == "" || c.run == nil {
			t.Errorf("the case %q is not one of its own", c.name)
		}
		names[c.name] = true
	}
}
