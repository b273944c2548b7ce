package template

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// place is where in a template an expression stands; it decides which functions it may use.
type place int

const (
	atStart   place = iota // names, conditions, variables: everything must be known at the start
	atDefault              // default values of parameters, which may also use utcNow and newGuid
	atCheck                // bodies before the deployment: what must wait is left alone
	atRuntime              // bodies and outputs while it is deployed
)

// env evaluates the values of a template.
type env struct {
	t     *Template
	at    place
	loops []loopStep
	user  map[string]any // parameters of the user function that is being called
	depth int            // of user functions
}

// loopStep is a step of a copy loop around.
type loopStep struct {
	name  string // lower case
	index int64
}

// errWait is met where a value can be told only while the template is deployed.
var errWait = errors.New("not known before the deployment")

func (t *Template) start() *env     { return &env{t: t, at: atStart} }
func (t *Template) defaults() *env  { return &env{t: t, at: atDefault} }
func (t *Template) preflight() *env { return &env{t: t, at: atCheck} }
func (t *Template) runtime() *env   { return &env{t: t, at: atRuntime} }

// in is the same environment within a step of a loop.
func (e *env) in(name string, index int64) *env {
	inner := *e
	inner.loops = append(append([]loopStep(nil), e.loops...), loopStep{strings.ToLower(name), index})
	return &inner
}

// value evaluates all strings in a value; names of members too, and loops of properties.
func (e *env) value(value any) (any, error) {
	switch v := value.(type) {
	case string:
		return e.text(v)
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			made, err := e.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, made)
		}
		return list, nil
	case map[string]any:
		return e.object(v)
	}
	return value, nil
}

func (e *env) object(members map[string]any) (any, error) {
	made := map[string]any{}
	for name, value := range members {
		key, err := e.key(name)
		if err != nil {
			return nil, err
		}
		if loops, ok := value.([]any); ok && strings.EqualFold(key, "copy") && areLoops(loops) {
			if err := e.expand(loops, made); err != nil {
				return nil, err
			}
			continue
		}
		if made[key], err = e.value(value); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (e *env) key(name string) (string, error) {
	made, err := e.text(name)
	if err != nil {
		return "", err
	}
	key, ok := made.(string)
	if !ok {
		return "", fmt.Errorf("the name of a property must be a string, not of type '%s'", expression.TypeOf(made))
	}
	return key, nil
}

func (e *env) text(text string) (any, error) {
	if !expression.Is(text) {
		return expression.Literally(text), nil
	}
	n, err := expression.Parse(text)
	if err != nil {
		return nil, err
	}
	value, err := (&expression.Env{Function: e.function}).Evaluate(n)
	if err != nil && !errors.Is(err, errWait) {
		return nil, fmt.Errorf("unable to process template language expressions in '%.120s': %w", text, err)
	}
	return value, err
}

// check evaluates everything that is known before the deployment, and reads the rest: errors of
// syntax and unknown functions are found, values that must wait are left alone.
func (e *env) check(value any) error {
	switch v := value.(type) {
	case string:
		_, err := e.text(v)
		if errors.Is(err, errWait) {
			return nil
		}
		return err
	case []any:
		for _, item := range v {
			if err := e.check(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if loops, ok := item.([]any); ok && strings.EqualFold(name, "copy") && areLoops(loops) {
				if err := e.expand(loops, map[string]any{}); err != nil && !errors.Is(err, errWait) {
					return err
				}
				continue
			}
			if err := e.check(name); err != nil {
				return err
			}
			if err := e.check(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// function finds what a template adds to the language.
func (e *env) function(name string) (expression.Function, bool) {
	if strings.Contains(name, ".") {
		return e.userFunction(name), true
	}
	switch name {
	case "parameters":
		return e.callParameters, true
	case "variables":
		return e.callVariables, true
	case "copyindex":
		return e.callCopyIndex, true
	case "utcnow", "newguid":
		if e.at == atDefault {
			return e.callOfDefault(name), true
		}
		return notHere(name), true
	case "reference":
		return e.waiting(name, e.reference), true
	case "references", "pickzones", "providers", "tologicalzone", "tologicalzones", "tophysicalzone", "tophysicalzones", "externalinput":
		return func([]any) (any, error) {
			return nil, fmt.Errorf("the simulator does not have the template function '%s'", name)
		}, true
	case "listkeys", "list", "listsecrets":
		return e.waiting(name, e.listOf(name)), true
	}
	if strings.HasPrefix(name, "list") && !expression.Known(name) {
		return e.waiting(name, e.listOf(name)), true
	}
	if f, ok := e.scopeFunction(name); ok {
		return f, true
	}
	return nil, false
}

// waiting makes a function that is known only while the template is deployed.
func (e *env) waiting(name string, f expression.Function) expression.Function {
	switch e.at {
	case atCheck:
		return func([]any) (any, error) { return nil, errWait }
	case atRuntime:
		return f
	}
	return notHere(name)
}

func notHere(name string) expression.Function {
	return func([]any) (any, error) {
		return nil, fmt.Errorf("the template function '%s' is not expected at this location. Please see https://aka.ms/arm-functions for usage details", name)
	}
}

func one(args []any) (string, error) {
	if len(args) != 1 {
		return "", fmt.Errorf("expects one argument, not '%d'", len(args))
	}
	return expression.String(args, 0)
}

func (e *env) callParameters(args []any) (any, error) {
	name, err := one(args)
	if err != nil {
		return nil, err
	}
	if e.user != nil {
		value, ok := expression.Member(e.user, name)
		if !ok {
			return nil, fmt.Errorf("the function parameter '%s' is not found", name)
		}
		return value, nil
	}
	return e.t.parameter(strings.ToLower(name))
}

func (e *env) callOfDefault(name string) expression.Function {
	return func(args []any) (any, error) {
		if name == "newguid" {
			e.t.unique++
			return expression.GUID(e.t.Unique, fmt.Sprint(e.t.unique)), nil
		}
		if len(args) == 0 {
			return e.t.Now.UTC().Format("20060102T150405Z"), nil
		}
		how, err := one(args)
		if err != nil {
			return nil, err
		}
		return expression.FormatTime(e.t.Now.UTC(), how)
	}
}

// userFunction is one of the template's own, with its namespace.
type userFunction struct {
	parameters []map[string]any
	output     map[string]any
}

const maxUserDepth = 64

func (e *env) userFunction(name string) expression.Function {
	f := e.t.functions[name]
	if f == nil {
		return func([]any) (any, error) { return nil, fmt.Errorf("the template function '%s' is not valid", name) }
	}
	return func(args []any) (any, error) {
		if len(args) != len(f.parameters) {
			return nil, fmt.Errorf("expects '%d' arguments, not '%d'", len(f.parameters), len(args))
		}
		if e.depth > maxUserDepth {
			return nil, errors.New("functions call each other without end")
		}
		inner := &env{t: e.t, at: atStart, user: map[string]any{}, depth: e.depth + 1}
		for i, p := range f.parameters {
			name, _ := p["name"].(string)
			typ, _ := p["type"].(string)
			if err := checkType(typ, args[i]); err != nil {
				return nil, err
			}
			inner.user[name] = args[i]
		}
		value, err := inner.value(f.output["value"])
		if err != nil {
			return nil, err
		}
		typ, _ := f.output["type"].(string)
		return value, checkType(typ, value)
	}
}

func (t *Template) readFunctions() error {
	t.functions = map[string]*userFunction{}
	namespaces, ok := t.member("functions").([]any)
	if !ok && t.member("functions") != nil {
		return malformed("The member 'functions' of the template must be an array")
	}
	for _, raw := range namespaces {
		namespace, _ := raw.(map[string]any)
		name, _ := namespace["namespace"].(string)
		functions, ok := namespace["members"].(map[string]any)
		if name == "" || !ok {
			return malformed("A namespace of functions needs 'namespace' and 'members'")
		}
		for member, raw := range functions {
			definition, _ := raw.(map[string]any)
			f := &userFunction{}
			f.output, ok = definition["output"].(map[string]any)
			if !ok {
				return malformed("The function '%s.%s' has no output", name, member)
			}
			parameters, _ := definition["parameters"].([]any)
			for _, p := range parameters {
				parameter, _ := p.(map[string]any)
				f.parameters = append(f.parameters, maps.Clone(parameter))
			}
			t.functions[strings.ToLower(name+"."+member)] = f
		}
	}
	return nil
}

// known evaluates what is known, and leaves the rest as it is.
func (e *env) known(value any) any {
	if made, err := e.value(value); err == nil {
		return made
	}
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = e.known(item)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, item := range v {
			object[name] = e.known(item)
		}
		return object
	}
	return value
}
