//go:build unix && cyphersyntax

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCypherSyntax checks exported Cypher with Neo4j's own parser: make cypher. It needs node, and the packages of tools/cypher-syntax.
func TestCypherSyntax(t *testing.T) {
	program, err := filepath.Abs(filepath.Join("..", "..", "tools", "cypher-syntax", "check.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "testdata/cypher", map[string]func(*testscript.TestScript, bool, []string){
		// parse is parse FILE…: each holds Cypher; with ! one does not.
		"parse": func(ts *testscript.TestScript, neg bool, args []string) {
			arguments := []string{program}
			for _, file := range args {
				arguments = append(arguments, ts.MkAbs(file))
			}
			command := exec.CommandContext(stateOf(ts).ctx, "node", arguments...)
			command.Env = os.Environ()
			out, err := command.CombinedOutput()
			ts.Logf("%s", out)
			if (err == nil) == neg || !strings.Contains(string(out), "cypher-syntax: ") {
				ts.Fatalf("%d files: %v", len(arguments)-1, err)
			}
		},
	})
}
