package picture

import (
	"fmt"
	"slices"
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
func misses(r *graph.Reader, asked backend.Filter) []string {
	said := []string{}
	if part := inWords(asked); part != "" {
		said = append(said, part)
	}
	if r.Snapshot().Filtered {
		said = append(said, "The scan was asked for a part of the tenant.")
	}
	coverage := r.Coverage()
	if !r.Snapshot().Complete && len(coverage.Gaps()) == 0 {
		said = append(said, "The scan did not end.")
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
		if len(said) >= mostMisses {
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
		said = append(said, clean(sentence)+".")
	}
	if more > 0 {
		said = append(said, fmt.Sprintf("And %d more: `atg snapshot show` has them all.", more))
	}
	return said
}

// inWords says what was asked for, if that is a part.
func inWords(f backend.Filter) string {
	var parts []string
	for _, p := range []struct {
		what   string
		values []string
	}{
		{"subscription", f.Subscriptions}, {"resource group", f.ResourceGroups}, {"type", f.ResourceTypes}, {"location", f.Locations}, {"type other than", f.ExcludeTypes},
	} {
		if len(p.values) > 0 {
			parts = append(parts, p.what+" "+strings.Join(p.values, ", "))
		}
	}
	var tags []string
	for name, value := range f.Tags {
		if value != "" {
			name += "=" + value
		}
		tags = append(tags, name)
	}
	if slices.Sort(tags); len(tags) > 0 {
		parts = append(parts, "tag "+strings.Join(tags, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("It was drawn with a filter: %s.", strings.Join(parts, "; "))
}
