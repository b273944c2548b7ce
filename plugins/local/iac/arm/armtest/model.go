// Package armtest has what tests of ARM templates need: what a template of the model means, evaluated by itself, and templates
// made at random.
package armtest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Secret is the value that a secret parameter has in Text.
func Secret(name string) string { return "‹" + name + "›" }

// Text is what a string of the model is, with every parameter at its default, every secret as Secret has it, and what Azure answers as
// engine.Answer makes it up.
func Text(parts []template.Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.Parameter != nil && p.Parameter.Secret:
			b.WriteString(Secret(p.Parameter.Name))
		case p.Parameter != nil:
			b.WriteString(p.Parameter.Default)
		case p.Ref != nil && p.Ref.Property != "":
			b.WriteString(engine.Answer(Text(p.Ref.ID), p.Ref.Property))
		case p.Ref != nil:
			b.WriteString(Text(p.Ref.ID))
		default:
			b.WriteString(p.Literal)
		}
	}
	return b.String()
}

// Value is what a value of the model is, as JSON is decoded with numbers as they are.
func Value(v template.Value) any {
	switch v.Kind {
	case template.Bool:
		return v.Bool
	case template.Number:
		return json.Number(Text(v.Text))
	case template.String:
		return Text(v.Text)
	case template.List:
		list := []any{}
		for _, item := range v.Items {
			list = append(list, Value(item))
		}
		return list
	case template.Map:
		object := map[string]any{}
		for _, f := range v.Fields {
			object[f.Name] = Value(f.Value)
		}
		return object
	case template.Null:
	}
	return nil
}

// Members is what a resource has beside its type, name and place.
func Members(r *template.Resource) map[string]any {
	members := map[string]any{}
	if len(r.Location) > 0 {
		members["location"] = Text(r.Location)
	}
	if r.Tags.Kind == template.Map {
		members["tags"] = Value(r.Tags)
	}
	if r.Identity.Kind == template.Map {
		identity, _ := Value(r.Identity).(map[string]any)
		if len(r.IdentityIDs) > 0 {
			ids := map[string]any{}
			for _, id := range r.IdentityIDs {
				ids[Text(id)] = map[string]any{}
			}
			identity["userAssignedIdentities"] = ids
		}
		members["identity"] = identity
	}
	for _, f := range r.Body {
		members[f.Name] = Value(f.Value)
	}
	return members
}

// ID is where a resource is once it is deployed.
func ID(r *template.Resource) string {
	parent := strings.TrimSuffix(Text(r.ParentID), "/")
	name := Text(r.Name)
	switch words := strings.Split(r.Type, "/"); {
	case r.Type == "Microsoft.Resources/resourceGroups":
		return parent + "/resourceGroups/" + name
	case r.ParentKind == template.ParentChild:
		return parent + "/" + words[len(words)-1] + "/" + name
	default:
		return parent + "/providers/" + r.Type + "/" + name
	}
}

// refs calls do with every reference of a resource: to what it hangs below, and in all that it has.
func refs(r *template.Resource, do func(*template.Ref)) {
	add := func(ref *template.Ref) {
		if ref != nil {
			do(ref)
		}
	}
	text := func(parts []template.Part) {
		for _, p := range parts {
			add(p.Ref)
		}
	}
	var value func(template.Value)
	value = func(v template.Value) {
		text(v.Text)
		for _, item := range v.Items {
			value(item)
		}
		for _, f := range v.Fields {
			value(f.Value)
		}
	}
	add(r.Parent)
	for _, ref := range r.DependsOn {
		add(ref)
	}
	text(r.Location)
	value(r.Tags)
	value(r.Identity)
	for _, id := range r.IdentityIDs {
		text(id)
	}
	for _, f := range r.Body {
		value(f.Value)
	}
}

// Needs are the nodes of the unit with an index that a resource refers to or hangs below, each once, sorted.
func Needs(r *template.Resource, unit int) []template.Node {
	var nodes []template.Node
	refs(r, func(ref *template.Ref) {
		if ref.Node != template.NoNode && ref.Unit == unit && ref.Node != r.Node {
			nodes = append(nodes, ref.Node)
		}
	})
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// References are what a resource has of what Azure answers of others, sorted.
func References(r *template.Resource) []engine.Reference {
	var all []engine.Reference
	refs(r, func(ref *template.Ref) {
		if ref.Property != "" {
			all = append(all, engine.Reference{To: Text(ref.ID), APIVersion: ref.APIVersion, Property: ref.Property})
		}
	})
	slices.SortFunc(all, engine.Reference.Compare)
	return all
}
