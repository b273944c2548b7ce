package engine

import (
	"encoding/json"
	"slices"
	"strings"
)

const deployments = "Microsoft.Resources/deployments"

// resource evaluates a resource, and all that it deploys if it is a deployment itself.
func (t *Template) resource(e *evaluation, raw json.RawMessage, deployment string) {
	if len(raw) > maxResource {
		t.problem(deployment, "a resource has %d bytes, and may have %d", len(raw), maxResource)
	}
	v, err := decode(raw)
	if err != nil {
		t.problem(deployment, "a resource is not JSON as it should be: %v", err)
		return
	}
	object, ok := v.(map[string]any)
	if !ok {
		t.problem(deployment, "a resource is no object")
		return
	}
	r := Resource{Deployment: deployment, Members: object}
	take := func(key string) any {
		v := object[key]
		delete(object, key)
		return v
	}
	r.Type, _ = take("type").(string)
	r.APIVersion, _ = take("apiVersion").(string)
	if IsExpression(r.Type) || strings.Count(r.Type, "/") == 0 || IsExpression(r.APIVersion) || r.APIVersion == "" {
		t.problem(deployment, "a resource has no type or apiVersion, or they are expressions: %s@%s", r.Type, r.APIVersion)
		return
	}
	var inner, passed any
	if properties, ok := object["properties"].(map[string]any); ok && strings.EqualFold(r.Type, deployments) {
		inner = properties["template"] // evaluated by itself, with scope inner
		passed = properties["parameters"]
		delete(properties, "template")
	}
	name, scope, wait := take("name"), take("scope"), take("dependsOn")
	if err := r.identify(e, name, scope, object); err != nil {
		t.problem(deployment, "a resource of the type %s: %v", r.Type, err)
		return
	}
	list, _ := wait.([]any)
	for _, w := range list {
		v, err := e.value(w)
		id, ok := v.(string)
		if err != nil || !ok {
			t.problem(r.ID, "what it depends on is no id: %v", err)
			continue
		}
		r.DependsOn = append(r.DependsOn, id)
	}
	if members, err := e.members(object); err != nil {
		t.problem(r.ID, "%v", err)
	} else {
		r.Members = members
	}
	r.References = e.taken()
	t.Resources = append(t.Resources, r)
	if inner != nil {
		t.nested(e, &r, inner, passed)
	}
}

// identify finds the resource's id and the names by which others depend on it.
func (r *Resource) identify(e *evaluation, name, scope any, object map[string]any) error {
	full, err := e.asText(name)
	if err != nil {
		return err
	}
	base := e.at.ID()
	if scope != nil {
		if base, err = e.asText(scope); err != nil {
			return err
		}
	}
	if group, ok := object["resourceGroup"]; ok {
		at, err := e.nestedScope(group, object["subscriptionId"])
		if err != nil {
			return err
		}
		base = at.ID()
	}
	id, err := resourceID(base, r.Type, strings.Split(full, "/"))
	if err != nil {
		return err
	}
	r.ID = id
	r.names = []string{strings.ToLower(id)}
	if strings.EqualFold(r.Type, "Microsoft.Resources/resourceGroups") {
		r.ID = base + "/resourceGroups/" + full
		r.names = append(r.names, strings.ToLower(r.ID))
	}
	return nil
}

func (e *evaluation) asText(v any) (string, error) {
	evaluated, err := e.value(v)
	if err != nil {
		return "", err
	}
	s, err := texts([]any{evaluated})
	if err != nil {
		return "", err
	}
	return s[0], nil
}

func (e *evaluation) nestedScope(group, subscription any) (Scope, error) {
	at := e.at
	var err error
	if at.ResourceGroup, err = e.asText(group); err != nil {
		return at, err
	}
	if subscription != nil {
		at.Subscription, err = e.asText(subscription)
	}
	return at, err
}

// nested deploys the template of a nested deployment.
func (t *Template) nested(e *evaluation, r *Resource, inner, passed any) {
	options, _ := r.Members["properties"].(map[string]any)
	evaluation, _ := options["expressionEvaluationOptions"].(map[string]any)
	if evaluation["scope"] != "inner" || options["mode"] != "Incremental" {
		t.problem(r.ID, "a nested deployment has to be incremental, with expressions of its own")
	}
	at, err := e.nestedScope(r.Members["resourceGroup"], r.Members["subscriptionId"])
	if err != nil || at.Subscription == "" || at.ResourceGroup == "" {
		t.problem(r.ID, "a nested deployment without a resource group and a subscription")
		return
	}
	given := map[string]any{}
	values, _ := passed.(map[string]any)
	for name, wrapped := range values {
		object, _ := wrapped.(map[string]any)
		e.later = true
		v, err := e.value(object["value"])
		e.later = false
		if err != nil || len(object) != 1 {
			t.problem(r.ID, "the value of the parameter %s: %v", name, err)
		}
		given[name] = v
	}
	e.answers = nil // they are among the deployment's own
	text, err := json.Marshal(inner)
	if err != nil {
		t.problem(r.ID, "the template: %v", err)
		return
	}
	t.deploy(text, at, given, r.ID)
}

// order checks what resources of one template depend on.
func (t *Template) order(own []*Resource) {
	byName := map[string]int{}
	for i, r := range own {
		for _, name := range r.names {
			if _, ok := byName[name]; ok {
				t.problem(r.ID, "it is in the template twice")
			}
			byName[name] = i
		}
	}
	waits := make([]int, len(own)) // how many a resource still waits for
	needed := make([][]int, len(own))
	for i, r := range own {
		seen := []int{i}
		for _, id := range r.DependsOn {
			j, ok := byName[strings.ToLower(id)]
			switch {
			case !ok:
				t.problem(r.ID, "it depends on %s, which is not in its template", id)
				continue
			case slices.Contains(seen, j):
				t.problem(r.ID, "it depends on %s twice, or on itself", id)
				continue
			}
			seen = append(seen, j)
			waits[i]++
			needed[j] = append(needed[j], i)
		}
	}
	var ready []int
	for i := range own {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	done := 0
	for ; done < len(ready); done++ {
		for _, i := range needed[ready[done]] {
			if waits[i]--; waits[i] == 0 {
				ready = append(ready, i)
			}
		}
	}
	if done < len(own) {
		for i, r := range own {
			if waits[i] > 0 {
				t.problem(r.ID, "it waits for itself, through what it depends on")
			}
		}
	}
}
