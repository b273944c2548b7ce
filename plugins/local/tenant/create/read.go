package create

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// parse reads a specification. What is wrong with it is a fault with every problem; it needs no Azure.
func parse(ctx context.Context, t *Task) (*spec.Spec, error) {
	file, err := os.Open(t.Spec)
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, "the specification cannot be read", fault.Because(err))
	}
	defer func() { _ = file.Close() }()
	parsed, problems, err := spec.Parse(ctx, file, spec.Limits{})
	if err != nil {
		return nil, err
	}
	if err := spec.Fault(problems); err != nil {
		return nil, err
	}
	for _, p := range problems {
		t.Report.Log(backend.LevelWarn, "%s:%s", t.Request.Spec, p)
	}
	return parsed, nil
}

// input makes rows of a specification.
func (r *run) input(ctx context.Context, parsed *spec.Spec) (*Input, error) {
	places, err := r.places(parsed)
	if err != nil {
		return nil, err
	}
	in := &Input{}
	said, err := parsed.Rows(places, func(row graph.Row) error {
		in.Rows = append(in.Rows, row)
		return context.Cause(ctx)
	})
	if err != nil {
		return nil, err
	}
	in.Existing, in.After = said.Existing, map[string][]string{}
	for _, pair := range said.After {
		from := strings.ToLower(pair[0])
		in.After[from] = append(in.After[from], pair[1])
	}
	in.At = func(id string) (line, column int) {
		at := said.Positions[strings.ToLower(id)]
		return int(at.Line), int(at.Column)
	}
	in.leavePrincipals(said.Principals)
	return in, nil
}

// places finds the subscriptions of a specification among those that the credential sees: by id, or else by name.
func (r *run) places(s *spec.Spec) (spec.Places, error) {
	p := spec.Places{TenantID: r.tenant, Subscriptions: map[string]string{}}
	var problems []fault.Problem
	for _, sub := range s.Subscriptions {
		var byID, byName []string
		for _, seen := range r.subscriptions {
			if strings.EqualFold(seen.ID, sub.ID) {
				byID = append(byID, seen.ID)
			}
			if strings.EqualFold(seen.Name, sub.Name) {
				byName = append(byName, seen.ID)
			}
		}
		switch {
		case len(byID) > 0:
			p.Subscriptions[sub.Name] = byID[0]
		case len(byName) == 1:
			p.Subscriptions[sub.Name] = byName[0]
			if sub.ID != "" {
				r.log(backend.LevelInfo, "there is no subscription %s here; the one with the name %s is taken, %s", sub.ID, sub.Name, byName[0])
			}
		default:
			message := fmt.Sprintf("the subscription %q does not exist, or the credential may not see it", sub.Name)
			if len(byName) > 1 {
				message = fmt.Sprintf("there are %d subscriptions %q", len(byName), sub.Name)
			}
			problems = append(problems, fault.Problem{Message: message, Line: int(sub.At.Line), Column: int(sub.At.Column),
				Hint: "a deployment makes no subscriptions: write the id of one that exists"})
		}
	}
	if len(problems) > 0 {
		return p, fault.New(fault.InvalidArgument, problems[0].Message, fault.Problems(problems...), fault.Hint("%s", problems[0].Hint))
	}
	return p, nil
}

// leavePrincipals takes the users, groups and applications out that would have to be made, and the role assignments that name them.
func (in *Input) leavePrincipals(all []spec.Given) {
	words := map[spec.PrincipalKind]string{spec.User: "user", spec.EntraGroup: "group", spec.ServicePrincipal: "service principal"}
	unknown := map[string]string{}
	for _, p := range all {
		if p.Known {
			continue
		}
		unknown[strings.ToLower(p.ObjectID)] = words[p.Kind] + " " + p.Name
		in.Left = append(in.Left, backend.PlannedChange{
			Resource: p.Name, Type: string(p.Kind), Action: actionUnsupported,
			Reason: "this backend makes nothing in Microsoft Entra ID: make it, and write its object id into the specification",
		})
	}
	if len(unknown) == 0 {
		return
	}
	kept := in.Rows[:0]
	for _, row := range in.Rows {
		if strings.EqualFold(row.Type, "Microsoft.Authorization/roleAssignments") {
			var properties struct {
				PrincipalID string `json:"principalId"`
			}
			_ = json.Unmarshal(row.Properties, &properties) // rows of a specification are valid
			if who, ok := unknown[strings.ToLower(properties.PrincipalID)]; ok {
				in.Left = append(in.Left, backend.PlannedChange{Resource: row.ID, Type: row.Type, Action: actionUnsupported, Reason: "it names the " + who + ", of which no object id is known"})
				continue
			}
		}
		kept = append(kept, row)
	}
	in.Rows = kept
}
