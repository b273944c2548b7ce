//go:build unix && foreign

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestForeign runs the examples in other languages: make examples. It needs what their READMEs say; ATG_PYTHON is the Python that has it.
func TestForeign(t *testing.T) {
	runScripts(t, "testdata/foreign", map[string]func(*testscript.TestScript, bool, []string){
		"python": func(ts *testscript.TestScript, neg bool, args []string) {
			buildForeign(ts, "backend-python", os.Getenv("ATG_PYTHON"), "build.py", ts.MkAbs(args[0]))
		},
		"node": func(ts *testscript.TestScript, neg bool, args []string) {
			buildForeign(ts, "backend-node", "npm", "run", "--silent", "build", "--", ts.MkAbs(args[0]))
		},
	})
}

// buildForeign builds an example as its author does, with the machine's own environment.
func buildForeign(ts *testscript.TestScript, example, name string, args ...string) {
	ts.Check(os.MkdirAll(filepath.Dir(args[len(args)-1]), 0o700))
	command := exec.CommandContext(stateOf(ts).ctx, name, args...)
	command.Dir, command.Env = filepath.Join("..", "..", "examples", example), os.Environ()
	if out, err := command.CombinedOutput(); err != nil {
		ts.Fatalf("build %s: %v\n%s", example, err, out)
	}
}
