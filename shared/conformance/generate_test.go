package conformance_test

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestWrongCodeIsFound: whatever a result of generate-iac gets wrong fails the check of it, and nothing else.
func TestWrongCodeIsFound(t *testing.T) {
	missing := backend.Omitted{Resource: "/r", Reason: "no such type"}
	trimmed := backend.Omitted{Resource: "/t", Reason: "a default", Trimmed: true}
	for name, tc := range map[string]struct {
		change func(*backend.IaCGenerationResult)
		says   string
	}{
		"another snapshot":                       {func(r *backend.IaCGenerationResult) { r.Snapshot = "other" }, `snapshot "other"`},
		"another format":                         {func(r *backend.IaCGenerationResult) { r.OutputFormat = "bicep" }, `format "bicep"`},
		"no success":                             {func(r *backend.IaCGenerationResult) { r.Success, r.Error = false, "no room" }, "no room"},
		"complete, though something is missing":  {func(r *backend.IaCGenerationResult) { r.ResourcesOmitted = 1 }, "said to be complete"},
		"complete, though a property is missing": {func(r *backend.IaCGenerationResult) { r.Omitted = []backend.Omitted{missing} }, "said to be complete"},
		"the trimmed first": {func(r *backend.IaCGenerationResult) {
			r.Complete, r.Omitted = false, []backend.Omitted{trimmed, missing}
		}, "behind what was trimmed"},
		"no reason": {func(r *backend.IaCGenerationResult) {
			r.Omitted = []backend.Omitted{{Resource: "/x", Trimmed: true}}
		}, "/x is omitted without a reason"},
		"too many": {func(r *backend.IaCGenerationResult) {
			for range backend.MaxOmitted + 1 {
				r.Omitted = append(r.Omitted, trimmed)
			}
		}, "1001 things"},
		"files that are not there": {func(r *backend.IaCGenerationResult) { r.FilesGenerated = []string{"other"} }, "files_generated"},
		"checks that nobody wants": {func(r *backend.IaCGenerationResult) { r.Checks = []backend.Check{{Tool: "x"}} }, "nobody has asked"},
	} {
		t.Run(name, func(t *testing.T) {
			found(t, tc.says, func(r *reference) { r.code = tc.change })
		})
	}
	t.Run("no report", func(t *testing.T) { found(t, "no report.ndjson", func(r *reference) { r.unreported = true }) })
	t.Run("trimmed alone", func(t *testing.T) {
		found(t, "", func(r *reference) {
			r.code = func(c *backend.IaCGenerationResult) { c.ResourcesTrimmed, c.Omitted = 1, []backend.Omitted{trimmed} }
		})
	})
}

// found runs the checks on a reference with a defect, which only that of the result finds, and says what it says. Without
// words there is none to be found.
func found(t *testing.T, says string, change func(*reference)) {
	t.Helper()
	failed, _ := run(t, func() backend.Backend {
		r := newReference()
		change(r)
		return r
	}, confined("")...)
	why, ok := failed["generate-iac/result"]
	if ok != (says != "") || !strings.Contains(why, says) || ok != (len(failed) == 1) {
		t.Errorf("failed: %v", failed)
	}
}
