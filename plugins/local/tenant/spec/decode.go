package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// typeManagedIdentity is the type that managed_identities are short for.
const typeManagedIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities"

// decoder puts the blocks of a document into one specification.
type decoder struct {
	*problems
	spec  *Spec
	at    map[string]Position // where single values were said first, by a name of theirs
	subs  map[string]*Subscription
	group map[string]*Group
	late  []func() // what waits until all subscriptions and groups are known
}

func newDecoder(p *problems) *decoder {
	return &decoder{problems: p, spec: &Spec{shelf: &shelf{}}, at: map[string]Position{}, subs: map[string]*Subscription{}, group: map[string]*Group{}}
}

// once keeps a single value. Another one that was said elsewhere contradicts it.
func (d *decoder) once(into *string, v *Value, name, key string) {
	m := v.member(name)
	if m == nil || m.Text == "" {
		return
	}
	if first, ok := d.at[key]; ok && !strings.EqualFold(*into, m.Text) {
		d.wrong(m.At, key, "", "%s is %q here, and %q in line %d", key, short(m.Text), short(*into), first.Line)
		return
	}
	if _, ok := d.at[key]; !ok {
		*into, d.at[key] = m.Text, m.At
	}
}

// block takes what a block says, whose form is right and whose resources are packed.
func (d *decoder) block(v *Value) {
	if t := v.member("tenant"); t != nil {
		d.once(&d.spec.Name, t, "name", "tenant.name")
		d.once(&d.spec.TenantID, t, "tenant_id", "tenant.tenant_id")
		for i := range t.Fields {
			if f := &t.Fields[i]; tenantShape.members[tenantShape.index.byName[f.Name]].doc == notUsed && !f.Value.empty() {
				d.doubt(f.At, "tenant."+f.Name, "", "nothing is made of %s", f.Name)
			}
		}
		d.lists(t)
	}
	d.lists(v)
}

// each calls do for the items of a list.
func each(v *Value, name string, do func(*Value)) {
	if m := v.member(name); m != nil {
		for i := range m.Items {
			do(&m.Items[i])
		}
	}
}

func (d *decoder) lists(v *Value) {
	each(v, "subscriptions", d.subscription)
	each(v, "resource_groups", func(g *Value) {
		d.later(func() {
			if sub, ok := d.subscriptionOf(g); ok {
				d.resourceGroup(g, sub)
			}
		})
	})
	each(v, "resources", func(r *Value) {
		d.later(func() { d.later(func() { d.place(r, d.resource) }) })
	})
	each(v, "managed_identities", func(r *Value) {
		d.later(func() { d.later(func() { d.place(r, d.managedIdentity) }) })
	})
	each(v, "users", func(p *Value) { d.principal(p, User) })
	each(v, "groups", func(p *Value) { d.principal(p, EntraGroup) })
	each(v, "service_principals", func(p *Value) { d.principal(p, ServicePrincipal) })
	each(v, "role_assignments", d.assignment)
	each(v, "relationships", func(r *Value) {
		d.spec.Relationships = append(d.spec.Relationships, &Relationship{Source: r.text("source"), Target: r.text("target"), Type: r.text("type"), At: r.At})
	})
}

func (d *decoder) later(do func()) { d.late = append(d.late, do) }

// finish does what waited.
func (d *decoder) finish() {
	for len(d.late) > 0 {
		all := d.late
		d.late = nil
		for _, do := range all {
			do()
		}
	}
}

// subscription takes a subscription: a new one, or more of one that is there.
func (d *decoder) subscription(v *Value) {
	name, id := v.text("name"), v.text("subscription_id")
	if name == "" && id == "" {
		d.wrong(v.At, "subscriptions", "", "a subscription needs a name or a subscription_id")
		return
	}
	s := d.subs[strings.ToLower(id)]
	if named := d.subs[strings.ToLower(name)]; named != nil && name != "" && (s == nil || s == named) {
		s = named
	} else if named != nil && name != "" {
		d.wrong(v.At, "subscriptions", "", "%q is the name of another subscription, in line %d", short(name), named.At.Line)
		return
	}
	if s == nil {
		s = &Subscription{At: v.At}
		d.spec.Subscriptions = append(d.spec.Subscriptions, s)
	}
	key := fmt.Sprintf("subscriptions[%d]", slices.Index(d.spec.Subscriptions, s))
	d.once(&s.Name, v, "name", key+".name")
	d.once(&s.ID, v, "subscription_id", key+".subscription_id")
	for _, known := range []string{s.Name, s.ID} {
		if known != "" {
			d.subs[strings.ToLower(known)] = s
		}
	}
	if s.Name == "" {
		s.Name = s.ID
	}
	each(v, "resource_groups", func(g *Value) { d.later(func() { d.resourceGroup(g, s) }) })
	each(v, "resources", func(r *Value) { d.later(func() { d.resource(r, nil, s) }) })
}

// onlySubscription is the one that what says nothing is in.
func (d *decoder) onlySubscription(at Position) (*Subscription, bool) {
	switch len(d.spec.Subscriptions) {
	case 0:
		s := &Subscription{Name: "default", At: at, implied: true}
		d.spec.Subscriptions = append(d.spec.Subscriptions, s)
		d.subs["default"] = s
		return s, true
	case 1:
		return d.spec.Subscriptions[0], true
	}
	d.wrong(at, "subscription", "add the member subscription", "it does not say in which of the %d subscriptions it is", len(d.spec.Subscriptions))
	return nil, false
}

func (d *decoder) subscriptionOf(v *Value) (*Subscription, bool) {
	m := v.member("subscription")
	if m == nil {
		return d.onlySubscription(v.At)
	}
	if s := d.subs[strings.ToLower(m.Text)]; s != nil {
		return s, true
	}
	if len(d.spec.Subscriptions) == 0 || d.allImplied() { // those that no block lists
		s := &Subscription{Name: m.Text, At: m.At, implied: true}
		if form.IsGUID(m.Text) {
			s.ID = m.Text
		}
		d.spec.Subscriptions = append(d.spec.Subscriptions, s)
		d.subs[strings.ToLower(m.Text)] = s
		return s, true
	}
	var known []string
	for _, s := range d.spec.Subscriptions {
		known = append(known, s.Name)
	}
	d.wrong(m.At, "subscription", meant(m.Text, known), "there is no subscription %q", short(m.Text))
	return nil, false
}

func (d *decoder) allImplied() bool {
	for _, s := range d.spec.Subscriptions {
		if !s.implied {
			return false
		}
	}
	return true
}

func groupKey(s *Subscription, name string) string {
	return strings.ToLower(s.Name) + "/" + strings.ToLower(name)
}

// resourceGroup takes a resource group: a new one, or more of one that is there.
func (d *decoder) resourceGroup(v *Value, s *Subscription) {
	name := v.text("name")
	key := groupKey(s, name)
	g := d.group[key]
	if g == nil {
		g = &Group{Name: name, Subscription: s, At: v.At, Label: v.text("id")}
		d.group[key] = g
		d.spec.Groups = append(d.spec.Groups, g)
	}
	title := "resource group " + short(s.Name+"/"+g.Name)
	d.once(&g.Location, v, "location", title+" location")
	if tags := v.member("tags"); tags != nil {
		d.mergeTags(&g.Tags, tags, title)
	}
	if m := v.member("existing"); m != nil {
		g.Existing = g.Existing || m.Bool
	}
	each(v, "resources", func(r *Value) { d.resource(r, g, s) })
	each(v, "managed_identities", func(r *Value) { d.managedIdentity(r, g, s) })
}

func (d *decoder) mergeTags(into, more *Value, title string) {
	into.Kind = template.Map
	if into.At == (Position{}) {
		into.At = more.At
	}
	for _, f := range more.Fields {
		switch first := into.member(f.Name); {
		case first == nil:
			into.Fields = append(into.Fields, f)
		case first.Text != f.Value.Text:
			d.wrong(f.At, "tags."+short(f.Name), "", "the tag %s of the %s is %q here, and %q in line %d", short(f.Name), title, short(f.Value.Text), short(first.Text), first.At.Line)
		}
	}
}

// place takes a resource that says itself where it is.
func (d *decoder) place(v *Value, take func(*Value, *Group, *Subscription)) {
	group := v.member("resource_group")
	if group == nil && v.member("subscription") == nil {
		take(v, nil, nil)
		return
	}
	s, ok := d.subscriptionOf(v)
	if !ok {
		return
	}
	if group == nil {
		take(v, nil, s)
		return
	}
	g := d.group[groupKey(s, group.Text)]
	if g == nil {
		var known []string
		for _, g := range d.spec.Groups {
			known = append(known, g.Name)
		}
		d.wrong(group.At, "resource_group", meant(group.Text, known), "there is no resource group %q in the subscription %s", short(group.Text), short(s.Name))
		return
	}
	take(v, g, s)
}

func (d *decoder) managedIdentity(v *Value, g *Group, s *Subscription) {
	if g == nil {
		d.wrong(v.At, "managed_identities", "put it below a resource group, or add resource_group", "a managed identity has to be in a resource group")
		return
	}
	r := d.add(v, g, s)
	r.Type = typeManagedIdentity
}

func (d *decoder) resource(v *Value, g *Group, s *Subscription) {
	r := d.add(v, g, s)
	r.Type = strings.Trim(v.text("type"), "/")
}

func (d *decoder) add(v *Value, g *Group, s *Subscription) *Resource {
	r := &Resource{
		Name: v.text("name"), APIVersion: v.text("api_version"), Group: g, Subscription: s, Scope: v.text("scope"), Location: v.text("location"), Kind: v.text("kind"),
		ManagedBy: v.text("managed_by"), Label: v.text("id"), At: v.At, shelf: d.spec.shelf, packed: placeOf(v), identity: v.Bool,
	}
	d.spec.Resources = append(d.spec.Resources, r)
	return r
}

func (d *decoder) principal(v *Value, kind PrincipalKind) {
	p := &Principal{Kind: kind, Name: v.text("name"), ID: v.text("id"), Fields: *v, At: v.At}
	each(v, "members", func(m *Value) { p.Members = append(p.Members, m.Text) })
	d.spec.Principals = append(d.spec.Principals, p)
}

func (d *decoder) assignment(v *Value) {
	at := func(name string) Position {
		if m := v.member(name); m != nil {
			return m.At
		}
		return v.At
	}
	d.spec.Assignments = append(d.spec.Assignments, &Assignment{
		Name: v.text("name"), Principal: v.text("principal"), PrincipalType: v.text("principal_type"), Role: v.text("role"), RoleID: v.text("role_id"), Scope: v.text("scope"),
		Description: v.text("description"), Condition: v.text("condition"), ConditionVersion: v.text("condition_version"), DelegatedTo: v.text("delegated_managed_identity"),
		At: v.At, atPrincipal: at("principal"), atScope: at("scope"), atRole: at("role"), atRoleID: at("role_id"), atName: at("name"), delegated: at("delegated_managed_identity"),
	})
}
