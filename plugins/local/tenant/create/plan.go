package create

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The actions of a plan.
const (
	actionCreate      = "create"
	actionExists      = "exists"
	actionDiffers     = "differs"
	actionDelete      = "delete"
	actionUnsupported = "unsupported"
)

// groupVersion is the api-version of resource groups.
const groupVersion = "2021-04-01"

// plan is what a run would do.
type plan struct {
	backend.TenantPlan
	complete bool   // nothing is unsupported
	all      []info // by node
	level    []int  // of them
	changes  []backend.PlannedChange
	content  [][sha256.Size]byte      // digests of what is desired
	refused  map[template.Node]string // Azure's codes, of what it would not take
	people   *people
	left     []backend.PlannedChange // what no deployment makes
	trimmed  bool                    // some of left was asked for and cannot be
	regions  map[string]string       // of the resource groups, by id in lower case
	location string                  // of deployments above resource groups
	first    template.Scope
	whole    *build.Plan // of all that is desired
}

// count is how much is to be created or changed.
func (p *plan) count() (count int) {
	for n := range p.all {
		if p.writes(n) {
			count++
		}
	}
	return count
}

// selected are the ids, in lower case, of what is to be deployed.
func (p *plan) selected() map[string]bool {
	ids := map[string]bool{}
	for n := range p.all {
		if p.writes(n) {
			ids[strings.ToLower(p.changes[n].Resource)] = true
		}
	}
	return ids
}

// writes says that a resource is to be created or changed.
func (p *plan) writes(n int) bool {
	return p.changes[n].Action == actionCreate || p.changes[n].Action == actionDiffers
}

// planner makes a plan.
type planner struct {
	*run
	t       *template.Template
	names   map[string][]*person
	refused map[template.Node]string // Azure's codes, of what it says that it does not have
	missing sync.Map                 // ids in lower case of what Azure says is not there, with all below it
	mu      sync.Mutex
	all     []info
	changes []backend.PlannedChange // by node
	content [][sha256.Size]byte     // digests of what is desired, by node
	regions map[string]string       // of resource groups, by id in lower case
}

// plan compares what is desired with what is there. The plan has to be sealed.
func (r *run) plan(ctx context.Context, d *desired) (*plan, error) {
	built, err := d.build(ctx, nil)
	if err != nil {
		return nil, err
	}
	total := int(built.Generated)
	r.begin(phasePlan, total)
	p := &planner{run: r, t: built.Template, names: d.in.Names, all: make([]info, total), changes: make([]backend.PlannedChange, total), content: make([][sha256.Size]byte, total), regions: map[string]string{}, refused: map[template.Node]string{}}
	if err := p.scopes(ctx, d.in); err != nil {
		return nil, err
	}
	// Resource groups and what else is deployed above them come first: below what is missing nobody has to ask.
	var first, then []*template.Unit
	for _, u := range built.Units {
		if u.Scope.Kind == template.ScopeResourceGroup {
			then = append(then, u)
		} else {
			first = append(first, u)
		}
	}
	for _, units := range [][]*template.Unit{first, then} {
		if err := p.units(ctx, units); err != nil {
			return nil, err
		}
	}
	return p.finish(ctx, d, built)
}

// scopes says which subscriptions and management groups have to exist and do not.
func (p *planner) scopes(ctx context.Context, in *Input) error {
	var problems []fault.Problem
	wrong := func(id, message, hint string) {
		line, column := in.At(id)
		problems = append(problems, fault.Problem{Key: id, Message: message, Hint: hint, Line: line, Column: column})
	}
	for _, id := range in.Existing {
		_, err := p.session.Get(ctx, id, groupVersion)
		switch {
		case azure.IsNotFound(err):
			wrong(id, "the resource group "+name(id)+" does not exist", "the specification says that it is there: make it, or let it be made")
		case err != nil:
			return err
		}
	}
	seen := map[string]bool{}
	for _, s := range p.t.Stages {
		id, _ := plain(s.Scope.ID)
		if seen[strings.ToLower(id)] {
			continue
		}
		seen[strings.ToLower(id)] = true
		switch s.Scope.Kind {
		case template.ScopeSubscription:
			name := id[strings.LastIndexByte(id, '/')+1:]
			at := slices.IndexFunc(p.subscriptions, func(s azure.Subscription) bool { return strings.EqualFold(s.ID, name) })
			switch {
			case at < 0:
				wrong(id, "the subscription "+name+" does not exist, or the credential may not see it", "a deployment makes no subscriptions: make it first, or name another one in the specification")
			case !p.subscriptions[at].Enabled():
				wrong(id, fmt.Sprintf("the subscription %s is %s", name, p.subscriptions[at].State), "enable it first")
			}
		case template.ScopeManagementGroup:
			_, err := p.session.Get(ctx, id, "2020-05-01")
			switch {
			case azure.IsNotFound(err), fault.CodeOf(err) == fault.AzureForbidden:
				wrong(id, "the management group "+s.Scope.ManagementGroup+" does not exist, or the credential may not see it", "a deployment makes no management groups here: make it first")
			case err != nil:
				return err
			}
		}
	}
	if len(problems) > 0 {
		return fault.New(fault.InvalidArgument, problems[0].Message, fault.Problems(problems...), fault.Hint("%s", problems[0].Hint))
	}
	return nil
}

// units reads what is there of the resources of units.
func (p *planner) units(ctx context.Context, units []*template.Unit) error {
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(p.parallel())
	for _, u := range units {
		if err := p.t.Each(group, u, func(res *template.Resource) error {
			g.Go(func() error { return p.resource(group, u, res) })
			return context.Cause(group)
		}); err != nil {
			_ = g.Wait()
			return cmp.Or(failedFirst(group, err), err)
		}
	}
	return g.Wait()
}

// failedFirst is why a group ended, if that is why a step of it failed.
func failedFirst(group context.Context, err error) error {
	if cause := context.Cause(group); cause != nil {
		return cause
	}
	return err
}

// resource plans one resource.
func (p *planner) resource(ctx context.Context, u *template.Unit, res *template.Resource) error {
	defer p.step()
	i, n := infoOf(u, res), res.Node
	change, code := backend.PlannedChange{Resource: res.ID, Type: res.Type, Action: actionCreate}, ""
	content := contentOf(res)
	if !p.isMissing(res.ID) {
		actual, err := p.session.Get(ctx, res.ID, res.APIVersion)
		switch {
		case err == nil:
			paths, err := differences(res, actual)
			if err != nil {
				return fault.New(fault.ExecutionFailed, "Azure's answer about "+res.ID+" cannot be read", fault.On(res.ID), fault.From(fault.OriginAzure), fault.Because(err))
			}
			if change.Action = actionExists; len(paths) > 0 {
				change.Action, change.Properties = actionDiffers, paths
			}
		case azure.IsNotFound(err):
			p.missing.Store(strings.ToLower(res.ID), true)
		case azure.IsUnsupported(err) && !azure.HasCode(err, "MissingSubscriptionRegistration", "SubscriptionNotRegistered"):
			change.Action, change.Reason = actionUnsupported, fault.Of(err).Message
			if said := azure.RefusalOf(err); said != nil { // without the id of the call, which is another one each time
				code, change.Reason = oneLine(said.Innermost().Code), wordsOf(said.Innermost())
			}
		case azure.IsUnsupported(err): // a deployment registers the provider
		default:
			return err
		}
	} // else all below it is missing as well, for the same reason
	for _, who := range p.names[strings.ToLower(res.ID)] {
		if who.line.Action == actionUnsupported {
			change.Action, change.Properties, change.Reason = actionUnsupported, nil, "it names the "+who.String()+", of which no object id is known"
		}
	}
	if change.Action == actionCreate || change.Action == actionDiffers {
		if names := p.missingSecrets(u, res.Secrets); len(names) > 0 {
			change.Action, change.Properties = actionUnsupported, nil
			change.Reason = "a secret has no value: set " + strings.Join(names, ", ") + " in the environment of the backend"
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[n], p.changes[n], p.content[n] = i, change, content
	if code != "" && change.Action == actionUnsupported {
		p.refused[n] = code
	}
	if isGroup(res.ID) {
		p.regions[strings.ToLower(res.ID)], _ = plain(res.Location)
	}
	return nil
}

// isMissing says that something above a resource is not there.
func (p *planner) isMissing(id string) bool {
	lower := strings.ToLower(id)
	for at := strings.LastIndexByte(lower, '/'); at > 0; at = strings.LastIndexByte(lower[:at], '/') {
		if _, ok := p.missing.Load(lower[:at]); ok {
			return true
		}
	}
	return false
}

// finish completes the plan with what cannot be done.
func (p *planner) finish(ctx context.Context, d *desired, built *build.Plan) (*plan, error) {
	out := &plan{all: p.all, level: levels(p.all), changes: p.changes, content: p.content, refused: p.refused, regions: p.regions, location: p.location(), whole: built}
	out.first = p.firstScope()
	out.people = d.in.People
	if err := built.Rest(ctx, func(e report.Entry) error {
		if e.Class != report.Omitted && e.Class != report.Trimmed || e.Reason == report.Container || e.Reason == report.BuiltIn {
			return nil
		}
		out.trimmed = out.trimmed || e.Class != report.Trimmed
		out.left = append(out.left, backend.PlannedChange{Resource: e.Resource, Type: e.Type, Action: actionUnsupported, Reason: e.Reason.String()})
		return nil
	}); err != nil {
		return nil, err
	}
	out.spread()
	return out, nil
}

// spread says of what needs something that cannot be made that it cannot be made either.
func (p *plan) spread() {
	order := make([]template.Node, len(p.all))
	for n := range order {
		order[n] = template.Node(n)
	}
	slices.SortStableFunc(order, func(a, b template.Node) int { return cmp.Compare(p.level[a], p.level[b]) })
	for _, n := range order {
		if !p.writes(int(n)) {
			continue
		}
		for _, need := range p.all[n].needs {
			if p.changes[need].Action == actionUnsupported {
				c := &p.changes[n]
				c.Action, c.Properties, c.Reason = actionUnsupported, nil, "it needs "+p.changes[need].Resource+", which cannot be made"
				break
			}
		}
	}
}

// seal puts the lines into their order, and makes the digest. Of what Azure refuses that has its code: the message may be another one each time.
func (p *plan) seal(tenant string) {
	type line struct {
		change  *backend.PlannedChange
		refused bool
		code    string // if it is: Azure's
		content []byte
	}
	p.complete = !p.trimmed
	lines := make([]line, 0, len(p.changes)+len(p.left))
	for n := range p.changes {
		p.complete = p.complete && p.changes[n].Action != actionUnsupported
		code, refused := p.refused[template.Node(n)]
		lines = append(lines, line{&p.changes[n], refused, code, p.content[n][:]})
	}
	for i := range p.left {
		lines = append(lines, line{change: &p.left[i]})
	}
	for _, who := range p.people.all {
		if who.line.Action != actionExists || who.found.ID != "" {
			p.complete = p.complete && who.line.Action != actionUnsupported && (who.line.Reason == "" || who.line.Action == actionExists)
			lines = append(lines, line{change: &who.line, content: who.content()})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(compareFold(a.change.Resource, b.change.Resource), strings.Compare(a.change.Type, b.change.Type))
	})
	seal := newSeal(tenant)
	p.Changes = make([]backend.PlannedChange, 0, len(lines))
	for _, l := range lines {
		p.Changes = append(p.Changes, *l.change)
		sealed := *l.change
		if l.refused {
			sealed.Reason = l.code
		}
		seal.add(&sealed, l.content)
	}
	p.Digest = seal.digest()
}

// compareFold compares two texts in lower case.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x >= utf8.RuneSelf || y >= utf8.RuneSelf {
			return strings.Compare(strings.ToLower(a), strings.ToLower(b))
		}
		if c := cmp.Compare(lowerByte(x), lowerByte(y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// firstScope is where the run writes down what it does: where the first of its deployments goes, or else any subscription.
func (p *planner) firstScope() template.Scope {
	if len(p.t.Stages) > 0 {
		return p.t.Stages[0].Scope
	}
	for _, s := range p.subscriptions {
		if s.Enabled() {
			return template.Scope{Kind: template.ScopeSubscription, ID: []template.Part{{Literal: "/subscriptions/" + s.ID}}}
		}
	}
	return template.Scope{}
}

// location is where Azure keeps the records of deployments above resource groups: the region of most resources.
func (p *planner) location() string {
	for _, parameter := range p.t.Parameters {
		if parameter.Name == "location" && parameter.Default != "" {
			return parameter.Default
		}
	}
	switch p.Azure.Config().Cloud { // nothing is in a region
	case azure.CloudUSGovernment:
		return "usgovvirginia"
	case azure.CloudChina:
		return "chinanorth3"
	}
	return "westeurope"
}
