package armtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// random makes a template. Everything in it is decided before anything is asked for.
type random struct {
	*rand.Rand
	t         template.Template
	resources []*template.Resource
	nodes     template.Node
	units     map[template.Node]int
	stageOf   map[int]int // by unit
	prefix    *template.Parameter
	location  *template.Parameter
	made      int // units, with those that stayed empty
	longest   int
}

// Random is a template for deployment made at random: the same seed gives the same one. longest bounds its strings, in bytes.
func Random(seed uint64, longest int) *template.Template {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 1)), units: map[template.Node]int{}, stageOf: map[int]int{}, longest: longest}
	r.prefix = &template.Parameter{Name: "resource_group_prefix", Default: []string{"", "dr-", "it's-"}[r.IntN(3)], HasDefault: true}
	r.location = &template.Parameter{Name: "location", Default: "westeurope", HasDefault: true}
	r.t = template.Template{Split: template.SplitDeployment, Source: template.Source{TenantName: "Con[toso]", Complete: r.IntN(2) == 0}, Parameters: []*template.Parameter{r.location, r.prefix}}
	if r.IntN(3) == 0 {
		r.stage("tenant", template.Scope{Kind: template.ScopeTenant, Group: template.NoNode, ID: templatetest.Lit("/")})
	}
	if r.IntN(2) == 0 {
		r.stage("mg-root", template.Scope{Kind: template.ScopeManagementGroup, ManagementGroup: "root", Group: template.NoNode, ID: templatetest.Lit("/providers/Microsoft.Management/managementGroups/root")})
	}
	for i := range 1 + r.IntN(3) {
		p := &template.Parameter{Name: fmt.Sprintf("subscription_id_%d", i), Default: fmt.Sprintf("11111111-1111-4111-8111-%012d", i), HasDefault: true}
		r.t.Parameters = append(r.t.Parameters, p)
		r.stage(fmt.Sprintf("sub-%d", i), template.Scope{Kind: template.ScopeSubscription, Subscription: p, Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: p}}})
	}
	return template.Of(r.t, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			copied := *r.resources[n]
			if err := yield(&copied); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref { return r.ref(n) })
}

func (r *random) unit(name string, scope template.Scope) *template.Unit {
	u := &template.Unit{Index: r.made, Name: name, Title: "the unit " + name, Scope: scope}
	r.stageOf[u.Index] = len(r.t.Stages)
	r.made++
	r.t.Units = append(r.t.Units, u)
	return u
}

func (r *random) stage(name string, scope template.Scope) {
	s := &template.Stage{Name: name, Title: "stage " + name, Scope: scope, MainAfter: map[template.Node][]int{}, UnitAfter: map[int][]template.Node{}}
	r.t.Stages = append(r.t.Stages, s)
	main := r.unit(name, scope)
	for range r.IntN(4) {
		r.add(main, "Microsoft.Authorization/policyAssignments", false)
	}
	if scope.Kind == template.ScopeSubscription {
		for i := range r.IntN(4) {
			group := fmt.Sprintf("rg-%s-%d", name, i)
			u := r.unit(group, template.Scope{})
			u.Scope = template.Scope{Kind: template.ScopeResourceGroup, Subscription: scope.Subscription, Group: template.NoNode,
				ResourceGroup: []template.Part{{Parameter: r.prefix}, {Literal: group}},
				ID:            []template.Part{{Literal: "/subscriptions/"}, {Parameter: scope.Subscription}, {Literal: "/resourceGroups/"}, {Parameter: r.prefix}, {Literal: group}}}
			if r.IntN(4) > 0 {
				u.Scope.Group = r.group(main, u.Scope.ResourceGroup)
			}
			if len(main.Nodes) > 0 && r.IntN(2) == 0 {
				s.UnitAfter[u.Index] = []template.Node{main.Nodes[r.IntN(len(main.Nodes))]}
			}
			for _, other := range s.Units {
				if r.IntN(3) == 0 {
					u.After = append(u.After, other.Index)
				}
			}
			for range 1 + r.IntN(6) {
				r.add(u, []string{"Microsoft.Network/virtualNetworks", "Microsoft.Sql/servers", "Contoso.Strange/things"}[r.IntN(3)], true)
			}
			s.Units = append(s.Units, u)
		}
		if len(s.Units) > 0 && r.IntN(2) == 0 {
			n := r.add(main, "Microsoft.Authorization/policyAssignments", false)
			s.MainAfter[n] = with(s.MainAfter[n], s.Units[r.IntN(len(s.Units))].Index)
		}
	}
	if len(main.Nodes) > 0 {
		s.Main = main
		return
	}
	r.t.Units = slices.DeleteFunc(r.t.Units, func(u *template.Unit) bool { return u == main })
}

func (r *random) next(u *template.Unit) *template.Resource {
	made := &template.Resource{Node: r.nodes, Scope: u.Scope, APIVersion: "2024-01-01"}
	r.nodes++
	r.resources = append(r.resources, made)
	r.units[made.Node] = u.Index
	u.Nodes = append(u.Nodes, made.Node)
	return made
}

func (r *random) group(main *template.Unit, name []template.Part) template.Node {
	made := r.next(main)
	made.Type, made.Name, made.FullName, made.ParentID = "Microsoft.Resources/resourceGroups", name, name, main.Scope.ID
	made.Location = []template.Part{{Parameter: r.location}}
	return made.Node
}

// id is where a resource is, with parameters.
func id(r *template.Resource) []template.Part {
	parts := slices.Clone(r.ParentID)
	if len(parts) == 1 && parts[0].Literal == "/" {
		parts = nil
	}
	words := strings.Split(r.Type, "/")
	path := "/providers/" + r.Type + "/"
	switch {
	case r.Type == "Microsoft.Resources/resourceGroups":
		path = "/resourceGroups/"
	case r.ParentKind == template.ParentChild:
		path = "/" + words[len(words)-1] + "/"
	}
	return append(append(parts, template.Part{Literal: path}), r.Name...)
}

func (r *random) ref(n template.Node) *template.Ref {
	return &template.Ref{Node: n, Unit: r.units[n], Symbol: fmt.Sprintf("r_%d", n), ID: id(r.resources[n])}
}

// add makes a resource that may hang below or refer to those before it.
func (r *random) add(u *template.Unit, kind string, nest bool) template.Node {
	var candidates []template.Node
	for _, n := range u.Nodes {
		if r.resources[n].Type != "Microsoft.Resources/resourceGroups" {
			candidates = append(candidates, n)
		}
	}
	made := r.next(u)
	made.Type, made.ParentID = kind, u.Scope.ID
	made.Name = templatetest.Lit(fmt.Sprintf("n-%d", made.Node))
	if r.IntN(5) == 0 {
		made.Name = []template.Part{{Literal: fmt.Sprintf("{n'%d}", made.Node)}, {Parameter: r.location}}
	}
	made.FullName = made.Name
	if nest && len(candidates) > 0 && r.IntN(2) == 0 {
		parent := r.resources[candidates[r.IntN(len(candidates))]]
		made.Parent, made.ParentID = r.ref(parent.Node), id(parent)
		if r.IntN(2) == 0 {
			made.ParentKind, made.Type = template.ParentChild, parent.Type+"/children"
			made.FullName = append(append(slices.Clone(parent.FullName), template.Part{Literal: "/"}), made.Name...)
		} else {
			made.ParentKind, made.Type = template.ParentTarget, "Microsoft.Authorization/locks"
		}
	}
	if r.IntN(2) == 0 {
		made.Location = []template.Part{{Parameter: r.location}}
	}
	if r.IntN(2) == 0 {
		made.Tags = template.Value{Kind: template.Map, Fields: r.fields(made, 0)}
		for i := range made.Tags.Fields {
			made.Tags.Fields[i].Value = r.string(made)
		}
	}
	if r.IntN(4) == 0 && made.Node > 0 {
		made.Identity = templatetest.Map("type", templatetest.Str("UserAssigned"), "userAssignedIdentities", templatetest.Map("/x", templatetest.Map()))
		made.IdentityIDs = [][]template.Part{{{Ref: r.earlier(made)}}}
	}
	if r.IntN(4) == 0 && made.Node > 0 {
		made.DependsOn = []*template.Ref{r.earlier(made)}
	}
	made.Body = []template.Field{{Name: "properties", Value: template.Value{Kind: template.Map, Fields: append(r.fields(made, 3), r.answers(u, made)...)}}}
	return made.Node
}

func (r *random) earlier(made *template.Resource) *template.Ref {
	return r.ref(template.Node(r.Int32N(int32(made.Node))))
}

func (r *random) fields(made *template.Resource, depth int) []template.Field {
	var fields []template.Field
	taken := map[string]bool{}
	for range r.IntN(5) {
		name := r.text()
		if len(name) > 100 || taken[strings.ToLower(name)] {
			continue
		}
		taken[strings.ToLower(name)] = true
		fields = append(fields, template.Field{Name: name, Value: r.value(made, depth)})
	}
	if depth > 0 && !taken["copy"] && r.IntN(8) == 0 {
		fields = append(fields, template.Field{Name: "copy", Value: templatetest.List(templatetest.Str("x"))})
	}
	return fields
}

func (r *random) value(made *template.Resource, depth int) template.Value {
	switch n := r.IntN(9); {
	case n == 0:
		return template.Value{}
	case n == 1:
		return templatetest.Bool(r.IntN(2) == 0)
	case n == 2:
		return templatetest.Num([]string{"0", "-1", "1.50", "1e9", "123456789012345678901234567890"}[r.IntN(5)])
	case n == 3 && depth > 0:
		return template.Value{Kind: template.Map, Fields: r.fields(made, depth-1)}
	case n == 4 && depth > 0:
		list := template.Value{Kind: template.List}
		for range r.IntN(4) {
			list.Items = append(list.Items, r.value(made, depth-1))
		}
		return list
	}
	return r.string(made)
}

// string is a string of literals, parameters, secrets and references.
func (r *random) string(made *template.Resource) template.Value {
	v := template.Value{Kind: template.String}
	for range 1 + r.IntN(4) {
		switch n := r.IntN(8); {
		case n == 0:
			v.Text = append(v.Text, template.Part{Parameter: r.location})
		case n == 1:
			p := &template.Parameter{Name: fmt.Sprintf("secret_%d", r.IntN(5)), Secret: true}
			made.Secrets = append(made.Secrets, p)
			v.Text = append(v.Text, template.Part{Parameter: p})
		case n < 4 && made.Node > 0:
			v.Text = append(v.Text, template.Part{Ref: r.earlier(made)})
			if r.IntN(2) == 0 {
				v.Text = append(v.Text, template.Part{Literal: "/subnets/web"})
			}
		default:
			v.Text = append(v.Text, template.Part{Literal: r.text()})
		}
	}
	return v
}

// text is a string that is hard to write.
func (r *random) text() string {
	hostile := append(templatetest.Hostile(), "{0}", "{{", "}", "[[", "[]", "[[]]", "]]", "[parameters('location')]", "parameters('location')", "'')]", "copy", "tags", "\u007f\u0085", "a\\u0041")
	text := hostile[r.IntN(len(hostile))]
	if r.IntN(4) == 0 {
		text += hostile[r.IntN(len(hostile))]
	}
	if r.IntN(20) == 0 && text != "" && r.longest > 0 {
		text = strings.Repeat(text, 1+r.IntN(r.longest)/len(text))
	}
	return text
}
