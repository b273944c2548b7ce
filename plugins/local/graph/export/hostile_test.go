//go:build unix && cyphersyntax

package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestCypherSyntaxOfHostileNames: Neo4j's own parser takes an export with names that look like Cypher.
func TestCypherSyntaxOfHostileNames(t *testing.T) {
	files, _ := exported(t, small(t, hostile, complete), backend.SnapshotExportRequest{Format: "cypher"})
	file := filepath.Join(t.TempDir(), "graph.cypher")
	if err := os.WriteFile(file, []byte(files["graph.cypher"]), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "node", filepath.Join("..", "..", "..", "..", "tools", "cypher-syntax", "check.mjs"), file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestGraphvizReadsHostileNames: Graphviz draws an export with names that look like DOT, where it is installed.
func TestGraphvizReadsHostileNames(t *testing.T) {
	program, err := exec.LookPath("dot")
	if err != nil {
		t.Log("Graphviz is NOT INSTALLED, so it has not read exported DOT")
		return
	}
	files, _ := exported(t, small(t, hostile, complete), backend.SnapshotExportRequest{Format: "dot"})
	file := filepath.Join(t.TempDir(), "graph.dot")
	if err := os.WriteFile(file, []byte(files["graph.dot"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "-Tsvg", "-o", file+".svg", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
