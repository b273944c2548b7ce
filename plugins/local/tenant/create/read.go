package create

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
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

// input hands out the rows of a specification, and answers what else it says: of its people those that are there have their object ids.
func (r *run) input(ctx context.Context, parsed *spec.Spec, places spec.Places, ps *people, take func(graph.Row) error) (*Input, error) {
	places.Principals = ps.ids()
	in := &Input{People: ps, Names: map[string][]*person{}}
	said, err := parsed.Rows(places, func(row graph.Row) error {
		if len(ps.all) > 0 {
			if named := ps.named(&row); len(named) > 0 {
				in.Names[strings.ToLower(row.ID)] = named
			}
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return take(row)
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
	return in, nil
}

// named are those of the people who are not there yet and whose placeholders a row has.
func (ps *people) named(row *graph.Row) (all []*person) {
	for _, text := range [][]byte{row.Properties, row.Identity, row.Extra, row.SKU, row.Plan} {
		for at := bytes.IndexByte(text, '-'); at >= 0; {
			if from := at - 8; from >= 0 && from+36 <= len(text) {
				if p := ps.by[strings.ToLower(string(text[from:from+36]))]; p != nil && p.found.ID == "" && !slices.Contains(all, p) && p.line.Action != actionExists {
					all = append(all, p)
				}
			}
			next := bytes.IndexByte(text[at+1:], '-')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return all
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
