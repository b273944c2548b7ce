package biceptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// frame is a file while it is deployed.
type frame struct {
	deployment  *deployment
	name        string
	file        *File
	scope       string
	declared    map[string]*Declaration
	parameters  map[string]any
	environment map[string]string          // of a .bicepparam
	after       map[string]bool            // ids that the whole file waits for
	reading     *reading                   // of the resource whose property is worked out, where others' may stand in it
	places      map[string]*place          // of resources by symbol
	done        map[string]map[string]bool // ids by symbol: what was deployed, and all before it
}

// place is where a resource is.
type place struct {
	id    string
	root  string // the scope that it, or what it hangs below, is deployed to
	types []string
}

// place works out the id of a resource.
func (f *frame) place(d *Declaration) (*place, error) {
	if at := f.places[d.Name]; at != nil {
		return at, nil
	}
	target, version, ok := strings.Cut(d.Target, "@")
	types := strings.Split(target, "/")
	if !ok || version == "" || len(types) < 2 {
		return nil, fmt.Errorf("%q is no type and version (BCP029)", d.Target)
	}
	body := d.Value.(*Object)
	name, err := f.text(body.Get("name"))
	if err != nil {
		return nil, fmt.Errorf("the name: %w", err)
	}
	names := strings.Split(name, "/")
	at := &place{types: types, root: f.scope}
	if parent := body.Get("parent"); parent != nil {
		above, err := f.symbol(parent)
		if err != nil {
			return nil, err
		}
		if body.Get("scope") != nil {
			return nil, errors.New("a child has the scope of its parent (BCP164)")
		}
		if len(names) != 1 || len(types) != len(above.types)+1 || !strings.EqualFold(strings.Join(types[:len(above.types)], "/"), strings.Join(above.types, "/")) {
			return nil, fmt.Errorf("%s with the name %q is no child of %s (BCP036, BCP170)", target, name, strings.Join(above.types, "/"))
		}
		at.root, at.id = above.root, above.id+"/"+types[len(types)-1]+"/"+name
	} else {
		if len(names) != len(types)-1 {
			return nil, fmt.Errorf("%s takes %d names, not %q (BCP169)", target, len(types)-1, name)
		}
		scope := f.scope
		if e := body.Get("scope"); e != nil {
			if scope, err = f.scopeOf(e); err != nil {
				return nil, fmt.Errorf("the scope: %w", err)
			}
			at.root = scope
			if above, err := f.symbol(e); err == nil && kindOf(above.id) == "resource" {
				at.root = above.root
			}
		}
		at.id = idBelow(scope, types, names)
	}
	f.places[d.Name] = at
	return at, nil
}

func idBelow(scope string, types, names []string) string {
	if len(types) == 2 && strings.EqualFold(types[0], "Microsoft.Resources") && strings.EqualFold(types[1], "resourceGroups") {
		return scope + "/resourceGroups/" + names[0]
	}
	id := strings.TrimSuffix(scope, "/") + "/providers/" + types[0]
	for i, name := range names {
		id += "/" + types[i+1] + "/" + name
	}
	return id
}

// symbol is the place of a resource that an expression is the symbol of.
func (f *frame) symbol(e Expr) (*place, error) {
	access, ok := e.(*Access)
	if !ok || access.Call || len(access.Path) > 0 || f.declared[access.Name] == nil || f.declared[access.Name].Kind != "resource" {
		return nil, errors.New("it is no resource (BCP240)")
	}
	return f.place(f.declared[access.Name])
}

// scopeOf is the id of a scope: of a resource's symbol, or of one of the functions for scopes.
func (f *frame) scopeOf(e Expr) (string, error) {
	if at, err := f.symbol(e); err == nil {
		return at.id, nil
	}
	access, ok := e.(*Access)
	if !ok || !access.Call || len(access.Path) > 0 {
		return "", errors.New("it is no scope (BCP036)")
	}
	args := make([]string, len(access.Args))
	for i, arg := range access.Args {
		var err error
		if args[i], err = f.text(arg); err != nil {
			return "", err
		}
	}
	subscription := strings.Split(f.scope, "/")
	switch {
	case access.Name == "tenant" && len(args) == 0:
		return "/", nil
	case access.Name == "managementGroup" && len(args) == 1:
		return "/providers/Microsoft.Management/managementGroups/" + args[0], nil
	case access.Name == "subscription" && len(args) == 1:
		return "/subscriptions/" + args[0], nil
	case access.Name == "resourceGroup" && len(args) == 2:
		return "/subscriptions/" + args[0] + "/resourceGroups/" + args[1], nil
	case len(subscription) < 3 || subscription[1] != "subscriptions":
	case access.Name == "subscription" && len(args) == 0:
		return "/subscriptions/" + subscription[2], nil
	case access.Name == "resourceGroup" && len(args) == 1:
		return "/subscriptions/" + subscription[2] + "/resourceGroups/" + args[0], nil
	}
	return "", fmt.Errorf("%s with %d arguments is no scope here (BCP071)", access.Name, len(args))
}

func (f *frame) text(e Expr) (string, error) {
	value, err := f.eval(e)
	if err != nil {
		return "", err
	}
	text, ok := value.(string)
	if !ok || text == "" {
		return "", fmt.Errorf("expected a text, found %v (BCP036)", value)
	}
	return text, nil
}

// eval is the value of an expression.
func (f *frame) eval(e Expr) (any, error) {
	switch e := e.(type) {
	case Null, nil:
		return nil, nil
	case Bool:
		return bool(e), nil
	case Int:
		return json.Number(strconv.FormatInt(int64(e), 10)), nil
	case *Text:
		return f.interpolate(e)
	case Array:
		values := make([]any, len(e))
		for i, item := range e {
			var err error
			if values[i], err = f.eval(item); err != nil {
				return nil, err
			}
		}
		return values, nil
	case *Object:
		values := map[string]any{}
		for _, p := range e.Properties {
			reading := f.reading
			f.reading = nil // a key has to be known from the start
			key, err := f.interpolate(p.Key)
			f.reading = reading
			if err != nil {
				return nil, err
			}
			if _, twice := values[key]; twice {
				return nil, fmt.Errorf("line %d: the key %q is there twice", p.Line, key)
			}
			if values[key], err = f.eval(p.Value); err != nil {
				return nil, err
			}
		}
		return values, nil
	case *Access:
		if e.Call {
			return f.call(e)
		}
		return f.access(e)
	}
	return nil, fmt.Errorf("%T is no expression", e)
}

func (f *frame) interpolate(t *Text) (string, error) {
	var b strings.Builder
	for _, piece := range t.Pieces {
		if literal, ok := piece.(string); ok {
			b.WriteString(literal)
			continue
		}
		value, err := f.eval(piece)
		if err != nil {
			return "", err
		}
		text, ok := value.(string)
		if !ok {
			return "", fmt.Errorf("a %T stands in a string", value)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (f *frame) access(e *Access) (any, error) {
	d := f.declared[e.Name]
	if d == nil {
		return nil, fmt.Errorf("line %d: nobody declares %s (BCP057)", e.Line, e.Name)
	}
	switch d.Kind {
	case "resource":
		if len(e.Path) == 1 && e.Path[0] == "id" {
			at, err := f.place(d)
			if err != nil {
				return nil, err
			}
			return at.id, nil
		}
		return f.read(d, e)
	case "param", "var":
		value := f.parameters[e.Name]
		if d.Kind == "var" {
			var err error
			if value, err = f.eval(d.Value); err != nil {
				return nil, err
			}
		}
		for _, name := range e.Path {
			object, isObject := value.(map[string]any)
			member, ok := object[name]
			if !isObject || !ok {
				return nil, fmt.Errorf("line %d: %s has no %s (BCP053)", e.Line, e.Name, name)
			}
			value = member
		}
		return value, nil
	}
	return nil, fmt.Errorf("line %d: the module %s is no value (BCP062)", e.Line, e.Name)
}

func (f *frame) call(e *Access) (any, error) {
	switch {
	case e.Name == "json" && len(e.Args) == 1 && len(e.Path) == 0:
		text, err := f.text(e.Args[0])
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil || decoder.More() {
			return nil, fmt.Errorf("line %d: %q is no JSON (BCP186)", e.Line, text)
		}
		return value, nil
	case e.Name == "subscription" && len(e.Args) == 0 && len(e.Path) == 1 && e.Path[0] == "subscriptionId":
		id, err := f.scopeOf(&Access{Name: "subscription", Call: true})
		return strings.TrimPrefix(id, "/subscriptions/"), err
	case e.Name == "readEnvironmentVariable" && (len(e.Args) == 1 || len(e.Args) == 2) && f.environment != nil:
		name, err := f.text(e.Args[0])
		if err != nil {
			return nil, err
		}
		value, ok := f.environment[name]
		if !ok && len(e.Args) == 2 {
			return f.eval(e.Args[1])
		}
		if !ok {
			return nil, fmt.Errorf("line %d: the environment has no %s (BCP338)", e.Line, name)
		}
		return value, nil
	}
	return nil, fmt.Errorf("line %d: %s is no value here", e.Line, e.Name)
}
