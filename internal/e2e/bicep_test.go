//go:build unix && bicepsyntax

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestBicepSyntax parses the Bicep that is generated with a grammar that is not ours: make iac. It needs node, and the packages of
// tools/bicep-syntax.
func TestBicepSyntax(t *testing.T) {
	program, err := filepath.Abs(filepath.Join("..", "..", "tools", "bicep-syntax", "check.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "testdata/bicep", map[string]func(*testscript.TestScript, bool, []string){
		// parse is parse FOLDER…: every file of Bicep in the folders is such; with ! some are not.
		"parse": func(ts *testscript.TestScript, neg bool, args []string) {
			arguments := []string{program}
			for _, dir := range args {
				for name := range filesOf(ts, dir) {
					if strings.HasPrefix(filepath.Ext(name), ".bicep") {
						arguments = append(arguments, filepath.Join(ts.MkAbs(dir), name))
					}
				}
			}
			command := exec.CommandContext(stateOf(ts).ctx, "node", arguments...)
			command.Env = os.Environ()
			out, err := command.CombinedOutput()
			ts.Logf("%s", out)
			if (err == nil) == neg || !strings.Contains(string(out), "bicep-syntax: ") {
				ts.Fatalf("%d files: %v", len(arguments)-1, err)
			}
		},
	})
}
