package dispatch

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// TestVerdictOnCode: what is trimmed is no loss, what is missing is, and code that no tool takes is of no
// use.
func TestVerdictOnCode(t *testing.T) {
	trimmed := []backend.Omitted{{Resource: "r", Reason: "a default", Trimmed: true}}
	missing := []backend.Omitted{{Resource: "r", Property: "p", Reason: "a secret"}}
	check := func(state backend.CheckState, severities ...backend.Severity) backend.Check {
		c := backend.Check{Tool: "terraform", State: state}
		for _, s := range severities {
			c.Findings = append(c.Findings, backend.CheckFinding{Severity: s, Message: "m"})
		}
		return c
	}
	const bad, warn = backend.SeverityError, backend.SeverityWarning
	dumb := backend.Check{Tool: "az", State: backend.CheckFailed, Message: "no answer in 5 minutes"}
	for _, tc := range []struct {
		name  string
		r     backend.IaCGenerationResult
		code  fault.Code
		words []string
	}{
		{"all of it", backend.IaCGenerationResult{Success: true, Complete: true}, "", nil},
		{"trimmed", backend.IaCGenerationResult{Success: true, Complete: true, ResourcesTrimmed: 9, Omitted: trimmed}, "", nil},
		{"one is missing", backend.IaCGenerationResult{Success: true, ResourcesOmitted: 1}, fault.Incomplete, []string{"1 resource is missing", "report.ndjson"}},
		{"more are missing than are listed", backend.IaCGenerationResult{Success: true, ResourcesOmitted: 5000, Omitted: trimmed}, fault.Incomplete, []string{"5000 resources are missing"}},
		{"said to be complete, and is not", backend.IaCGenerationResult{Success: true, Complete: true, ResourcesOmitted: 2}, fault.Incomplete, []string{"2 resources"}},
		{"properties", backend.IaCGenerationResult{Success: true, Omitted: missing}, fault.Incomplete, []string{"properties of resources are missing"}},
		{"of half a snapshot", backend.IaCGenerationResult{Success: true, Omitted: trimmed}, fault.Incomplete, []string{"the snapshot is incomplete"}},
		{"passed", backend.IaCGenerationResult{Success: true, Complete: true, Checks: []backend.Check{check(backend.CheckPassed, warn), check(backend.CheckSkipped)}}, "", nil},
		{"failed", backend.IaCGenerationResult{Success: true, Complete: true, Checks: []backend.Check{check(backend.CheckPassed), check(backend.CheckFailed, bad, warn, bad)}}, fault.ExecutionFailed, []string{"terraform found 2 errors"}},
		{"two failed, and it is incomplete", backend.IaCGenerationResult{Success: true, ResourcesOmitted: 3, Checks: []backend.Check{check(backend.CheckFailed, bad), dumb}}, fault.ExecutionFailed,
			[]string{"terraform found 1 error; az: no answer in 5 minutes", "3 resources are missing"}},
		{"did not succeed", backend.IaCGenerationResult{Error: "out of space"}, fault.ExecutionFailed, []string{"out of space"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := verdict(&tc.r)
			if tc.code == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			f := fault.Of(err)
			if f.Code != tc.code {
				t.Errorf("got %s: %v", f.Code, err)
			}
			for _, w := range tc.words {
				if !strings.Contains(f.Message+"\n"+f.Hint, w) {
					t.Errorf("%q, hint %q: no %q", f.Message, f.Hint, w)
				}
			}
		})
	}
}
