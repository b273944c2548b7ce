package biceptest

import (
	"fmt"
	"path"
	"strings"
)

// Resource is what a deployment makes.
type Resource struct {
	ID, Type, APIVersion string
	File, Symbol         string
	// Body is everything but name, parent, scope and dependsOn: strings, bools, json.Number, []any, map[string]any, nil.
	Body map[string]any
	// After are the ids, in lower case, of what is deployed before, at any distance.
	After map[string]bool
	// Reads are the properties of other resources that Body has, in the order of the file.
	Reads []Read
}

// Deploy is Tenant.Deploy where nothing was deployed before.
func Deploy(files map[string]string, name, scope string, environment map[string]string) ([]*Resource, error) {
	return new(Tenant).Deploy(files, name, scope, environment)
}

// Deploy works out what NAME.bicep deploys with NAME.bicepparam. files are texts by their names, with slashes; scope is the id of what is
// deployed to: /subscriptions/…; environment are the variables that the parameters are read from. It fails where Bicep or Azure would: on
// syntax, symbols, scopes, names, parameters that are missing, unknown or of another type, secrets that end in a parameter that is none, properties of resources that nobody
// has deployed before.
func (t *Tenant) Deploy(files map[string]string, name, scope string, environment map[string]string) ([]*Resource, error) {
	values, err := parse(files, name+".bicepparam")
	if err != nil {
		return nil, err
	}
	if path.Clean(values.Using) != name+".bicep" {
		return nil, fmt.Errorf("%s.bicepparam is for %s", name, values.Using)
	}
	given := &frame{file: values, environment: environment, declared: map[string]*Declaration{}}
	parameters := map[string]any{}
	for _, d := range values.Declarations {
		if parameters[d.Name], err = given.eval(d.Value); err != nil {
			return nil, fmt.Errorf("%s.bicepparam: %w", name, err)
		}
	}
	if t.deployed == nil {
		t.deployed, t.earlier = map[string]*Resource{}, map[string]bool{}
	}
	d := &deployment{tenant: t, files: files, names: map[string]bool{}}
	err = d.file(name+".bicep", scope, parameters, nil)
	for _, r := range d.resources {
		t.earlier[strings.ToLower(r.ID)] = true
	}
	return d.resources, err
}

func parse(files map[string]string, name string) (*File, error) {
	text, ok := files[name]
	if !ok {
		return nil, fmt.Errorf("there is no %s", name)
	}
	file, err := Parse(text)
	if err == nil {
		err = file.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return file, nil
}

type deployment struct {
	tenant    *Tenant
	files     map[string]string
	resources []*Resource
	names     map[string]bool // of nested deployments, with their scopes
}

// file deploys a file to a scope; after is what is there already because its module waits for it.
func (d *deployment) file(name, scope string, parameters map[string]any, after map[string]bool) error {
	file, err := parse(d.files, name)
	if err != nil {
		return err
	}
	f := &frame{
		deployment: d, name: name, file: file, scope: scope, after: after,
		declared: map[string]*Declaration{}, places: map[string]*place{}, done: map[string]map[string]bool{}, parameters: map[string]any{},
	}
	for _, declaration := range file.Declarations {
		f.declared[declaration.Name] = declaration
	}
	if err := f.run(parameters); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// kindOf is the targetScope that a scope's id takes.
func kindOf(id string) string {
	switch segments := strings.Split(strings.Trim(id, "/"), "/"); {
	case id == "/":
		return "tenant"
	case strings.EqualFold(segments[0], "providers") && len(segments) == 4 && strings.EqualFold(segments[2], "managementGroups"):
		return "managementGroup"
	case strings.EqualFold(segments[0], "subscriptions") && len(segments) == 2:
		return "subscription"
	case strings.EqualFold(segments[0], "subscriptions") && len(segments) == 4 && strings.EqualFold(segments[2], "resourceGroups"):
		return "resourceGroup"
	}
	return "resource"
}

// run deploys all of a file.
func (f *frame) run(parameters map[string]any) error {
	if kind := kindOf(f.scope); kind != f.file.TargetScope {
		return fmt.Errorf("it is for a %s, but is deployed to the %s %s (BCP134)", f.file.TargetScope, kind, f.scope)
	}
	for _, d := range f.file.Declarations {
		if d.Kind != "param" {
			continue
		}
		value, given := parameters[d.Name]
		if !given {
			if d.Value == nil {
				return fmt.Errorf("nobody gives %s (BCP035, BCP258)", d.Name)
			}
			var err error
			if value, err = f.eval(d.Value); err != nil {
				return err
			}
		}
		if _, text := value.(string); text != (d.Type == "string") {
			return fmt.Errorf("%s takes no %T (BCP033)", d.Name, value)
		}
		f.parameters[d.Name] = value
	}
	for name := range parameters {
		if d := f.declared[name]; d == nil || d.Kind != "param" {
			return fmt.Errorf("it has no parameter %s (BCP037, BCP259)", name)
		}
	}
	for _, d := range f.file.Declarations {
		if _, err := f.deploy(d.Name); err != nil {
			return err
		}
	}
	return nil
}

// deploy deploys a symbol after what it waits for, once. It gives the ids of that and of all before it. What uses a variable waits for
// what the variable refers to.
func (f *frame) deploy(name string) (map[string]bool, error) {
	d := f.declared[name]
	if d == nil || d.Kind == "param" || d.Kind == "metadata" {
		return nil, nil
	}
	if done, ok := f.done[name]; ok {
		return done, nil
	}
	before := map[string]bool{}
	for id := range f.after {
		before[id] = true
	}
	var failed error
	Walk(d.Value, func(e Expr) {
		if access, ok := e.(*Access); ok && !access.Call && failed == nil {
			ids, err := f.deploy(access.Name)
			failed = err
			for id := range ids {
				before[id] = true
			}
		}
	})
	if failed != nil {
		return nil, failed
	}
	f.done[name] = before
	switch {
	case d.Kind == "var":
		return before, nil
	case d.Kind == "module":
		return before, f.module(d, before)
	case d.Existing:
		_, err := f.place(d)
		return before, err
	}
	r, err := f.resource(d, before)
	if err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", d.Line, d.Name, err)
	}
	f.deployment.resources = append(f.deployment.resources, r)
	f.deployment.tenant.deployed[strings.ToLower(r.ID)] = r
	after := map[string]bool{strings.ToLower(r.ID): true}
	for id := range before {
		after[id] = true
	}
	f.done[name] = after
	return after, nil
}

func (f *frame) resource(d *Declaration, before map[string]bool) (*Resource, error) {
	at, err := f.place(d)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(at.root, f.scope) {
		return nil, fmt.Errorf("it is deployed to %s from a file for %s (BCP139, BCP165)", at.root, f.scope)
	}
	body, reading := map[string]any{}, &reading{before: before}
	for _, p := range d.Value.(*Object).Properties {
		name, ok := p.Key.Literal()
		if !ok {
			return nil, fmt.Errorf("line %d: a key of a resource has a hole (BCP040)", p.Line)
		}
		switch name {
		case "name", "parent", "scope":
		case "dependsOn":
			if err := f.symbols(p.Value); err != nil {
				return nil, err
			}
		default:
			if body[name], err = f.property(name, p.Value, reading); err != nil {
				return nil, fmt.Errorf("line %d: %w", p.Line, err)
			}
		}
	}
	types, version, _ := strings.Cut(d.Target, "@")
	return &Resource{ID: at.id, Type: types, APIVersion: version, File: f.name, Symbol: d.Name, Body: body, After: before, Reads: reading.reads}, nil
}

// symbols checks a dependsOn: an array of resources and modules, each there once.
func (f *frame) symbols(e Expr) error {
	array, ok := e.(Array)
	if !ok {
		return fmt.Errorf("dependsOn is no array (BCP036)")
	}
	seen := map[string]bool{}
	for _, item := range array {
		access, ok := item.(*Access)
		if !ok || access.Call || len(access.Path) > 0 {
			return fmt.Errorf("dependsOn has something else than symbols (BCP034)")
		}
		if d := f.declared[access.Name]; d.Kind != "resource" && d.Kind != "module" || d.Existing {
			return fmt.Errorf("%s is nothing to wait for (BCP034)", access.Name)
		}
		if seen[access.Name] {
			return fmt.Errorf("it waits for %s twice", access.Name)
		}
		seen[access.Name] = true
	}
	return nil
}

// longestName is Azure's limit for the name of a deployment.
const longestName = 64

func (f *frame) module(d *Declaration, before map[string]bool) error {
	body := d.Value.(*Object)
	name, err := f.text(body.Get("name"))
	if err != nil {
		return fmt.Errorf("line %d: the name of %s: %w", d.Line, d.Name, err)
	}
	scope, err := f.scopeOf(body.Get("scope"))
	if err != nil {
		return fmt.Errorf("line %d: the scope of %s: %w", d.Line, d.Name, err)
	}
	unique := strings.ToLower(scope + "|" + name)
	if len(name) > longestName || f.deployment.names[unique] {
		return fmt.Errorf("line %d: the deployment %s is too long or there twice", d.Line, name)
	}
	f.deployment.names[unique] = true
	file := path.Join(path.Dir(f.name), d.Target)
	module, err := parse(f.deployment.files, file)
	if err != nil {
		return err
	}
	parameters := map[string]any{}
	if given, ok := body.Get("params").(*Object); ok {
		for _, p := range given.Properties {
			parameter, _ := p.Key.Literal()
			if parameters[parameter], err = f.eval(p.Value); err != nil {
				return fmt.Errorf("line %d: %w", p.Line, err)
			}
			for _, declared := range module.Declarations {
				if declared.Name == parameter && declared.Secure != f.secret(p.Value) {
					return fmt.Errorf("line %d: %s is a secret on one side alone", p.Line, parameter)
				}
			}
		}
	}
	if dependsOn := body.Get("dependsOn"); dependsOn != nil {
		if err := f.symbols(dependsOn); err != nil {
			return fmt.Errorf("line %d: %s: %w", d.Line, d.Name, err)
		}
	}
	start := len(f.deployment.resources)
	if err := f.deployment.file(file, scope, parameters, before); err != nil {
		return err
	}
	for _, r := range f.deployment.resources[start:] {
		before[strings.ToLower(r.ID)] = true
	}
	return nil
}

// secret says whether an expression has the value of a secret in it.
func (f *frame) secret(e Expr) bool {
	found := false
	Walk(e, func(e Expr) {
		if access, ok := e.(*Access); ok && !access.Call && f.declared[access.Name].Secure {
			found = true
		}
	})
	return found
}
