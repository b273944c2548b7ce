package graph

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph/relate"
)

// linker turns what rows name into edges between nodes. link may run beside nothing else of it.
type linker struct {
	finder *relate.Finder
	keys   *keyTable
	tenant string           // the key of the tenant
	types  map[string]int64 // how many resources there are of each type
	labels map[label]uint32
}

// label is what an edge says.
type label struct {
	kind, rule, property, detail string
	reversed                     bool // the property is the target's
}

// maxLabels bounds how many labels there may be: names of members that people choose stand in properties' paths.
const maxLabels = 50_000

// edge is an edge by the numbers of its nodes and its label.
type edge struct{ source, label, target uint32 }

// missing is an edge one end of which is no node yet.
type missing struct {
	key, id, kind string
	node, label   uint32 // the other end
	reversed      bool   // the edge goes from what is missing to node
}

// links are what was derived.
type links struct {
	edges   []edge
	missing []missing
}

// subject is a row, and what contains it.
type subject struct {
	relate.Subject
	parent    string // a key; tenantParent is the tenant
	contained bool
}

const tenantParent = "/"

// linking is a batch of rows with what was derived of them.
type linking struct {
	subjects []subject
	links    links
}

// newLinker makes one for at most so many keys.
func newLinker(tenant string, types map[string]int64, keys int64) (*linker, error) {
	finder, err := relate.NewFinder()
	if err != nil {
		return nil, err
	}
	return &linker{finder: finder, keys: newKeyTable(keys), tenant: tenant, types: types, labels: map[label]uint32{}}, nil
}

// know takes a node in.
func (k *linker) know(node uint32, key, kind, typ, name string) {
	k.keys.put(key, node)
	switch {
	case kind == "role_definition": // the scope before it differs from where it is named
		k.keys.put(roleKey(key), node)
	case kind == "resource" && relate.HasHost(typ):
		k.keys.put(hostKey(typ, strings.ToLower(name)), node)
	}
}

func hostKey(typ, name string) string { return "account " + typ + " " + name }

// roleKey is the key of a role definition whatever stands before it; empty if key is none.
func roleKey(key string) string {
	const role = "/providers/microsoft.authorization/roledefinitions/"
	if at := strings.Index(key, role); at >= 0 {
		return key[at:]
	}
	return ""
}

func (k *linker) label(l label) uint32 {
	number, known := k.labels[l]
	if known {
		return number
	}
	if len(k.labels) >= maxLabels {
		l.property, _, _ = strings.Cut(l.property, ".")
		l.property, l.detail = l.property+".…", ""
		if number, known = k.labels[l]; known {
			return number
		}
	}
	number = uint32(len(k.labels) + 1) //nolint:gosec // at most maxLabels and few more
	k.labels[l] = number
	return number
}

// link derives the edges of a batch of rows.
func (k *linker) link(l *linking) {
	for i := range l.subjects {
		s := &l.subjects[i]
		node := k.keys.find(s.Key)
		if node == 0 {
			continue // a row of the same key stands for it
		}
		if s.contained {
			k.contain(&l.links, node, s.parent)
		}
		for _, r := range k.finder.References(&s.Subject) {
			if r.Owner != "" && k.keys.find(key(r.Owner)) != 0 {
				continue // its own row tells it
			}
			k.refer(&l.links, s.Key, node, &r)
		}
	}
}

// contain adds the edge from what contains a node: of a child of a child the nearest that is there, for some types have no rows of their own.
func (k *linker) contain(l *links, node uint32, parent string) {
	if parent == tenantParent {
		parent = k.tenant
	}
	for k.keys.find(parent) == 0 && strings.Contains(parent, "/providers/") {
		above, ok := parentOf(parent)
		if !ok || above == "" {
			break
		}
		parent = above
	}
	number := k.label(label{kind: "CONTAINS", rule: "containment"})
	if p := k.keys.find(parent); p != 0 {
		l.edges = append(l.edges, edge{p, number, node})
		return
	}
	l.missing = append(l.missing, missing{key: parent, id: parent, kind: kindOf(parent), node: node, label: number, reversed: true})
}

// refer adds the edge of a reference that the row of a node has.
func (k *linker) refer(l *links, source string, node uint32, r *relate.Reference) {
	target, at := k.target(source, r)
	if target == node {
		return
	}
	number := k.label(label{kind: r.Kind, rule: r.Rule, property: r.Path, detail: r.Detail, reversed: r.Reverse})
	switch {
	case target == 0:
		at.node, at.label, at.reversed = node, number, r.Reverse
		l.missing = append(l.missing, at)
	case r.Reverse:
		l.edges = append(l.edges, edge{target, number, node})
	default:
		l.edges = append(l.edges, edge{node, number, target})
	}
}

// target finds what a reference names. If it is 0, the missing says what it is. A part of what contains the source is told by that.
func (k *linker) target(source string, r *relate.Reference) (node uint32, at missing) {
	if r.Host != "" {
		if node = k.keys.find(hostKey(r.HostType, r.Target)); node != 0 {
			return node, at
		}
		return 0, missing{key: "https://" + r.Host, id: "https://" + r.Host, kind: "host"}
	}
	target := key(r.Target)
	if node = k.keys.find(target); node != 0 {
		return node, at
	}
	if r.Principal {
		return 0, missing{key: target, id: r.Target, kind: "identity"}
	}
	if role := roleKey(target); role != "" {
		if node = k.keys.find(role); node != 0 {
			return node, at
		}
	}
	whole := k.lift(target)
	if whole != "" && strings.HasPrefix(source, whole+"/") {
		return k.keys.find(source), at
	}
	return k.keys.find(whole), missing{key: target, id: r.Target, kind: kindOf(target)}
}

// lift finds the resource in which a child stands that is no row of its own, because the snapshot has no rows of its type.
// Its key is empty if there is none.
func (k *linker) lift(target string) string {
	for k.types[relate.TypeOf(target)] == 0 {
		parent, ok := parentOf(target)
		if !ok || !strings.Contains(parent, "/providers/") || strings.LastIndex(parent, "/providers/") != strings.LastIndex(target, "/providers/") {
			return ""
		}
		if k.keys.find(parent) != 0 {
			return parent
		}
		target = parent
	}
	return ""
}

// kindOf is the kind of a node that only its id tells of.
func kindOf(id string) string {
	switch {
	case strings.HasPrefix(id, "/tenants/"):
		return "tenant"
	case strings.HasPrefix(id, "/providers/"+typeManagementGroup+"/") && strings.Count(id, "/") == 4:
		return "management_group"
	case !strings.HasPrefix(id, "/subscriptions/"):
		return "resource"
	}
	switch strings.Count(id, "/") {
	case 2:
		return "subscription"
	case 4:
		if strings.Contains(id, "/resourcegroups/") {
			return "resource_group"
		}
	}
	return "resource"
}

// assign adds a role assignment.
func (k *linker) assign(l *links, principal, scope, role string) {
	if scope == "/" {
		scope = k.tenant
	}
	number := k.label(label{kind: "HAS_ROLE", rule: "role-assignment", property: "properties.scope", detail: role})
	from, to := k.keys.find(principal), k.keys.find(key(scope))
	switch {
	case from != 0 && to != 0:
		l.edges = append(l.edges, edge{from, number, to})
	case to != 0:
		l.missing = append(l.missing, missing{key: principal, id: principal, kind: "identity", node: to, label: number, reversed: true})
	case from != 0:
		l.missing = append(l.missing, missing{key: key(scope), id: scope, kind: kindOf(key(scope)), node: from, label: number})
	}
}

// owned adds that a resource acts as a managed identity.
func (k *linker) owned(l *links, principal, resource string) {
	to := k.keys.find(principal)
	if to == 0 {
		return
	}
	k.refer(l, principal, to, &relate.Reference{Kind: "USES_IDENTITY", Rule: relate.RuleIdentity, Path: "alternativeNames", Reverse: true, Target: resource})
}

// join adds an edge between identities.
func (k *linker) join(l *links, source, target string, as label) {
	number := k.label(as)
	from, to := k.keys.find(source), k.keys.find(target)
	switch {
	case from != 0 && to != 0:
		l.edges = append(l.edges, edge{from, number, to})
	case to != 0:
		l.missing = append(l.missing, missing{key: source, id: source, kind: "identity", node: to, label: number, reversed: true})
	case from != 0:
		l.missing = append(l.missing, missing{key: target, id: target, kind: "identity", node: from, label: number})
	}
}
