//go:build unix

package e2e

import (
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

var rollbackPattern = regexp.MustCompile(`--rollback ([a-z0-9-]+)`)

// rollbackID is rollbackid: $JOB from the last command's words on how to take back what it created.
func rollbackID(ts *testscript.TestScript, neg bool, args []string) {
	found := rollbackPattern.FindStringSubmatch(ts.ReadFile("stderr"))
	if neg || len(args) > 0 || found == nil {
		ts.Fatalf("usage: rollbackid, behind a command that says how to take back what it created")
	}
	ts.Setenv("JOB", found[1])
}
