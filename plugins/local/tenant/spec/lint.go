package spec

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// linter checks what a specification says once it is read.
type linter struct {
	*problems
	spec  *Spec
	x     *index
	edges [][]int32 // by resource, those that have to be there before
	at    map[*Resource]int32

	of    *Resource // the one that is looked at
	body  *body     // what it contains
	parts map[*Resource]map[string]bool

	verdicts map[string]verdict // of names

	suggested int // references for which a near name was looked for
}

// lint tells what is wrong with a specification beyond its form. The error is that the context has ended.
func lint(ctx context.Context, s *Spec, p *problems) error {
	s.index = newIndex(s)
	l := &linter{problems: p, spec: s, x: s.index, edges: make([][]int32, len(s.Resources)), at: make(map[*Resource]int32, len(s.Resources)), parts: map[*Resource]map[string]bool{}, verdicts: map[string]verdict{}}
	l.tenant()
	for _, g := range s.Groups {
		l.group(g)
	}
	for i, r := range s.Resources {
		l.at[r] = int32(i)
		l.identify(r)
	}
	for i, r := range s.Resources {
		if i%256 == 0 {
			if err := context.Cause(ctx); err != nil {
				return fault.Of(err)
			}
		}
		l.resource(i, r)
	}
	l.principals()
	for _, a := range s.Assignments {
		l.assignment(a)
	}
	l.relationships()
	l.cycles()
	s.index.places, s.index.known = nil, nil // nobody asks for them any more
	return nil
}

func (l *linter) guid(at Position, key, text string) {
	if text != "" && !form.IsGUID(text) {
		l.wrong(at, key, "it has the form 00000000-0000-0000-0000-000000000000", "%s: %q is no GUID", key, short(text))
	}
}

func (l *linter) tenant() {
	l.guid(Position{1, 1}, "tenant.tenant_id", l.spec.TenantID)
	ids := map[string]*Subscription{}
	for _, s := range l.spec.Subscriptions {
		l.guid(s.At, "subscription_id", s.ID)
		if other := ids[strings.ToLower(s.ID)]; other != nil && s.ID != "" {
			l.wrong(s.At, "subscription_id", "", "the subscriptions %s and %s have the same id", short(other.Name), short(s.Name))
		}
		ids[strings.ToLower(s.ID)] = s
	}
}

func (l *linter) group(g *Group) {
	key := "resource group " + short(g.Name)
	if why := groupRule.wrong(g.Name); why != "" {
		l.wrong(g.At, key, "", "Azure takes no resource group called %q: %s", short(g.Name), why)
	}
	switch {
	case g.Location != "":
		l.location(g.At, key, g.Location)
	case !g.Existing:
		l.wrong(g.At, key, "add it, as location: westeurope; or existing: true", "the %s has no location", key)
	}
	l.tags(nil, &g.Tags)
}

// identify notes where a resource is, and tells a second one in the same place.
func (l *linter) identify(r *Resource) {
	id := strings.ToLower(l.x.places.id(r))
	if first := l.x.resources[id]; first != nil {
		l.wrong(l.place(r, "name"), "resources", "", "the resource %s is there twice; the first one is in line %d", short(r.Type+" "+r.Name), first.At.Line)
		return
	}
	l.x.resources[id] = r
}

// resource checks one resource.
func (l *linter) resource(i int, r *Resource) {
	b := r.open()
	l.of, l.body = r, b
	lower := strings.ToLower(r.Type)
	known := l.typ(r, lower)
	l.name(r, lower)
	l.location(l.place(r, "location"), r.Name+".location", r.Location)
	if r.Scope != "" {
		l.text(r, &Value{Kind: template.String, Text: r.Scope, At: l.place(r, "scope")}, "scope")
		if resolved, _, err := l.x.places.text(r.Scope); err == nil && !strings.HasPrefix(resolved, "/") {
			l.wrong(l.place(r, "scope"), "scope", "name a resource: ${resource:NAME}", "the scope %q is no id", short(r.Scope))
		}
	}
	for _, name := range []string{"kind", "managed_by"} {
		if m := b.fields.member(name); m != nil {
			l.text(r, m, name)
		}
	}
	l.tags(r, &b.Tags)
	l.identity(r, b)
	if known == nil {
		for _, v := range []*Value{&b.SKU, &b.Plan, &b.Zones, &b.ExtendedLocation, &b.Properties, &b.Extra} {
			l.walk(r, v, nil, spot{name: "properties", top: true})
		}
	} else {
		l.bodyOf(r, b, known)
	}
	if up := l.above(r); up != nil {
		l.depend(i, up)
	}
}

// place of a member of a resource; that of the resource where it has none.
func (l *linter) place(r *Resource, name string) Position {
	b := l.body
	if l.of != r {
		b = r.open()
	}
	if m := b.fields.member(name); m != nil {
		return m.At
	}
	return r.At
}

// above is what a resource hangs below, if the specification has it.
func (l *linter) above(r *Resource) *Resource {
	id := l.x.places.id(r)
	if strings.Count(r.Type, "/") > 1 { // a child
		id = id[:max(strings.LastIndexByte(id, '/'), 0)]
		id = id[:max(strings.LastIndexByte(id, '/'), 0)]
		return l.x.resources[strings.ToLower(id)]
	}
	if r.Scope == "" {
		return nil
	}
	resolved, _, _ := l.x.places.text(r.Scope)
	return l.within(resolved)
}

// within is the resource that an id names, or that what it names is a part of.
func (l *linter) within(id string) *Resource {
	id = strings.ToLower(id)
	for {
		if r := l.x.resources[id]; r != nil {
			return r
		}
		at := strings.LastIndexByte(id, '/')
		if at <= 0 || !strings.Contains(id[:at], "/providers/") {
			return nil
		}
		id = id[:at]
	}
}

func (l *linter) depend(i int, on *Resource) {
	if at, ok := l.at[on]; ok && int(at) != i && !slices.Contains(l.edges[i], at) {
		l.edges[i] = append(l.edges[i], at)
	}
}

// versionForm is the form of an api-version.
var versionForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(?:-[a-z0-9-]+)?$`)

// typ checks the type, and answers it if it is known.
func (l *linter) typ(r *Resource, lower string) *armschema.Type {
	at, key := l.place(r, "type"), short(r.Name)+".type"
	types, names := strings.Count(r.Type, "/"), strings.Count(r.Name, "/")+1
	switch {
	case types == 0 || strings.Contains(r.Type, "//"):
		l.wrong(at, key, meant(r.Type, armschema.Names()), "%q is no type: types are written as Microsoft.Network/virtualNetworks", short(r.Type))
		return nil
	case lower == "microsoft.resources/resourcegroups", lower == "microsoft.resources/subscriptions/resourcegroups", lower == "microsoft.resources/subscriptions":
		l.wrong(at, key, "", "%s stands among resource_groups or subscriptions, not among resources", short(r.Type))
		return nil
	case lower == "microsoft.authorization/roleassignments":
		l.wrong(at, key, "", "role assignments stand among role_assignments, not among resources")
		return nil
	case types != names:
		l.wrong(l.place(r, "name"), short(r.Name)+".name", "the name of a child has the names above it: vnet-hub/web", "the type %s needs a name of %d parts, and %q has %d", short(r.Type), types, short(r.Name), names)
	}
	if r.APIVersion != "" && !versionForm.MatchString(r.APIVersion) {
		l.wrong(l.place(r, "api_version"), short(r.Name)+".api_version", "", "%q is no api-version: they are written as 2024-01-01", short(r.APIVersion))
	}
	t, ok := armschema.Lookup(lower)
	if !ok {
		hint := meant(r.Type, armschema.Names())
		if r.APIVersion == "" {
			if hint == "" {
				hint = "if Azure has it, add its api_version"
			}
			l.wrong(at, key, hint, "the type %s is not known", short(r.Type))
		} else if hint != "" {
			l.doubt(at, key, hint, "the type %s is not known", short(r.Type))
		}
		return nil
	}
	if !t.Writable {
		l.wrong(at, key, "leave it out", "Resource Manager has no call that creates a %s", t.Name)
		return nil
	}
	if versionForm.MatchString(r.APIVersion) && r.APIVersion != t.Version && t.Version != "" {
		l.doubt(l.place(r, "api_version"), short(r.Name)+".api_version", "leave it out", "%s is deployed with the api-version %s, which is the one that this atg knows", t.Name, t.Version)
	}
	if len(t.Names) > 0 && !slices.ContainsFunc(t.Names, func(n string) bool { return strings.EqualFold(n, last(r.Name)) }) {
		l.wrong(l.place(r, "name"), short(r.Name)+".name", "", "a %s can only be called %s", t.Name, strings.Join(t.Names, " or "))
	}
	return t
}

func last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func (l *linter) name(r *Resource, lower string) {
	why := anyName(r.Name)
	if rule := nameRules[lower]; why == "" && rule != nil {
		why = rule.wrong(last(r.Name))
	}
	if why != "" {
		l.wrong(l.place(r, "name"), short(r.Name)+".name", "", "Azure takes no %s called %q: %s", short(r.Type), short(r.Name), why)
	}
}

// locationForm is the form of a region's name.
var locationForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ()]*$`)

func (l *linter) location(at Position, key, location string) {
	if location != "" && (!locationForm.MatchString(location) || len(location) > 60) {
		l.wrong(at, key, "", "%q is no region: they are written as westeurope", short(location))
		return
	}
	if name := strings.ToLower(strings.ReplaceAll(location, " ", "")); name != "" && name != "global" && !slices.Contains(regions, name) {
		if hint := meant(name, regions); hint != "" {
			l.doubt(at, key, hint, "the region %q is not known", short(location))
		}
	}
}

// IsRegion says that a text is the name of a region of public Azure, in either form: westeurope, West Europe.
func IsRegion(text string) bool {
	return slices.Contains(regions, strings.ToLower(strings.ReplaceAll(text, " ", "")))
}

// regions are those of public Azure that a misspelt one may be meant to be. Others are taken too. Source: https://learn.microsoft.com/azure/reliability/regions-list.
var regions = strings.Fields(`australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth brazilsoutheast canadacentral canadaeast centralindia
	centralus chilecentral eastasia eastus eastus2 francecentral francesouth germanynorth germanywestcentral indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest
	koreacentral koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral qatarcentral southafricanorth southafricawest
	southcentralus southeastasia southindia spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest uaecentral uaenorth uksouth ukwest westcentralus westeurope
	westindia westus westus2 westus3`)
