package ui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// What of a deployment is shown; JSON has it all.
const (
	topProperties = 4  // that differ, of each resource
	topUnchanged  = 10 // resources of a plan that nothing happens to; more are only counted
	topFailures   = 40
)

// action is what a plan may do with a resource.
type action struct {
	name, sign string
	tone       Tone
	one, many  string // behind the count
}

// actions are all of them, in the order in which their counts are shown.
var actions = []action{
	{"create", "+", Good, "to create", "to create"},
	{"differs", "~", Warning, "to change", "to change"},
	{"delete", "-", Bad, "to remove", "to remove"},
	{"exists", "=", Faint, "left as it is", "left as they are"},
	{"unsupported", "!", Bad, "that cannot be made", "that cannot be made"},
}

// Tenant shows the plan of a deployment, or what came of it.
func (p *Page) Tenant(r *backend.TenantCreationResult) {
	if r.Plan != nil {
		p.tenantPlan(r.Plan)
		return
	}
	state := Toned{Good, "done"}
	switch {
	case r.ResourcesFailed > 0:
		state = Toned{Bad, "failed in part"}
	case !r.Complete:
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, "Deployment"}, "  ", state)
	p.Pairs(
		Pair{"created", Count(r.ResourcesCreated)}, Pair{"failed", Count(r.ResourcesFailed)}, Pair{"took", Seconds(r.DurationSeconds)},
	)
	for i, f := range r.Failures {
		if i == topFailures {
			p.Line("  ", Toned{Faint, "and " + Count(int64(len(r.Failures)-topFailures)) + " more; -o json has them all"})
			break
		}
		why := "it is not told why"
		if f.Fault != nil {
			why = f.Fault.Error()
		}
		p.Prose(2, 4, Toned{Bad, "failed"}, "  ", f.Resource, ": ", why)
		if f.Fault != nil && f.Fault.Hint != "" {
			p.Prose(4, 6, Toned{Info, "hint:"}, " ", f.Fault.Hint)
		}
	}
}

// tenantPlan shows a plan like a diff.
func (p *Page) tenantPlan(plan *backend.TenantPlan) {
	p.Line(Toned{Strong, "Plan"}, " ", Toned{Faint, plan.Digest})
	counts := map[string]int64{}
	for _, c := range plan.Changes {
		counts[c.Action]++
	}
	unchanged := int64(0)
	for _, c := range plan.Changes {
		at := slices.IndexFunc(actions, func(a action) bool { return a.name == c.Action })
		sign, tone := cmp.Or(c.Action, "?"), Warning // of a backend that is newer
		if at >= 0 {
			sign, tone = actions[at].sign, actions[at].tone
		}
		if c.Action == "exists" && c.Reason == "" {
			if unchanged++; unchanged > topUnchanged {
				continue
			}
		}
		parts := []any{Toned{tone, sign}, " ", c.Resource}
		if c.Type != "" && !strings.Contains(strings.ToLower(c.Resource), strings.ToLower(c.Type)) {
			parts = append(parts, Toned{Faint, "  " + c.Type})
		}
		p.Prose(2, 6, parts...)
		if len(c.Properties) > 0 {
			words := strings.Join(c.Properties[:min(topProperties, len(c.Properties))], ", ")
			if more := len(c.Properties) - topProperties; more > 0 {
				words += ", and " + Count(int64(more)) + " more"
			}
			p.Prose(6, 6, Toned{Faint, words})
		}
		if c.Reason != "" {
			p.Prose(6, 6, Toned{Faint, c.Reason})
		}
	}
	if more := unchanged - topUnchanged; more > 0 {
		p.Line("  ", Toned{Faint, "= and " + Count(more) + " more that are left as they are; -o json has them all"})
	}
	if len(plan.Changes) == 0 {
		p.Line("  nothing to do")
		return
	}
	var words []any
	for _, a := range actions {
		n := counts[a.name]
		if n == 0 {
			continue
		}
		if len(words) > 0 {
			words = append(words, ", ")
		}
		word := a.many
		if n == 1 {
			word = a.one
		}
		words = append(words, Toned{a.tone, Count(n)}, " "+word)
	}
	p.Gap()
	p.Line(words...)
}
