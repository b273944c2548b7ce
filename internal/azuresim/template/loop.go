package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// areLoops says whether the member "copy" of an object holds loops, and not something of the
// resource's own that is named so.
func areLoops(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(item any) bool {
		loop, ok := item.(map[string]any)
		_, hasCount := loop["count"]
		_, hasInput := loop["input"]
		return !ok || !hasCount || !hasInput
	})
}

// maxLoopSteps bounds the steps of the loops of properties, variables and outputs of a template.
const maxLoopSteps = 500000

// expand evaluates loops into members of an object.
func (e *env) expand(loops []any, into map[string]any) error {
	for _, item := range loops {
		loop, _ := item.(map[string]any) // areLoops has seen to it
		name, ok := loop["name"].(string)
		if !ok {
			return fmt.Errorf("a copy loop of properties needs a name")
		}
		list, err := e.loop(loop, name)
		if err != nil {
			return err
		}
		into[name] = list
	}
	return nil
}

// loop evaluates the input of a loop as often as it counts.
func (e *env) loop(loop map[string]any, name string) (any, error) {
	n, err := e.count(loop["count"])
	if err != nil {
		return nil, err
	}
	list := []any{}
	for i := range n {
		if e.t.steps.Add(1) > maxLoopSteps {
			return nil, fmt.Errorf("the copy loops of the template have more than '%d' steps", maxLoopSteps)
		}
		made, err := e.in(name, i).value(loop["input"])
		if err != nil {
			return nil, err
		}
		list = append(list, made)
	}
	return list, nil
}

// count evaluates the count of a loop.
func (e *env) count(raw any) (int64, error) {
	value, err := e.value(raw)
	if err != nil {
		return 0, err
	}
	n, ok := expression.Integer(value)
	if !ok || n < 0 || n > maxResources {
		return 0, fmt.Errorf("the copy count '%v' is not valid: it must be an integer from 0 to %d. Please see https://aka.ms/arm-resource-loops for usage details", value, maxResources)
	}
	return n, nil
}

func (e *env) callCopyIndex(args []any) (any, error) {
	name, offset := "", int64(0)
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			if i == 0 {
				name = strings.ToLower(v)
				continue
			}
		case int64:
			if i == len(args)-1 {
				offset = v
				continue
			}
		}
		return nil, fmt.Errorf("expects the name of a loop and an offset, not '%v'", arg)
	}
	for i := len(e.loops) - 1; i >= 0; i-- {
		if name == "" || e.loops[i].name == name {
			return e.loops[i].index + offset, nil
		}
	}
	return nil, fmt.Errorf("is not expected at this location: there is no loop '%s' around it. Please see https://aka.ms/arm-resource-loops for usage details", name)
}

// variable is a variable, evaluated when it is first used.
type variable struct {
	raw   any
	loop  map[string]any // of a variable that is one, in place of raw
	value any
	state progress
}

func (t *Template) readVariables() error {
	section, err := t.section("variables")
	if err != nil {
		return err
	}
	t.variables = map[string]*variable{}
	for name, raw := range section {
		if loops, ok := raw.([]any); ok && strings.EqualFold(name, "copy") && areLoops(loops) {
			for _, item := range loops {
				loop, _ := item.(map[string]any)
				name, _ := loop["name"].(string)
				t.variables[strings.ToLower(name)] = &variable{loop: loop}
			}
			continue
		}
		t.variables[strings.ToLower(name)] = &variable{raw: raw}
	}
	if len(t.variables) > maxVariables {
		return invalid("The number of template variables limit exceeded. Limit: '%d' and actual: '%d'.", maxVariables, len(t.variables))
	}
	for _, name := range slices.Sorted(maps.Keys(t.variables)) {
		if _, err := t.variable(name); err != nil {
			return invalid("The template variable '%s' is not valid: %v. Please see https://aka.ms/arm-functions for usage details.", name, err)
		}
	}
	return nil
}

func (t *Template) variable(name string) (any, error) {
	v := t.variables[name]
	switch {
	case v == nil:
		return nil, fmt.Errorf("the template variable '%s' is not found. Please see https://aka.ms/arm-template/#variables for usage details", name)
	case v.state == evaluated:
		return v.value, nil
	case v.state == evaluating:
		return nil, fmt.Errorf("circular dependencies detected when resolving the variable '%s'", name)
	}
	v.state = evaluating
	var err error
	if v.loop != nil {
		name, _ := v.loop["name"].(string)
		v.value, err = t.start().loop(v.loop, name)
	} else {
		v.value, err = t.start().value(v.raw)
	}
	if err != nil {
		return nil, err
	}
	v.state = evaluated
	return v.value, nil
}

func (e *env) callVariables(args []any) (any, error) {
	name, err := one(args)
	if err != nil {
		return nil, err
	}
	if e.user != nil {
		return nil, fmt.Errorf("is not expected in a function of the template")
	}
	return e.t.variable(strings.ToLower(name))
}
