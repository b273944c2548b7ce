package template

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

var guidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// scopeFunction finds the functions that depend on where a template is deployed.
func (e *env) scopeFunction(name string) (expression.Function, bool) {
	t := e.t
	f, ok := map[string]expression.Function{
		"resourceid":                t.resourceIDOf,
		"subscriptionresourceid":    t.subscriptionResourceID,
		"tenantresourceid":          t.tenantResourceID,
		"managementgroupresourceid": t.managementGroupResourceID,
		"extensionresourceid":       t.extensionResourceID,
		"subscription":              t.none("subscription", t.Scope.Subscription != "", func() any { s, _ := t.host.Subscription(t.Scope.Subscription); return s }),
		"resourcegroup": t.none("resourceGroup", t.Scope.Group != "", func() any {
			g, _ := t.host.Group(t.Scope.Subscription, t.Scope.Group)
			return g
		}),
		"managementgroup": t.none("managementGroup", t.Scope.ManagementGroup != "", func() any { g, _ := t.host.ManagementGroup(t.Scope.ManagementGroup); return g }),
		"tenant":          t.none("tenant", true, func() any { return t.host.Tenant() }),
		"environment":     t.none("environment", true, func() any { return t.host.Environment() }),
		"deployer":        t.none("deployer", t.Deployer != nil, func() any { return t.Deployer }),
		"deployment":      t.none("deployment", true, func() any { return t.deploymentObject() }),
	}[name]
	return f, ok
}

// none makes a function without arguments, which only some scopes have.
func (t *Template) none(name string, here bool, value func() any) expression.Function {
	return func(args []any) (any, error) {
		if len(args) != 0 {
			return nil, fmt.Errorf("expects no arguments, not '%d'", len(args))
		}
		if !here {
			return nil, fmt.Errorf("the template function '%s' is not supported in a deployment to a %s", name, t.Scope.Kind())
		}
		if value := value(); value != nil {
			return value, nil
		}
		return nil, fmt.Errorf("the %s does not exist", t.Scope.Kind())
	}
}

func (t *Template) deploymentObject() any {
	properties := map[string]any{
		"template": t.Deployment.Template, "parameters": t.Parameters(), "mode": t.Mode, "provisioningState": "Accepted",
	}
	made := map[string]any{"name": t.Name, "properties": properties}
	if t.Scope.Group == "" {
		made["location"] = t.Location
	}
	return made
}

// typeAndName splits the arguments of a function of the resourceId family behind those that come
// before the type.
func typeAndName(args []string) (typ, name string, err error) {
	if len(args) < 2 || !strings.Contains(args[0], "/") {
		return "", "", errors.New("a fully qualified resource type, and a name, are expected")
	}
	typ = args[0]
	if needs := strings.Count(typ, "/"); needs != len(args)-1 {
		return "", "", fmt.Errorf("the type '%s' requires '%d' resource name argument(s), not '%d'", typ, needs, len(args)-1)
	}
	for _, name := range args[1:] {
		if name == "" {
			return "", "", fmt.Errorf("a name of a resource of the type '%s' is empty", typ)
		}
	}
	return typ, strings.Join(args[1:], "/"), nil
}

// leading cuts up to most arguments off that stand before the type.
func leading(args []string, most int) (before, rest []string) {
	for i, arg := range args {
		if strings.Contains(arg, "/") {
			if i > most {
				break
			}
			return args[:i], args[i:]
		}
	}
	return nil, args
}

func (t *Template) resourceIDOf(args []any) (any, error) {
	texts, err := expression.Strings(args)
	if err != nil {
		return nil, err
	}
	before, rest := leading(texts, 2)
	typ, name, err := typeAndName(rest)
	if err != nil {
		return nil, err
	}
	scope := t.Scope
	switch {
	case len(before) == 2:
		scope = Scope{Subscription: before[0], Group: before[1]}
	case len(before) == 1 && guidForm.MatchString(before[0]) && scope.Group == "":
		scope = Scope{Subscription: before[0]}
	case len(before) == 1:
		scope.Group = before[0]
	}
	if scope.Subscription != "" && !guidForm.MatchString(scope.Subscription) {
		return nil, fmt.Errorf("the subscription identifier '%s' is no GUID", scope.Subscription)
	}
	if scope.ManagementGroup != "" { // there the function means the tenant
		scope = Scope{}
	}
	return resourceID(scope.ID(), typ, name), nil
}

func (t *Template) subscriptionResourceID(args []any) (any, error) {
	texts, err := expression.Strings(args)
	if err != nil {
		return nil, err
	}
	before, rest := leading(texts, 1)
	typ, name, err := typeAndName(rest)
	if err != nil {
		return nil, err
	}
	subscription := t.Scope.Subscription
	if len(before) == 1 {
		subscription = before[0]
	}
	if !guidForm.MatchString(subscription) {
		return nil, fmt.Errorf("the subscription identifier '%s' is no GUID", subscription)
	}
	return resourceID("/subscriptions/"+subscription, typ, name), nil
}

func (t *Template) tenantResourceID(args []any) (any, error) {
	texts, err := expression.Strings(args)
	if err != nil {
		return nil, err
	}
	typ, name, err := typeAndName(texts)
	return resourceID("", typ, name), err
}

func (t *Template) managementGroupResourceID(args []any) (any, error) {
	texts, err := expression.Strings(args)
	if err != nil {
		return nil, err
	}
	before, rest := leading(texts, 1)
	typ, name, err := typeAndName(rest)
	if err != nil {
		return nil, err
	}
	group := t.Scope.ManagementGroup
	if len(before) == 1 {
		group = before[0]
	}
	if group == "" {
		return nil, errors.New("a deployment that goes to no management group has to name one")
	}
	return resourceID(managementGroups+group, typ, name), nil
}

func (t *Template) extensionResourceID(args []any) (any, error) {
	texts, err := expression.Strings(args)
	if err != nil {
		return nil, err
	}
	if len(texts) < 3 {
		return nil, errors.New("a resource id, a type and a name are expected")
	}
	typ, name, err := typeAndName(texts[1:])
	if err != nil {
		return nil, err
	}
	if texts[0] != "" && !strings.HasPrefix(texts[0], "/") {
		return nil, fmt.Errorf("'%s' is no resource id", texts[0])
	}
	return strings.TrimSuffix(texts[0], "/") + "/providers/" + Interleaved(typ, name), nil
}
