package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// index finds resources by what dependsOn and functions call them, in lower case.
type index struct {
	byID     map[string]*Resource
	byName   map[string][]*Resource
	bySymbol map[string][]*Resource
	byLoop   map[string][]*Resource
}

// link resolves dependsOn and what references imply, and refuses cycles.
func (t *Template) link() error {
	for _, r := range t.Resources {
		wants := map[*Resource]bool{}
		for _, raw := range r.after {
			value, err := r.early(raw)
			if err != nil {
				return invalid("The dependsOn of the template resource '%s' is not valid: %v", r.Name, err)
			}
			name, ok := value.(string)
			if !ok {
				return invalid("The dependsOn of the template resource '%s' has a value of type '%s' that is no string", r.Name, expression.TypeOf(value))
			}
			found, err := t.dependency(name)
			if err != nil {
				return err
			}
			for _, other := range found {
				wants[other] = true
			}
		}
		e := *r.env
		e.at = atCheck
		for name, raw := range r.raw {
			lower := strings.ToLower(name)
			if lower == "dependson" || lower == "resources" {
				continue
			}
			if properties, ok := raw.(map[string]any); ok && r.IsDeployment() && r.Inner && lower == "properties" {
				raw = properties["parameters"]
			}
			t.implied(&e, raw, wants)
		}
		if len(wants) == 0 && r.batch == 0 {
			continue
		}
		for _, other := range t.Resources {
			if r.batch > 0 && other.loop == r.loop && other.index/r.batch < r.index/r.batch {
				wants[other] = true
			}
			if wants[other] {
				r.DependsOn = append(r.DependsOn, other)
			}
		}
	}
	return t.checkCycles()
}

// dependency finds what a dependsOn names.
func (t *Template) dependency(name string) ([]*Resource, error) {
	lower := strings.ToLower(name)
	if t.symbolic {
		symbol, index, isElement := strings.Cut(lower, "[")
		found := t.bySymbol[symbol]
		if isElement {
			found = slices.DeleteFunc(slices.Clone(found), func(r *Resource) bool { return fmt.Sprint(r.index) != strings.TrimSuffix(index, "]") })
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	if strings.HasPrefix(name, "/") {
		if r := t.byID[canonical(name)]; r != nil {
			return []*Resource{r}, nil
		}
		return nil, invalid("%v", notDefined(name))
	}
	if found := t.byLoop[lower]; len(found) > 0 {
		return found, nil
	}
	found := t.byName[lower]
	switch {
	case len(found) == 0:
		return nil, invalid("The resource '%s' is not defined in the template. Please see https://aka.ms/arm-template for usage details.", name)
	case len(found) > 1:
		return nil, invalid("The dependency '%s' is defined multiple times in a template: its resource id has to be given. Please see https://aka.ms/arm-template/#resources for usage details.", name)
	}
	return found, nil
}

// checkCycles refuses resources that wait for each other.
func (t *Template) checkCycles() error {
	state := map[*Resource]progress{}
	var visit func(r *Resource) error
	visit = func(r *Resource) error {
		switch state[r] {
		case evaluated:
			return nil
		case evaluating:
			return invalid("Circular dependency detected on resource: '%s'. Please see https://aka.ms/arm-template/#resources for usage details.", r.ID)
		}
		state[r] = evaluating
		for _, other := range r.DependsOn {
			if err := visit(other); err != nil {
				return err
			}
		}
		state[r] = evaluated
		return nil
	}
	for _, r := range t.Resources {
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// onlyAtStart are the members of a resource that cannot wait for another.
var onlyAtStart = []string{"location", "sku", "kind", "plan", "tags", "zones", "identity", "managedby", "managedbyextended", "extendedlocation", "placement"}

// checkBodies evaluates everything of the resources that is known before the deployment, and the
// templates of nested deployments.
func (t *Template) checkBodies() error {
	for _, r := range t.Resources {
		if !r.Deployed() || r.Existing {
			continue
		}
		if err := r.checkSize(); err != nil {
			return err
		}
		if r.IsDeployment() {
			if err := t.checkNested(r); err != nil {
				return err
			}
			continue
		}
		for name, raw := range r.raw {
			e := *r.env
			lower := strings.ToLower(name)
			switch {
			case slices.Contains(onlyAtStart, lower):
				e.at = atStart
			case lower == "properties":
				e.at = atCheck
			default:
				continue
			}
			if err := e.check(raw); err != nil {
				return invalid("The template resource '%s' of type '%s' is not valid: %v. Please see https://aka.ms/arm-functions for usage details.", r.Name, r.Type, err)
			}
		}
	}
	return nil
}

// Ahead is the template of a nested deployment as it was checked with its parent's; nil where its
// parameters are known only while that is deployed. It is handed out once, so that nobody keeps it.
func (r *Resource) Ahead() *Template {
	ahead := r.ahead
	r.ahead = nil
	return ahead
}

// maxNested is how many nested deployments are checked before a deployment begins.
const maxNested = 1000

func (t *Template) checkNested(r *Resource) error {
	if t.nested.Add(1) > maxNested {
		return nil // the others are checked when their turn comes
	}
	nested, err := r.Nested(false)
	if err == nil {
		r.ahead, err = Load(nested, t.host)
	}
	var refusal *Error
	switch {
	case err == nil || Waits(err):
		return nil
	case errors.As(err, &refusal):
		if refusal.Target == "" {
			refusal.Target = r.ID
		}
		return refusal
	}
	return invalid("The nested deployment '%s' is not valid: %v", r.Name, err)
}
