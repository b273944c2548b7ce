//go:build unix

package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

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

// sameDigest is same-digest A B: two plans as JSON are one.
func sameDigest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same-digest A B")
	}
	var digests [2]string
	for i, name := range args {
		var result struct{ Plan struct{ Digest string } }
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &result))
		digests[i] = result.Plan.Digest
	}
	if digests[0] == "" || digests[0] != digests[1] {
		ts.Fatalf("the digests are %q", digests)
	}
}

// deployedBy is deployedby: $JOB is the job of the service that has written down in Azure what it creates.
func deployedBy(ts *testscript.TestScript, _ bool, _ []string) {
	for _, r := range stateOf(ts).simulator.Requests() {
		var body struct {
			Tags map[string]string
		}
		if r.Method == http.MethodPut && strings.HasSuffix(r.Path, "-plan") && json.Unmarshal([]byte(r.Body), &body) == nil {
			ts.Setenv("JOB", body.Tags["atg-job"])
			return
		}
	}
	ts.Fatalf("usage: deployedby, behind a deployment")
}
