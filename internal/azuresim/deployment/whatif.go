package deployment

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// WhatIf is what a deployment would change, a change for each resource.
func (d *Deployment) WhatIf(cloud Cloud) []map[string]any {
	changes, seen := []map[string]any{}, map[string]bool{}
	left := maxExpanded
	d.whatIf(d.template, cloud, &changes, seen, &left)
	if d.Scope.Group != "" {
		for _, id := range cloud.InGroup(d.Scope.Subscription, d.Scope.Group) {
			if seen[strings.ToLower(id)] {
				continue
			}
			kind := "Ignore"
			if d.Mode == "Complete" {
				kind = "Delete"
			}
			before, err := cloud.Resource(id, "")
			if err != nil {
				before = map[string]any{"id": id}
			}
			changes = append(changes, map[string]any{"resourceId": id, "changeType": kind, "before": before})
		}
	}
	slices.SortFunc(changes, func(a, b map[string]any) int {
		return strings.Compare(a["resourceId"].(string), b["resourceId"].(string))
	})
	return changes
}

// Walk visits every resource that the deployment would write, also those of nested deployments as
// far as they are known beforehand. It refuses nested deployments to what is neither there nor made by
// the deployment itself, by their ids.
func (d *Deployment) Walk(cloud Cloud, visit func(r *template.Resource), refuse func(id string, why *Failure)) {
	w := walker{cloud: cloud, visit: visit, made: map[string]bool{}, left: maxExpanded}
	w.walk(d.template)
	for _, n := range w.nowhere {
		if !w.made[n.scope] {
			refuse(n.id, n.why)
		}
	}
}

// walker walks through a deployment.
type walker struct {
	cloud   Cloud
	visit   func(r *template.Resource)
	made    map[string]bool // ids of what is written, in lower case
	nowhere []nowhere
	left    int
}

// nowhere is a nested deployment to a scope that is not there; its id is in lower case.
type nowhere struct {
	id, scope string
	why       *Failure
}

// maxExpanded is how many nested deployments are looked into beforehand, as documented for previews.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if
const maxExpanded = 500

func (w *walker) walk(t *template.Template) {
	for _, r := range t.Resources {
		switch {
		case !r.Deployed() || r.Existing:
			continue
		case !r.IsDeployment():
			w.made[strings.ToLower(r.ID)] = true
			w.visit(r)
			continue
		}
		nested := r.Ahead()
		if nested == nil {
			continue // its parameters are not known yet
		}
		if w.left--; w.left < 0 {
			return
		}
		if why := CheckScope(w.cloud, nested.Scope); why != nil {
			w.nowhere = append(w.nowhere, nowhere{r.ID, strings.ToLower(nested.Scope.ID()), why})
		}
		w.walk(nested)
	}
}

func (d *Deployment) whatIf(t *template.Template, cloud Cloud, changes *[]map[string]any, seen map[string]bool, left *int) {
	for _, r := range t.Resources {
		if !r.Deployed() || r.Existing {
			continue
		}
		if r.IsDeployment() {
			nested, err := r.Nested(false)
			if err == nil {
				var loaded *template.Template
				if *left--; *left < 0 {
					err = errors.New("there are more nested deployments than are looked into")
				} else if loaded, err = template.Load(nested, cloud); err == nil {
					d.whatIf(loaded, cloud, changes, seen, left)
				}
			}
			if err != nil {
				*changes = append(*changes, map[string]any{"resourceId": r.ID, "changeType": "Unsupported", "unsupportedReason": err.Error()})
			}
			continue
		}
		seen[strings.ToLower(r.ID)] = true
		after := r.Preview()
		after["id"], after["name"], after["type"], after["apiVersion"] = r.ID, r.Name[strings.LastIndexByte(r.Name, '/')+1:], r.Type, r.APIVersion
		before, err := cloud.Resource(r.ID, r.APIVersion)
		if err != nil {
			*changes = append(*changes, map[string]any{"resourceId": r.ID, "changeType": "Create", "after": after})
			continue
		}
		own := maps.Clone(after)
		for _, name := range []string{"id", "name", "type", "apiVersion"} {
			delete(own, name)
		}
		delta, kind := differences(before, own, ""), "Modify"
		if len(delta) == 0 {
			kind = "NoChange"
		}
		*changes = append(*changes, map[string]any{"resourceId": r.ID, "changeType": kind, "before": before, "after": after, "delta": delta})
	}
}

// differences are those of the members that a template sets: what it leaves out stays.
func differences(before, after map[string]any, path string) []any {
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		old, there := expression.Member(before, name)
		inner, isObject := after[name].(map[string]any)
		was, wasObject := old.(map[string]any)
		switch {
		case isObject && wasObject:
			list = append(list, differences(was, inner, at)...)
		case !there:
			list = append(list, map[string]any{"path": at, "propertyChangeType": "Create", "before": nil, "after": after[name], "children": nil})
		case !expression.Equal(old, after[name]):
			list = append(list, map[string]any{"path": at, "propertyChangeType": "Modify", "before": old, "after": after[name], "children": nil})
		}
	}
	return list
}
