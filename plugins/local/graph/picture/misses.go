package picture

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// mostMisses is how many sentences on what is missing the page has.
const mostMisses = 40

// states say what became of what could not be read.
var states = map[backend.CoverageState]string{
	backend.CoverageDenied:      "Azure refused to list them",
	backend.CoverageDropped:     "Resource Graph left them out without a word",
	backend.CoverageThrottled:   "given up after throttling",
	backend.CoverageFailed:      "given up after errors",
	backend.CoverageUnsupported: "they cannot be read here",
	backend.CoverageLimited:     "not read to the end, because of the scan's limit",
}

// misses are sentences on what the picture does not show.
func misses(r *graph.Reader, f *filter) []string {
	all := []string{}
	if !f.open() {
		all = append(all, f.words())
	}
	if r.Snapshot().Filtered {
		all = append(all, "The scan was asked for a part of the tenant.")
	}
	coverage := r.Coverage()
	if !r.Snapshot().Complete && len(coverage.Gaps()) == 0 {
		all = append(all, "The scan did not end.")
	}
	more := 0
	for _, e := range coverage.Entries {
		state, ok := states[e.State]
		if !ok {
			if !e.State.Gap() {
				continue
			}
			state = string(e.State)
		}
		if len(all) >= mostMisses {
			more++
			continue
		}
		where := e.Name
		if where == "" {
			where = e.Scope
		}
		if where == "tenant" {
			where = "the tenant"
		}
		sentence := fmt.Sprintf("%s of %s: %s", e.Kind, where, state)
		if e.Fault != nil && e.Fault.Message != "" {
			sentence += " (" + strings.TrimSuffix(e.Fault.Message, ".") + ")"
		}
		all = append(all, clean(sentence)+".")
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("And %d more: `atg snapshot show` has them all.", more))
	}
	return all
}
