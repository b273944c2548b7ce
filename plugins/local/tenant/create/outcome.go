package create

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// outcome is what became of a resource.
type outcome struct {
	done   bool
	failed *fault.Fault
	own    bool // failed is of the resource itself, and not of something before it
}

// tell takes in what became of a resource.
func (x *deployer) tell(id, typ, state string, failed *azure.Refusal) {
	key := canonicalTarget(id, typ)
	x.mu.Lock()
	o := x.outcomes[key]
	moved := false
	switch {
	case strings.EqualFold(state, "Succeeded"):
		if o != nil && !o.done {
			o.done, o.failed, moved = true, nil, true
			x.made++
		}
	case strings.EqualFold(state, "Failed"):
		f := faultOf(id, failed)
		if o == nil {
			x.extra[key] = f
		} else if o.failed == nil {
			o.failed, o.own, moved = f, true, true
		}
	}
	made := x.made
	x.mu.Unlock()
	if moved && o.done {
		x.done(made, name(id))
	} else if moved {
		x.log(backend.LevelError, "%s: %v", id, o.failed)
	}
}

// canonicalTarget is the id of an operation's target as resources have it: those of resource groups are told in two forms.
func canonicalTarget(id, _ string) string {
	return strings.Replace(strings.ToLower(id), "/providers/microsoft.resources/resourcegroups/", "/resourcegroups/", 1)
}

// close says what became of those resources of a stage of which the operations said nothing.
func (x *deployer) close(d *deployment, s *template.Stage, content []string, ok bool) {
	x.mu.Lock()
	why := d.fault
	for _, f := range x.extra {
		why = cmp.Or(why, f)
	}
	for _, key := range content {
		o := x.outcomes[key]
		switch {
		case o.done || o.failed != nil:
		case ok: // operations are forgotten after a while
			o.done = true
			x.made++
		default:
			o.failed = notTried(x.ids[key], d, why)
		}
	}
	made := x.made
	x.mu.Unlock()
	x.done(made, "")
	if ok {
		x.log(backend.LevelInfo, "%s: done", s.Title)
	} else {
		x.log(backend.LevelError, "%s: the deployment %s has ended as %s", s.Title, name(d.id), d.state)
	}
}

// notTried is the fault of a resource that its deployment did not come to.
func notTried(id string, d *deployment, why *fault.Fault) *fault.Fault {
	f := fault.New(fault.ExecutionFailed, "not made: its deployment "+name(d.id)+" ended before", fault.On(id), fault.From(fault.OriginAzure))
	if why != nil {
		f.Message += ": " + why.Message
	}
	return f
}

// refuse says of all resources of a stage that Azure did not take its deployment.
func (x *deployer) refuse(d *deployment, content []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, key := range content {
		f := *d.refused
		f.Resource = x.ids[key]
		if i > 0 { // once is enough
			f.Message, f.Cause = "not made: Azure refused its deployment "+name(d.id), nil
		}
		x.outcomes[key].failed = &f
	}
}

// skip says of resources that they were not tried.
func (x *deployer) skip(content []string, why string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, key := range content {
		x.outcomes[key].failed = fault.New(fault.ExecutionFailed, why, fault.On(x.ids[key]))
	}
}

// result sums up.
func (x *deployer) result(p *plan, before int) *backend.TenantCreationResult {
	out := &backend.TenantCreationResult{Success: true, Complete: p.complete, ResourcesCreated: int64(before + x.made)}
	var behind []backend.ResourceFailed // what failed because something else did comes last
	for _, key := range sortedKeys(x.outcomes) {
		o := x.outcomes[key]
		if o.failed == nil || o.done {
			continue
		}
		out.ResourcesFailed++
		if one := (backend.ResourceFailed{Resource: x.ids[key], Fault: o.failed}); o.own {
			out.Failures = append(out.Failures, one)
		} else {
			behind = append(behind, one)
		}
	}
	if out.ResourcesFailed == 0 {
		return out
	}
	for _, key := range sortedKeys(x.extra) {
		out.Failures = append(out.Failures, backend.ResourceFailed{Resource: x.extra[key].Resource, Fault: x.extra[key]})
	}
	out.Failures = append(out.Failures, behind...)
	out.Success, out.Complete = false, false
	out.Error = x.left(before+x.made, int(out.ResourcesFailed))
	x.log(backend.LevelError, "%s", fmt.Sprint(out.Error))
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
