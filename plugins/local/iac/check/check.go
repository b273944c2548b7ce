// Package check is what the tools of Terraform, Bicep and ARM say of generated code, in one shape.
package check

// State is how a check went.
type State string

// The states.
const (
	Passed  State = "passed"  // the tool found nothing wrong; Findings may hold warnings
	Failed  State = "failed"  // the tool found something wrong: a Finding says what
	Skipped State = "skipped" // the tool, or something that it needs, is not here: nothing was proved
)

// Severity is how bad a Finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Result is what one tool said of one folder of generated code.
type Result struct {
	Tool     string    `json:"tool"`              // terraform fmt, terraform validate, bicep build
	Version  string    `json:"version,omitempty"` // as the tool tells it: 1.11.4; empty where it is not installed
	State    State     `json:"state"`
	Message  string    `json:"message"`            // one sentence for people; with Skipped, why
	Findings []Finding `json:"findings,omitempty"` // in the order of files and lines
}

// Finding is one thing that a tool said. What the tool did not tell is empty or zero.
type Finding struct {
	Severity Severity `json:"severity"`
	Resource string   `json:"resource,omitempty"` // the address in the generated code: module.rg_web.azapi_resource.vm_web
	File     string   `json:"file,omitempty"`     // relative to the folder, with slashes
	Line     int      `json:"line,omitempty"`     // from 1
	Message  string   `json:"message"`
}

// Worst is the state of several results together: failed if one failed, else skipped if one was skipped, else passed.
func Worst(results []Result) State {
	worst := Passed
	for _, r := range results {
		switch r.State {
		case Failed:
			return Failed
		case Skipped:
			worst = Skipped
		case Passed:
		}
	}
	return worst
}
