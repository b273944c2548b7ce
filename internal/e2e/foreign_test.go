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
			makeFolder(ts, args[0])
			asAuthor(ts, filepath.Join(examples, "backend-python"), os.Getenv("ATG_PYTHON"), "build.py", ts.MkAbs(args[0]))
		},
		"python-build": func(ts *testscript.TestScript, neg bool, args []string) {
			asAuthor(ts, ts.MkAbs(args[0]), os.Getenv("ATG_PYTHON"), "build.py")
		},
		"go": func(ts *testscript.TestScript, neg bool, args []string) { // with a checkout of atg, which has no release yet
			repository, err := filepath.Abs(filepath.Join("..", ".."))
			ts.Check(err)
			asAuthor(ts, ts.MkAbs(args[0]), "go", "work", "init", ".", repository)
			asAuthor(ts, ts.MkAbs(args[0]), "go", "vet")
			asAuthor(ts, ts.MkAbs(args[0]), "go", "test")
			asAuthor(ts, ts.MkAbs(args[0]), "go", "build")
		},
		"node": func(ts *testscript.TestScript, neg bool, args []string) {
			makeFolder(ts, args[0])
			asAuthor(ts, filepath.Join(examples, "backend-node"), "npm", "run", "--silent", "build", "--", ts.MkAbs(args[0]))
		},
	})
}

var examples = filepath.Join("..", "..", "examples")

func makeFolder(ts *testscript.TestScript, file string) {
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(file)), 0o700))
}

// asAuthor runs what the author of a backend does, with the machine's own environment.
func asAuthor(ts *testscript.TestScript, dir, name string, args ...string) {
	command := exec.CommandContext(stateOf(ts).ctx, name, args...)
	command.Dir, command.Env = dir, os.Environ()
	if out, err := command.CombinedOutput(); err != nil {
		ts.Fatalf("%s: %v\n%s", command, err, out)
	}
}
