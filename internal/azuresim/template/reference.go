package template

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// reference is the state of a resource at run time: of one that the template deploys by its name,
// symbol or id, or of any other by id and version.
func (e *env) reference(args []any) (any, error) {
	if len(args) < 1 || len(args) > 3 {
		return nil, fmt.Errorf("expects one to three arguments, not '%d'", len(args))
	}
	texts, err := expression.Strings(args)
	if err != nil {
		return nil, err
	}
	full := len(texts) == 3 && strings.EqualFold(texts[2], "full")
	if len(texts) == 3 && !full && !strings.EqualFold(texts[2], "properties") {
		return nil, fmt.Errorf("expects 'Full' or 'Properties', not '%s'", texts[2])
	}
	version := ""
	if len(texts) > 1 {
		version = texts[1]
	}
	id := texts[0]
	if r := e.t.named(id); r != nil {
		if !r.Deployed() {
			return nil, notDeployed(r)
		}
		id = r.ID
		if version == "" {
			version = r.APIVersion
		}
	} else if !strings.HasPrefix(id, "/") {
		return nil, notDefined(id)
	} else if version == "" {
		return nil, fmt.Errorf("the resource '%s' is not defined in the template: a reference to it needs an API version", id)
	}
	resource, err := e.t.host.Resource(id, version)
	if err != nil {
		return nil, err
	}
	if full {
		return e.t.full(resource, version), nil
	}
	if properties, ok := resource["properties"].(map[string]any); ok {
		return properties, nil
	}
	return map[string]any{}, nil
}

func notDeployed(r *Resource) error {
	return fmt.Errorf("the resource '%s' is not deployed, for its condition is false", r.ID)
}

func notDefined(name string) error {
	return fmt.Errorf("the resource '%s' is not defined in the template. Please see https://aka.ms/arm-template for usage details", name)
}

// full is a resource with what reference(…, 'Full') has of its own.
func (t *Template) full(resource map[string]any, version string) map[string]any {
	made := maps.Clone(resource)
	id, _ := resource["id"].(string)
	for _, member := range []string{"id", "name", "type"} {
		delete(made, member)
	}
	made["apiVersion"] = version
	made["resourceId"] = strings.TrimPrefix(id[strings.LastIndex(strings.ToLower(id), "/providers/")+1:], "providers/")
	segments := strings.Split(id, "/")
	if len(segments) > 2 && strings.EqualFold(segments[1], "subscriptions") {
		made["subscriptionId"] = segments[2]
		if len(segments) > 4 {
			made["resourceGroupName"] = segments[4]
		}
	}
	return made
}

// named finds what the template deploys by the name, symbol or id by which functions call it.
func (t *Template) named(name string) *Resource {
	if t.symbolic {
		if r := t.bySymbol[strings.ToLower(name)]; len(r) == 1 {
			return r[0]
		}
	}
	if strings.HasPrefix(name, "/") {
		if r := t.byID[canonical(name)]; r != nil {
			return r
		}
		return nil
	}
	if found := t.byName[strings.ToLower(name)]; len(found) == 1 {
		return found[0]
	}
	return nil
}

// listOf makes a list function.
func (e *env) listOf(name string) expression.Function {
	return func(args []any) (any, error) {
		if len(args) < 2 || len(args) > 3 {
			return nil, fmt.Errorf("expects a resource and an API version, not '%d' arguments", len(args))
		}
		texts, err := expression.Strings(args[:2])
		if err != nil {
			return nil, err
		}
		id := texts[0]
		if r := e.t.named(id); r != nil {
			if !r.Deployed() {
				return nil, notDeployed(r)
			}
			id = r.ID
		}
		if !strings.HasPrefix(id, "/") {
			return nil, notDefined(id)
		}
		var body any
		if len(args) == 3 {
			body = args[2]
		}
		return e.t.host.List(name, id, texts[1], body)
	}
}

// implied are the resources that the expressions of a value refer to, and so wait for: by
// reference without a version, or by a list function.
func (t *Template) implied(e *env, value any, found map[*Resource]bool) {
	switch v := value.(type) {
	case string:
		if !expression.Is(v) {
			return
		}
		n, err := expression.Parse(v)
		if err != nil {
			return // told by the check of the body
		}
		expression.Walk(n, func(call *expression.Call) {
			name := strings.ToLower(call.Name)
			isList := strings.HasPrefix(name, "list") && !expression.Known(name)
			waits := isList || name == "reference" && (len(call.Args) == 1 || t.symbolic)
			if !waits || len(call.Args) == 0 {
				return
			}
			named, err := (&expression.Env{Function: e.function}).Evaluate(call.Args[0])
			if text, ok := named.(string); ok && !errors.Is(err, errWait) {
				if r := t.named(text); r != nil {
					found[r] = true
				}
			}
		})
	case []any:
		for _, item := range v {
			t.implied(e, item, found)
		}
	case map[string]any:
		for name, item := range v {
			t.implied(e, name, found)
			t.implied(e, item, found)
		}
	}
}
