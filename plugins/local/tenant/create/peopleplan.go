package create

import (
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// directoryVersion stands in the journal where resources have their api-version.
const directoryVersion = "v1.0"

// path is what the journal calls one by. Whoever takes the job back finds with it what was made: a user by its principal name, a group by its
// mail nickname, a service principal by its name and the mark of the job.
func (p *person) path(job string) string {
	path := kinds[p.Kind].path + "/"
	switch p.Kind {
	case spec.User:
		return path + url.PathEscape(p.Text("user_principal_name"))
	case spec.EntraGroup:
		return path + url.PathEscape(p.DisplayName()) + "/" + url.PathEscape(nicknameOf(p, job))
	}
	return path + url.PathEscape(p.DisplayName()) + "/" + url.PathEscape(p.Text("app_id"))
}

// content is the digest of what one is to be.
func (p *person) content() []byte {
	s := &seal{sum: sha256.New()}
	fields, _ := json.Marshal(p.Fields) // they are values of a specification
	s.write(p.Name, string(fields))
	return s.bytes()
}

// work says that somebody is to be made, or to be made a member.
func (ps *people) work() bool {
	return slices.ContainsFunc(ps.all, func(p *person) bool { return p.line.Action == actionCreate || len(p.joins) > 0 })
}

// confirm leaves out what was not in the plan that was confirmed.
func (ps *people) confirm(r *run, confirmed map[string]bool) {
	for _, p := range ps.all {
		if (p.line.Action == actionCreate || len(p.joins) > 0) && !confirmed[strings.ToLower(p.path(r.Job))] {
			r.log(backend.LevelWarn, "left as it is, for it was not in the plan that was confirmed: the %s", p)
			p.joins = nil
			if p.line.Action == actionCreate {
				p.failed = fault.New(fault.ExecutionFailed, "not made: it was not in the plan that was confirmed", fault.On(p.String()))
			}
			p.line.Action = actionExists
		}
	}
}

// blocked are the resources, by id in lower case, that name somebody who could not be made, with all that needs them.
func (p *plan) blocked(in *Input) map[string]string {
	why := map[string]string{}
	for id, named := range in.Names {
		for _, who := range named {
			if who.found.ID == "" {
				why[id] = "it names the " + who.String() + ", which could not be made"
			}
		}
	}
	if len(why) == 0 {
		return why
	}
	order := make([]int, len(p.all))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return p.level[a] - p.level[b] })
	for _, n := range order {
		for _, need := range p.all[n].needs {
			if _, ok := why[strings.ToLower(p.changes[need].Resource)]; ok && why[strings.ToLower(p.changes[n].Resource)] == "" {
				why[strings.ToLower(p.changes[n].Resource)] = "it needs " + p.changes[need].Resource
			}
		}
	}
	return why
}

// tell adds to a result what became of the people.
func (ps *people) tell(r *run, result *backend.TenantCreationResult) {
	for _, p := range ps.all {
		switch {
		case p.failed != nil:
			result.ResourcesFailed++
			result.Failures = append(result.Failures, backend.ResourceFailed{Resource: p.String(), Fault: p.failed})
			if p.line.Action == actionCreate && p.found.ID != "" { // a group without some of its members
				result.ResourcesCreated++
			}
		case p.line.Action == actionCreate || len(p.joins) > 0:
			result.ResourcesCreated++
		}
	}
	if result.ResourcesFailed > 0 {
		result.Success, result.Complete = false, false
		result.Error = r.left(int(result.ResourcesCreated), int(result.ResourcesFailed))
	}
}
