package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// Resource is a resource of a template; a loop makes one of each step.
type Resource struct {
	ID, Type, Name, APIVersion, Location string
	// Symbol is the symbolic name, if the template has such.
	Symbol string
	// Existing resources are only read.
	Existing bool
	// Condition is what the resource's condition says, true without one.
	Condition bool
	// DependsOn are the resources of the same template that must be there first.
	DependsOn []*Resource
	// Target is where a nested deployment goes, and Inner says that its template has a scope of its own.
	Target Scope
	Inner  bool

	t     *Template
	raw   map[string]any // as in the template
	env   *env           // of its loop, at run time
	after []any          // dependsOn as in the template
	ahead *Template      // of a nested deployment, as it is known beforehand
	serial
	key string // "type/name" in lower case
}

// serial is the place of a resource in a loop that runs step by step.
type serial struct {
	loop  string // lower case
	index int64
	batch int64 // how many at a time; 0 all
}

// Deployed says whether the template creates the resource or reads it.
func (r *Resource) Deployed() bool { return r.Condition }

// IsDeployment says whether it is a nested deployment.
func (r *Resource) IsDeployment() bool {
	return strings.EqualFold(r.Type, "Microsoft.Resources/deployments")
}

var resourceMembers = []string{
	"type", "apiversion", "name", "location", "dependson", "condition", "copy", "comments", "metadata", "scope", "resources", "tags", "sku", "kind",
	"plan", "identity", "zones", "properties", "managedby", "managedbyextended", "extendedlocation", "existing", "placement", "resourcegroup",
	"subscriptionid", "asserts",
}

// readResources expands loops and children.
func (t *Template) readResources() error {
	t.byID, t.byName, t.bySymbol, t.byLoop = map[string]*Resource{}, map[string][]*Resource{}, map[string][]*Resource{}, map[string][]*Resource{}
	switch resources := t.member("resources").(type) {
	case []any:
		if t.symbolic {
			return invalid("The template has symbolic names, so that its resources must be an object")
		}
		for i, raw := range resources {
			if err := t.readResource(raw, "", fmt.Sprintf("resources[%d]", i), nil); err != nil {
				return err
			}
		}
	case map[string]any:
		if !t.symbolic {
			return malformed("Cannot deserialize the current JSON object into an array of resources. Path 'properties.template.resources'")
		}
		for _, symbol := range slices.Sorted(maps.Keys(resources)) {
			if err := t.readResource(resources[symbol], symbol, "resources."+symbol, nil); err != nil {
				return err
			}
		}
	default:
		return malformed("The member 'resources' of the template must be an array")
	}
	if n := len(t.Resources); n > maxResources {
		return invalid("The number of template resources limit exceeded. Limit: '%d' and actual: '%d'. Please see https://aka.ms/arm-template/#resources for usage details.", maxResources, n)
	}
	return nil
}

func (t *Template) readResource(raw any, symbol, path string, parent *Resource) error {
	members, ok := raw.(map[string]any)
	if !ok {
		return malformed("A resource must be an object. Path 'properties.template.%s'", path)
	}
	for name := range members {
		if !slices.Contains(resourceMembers, strings.ToLower(name)) {
			return malformed("Could not find member '%s' on object of type 'TemplateResource'. Path 'properties.template.%s.%s'", name, path, name)
		}
	}
	loop, ok := expression.Member(members, "copy")
	if !ok {
		return t.addResource(members, symbol, path, parent, t.runtime(), serial{})
	}
	if parent != nil {
		return invalid("The resource at '%s' is a child within another and has a copy loop, which is not supported. Please see https://aka.ms/arm-resource-loops for usage details.", path)
	}
	definition, ok := loop.(map[string]any)
	name, _ := definition["name"].(string)
	if !ok || name == "" {
		return invalid("The copy loop of the resource at '%s' needs a name and a count", path)
	}
	n, err := t.start().count(definition["count"])
	if err != nil {
		return invalid("The copy loop '%s' of the resource at '%s' is not valid: %v", name, path, err)
	}
	batch := int64(0)
	if mode, _ := definition["mode"].(string); strings.EqualFold(mode, "serial") {
		batch = 1
		if size, ok := expression.Integer(definition["batchSize"]); ok {
			batch = size
		}
	}
	for i := range n {
		if err := t.addResource(members, symbol, path, parent, t.runtime().in(name, i), serial{strings.ToLower(name), i, batch}); err != nil {
			return err
		}
	}
	return nil
}

// early evaluates what must be known at the start.
func (r *Resource) early(value any) (any, error) {
	start := *r.env
	start.at = atStart
	return start.value(value)
}

func (r *Resource) earlyText(name string) (string, error) {
	raw, ok := expression.Member(r.raw, name)
	if !ok {
		return "", nil
	}
	value, err := r.early(raw)
	if err != nil {
		return "", err
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("its '%s' must be a string, not of type '%s'", name, expression.TypeOf(value))
	}
	return text, nil
}

func (t *Template) addResource(members map[string]any, symbol, path string, parent *Resource, e *env, s serial) error {
	r := &Resource{t: t, raw: members, env: e, serial: s, Symbol: symbol, Condition: true}
	if err := r.read(parent); err != nil {
		var refusal *Error
		if errors.As(err, &refusal) {
			return err
		}
		return invalid("The template resource '%s' at '%s' is not valid: %v. Please see https://aka.ms/arm-functions for usage details.", r.Name, path, err)
	}
	t.Resources = append(t.Resources, r)
	if len(t.Resources) > maxResources {
		return nil // readResources refuses it
	}
	key := canonical(r.ID)
	if other := t.byID[key]; other != nil && other.Condition && r.Condition && !r.Existing && !other.Existing {
		return invalid("The resource '%s' is defined multiple times in a template. Please see https://aka.ms/arm-template/#resources for usage details.", r.ID)
	}
	if t.byID[key] == nil || r.Condition {
		t.byID[key] = r
	}
	for _, name := range []string{strings.ToLower(r.Name), r.key} {
		t.byName[name] = append(t.byName[name], r)
	}
	t.bySymbol[strings.ToLower(symbol)] = append(t.bySymbol[strings.ToLower(symbol)], r)
	if s.loop != "" {
		t.byLoop[s.loop] = append(t.byLoop[s.loop], r)
	}
	children, _ := expression.Member(members, "resources")
	switch children := children.(type) {
	case []any:
		for i, child := range children {
			if err := t.readResource(child, "", fmt.Sprintf("%s.resources[%d]", path, i), r); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, symbol := range slices.Sorted(maps.Keys(children)) {
			if err := t.readResource(children[symbol], symbol, path+".resources."+symbol, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// read evaluates everything of a resource that must be known at the start.
func (r *Resource) read(parent *Resource) error {
	var err error
	if r.Name, err = r.earlyText("name"); err != nil {
		return err
	}
	if r.Type, err = r.earlyText("type"); err != nil {
		return err
	}
	if r.APIVersion, err = r.earlyText("apiVersion"); err != nil {
		return err
	}
	for _, required := range []struct{ name, value string }{{"name", r.Name}, {"type", r.Type}, {"apiVersion", r.APIVersion}} {
		if required.value == "" {
			return malformed("Required property '%s' not found in JSON, or empty, of the resource '%s%s'", required.name, r.Type, r.Name)
		}
	}
	if parent != nil {
		r.Type, r.Name = parent.Type+"/"+r.Type, parent.Name+"/"+r.Name
		r.Condition = parent.Condition
	}
	if raw, ok := expression.Member(r.raw, "existing"); ok {
		r.Existing = raw == true
		if r.Existing && !r.t.symbolic {
			return errors.New("only templates with symbolic names can have existing resources")
		}
	}
	if raw, ok := expression.Member(r.raw, "condition"); ok {
		value, err := r.early(raw)
		if err != nil {
			return err
		}
		condition, ok := value.(bool)
		if !ok {
			return fmt.Errorf("its condition must be a boolean, not of type '%s'", expression.TypeOf(value))
		}
		r.Condition = r.Condition && condition
	}
	if segmentsOf(r.Type) < 2 || segmentsOf(r.Type) != segmentsOf(r.Name)+1 || strings.Contains(r.Name, "//") || strings.HasSuffix(r.Name, "/") || strings.HasPrefix(r.Name, "/") {
		return invalid("The template resource '%s' for type '%s' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details.", r.Name, r.Type)
	}
	if r.Location, err = r.earlyText("location"); err != nil {
		return err
	}
	r.key = strings.ToLower(Interleaved(r.Type, r.Name))
	if raw, ok := expression.Member(r.raw, "dependsOn"); ok {
		if r.after, ok = raw.([]any); !ok {
			return errors.New("its dependsOn must be an array")
		}
	}
	return r.place(parent)
}

// notSent are the members that Resource Manager keeps to itself.
var notSent = []string{
	"type", "apiversion", "name", "dependson", "condition", "copy", "comments", "metadata", "scope", "resources", "existing", "asserts", "resourcegroup",
	"subscriptionid",
}

// Body is the resource as it is sent to its provider, all values evaluated.
func (r *Resource) Body() (map[string]any, error) { return r.body(r.env) }

// Known is Body before the deployment; false where something in it is known only then.
func (r *Resource) Known() (map[string]any, bool) {
	e := *r.env
	e.at = atCheck
	body, err := r.body(&e)
	return body, err == nil
}

func (r *Resource) body(e *env) (map[string]any, error) {
	body := map[string]any{}
	for name, raw := range r.raw {
		if slices.Contains(notSent, strings.ToLower(name)) {
			continue
		}
		value, err := e.value(raw)
		if err != nil {
			return nil, err
		}
		body[name] = value
	}
	return body, nil
}

// Preview is the body as far as it is known before the deployment; expressions that must wait stay
// as they are.
func (r *Resource) Preview() map[string]any {
	e := *r.env
	e.at = atCheck
	body := map[string]any{}
	for name, raw := range r.raw {
		if slices.Contains(notSent, strings.ToLower(name)) {
			continue
		}
		body[name] = e.known(raw)
	}
	return body
}
