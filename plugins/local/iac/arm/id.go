package arm

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// mark stands around the name of a parameter in a flat id. No id has it.
const mark = '\x01'

// appendFlat appends an id, or a piece of it, as one text in which parameters are marked. It fails for what has the mark itself.
func appendFlat(b []byte, parts []template.Part) ([]byte, bool) {
	for i := range parts {
		switch p := &parts[i]; {
		case p.Parameter != nil:
			b = append(b, mark)
			b = append(b, p.Parameter.Name...)
			b = append(b, mark)
		case p.Ref != nil:
			var ok bool
			if b, ok = appendFlat(b, p.Ref.ID); !ok {
				return b, false
			}
		case strings.IndexByte(p.Literal, mark) >= 0:
			return b, false
		default:
			b = append(b, p.Literal...)
		}
	}
	return b, true
}

// quote is a string of an expression. A quote in it is doubled; nothing else means anything there.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// flatExpression is what makes a piece of a flat id: a string, a parameter, or both in a format.
func flatExpression(flat string) string {
	if strings.IndexByte(flat, mark) < 0 {
		return quote(flat)
	}
	var f formatted
	for i, piece := range strings.Split(flat, string(mark)) {
		if i%2 == 0 {
			f.literal(piece)
		} else {
			f.expression("parameters('" + piece + "')")
		}
	}
	return f.String()
}

// group is a provider's part of an id: /providers/Microsoft.Network/virtualNetworks/vnet/subnets/web.
type group struct {
	kind  string // Microsoft.Network/virtualNetworks/subnets
	names []string
	end   int // of the group in the flat text
}

// groups are the parts of an id below a scope: the resource's, and one more for each extension. It is nil for what is none.
func groups(below string) []group {
	const providers = "/providers/"
	var (
		found []group
		at    int
	)
	for at < len(below) {
		if !strings.HasPrefix(below[at:], providers) {
			return nil
		}
		g := group{}
		at += len(providers)
		namespace, rest, ok := strings.Cut(below[at:], "/")
		if !ok || namespace == "" || strings.IndexByte(namespace, mark) >= 0 {
			return nil
		}
		kind := namespace
		at += len(namespace) + 1
		for {
			word, after, ok := strings.Cut(rest, "/")
			if !ok || word == "" || strings.IndexByte(word, mark) >= 0 {
				return nil
			}
			name, tail, more := strings.Cut(after, "/")
			if name == "" {
				return nil
			}
			kind += "/" + word
			g.names = append(g.names, name)
			at += len(word) + 1 + len(name)
			if !more {
				break
			}
			if strings.HasPrefix(tail, "providers/") {
				break
			}
			at++
			rest = tail
		}
		g.kind, g.end = kind, at
		found = append(found, g)
	}
	return found
}

// scopeText is the flat id of a scope, as ids of resources begin with it: empty for a tenant.
func scopeText(s *template.Scope) string {
	flat, ok := appendFlat(nil, s.ID)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(string(flat), "/")
}

// resourceIDs makes the ids of resources that are deployed to one scope.
type resourceIDs struct {
	kind  template.ScopeKind
	scope string
}

// expression is the function that gives exactly the id that flat is, with the parameters as they are: resourceId and its kin. It is
// empty if there is none, as for a resource of another scope.
func (r *resourceIDs) expression(flat string) string {
	below, ok := strings.CutPrefix(flat, r.scope)
	if !ok || r.kind == template.ScopeManagementGroup {
		return ""
	}
	return r.compose(groups(below))
}

func (r *resourceIDs) compose(found []group) string {
	if len(found) == 0 {
		return ""
	}
	var b strings.Builder
	for i := len(found) - 1; i > 0; i-- {
		b.WriteString("extensionResourceId(")
	}
	switch r.kind {
	case template.ScopeResourceGroup:
		b.WriteString("resourceId(")
	case template.ScopeSubscription:
		b.WriteString("subscriptionResourceId(")
	default:
		b.WriteString("tenantResourceId(")
	}
	for i, g := range found {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(g.kind))
		for _, name := range g.names {
			b.WriteString(", ")
			b.WriteString(flatExpression(name))
		}
		b.WriteString(")")
	}
	return b.String()
}

// dependency is the id by which a dependsOn names a resource of the same template: the same as expression, but for
// resource groups, whose id in a template is that of a resource of the subscription.
func (r *resourceIDs) dependency(flat string) string {
	if e := r.expression(flat); e != "" {
		return e
	}
	if r.kind == template.ScopeSubscription && len(flat) > len(r.scope) && strings.EqualFold(flat[:len(r.scope)], r.scope) {
		const folder = "/resourcegroups/"
		below := flat[len(r.scope):]
		if len(below) > len(folder) && strings.EqualFold(below[:len(folder)], folder) && strings.IndexByte(below[len(folder):], '/') < 0 {
			return groupDependency(flatExpression(below[len(folder):]))
		}
	}
	return flatExpression(flat)
}

func groupDependency(name string) string {
	return "subscriptionResourceId('Microsoft.Resources/resourceGroups', " + name + ")"
}

// extended is the resource that a resource below parent extends, as an expression: with itself, that is parent; else what parent extends.
// Empty is the scope of the deployment itself.
func (r *resourceIDs) extended(parent string, itself bool) string {
	below, ok := strings.CutPrefix(parent, r.scope)
	if !ok {
		if !itself {
			return ""
		}
		return flatExpression(parent)
	}
	found := groups(below)
	if !itself && len(found) > 0 {
		found = found[:len(found)-1]
	}
	switch {
	case len(found) > 0 && r.kind == template.ScopeManagementGroup:
		return flatExpression(r.scope + below[:found[len(found)-1].end])
	case len(found) > 0:
		return r.compose(found)
	case itself && below != "":
		return flatExpression(parent)
	}
	return ""
}
