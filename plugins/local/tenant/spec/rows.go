package spec

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Translation is what Rows says beside the rows.
type Translation struct {
	TenantID, TenantName string
	Subscriptions        []graph.Subscription
	Secrets              []string          // the names of all secrets, in the order in which they come
	After                [][2]string       // ids: the first waits for the second, because a relationship says so
	Existing             []string          // ids of resource groups that are not made
	Positions            map[string]At     // where resource groups stand in the file, by id in lower case
	Places               map[string]string // the id of a subscription, by its name
}

// Given is a principal of the specification, and the object id that stands for it in the rows.
type Given struct {
	*Principal
	ObjectID string
	Known    bool     // ObjectID is one that was given; else it only stands for one until the principal exists
	Members  []string // of a group: the object ids of Principal.Members, or what stands for them
}

// Given are the principals of a specification without errors, in its order.
func (s *Spec) Given(p Places) []Given {
	t, all := s.translator(s.index, p), make([]Given, 0, len(s.Principals))
	for _, one := range s.Principals {
		g := Given{Principal: one, ObjectID: t.people[one], Known: p.Principals[string(one.Kind)+":"+one.Name] != "" || one.ID != ""}
		for _, member := range one.Members {
			id, _, _ := t.text(member)
			g.Members = append(g.Members, id)
		}
		all = append(all, g)
	}
	return all
}

// At is a place of the file.
type At = Position

// Rows makes rows of a snapshot of a specification without errors: those that a scan would find once it is deployed, as far as it says. References are
// ids; a text with secrets is what secrets.Placeholder makes of it, so that the template builder makes a parameter whose Placeholder has the names;
// the ids of identities that Azure makes are GUIDs that follow from the resource, so that the builder finds who refers to them. The same
// specification gives the same rows in the same order. The error is yield's.
//
// A Row and its JSON are yield's to keep.
func (s *Spec) Rows(p Places, yield func(graph.Row) error) (*Translation, error) {
	m := &rowMaker{spec: s, t: s.translator(s.index, p), seen: map[string]bool{}, out: &Translation{TenantName: s.Name, Positions: map[string]At{}, Places: map[string]string{}}}
	m.out.TenantID = strings.ToLower(m.t.tenant)
	for _, sub := range s.Subscriptions {
		id := m.t.subs[sub]
		m.out.Places[sub.Name] = id
		m.out.Subscriptions = append(m.out.Subscriptions, graph.Subscription{ID: id, Name: sub.Name, State: "Enabled", TenantID: m.out.TenantID})
		if err := yield(graph.Row{
			Table: graph.TableContainers, ID: "/subscriptions/" + id, Name: sub.Name, Type: "microsoft.resources/subscriptions", SubscriptionID: id, TenantID: m.out.TenantID,
		}); err != nil {
			return nil, err
		}
	}
	for _, g := range s.Groups {
		if err := m.group(g, yield); err != nil {
			return nil, err
		}
	}
	for _, r := range s.Resources {
		row := m.resource(r)
		if err := yield(row); err != nil {
			return nil, err
		}
		for _, path := range madeWith[strings.ToLower(r.Type)] {
			with := graph.Row{Table: graph.TableResources, ID: row.ID + path, Type: r.Type + path[:strings.LastIndexByte(path, '/')], Properties: []byte("{}")}
			m.columns(&with)
			if err := yield(with); err != nil {
				return nil, err
			}
		}
	}
	if err := m.assignments(yield); err != nil {
		return nil, err
	}
	for _, r := range s.Relationships {
		if strings.EqualFold(r.Type, DependsOn) {
			m.out.After = append(m.out.After, [2]string{m.end(r.Source), m.end(r.Target)})
		}
	}
	return m.out, nil
}

// madeWith are what Azure makes together with a resource and what others refer to, by type: nobody has to wait for it, nor to make it. Source:
// https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-roles.
var madeWith = map[string][]string{
	"microsoft.documentdb/databaseaccounts": {"/sqlRoleDefinitions/00000000-0000-0000-0000-000000000001", "/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002"},
}

// rowMaker makes rows.
type rowMaker struct {
	spec *Spec
	t    *translator
	out  *Translation
	seen map[string]bool // secrets
}

// end is the id of an end of a relationship.
func (m *rowMaker) end(text string) string {
	if r := m.spec.index.labels[text]; r != nil {
		return m.t.id(r)
	}
	return m.text(text)
}

// text resolves a text, and notes its secrets.
func (m *rowMaker) text(text string) string {
	resolved, secret, _ := m.t.text(text)
	if secret {
		pieces, _ := Split(text)
		for _, p := range pieces {
			if p.Kind == RefSecret && !m.seen[p.Arg] {
				m.seen[p.Arg] = true
				m.out.Secrets = append(m.out.Secrets, p.Arg)
			}
		}
	}
	return resolved
}

func (m *rowMaker) group(g *Group, yield func(graph.Row) error) error {
	id := m.t.groupID(g.Subscription, g.Name)
	m.out.Positions[strings.ToLower(id)] = g.At
	if g.Existing {
		m.out.Existing = append(m.out.Existing, id)
		return nil
	}
	return yield(graph.Row{
		Table: graph.TableContainers, ID: id, Name: g.Name, Type: "microsoft.resources/subscriptions/resourcegroups", Location: graph.Region(g.Location), ResourceGroup: g.Name,
		SubscriptionID: m.t.subs[g.Subscription], TenantID: m.out.TenantID, Tags: m.json(&g.Tags), Properties: []byte("{}"),
	})
}

// columns fills in what follows from an id.
func (m *rowMaker) columns(r *graph.Row) {
	s := strings.SplitN(r.ID, "/", 6)
	if len(s) > 2 && strings.EqualFold(s[1], "subscriptions") {
		r.SubscriptionID = s[2]
	}
	if len(s) > 5 && strings.EqualFold(s[3], "resourceGroups") {
		r.ResourceGroup = s[4]
	}
	r.TenantID = m.out.TenantID
	r.Name = r.ID[strings.LastIndexByte(r.ID, '/')+1:]
}

func (m *rowMaker) resource(r *Resource) graph.Row {
	b := r.open()
	row := graph.Row{
		Table: graph.TableResources, ID: m.t.id(r), Type: r.Type, Kind: m.text(r.Kind), Location: graph.Region(r.Location), ManagedBy: m.text(r.ManagedBy), APIVersion: r.APIVersion,
		SKU: m.json(&b.SKU), Plan: m.json(&b.Plan), Tags: m.json(&b.Tags), Zones: m.json(&b.Zones), ExtendedLocation: m.json(&b.ExtendedLocation), Extra: m.json(&b.Extra),
	}
	m.columns(&row)
	lower := strings.ToLower(r.Type)
	switch lower {
	case "microsoft.authorization/roledefinitions":
		row.Table = graph.TableAuthorization
	case "microsoft.management/managementgroups":
		row.Table = graph.TableContainers
	}
	if row.Location == "" && r.Group != nil && needsLocation(lower) {
		row.Location = graph.Region(r.Group.Location)
	}
	row.Identity = m.identity(b, row.ID)
	properties := b.Properties
	if strings.EqualFold(r.Type, typeManagedIdentity) { // what Azure gives it
		properties = Value{Kind: template.Map, Fields: append(append([]Field{}, properties.Fields...), field("principalId", principalID(row.ID)), field("clientId", clientID(row.ID)))}
	}
	if row.Properties = m.json(&properties); row.Properties == nil {
		row.Properties = []byte("{}")
	}
	return row
}

func field(name, text string) Field {
	return Field{Name: name, Value: Value{Kind: template.String, Text: text}}
}

// needsLocation says that resources of a type are in a region.
func needsLocation(lower string) bool {
	t, ok := armschema.Lookup(lower)
	if !ok || t.Body == nil {
		return false
	}
	p, ok := t.Body.Property("location")
	return ok && p.Required && !p.ReadOnly
}

// identity is the column of a resource's identities, with the ids that stand for those that Azure makes.
func (m *rowMaker) identity(b *body, id string) []byte {
	typ := b.Identity.text("type")
	if typ == "" {
		return nil
	}
	v := Value{Kind: template.Map, Fields: []Field{field("type", typ)}}
	if system, _ := identityKinds(typ); system {
		v.Fields = append(v.Fields, field("principalId", principalID(id)), field("tenantId", m.out.TenantID))
	}
	if ids := b.Identity.member("user_assigned"); ids != nil {
		users := Value{Kind: template.Map}
		for _, u := range userAssigned(ids) {
			users.Fields = append(users.Fields, Field{Name: m.text(u.Text), Value: Value{Kind: template.Map}})
		}
		v.Fields = append(v.Fields, Field{Name: "userAssignedIdentities", Value: users})
	}
	return m.json(&v)
}

// assignments makes the rows of role assignments, and of the built-in roles that they name, whose names a reader wants.
func (m *rowMaker) assignments(yield func(graph.Row) error) error {
	roles := map[string]bool{}
	for _, a := range m.spec.Assignments {
		scope := strings.TrimRight(m.text(a.Scope), "/")
		role := m.role(a, scope)
		properties := Value{Kind: template.Map, Fields: []Field{field("roleDefinitionId", Escape(role)), field("principalId", a.Principal)}}
		who, typ := m.text(a.Principal), a.PrincipalType
		if one := m.principal(a.Principal); one != nil { // its object id may be another one by the next time
			who, typ = string(one.Kind)+":"+strings.ToLower(one.Name), first(typ, assignedTypes[one.Kind])
		}
		if typ != "" {
			properties.Fields = append(properties.Fields, field("principalType", typ))
		}
		for _, f := range []Field{field("description", a.Description), field("condition", a.Condition), field("conditionVersion", a.ConditionVersion), field("delegatedManagedIdentityResourceId", a.DelegatedTo)} {
			if f.Value.Text != "" {
				properties.Fields = append(properties.Fields, f)
			}
		}
		properties.Fields = append(properties.Fields, field("scope", Escape(first(scope, "/"))))
		row := graph.Row{
			Table: graph.TableAuthorization, ID: scope + "/providers/Microsoft.Authorization/roleAssignments/" + first(a.Name, GUID(strings.ToLower(scope+"|"+role+"|"+who))),
			Type: "Microsoft.Authorization/roleAssignments", Properties: m.json(&properties),
		}
		m.columns(&row)
		if err := yield(row); err != nil {
			return err
		}
		guid := last(role)
		if name := first(roleTitle(a), RoleName(guid)); form.IsGUID(guid) && name != "" && !roles[strings.ToLower(guid)] && m.spec.index.resources[strings.ToLower(role)] == nil {
			roles[strings.ToLower(guid)] = true
			definition := Value{Kind: template.Map, Fields: []Field{field("roleName", Escape(name)), field("type", "BuiltInRole")}}
			row := graph.Row{Table: graph.TableAuthorization, ID: roleDefinitions + guid, Type: "Microsoft.Authorization/roleDefinitions", Properties: m.json(&definition)}
			m.columns(&row)
			if err := yield(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// assignedTypes are Azure's names of what principals are. Who says it may assign roles to one that was made a moment ago.
var assignedTypes = map[PrincipalKind]string{User: "User", EntraGroup: "Group", ServicePrincipal: "ServicePrincipal"}

// principal is the principal of the specification that a text names, if it names one and nothing else.
func (m *rowMaker) principal(text string) *Principal {
	pieces, err := Split(text)
	if err != nil || len(pieces) != 1 || pieces[0].Kind == "" {
		return nil
	}
	return m.spec.index.principals[pieces[0].Kind+":"+strings.ToLower(UnescapeName(pieces[0].Arg))]
}

// roleTitle is the name of an assignment's role, where it is one.
func roleTitle(a *Assignment) string {
	if form.IsGUID(a.Role) || strings.Contains(a.Role, "/") || strings.Contains(a.Role, "${") {
		return ""
	}
	return a.Role
}

// role is the id of the role definition that an assignment names.
func (m *rowMaker) role(a *Assignment, scope string) string {
	if strings.Contains(a.Role, "/") || strings.Contains(a.Role, "${") {
		return m.text(a.Role)
	}
	if a.RoleID != "" {
		return RoleDefinition(scope, a.RoleID)
	}
	if form.IsGUID(a.Role) {
		return RoleDefinition(scope, a.Role)
	}
	id, _ := RoleID(a.Role)
	return RoleDefinition(scope, id)
}
