package template

import (
	"errors"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// place finds the id of a resource, and where a nested deployment goes.
func (r *Resource) place(parent *Resource) error {
	scope, hasScope, err := r.optional("scope")
	if err != nil {
		return err
	}
	group, hasGroup, err := r.optional("resourceGroup")
	if err != nil {
		return err
	}
	subscription, hasSubscription, err := r.optional("subscriptionId")
	if err != nil {
		return err
	}
	if r.IsDeployment() {
		return r.placeDeployment(scope, hasScope, group, hasGroup, subscription, hasSubscription)
	}
	if (hasGroup || hasSubscription) && !r.Existing {
		return errors.New("only nested deployments have a resourceGroup or a subscriptionId of their own")
	}
	own := r.t.Scope
	if hasSubscription {
		own = Scope{Subscription: subscription}
	}
	if hasGroup {
		own.Group = group
	}
	id := own.ID()
	switch {
	case parent != nil && hasScope:
		return errors.New("a child within another resource has no scope of its own")
	case parent != nil:
		id = parent.scopeID()
	case hasScope && scope == "/":
		id = ""
	case hasScope && strings.HasPrefix(scope, "/"):
		id = strings.TrimSuffix(scope, "/")
	case hasScope && strings.HasPrefix(strings.ToLower(scope), "microsoft.management/managementgroups/"):
		id = "/providers/" + scope
	case hasScope:
		id += "/providers/" + scope
	}
	r.ID = resourceID(id, r.Type, r.Name)
	if hasScope && !r.Existing && !r.withinReach() {
		return fmt.Errorf("its scope '%s' is not within the %s that the template is deployed to", scope, r.t.Scope.Kind())
	}
	return r.t.host.CheckType(effectiveType(r.Type, r.Name), r.APIVersion, r.t.Scope)
}

// scopeID is what the id of a resource has before its own type.
func (r *Resource) scopeID() string {
	tail := resourceID("", r.Type, r.Name)
	return strings.TrimSuffix(r.ID, tail)
}

// withinReach says whether a scope lies in that of the deployment: extensions may be set on what
// is in it, and from a management group on the tenant.
func (r *Resource) withinReach() bool {
	own := strings.ToLower(r.t.Scope.ID())
	return strings.HasPrefix(strings.ToLower(r.ID), own+"/") || r.t.Scope.Subscription == "" && strings.HasPrefix(r.ID, "/providers/")
}

// effectiveType is the type of the resource that an old way of writing extensions means: of
// Microsoft.Storage/storageAccounts/providers/roleAssignments, named a/Microsoft.Authorization/b.
func effectiveType(typ, name string) string {
	types, names := strings.Split(typ, "/"), strings.Split(name, "/")
	for i := len(types) - 1; i > 1; i-- {
		if strings.EqualFold(types[i], "providers") && i-1 < len(names) {
			return strings.Join(append([]string{names[i-1]}, types[i+1:]...), "/")
		}
	}
	return typ
}

func (r *Resource) optional(name string) (text string, ok bool, err error) {
	raw, ok := expression.Member(r.raw, name)
	if !ok || raw == nil {
		return "", false, nil
	}
	text, err = r.earlyText(name)
	return text, true, err
}

func (r *Resource) placeDeployment(scope string, hasScope bool, group string, hasGroup bool, subscription string, hasSubscription bool) error {
	target := r.t.Scope
	switch {
	case hasScope && (hasGroup || hasSubscription):
		return errors.New("it has a scope, so that it can have neither a resourceGroup nor a subscriptionId")
	case hasScope:
		var err error
		if target, err = parseScope(scope); err != nil {
			return err
		}
	case hasSubscription:
		if !guidForm.MatchString(subscription) {
			return fmt.Errorf("its subscriptionId '%s' is no GUID", subscription)
		}
		target = Scope{Subscription: subscription, Group: group}
	case hasGroup:
		if target.Subscription == "" {
			return fmt.Errorf("its resourceGroup '%s' needs a subscriptionId, for the template is deployed to a %s", group, target.Kind())
		}
		target.Group = group
	}
	if (hasGroup && group == "") || (hasSubscription && subscription == "") {
		return errors.New("its resourceGroup or subscriptionId is empty")
	}
	r.Target = target
	r.ID = target.ID() + "/providers/Microsoft.Resources/deployments/" + r.Name
	switch {
	case target.Group == "" && r.Location == "":
		return &Error{Code: "LocationRequired", Target: r.ID, Message: fmt.Sprintf("The deployment '%s' needs a location, for it goes to a %s.", r.Name, target.Kind())}
	case target.Group != "" && r.Location != "":
		return &Error{Code: "InvalidDeployment", Target: r.ID, Message: fmt.Sprintf("The 'location' property is not allowed for '%s' at resource group scope. Please see https://aka.ms/deploy-to-subscription for usage details.", r.Name)}
	}
	properties, _ := r.raw["properties"].(map[string]any)
	options, _ := properties["expressionEvaluationOptions"].(map[string]any)
	how, _ := options["scope"].(string)
	switch strings.ToLower(how) {
	case "inner":
		r.Inner = true
	case "", "outer", "notspecified":
	default:
		return fmt.Errorf("the scope '%s' of its expressionEvaluationOptions is neither inner nor outer", how)
	}
	if len(how) > 0 && strings.EqualFold(how, "outer") && r.t.symbolic {
		return errors.New("a template with symbolic names can only have nested deployments of the scope inner")
	}
	mode, _ := properties["mode"].(string)
	if !strings.EqualFold(mode, "Incremental") && !strings.EqualFold(mode, "Complete") {
		return fmt.Errorf("its mode '%s' is neither Incremental nor Complete", mode)
	}
	if strings.EqualFold(mode, "Complete") && target.Group == "" {
		return fmt.Errorf("its mode is Complete, which a deployment to a %s cannot have", target.Kind())
	}
	if _, ok := properties["templateLink"]; ok {
		return &Error{Code: "InvalidTemplateLink", Target: r.ID, Message: "The simulator has no linked templates."}
	}
	return r.t.host.CheckType("Microsoft.Resources/deployments", r.APIVersion, r.t.Scope)
}

func parseScope(text string) (Scope, error) {
	trimmed := strings.TrimPrefix(strings.TrimSuffix(text, "/"), "/")
	segments := strings.Split(strings.TrimPrefix(trimmed, "providers/"), "/")
	switch {
	case trimmed == "":
		return Scope{}, nil
	case len(segments) == 3 && strings.EqualFold(segments[0]+"/"+segments[1], "Microsoft.Management/managementGroups"):
		return Scope{ManagementGroup: segments[2]}, nil
	case len(segments) == 2 && strings.EqualFold(segments[0], "subscriptions"):
		return Scope{Subscription: segments[1]}, nil
	case len(segments) == 4 && strings.EqualFold(segments[2], "resourceGroups"):
		return Scope{Subscription: segments[1], Group: segments[3]}, nil
	}
	return Scope{}, fmt.Errorf("its scope '%s' is no scope of a deployment", text)
}

// maxDepth bounds how deep deployments nest.
const maxDepth = 20

// Nested is the deployment that a nested deployment makes. Before the template is deployed it
// fails with an error that Waits reports if its parameters are not known yet.
func (r *Resource) Nested(running bool) (Deployment, error) {
	d := Deployment{Name: r.Name, Location: r.Location, Scope: r.Target, Now: r.t.Now, Deployer: r.t.Deployer, Unique: r.t.Unique + r.ID, depth: r.t.depth + 1, nested: r.t.nested}
	if d.depth > maxDepth {
		return d, invalid("The nested deployment '%s' exceeds the maximum depth of '%d'", r.Name, maxDepth)
	}
	e := *r.env
	if !running {
		e.at = atCheck
	}
	properties, ok := r.raw["properties"].(map[string]any)
	if !ok {
		return d, invalid("The nested deployment '%s' has no properties", r.Name)
	}
	d.Mode, _ = properties["mode"].(string)
	template, ok := properties["template"].(map[string]any)
	if !ok {
		return d, invalid("The nested deployment '%s' has no template", r.Name)
	}
	if !r.Inner {
		made, err := e.outer(template)
		if err != nil {
			return d, err
		}
		template, _ = made.(map[string]any)
	}
	d.Template = template
	if raw, ok := properties["parameters"]; ok {
		if _, ok := raw.(map[string]any); !ok && raw != nil {
			return d, malformed("The parameters of the nested deployment '%s' must be an object", r.Name)
		}
		made, err := e.value(raw)
		if err != nil {
			return d, err
		}
		d.Parameters, _ = made.(map[string]any)
	}
	return d, nil
}

// Waits says whether an error means that a value is known only while the template is deployed.
func Waits(err error) bool { return errors.Is(err, errWait) }

// outer evaluates a nested template in the scope of its parent. What comes out is literal, and so
// written that it stays so.
func (e *env) outer(value any) (any, error) {
	switch v := value.(type) {
	case string:
		made, err := e.text(v)
		if err != nil {
			return nil, err
		}
		return literal(made), nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			made, err := e.outer(item)
			if err != nil {
				return nil, err
			}
			list[i] = made
		}
		return list, nil
	case map[string]any:
		object := map[string]any{}
		for name, item := range v {
			made, err := e.outer(item)
			if err != nil {
				return nil, err
			}
			object[name] = made
		}
		return object, nil
	}
	return value, nil
}

// literal writes strings that look like expressions so that they are none.
func literal(value any) any {
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(v, "[") && strings.HasSuffix(v, "]") {
			return "[" + v
		}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = literal(v[i])
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, item := range v {
			object[name] = literal(item)
		}
		return object
	}
	return value
}

// checkSize refuses a resource that is too large.
func (r *Resource) checkSize() error {
	if !r.IsDeployment() && expression.Size(r.raw) > maxResource {
		return invalid("The size of the template resource '%s' exceeds the limit of '%d' bytes", r.Name, maxResource)
	}
	return nil
}
