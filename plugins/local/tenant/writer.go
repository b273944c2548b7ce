package tenant

import (
	"bufio"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
)

// writer writes one specification. What a tenant has many of goes into spools, whose order in the file is that of their names.
type writer struct {
	g    *Generator
	plan *build.Plan
	rep  *report.Report
	x    *texts
	sum  *summary

	body, block, roles, secrets, left *spool
	y                                 *yamlWriter // into block
	unit                              *template.Unit
	list                              []row // of the unit's resources
	types                             map[string]int
	resources                         int // written into block
	lastSub                           string
	known                             map[string]role // by GUID in lower case
	missing                           []missing       // what the format cannot say
}

// row is a line of the table of a unit.
type row struct{ name, typ, location string }

// missing is what of a resource the format cannot say.
type missing struct{ resource, property string }

// rowsListed is how many resources of a unit its table names; of more it has the counts by type.
const rowsListed = 500

func newWriter(ctx context.Context, g *Generator, plan *build.Plan, rep *report.Report, anonymize bool) (*writer, error) {
	w := &writer{g: g, plan: plan, rep: rep, sum: newSummary()}
	for _, s := range []**spool{&w.body, &w.block, &w.roles, &w.secrets, &w.left} {
		made, err := newSpool()
		if err != nil {
			w.close()
			return nil, err
		}
		*s = made
	}
	subs, err := g.Reader.Subscriptions(ctx)
	if err != nil {
		w.close()
		return nil, err
	}
	if w.known, err = roleNames(ctx, g.Reader); err != nil {
		w.close()
		return nil, err
	}
	w.x = &texts{
		tenantID: strings.ToLower(plan.Source.TenantID), subs: map[*template.Parameter]string{}, names: map[string]string{}, groups: map[string]int{},
	}
	if anonymize {
		if w.x.anon, err = pseudonym.New(ctx, g.Reader); err != nil {
			w.close()
			return nil, err
		}
	}
	if w.x.people, err = readPeople(ctx, g.Reader, w.x.anon); err == nil {
		w.x.people.file, err = newSpool()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	w.x.secret = w.secretName
	w.places(subs)
	w.y = &yamlWriter{Writer: w.block.Writer, text: w.x.value, name: w.x.memberName}
	return w, nil
}

// close removes the spools.
func (w *writer) close() {
	for _, s := range []*spool{w.body, w.block, w.roles, w.secrets, w.left} {
		if s != nil {
			_ = s.Close() // temporary files
		}
	}
	if w.x != nil && w.x.people != nil && w.x.people.file != nil {
		_ = w.x.people.file.Close()
	}
}

// places learns the subscriptions and resource groups of the template.
func (w *writer) places(subs map[string]graph.Subscription) {
	x := w.x
	for _, p := range w.plan.Parameters {
		if p.Name == "tenant_id" {
			x.tenant = p
		}
	}
	byName := map[string]int{}
	for _, s := range subs {
		byName[strings.ToLower(s.Name)]++
	}
	for _, u := range w.plan.Units {
		p := u.Scope.Subscription
		if p == nil {
			continue
		}
		id := strings.ToLower(p.Default)
		if _, ok := x.subs[p]; !ok {
			x.subs[p] = id
			name := subs[id].Name
			switch {
			case strings.TrimSpace(name) == "":
				name = id
			case byName[strings.ToLower(name)] > 1:
				name += " (" + id[:min(8, len(id))] + ")"
			}
			if x.anon != nil {
				name = x.anon.Subscription(name)
				x.names[x.anon.GUID(id)] = name
			}
			x.names[id] = name
			w.sum.subscriptions = append(w.sum.subscriptions, &subscriptionSum{id: id, name: name})
		}
		if u.Scope.Kind == template.ScopeResourceGroup {
			x.groups[strings.ToLower(w.groupName(u))]++
		}
	}
}

// groupName is the name of the resource group of a unit, as the specification has it.
func (w *writer) groupName(u *template.Unit) string {
	name := plainText(u.Scope.ResourceGroup)
	if w.x.anon != nil {
		name = w.x.anon.Name("resourcegroups", name)
	}
	return name
}

// subName is the name of the subscription of a unit; empty for one of the tenant.
func (w *writer) subName(u *template.Unit) string {
	if u.Scope.Subscription == nil {
		return ""
	}
	return w.x.names[w.x.subs[u.Scope.Subscription]]
}

// units writes all units.
func (w *writer) units(ctx context.Context) error {
	var done int64
	for _, u := range w.plan.Units {
		w.begin(u)
		err := w.plan.Each(ctx, u, func(r *template.Resource) error {
			if done++; done%512 == 0 {
				w.g.counted("writing", done, w.plan.Generated)
			}
			w.add(r)
			return nil
		})
		if err != nil {
			return err
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	w.g.counted("writing", w.plan.Generated, w.plan.Generated)
	return nil
}

// begin begins a unit.
func (w *writer) begin(u *template.Unit) {
	w.unit, w.list, w.types, w.resources = u, nil, map[string]int{}, 0
	switch u.Scope.Kind {
	case template.ScopeResourceGroup:
		put(w.y.Writer, "resource_groups:\n")
		w.y.pad(2)
		put(w.y.Writer, "- name: ", quote(w.groupName(u)), "\n")
		if len(w.sum.subscriptions) > 1 {
			w.y.line(4, "subscription", w.subName(u))
		}
		if u.Scope.Group == template.NoNode {
			put(w.y.Writer, "    existing: true\n")
		}
	case template.ScopeSubscription:
		put(w.y.Writer, "subscriptions:\n")
		w.y.pad(2)
		put(w.y.Writer, "- name: ", quote(w.subName(u)), "\n")
	}
}

// put writes text; a bufio.Writer remembers its first error until it is flushed.
func put(w *bufio.Writer, text ...string) {
	for _, t := range text {
		_, _ = w.WriteString(t)
	}
}

// typeGroup is the type of resource groups.
const typeGroup = "Microsoft.Resources/resourceGroups"

// add writes a resource.
func (w *writer) add(r *template.Resource) {
	w.noteSecrets(r)
	switch {
	case strings.EqualFold(r.Type, typeGroup):
		w.sum.group(w, w.unit)
		if location := plainText(r.Location); location != "" {
			w.y.line(4, "location", location)
		}
		w.tags(4, r)
		w.rest(r, nil)
		return
	case strings.EqualFold(r.Type, "Microsoft.Authorization/roleAssignments"):
		w.assignment(r)
		return
	}
	indent := 0
	if w.unit.Scope.Kind != template.ScopeTenant && w.unit.Scope.Kind != template.ScopeManagementGroup {
		indent = 4
	}
	if w.resources == 0 {
		w.y.pad(indent)
		put(w.y.Writer, "resources:\n")
	}
	w.resources++
	w.resource(indent+2, r)
	location := plainText(r.Location)
	w.sum.resource(r.Type, location)
	w.types[r.Type]++
	if len(w.list) <= rowsListed {
		w.list = append(w.list, row{w.x.resourceName(r), r.Type, location})
	}
}

// end writes the unit into the body.
func (w *writer) end() error {
	u, to := w.unit, w.body.Writer
	if w.resources == 0 && (u.Scope.Kind != template.ScopeResourceGroup) { // role assignments alone
		w.block.Reset(w.block.file)
		return nil
	}
	if sub := w.subName(u); sub != w.lastSub || w.sum.sections == 0 {
		switch {
		case sub != "":
			put(to, "## Subscription ", md(sub), "\n\n")
		case w.sum.sections == 0:
			put(to, "## Tenant\n\n")
		}
		w.lastSub = sub
	}
	w.sum.sections++
	switch u.Scope.Kind {
	case template.ScopeResourceGroup:
		put(to, "### Resource group ", md(w.groupName(u)), "\n\n")
		w.sum.counted(w, u)
	case template.ScopeManagementGroup:
		put(to, "### Management group ", md(w.x.plainName("managementgroups", u.Scope.ManagementGroup)), "\n\n")
	case template.ScopeSubscription:
		put(to, "### What the subscription itself has\n\n")
	default:
		put(to, "### What the tenant itself has\n\n")
	}
	w.table(to)
	put(to, "```yaml\n")
	if err := w.block.moveTo(to); err != nil {
		return err
	}
	put(to, "```\n\n")
	return nil
}

// table shows the resources of a unit.
func (w *writer) table(to *bufio.Writer) {
	switch {
	case w.resources == 0:
		put(to, "It has no resources of its own.\n\n")
		return
	case len(w.list) > rowsListed:
		put(to, "| type | resources |\n|---|---:|\n")
		for _, k := range byCount(w.types) {
			put(to, "| ", md(k), " | ", count(w.types[k]), " |\n")
		}
	default:
		put(to, "| name | type | region |\n|---|---|---|\n")
		for _, r := range w.list {
			put(to, "| ", md(r.name), " | ", md(r.typ), " | ", md(r.location), " |\n")
		}
	}
	put(to, "\n")
}

// byCount are the keys of counts, the largest count first.
func byCount(counts map[string]int) []string {
	all := make([]string, 0, len(counts))
	for k := range counts {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return all
}
