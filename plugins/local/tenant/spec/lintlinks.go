package spec

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// identity checks the managed identities of a resource.
func (l *linter) identity(r *Resource, b *body) {
	if b.Identity.empty() {
		return
	}
	typ := b.Identity.member("type")
	if typ == nil {
		return
	}
	system, user := identityKinds(typ.Text)
	if !system && !user && !strings.EqualFold(typ.Text, "None") {
		l.wrong(typ.At, title(r, "identity.type"), "take SystemAssigned, UserAssigned, or both with a comma", "%q is no type of identity", short(typ.Text))
	}
	ids := b.Identity.member("user_assigned")
	if ids == nil {
		return
	}
	for _, v := range userAssigned(ids) {
		if v.Kind != template.String {
			l.wrong(v.At, title(r, "identity.user_assigned"), "", "the id of an identity has to be text")
			continue
		}
		l.text(r, v, "identity.user_assigned")
	}
	if !user {
		l.wrong(ids.At, title(r, "identity.type"), "write UserAssigned, or SystemAssigned, UserAssigned", "user-assigned identities need a type that says so")
	}
}

// identityKinds says which kinds a type of identity names.
func identityKinds(typ string) (system, user bool) {
	for _, k := range strings.Split(typ, ",") {
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "systemassigned":
			system = true
		case "userassigned":
			user = true
		}
	}
	return system, user
}

// userAssigned are the ids of user-assigned identities, in either form.
func userAssigned(v *Value) []*Value {
	var all []*Value
	for i := range v.Items {
		all = append(all, &v.Items[i])
	}
	for i := range v.Fields {
		all = append(all, &Value{Kind: template.String, Text: v.Fields[i].Name, At: v.Fields[i].At})
	}
	return all
}

func (l *linter) principals() {
	seen := map[string]*Principal{}
	for _, p := range l.spec.Principals {
		key := string(p.Kind) + ":" + strings.ToLower(p.Name)
		if first := seen[key]; first != nil {
			l.wrong(p.At, p.Name, "", "the %s %q is there twice; the first one is in line %d", strings.ReplaceAll(string(p.Kind), "_", " "), short(p.Name), first.At.Line)
		}
		seen[key] = p
		if m := p.Fields.member("id"); m != nil {
			l.guid(m.At, short(p.Name)+".id", p.ID)
		}
		if m := p.Fields.member("password"); m != nil {
			if pieces, err := Split(m.Text); err != nil || len(pieces) != 1 || pieces[0].Kind != RefSecret {
				l.wrong(m.At, short(p.Name)+".password", "write ${secret:NAME}: whoever deploys gives the value", "a password does not stand in a specification")
			}
		}
		if m := p.Fields.member("app_id"); m != nil {
			l.guid(m.At, short(p.Name)+".app_id", m.Text)
		}
		if m := p.Fields.member("members"); m != nil {
			for i := range m.Items {
				l.text(nil, &m.Items[i], short(p.Name)+".members")
			}
		}
	}
}

// principalTypes are what Azure takes as the type of a principal.
var principalTypes = []string{"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"}

func (l *linter) assignment(a *Assignment) {
	for _, t := range []struct {
		name, text string
		at         Position
	}{{"principal", a.Principal, a.atPrincipal}, {"scope", a.Scope, a.atScope}, {"delegated_managed_identity", a.DelegatedTo, a.delegated}, {"role", a.Role, a.atRole}} {
		l.text(nil, &Value{Kind: template.String, Text: t.text, At: t.at}, "role_assignments."+t.name)
	}
	if who, _, err := l.x.places.text(a.Principal); err == nil && !form.IsGUID(who) {
		l.wrong(a.atPrincipal, "role_assignments.principal", "write ${principal_id:NAME}, ${user:NAME}, ${group:NAME}, ${service_principal:NAME}, or an object id", "%q is no principal", short(a.Principal))
	}
	if where, _, err := l.x.places.text(a.Scope); err == nil && !strings.HasPrefix(where, "/") {
		l.wrong(a.atScope, "role_assignments.scope", "write ${resource:NAME}, ${resource_group:NAME}, /subscriptions/${subscription:NAME}, or /", "%q is no scope", short(a.Scope))
	}
	l.guid(a.atRoleID, "role_assignments.role_id", a.RoleID)
	l.guid(a.atName, "role_assignments.name", a.Name)
	if _, ok := RoleID(a.Role); !ok && a.RoleID == "" && !form.IsGUID(a.Role) && !strings.Contains(a.Role, "/") && !strings.Contains(a.Role, "${") {
		hint := meant(a.Role, roleNames())
		if hint == "" {
			hint = "add its role_id"
		}
		l.wrong(a.atRole, "role_assignments.role", hint, "the role %q is not known", short(a.Role))
	}
	if a.PrincipalType != "" && !slices.Contains(principalTypes, a.PrincipalType) {
		l.wrong(a.At, "role_assignments.principal_type", meant(a.PrincipalType, principalTypes), "%q is no type of principal", short(a.PrincipalType))
	}
	if a.Condition != "" && a.ConditionVersion == "" {
		l.doubt(a.At, "role_assignments.condition_version", "add condition_version: \"2.0\"", "a condition needs the version of its language")
	}
}

// relationships checks that both ends are there.
func (l *linter) relationships() {
	for _, r := range l.spec.Relationships {
		ends := [2]*Resource{}
		for i, end := range []string{r.Source, r.Target} {
			if to, ok := l.x.labels[end]; ok && end != "" {
				ends[i] = to
				continue
			}
			before := len(l.all)
			l.text(nil, &Value{Kind: template.String, Text: end, At: r.At}, "relationships")
			if !strings.Contains(end, "${") {
				l.wrong(r.At, "relationships", "write ${resource:NAME}, or the id that a resource here has", "nothing here has the id %q", short(end))
			}
			if resolved, _, err := l.x.places.text(end); err == nil && len(l.all) == before {
				ends[i] = l.x.resources[strings.ToLower(resolved)]
			}
		}
		if strings.EqualFold(r.Type, DependsOn) && ends[0] != nil && ends[1] != nil {
			l.depend(int(l.at[ends[0]]), ends[1])
		}
	}
}

// cycles tells resources that each need another to be there first.
func (l *linter) cycles() {
	const (
		fresh = iota
		open
		done
	)
	state := make([]uint8, len(l.edges))
	type frame struct {
		at   int32
		edge int
	}
	for root := range l.edges {
		if state[root] != fresh {
			continue
		}
		stack := []frame{{at: int32(root)}}
		state[root] = open
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.edge == len(l.edges[f.at]) {
				state[f.at] = done
				stack = stack[:len(stack)-1]
				continue
			}
			to := l.edges[f.at][f.edge]
			f.edge++
			switch state[to] {
			case fresh:
				state[to] = open
				stack = append(stack, frame{at: to})
			case open:
				var names []string
				from := slices.IndexFunc(stack, func(f frame) bool { return f.at == to })
				for _, f := range stack[from:] {
					names = append(names, short(l.spec.Resources[f.at].Name))
				}
				if len(names) > 6 {
					names = append(names[:6], "…")
				}
				first := l.spec.Resources[f.at]
				l.wrong(first.At, short(first.Name), "write one of the references as an id: /subscriptions/${subscription:NAME}/resourceGroups/…; nothing waits for it",
					"resources refer to each other in a circle: %s → %s", strings.Join(names, " → "), short(l.spec.Resources[to].Name))
			}
		}
	}
}
