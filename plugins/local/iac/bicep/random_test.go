package bicep_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

var (
	location = &template.Parameter{Name: "location", Description: "Where it's", Default: "westeurope", HasDefault: true}
	prefix   = &template.Parameter{Name: "resource_group_prefix", Description: "Before groups", HasDefault: true}
	tenant   = &template.Parameter{Name: "tenant_id", Description: "Tenant", Default: "c0175050-0000-4000-8000-0000000000c0", HasDefault: true}
	ours     = []*template.Parameter{
		{Name: "subscription_id", Description: "Production", Default: "11111111-1111-4111-8111-111111111111", HasDefault: true},
		{Name: "subscription_id_test", Description: "Test", Default: "22222222-2222-4222-8222-222222222222", HasDefault: true},
	}
)

const other = "33333333-3333-4333-8333-333333333333"

// made is a random template, and what makes it up.
type made struct {
	template  *template.Template
	resources []*template.Resource // by node
	unit      []*template.Unit     // of each node
	ids       [][]template.Part    // of each node
}

// maker makes one. Resources are made in an order of deployment: each refers to earlier ones alone.
type maker struct {
	*rand.Rand
	made
	units   []*template.Unit
	stages  []*template.Stage
	stageOf map[*template.Unit]*template.Stage
	taken   map[string]bool // symbols, with their unit
}

func random(seed uint64) *made {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 7)), stageOf: map[*template.Unit]*template.Stage{}, taken: map[string]bool{}}
	if m.IntN(3) == 0 {
		m.stage("tenant", template.Scope{Kind: template.ScopeTenant, Group: template.NoNode, ID: templatetest.Lit("/")})
	}
	if m.IntN(3) == 0 {
		m.stage("mg-Root", template.Scope{Kind: template.ScopeManagementGroup, ManagementGroup: "Root", Group: template.NoNode, ID: templatetest.Lit("/providers/Microsoft.Management/managementGroups/Root")})
	}
	for i, subscription := range ours[:1+m.IntN(2)] {
		m.stage([]string{"production", "2-test"}[i], template.Scope{Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}})
	}
	m.made.template = template.Of(template.Template{
		Source:     template.Source{TenantID: tenant.Default, TenantName: "Contoso */ 'x'", Complete: m.IntN(2) == 0},
		Parameters: append([]*template.Parameter{location, prefix, tenant}, ours...), Split: template.SplitDeployment, Units: m.units, Stages: m.stages,
	}, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			r := *m.resources[n]
			if err := yield(&r); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref {
		return &template.Ref{Node: n, Unit: m.unit[n].Index, Symbol: m.resources[n].Symbol}
	})
	return &m.made
}

func (m *maker) newUnit(s *template.Stage, name string, scope template.Scope) *template.Unit {
	u := &template.Unit{Index: len(m.units), Name: name, Title: "it's " + name + " ${x}", Scope: scope}
	m.units, m.stageOf[u] = append(m.units, u), s
	return u
}

func (m *maker) stage(name string, scope template.Scope) {
	s := &template.Stage{Name: name, Title: "stage " + name, Scope: scope, MainAfter: map[template.Node][]int{}, UnitAfter: map[int][]template.Node{}}
	m.stages = append(m.stages, s)
	if scope.Kind != template.ScopeSubscription || m.IntN(4) > 0 {
		s.Main = m.newUnit(s, "main-"+name, scope)
	}
	if s.Main != nil {
		for range m.IntN(4) {
			m.resource(s.Main)
		}
	}
	for g := range m.IntN(4) {
		if scope.Kind != template.ScopeSubscription {
			break
		}
		group := fmt.Sprintf("RG-%s.%d", name, g)
		parts := []template.Part{{Parameter: prefix}, {Literal: group}}
		id := append(append(slices.Clone(scope.ID), template.Part{Literal: "/resourceGroups/"}), parts...)
		inner := template.Scope{Kind: template.ScopeResourceGroup, Subscription: scope.Subscription, ResourceGroup: parts, Group: template.NoNode, ID: id}
		if s.Main != nil && m.IntN(4) > 0 {
			r := m.start(s.Main, "Microsoft.Resources/resourceGroups", parts, id)
			r.Location = []template.Part{{Parameter: location}}
			m.finish(r)
			inner.Group = r.Node
		}
		for chunk := range 1 + m.IntN(2) {
			u := m.newUnit(s, strings.ToLower(strings.ReplaceAll(fmt.Sprintf("%s-%d", group, chunk), ".", "_")), inner)
			s.Units = append(s.Units, u)
			for range 1 + m.IntN(6) {
				m.resource(u)
			}
		}
		if s.Main != nil && m.IntN(2) == 0 {
			m.resource(s.Main)
		}
	}
}

// start begins a resource, of which only what every one has is set.
func (m *maker) start(u *template.Unit, kind string, name, id []template.Part) *template.Resource {
	words := []string{"az", "json", "resource_group", "for", "vm_web", "vm_2", "existing_x", "x", "tenant", "a_long_name_with_many_words", "location", "text1"}
	symbol := words[m.IntN(len(words))]
	for fold := strings.ReplaceAll(symbol, "_", ""); m.taken[fmt.Sprint(u.Index, fold)]; fold = strings.ReplaceAll(symbol, "_", "") {
		symbol += "_" + words[m.IntN(len(words))]
	}
	m.taken[fmt.Sprint(u.Index, strings.ReplaceAll(symbol, "_", ""))] = true
	r := &template.Resource{
		Node: template.Node(len(m.resources)), Symbol: symbol, ID: fmt.Sprintf("/source/%d", len(m.resources)), Type: kind, APIVersion: []string{"2024-01-01", "2023-05-01"}[m.IntN(2)], KnownType: true,
		Name: name, FullName: name, ParentID: u.Scope.ID, Scope: u.Scope,
	}
	m.resources, m.unit = append(m.resources, r), append(m.unit, u)
	u.Nodes = append(u.Nodes, r.Node)
	m.ids = append(m.ids, id)
	return r
}

// identity makes an identity, which others may have the ids of.
func (m *maker) identity(u *template.Unit) {
	name := templatetest.Lit(fmt.Sprintf("id-%d", len(m.resources)))
	const kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
	m.fill(m.start(u, kind, name, below(u.Scope.ID, "/providers/"+kind+"/", name)), u)
}

// resource makes any resource.
func (m *maker) resource(u *template.Unit) {
	if u.Scope.Kind == template.ScopeResourceGroup && m.IntN(6) == 0 {
		m.identity(u)
		return
	}
	n := len(m.resources)
	name := templatetest.Lit(fmt.Sprintf("it's-%d", n))
	parent := template.NoNode
	if n > 0 && len(u.Nodes) > 0 && m.IntN(2) == 0 {
		parent = u.Nodes[m.IntN(len(u.Nodes))]
		if m.resources[parent].Type == "Microsoft.Resources/resourceGroups" {
			parent = template.NoNode
		}
	}
	switch kind := m.IntN(4); {
	case parent != template.NoNode && kind == 0:
		above := m.resources[parent]
		r := m.start(u, above.Type+"/children", name, below(m.ids[parent], "/children/", name))
		r.ParentKind, r.Parent, r.ParentID = template.ParentChild, m.ref(u, parent), m.ids[parent]
		r.FullName = append(append(slices.Clone(above.FullName), template.Part{Literal: "/"}), name...)
		m.fill(r, u)
	case parent != template.NoNode && kind == 1:
		r := m.start(u, "Microsoft.Authorization/locks", name, below(m.ids[parent], "/providers/Microsoft.Authorization/locks/", name))
		r.ParentKind, r.Parent, r.ParentID = template.ParentTarget, m.ref(u, parent), m.ids[parent]
		m.fill(r, u)
	case parent != template.NoNode && kind == 2: // below a part of its body
		part := below(m.ids[parent], []string{"/subnets/", "/subnets/a/parts/", "/providers/A.B/x/y/z/"}[m.IntN(3)], templatetest.Lit("in_body"))
		r := m.start(u, "Microsoft.Authorization/locks", name, below(part, "/providers/Microsoft.Authorization/locks/", name))
		r.ParentKind, r.ParentID, r.DependsOn = template.ParentTarget, part, []*template.Ref{m.ref(u, parent)}
		m.fill(r, u)
	default:
		if strings.HasSuffix(u.Name, "-1") && m.IntN(3) == 0 { // below a resource that the group's other unit has
			if first := m.units[u.Index-1]; first.Scope.Kind == template.ScopeResourceGroup && len(first.Nodes) > 0 {
				far := first.Nodes[m.IntN(len(first.Nodes))]
				r := m.start(u, m.resources[far].Type+"/children", name, below(m.ids[far], "/children/", name))
				r.ParentKind, r.Parent, r.ParentID = template.ParentChild, m.ref(u, far), m.ids[far]
				r.FullName = append(append(slices.Clone(m.resources[far].FullName), template.Part{Literal: "/"}), name...)
				m.fill(r, u)
				return
			}
		}
		id := below(u.Scope.ID, "/providers/Contoso.Things/things/", name)
		if u.Scope.Kind == template.ScopeTenant {
			id = below(nil, "/providers/Contoso.Things/things/", name)
		}
		m.fill(m.start(u, "Contoso.Things/things", name, id), u)
	}
}

func below(id []template.Part, text string, name []template.Part) []template.Part {
	return append(append(slices.Clone(id), template.Part{Literal: text}), name...)
}

// ref is a reference from a resource of a unit, after which that unit is deployed.
func (m *maker) ref(from *template.Unit, to template.Node) *template.Ref {
	u := m.unit[to]
	if s := m.stageOf[from]; from != u && m.stageOf[u] == s {
		switch {
		case from == s.Main:
			n := from.Nodes[len(from.Nodes)-1]
			s.MainAfter[n] = insert(s.MainAfter[n], u.Index)
		case u == s.Main:
			s.UnitAfter[from.Index] = insert(s.UnitAfter[from.Index], to)
		default:
			from.After = insert(from.After, u.Index)
		}
	}
	return &template.Ref{Node: to, Unit: u.Index, Symbol: m.resources[to].Symbol, ID: m.ids[to]}
}

func insert[T ~int | ~int32](sorted []T, v T) []T {
	if i, found := slices.BinarySearch(sorted, v); !found {
		return slices.Insert(sorted, i, v)
	}
	return sorted
}
