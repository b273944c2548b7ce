package conf

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Position is where a key stands in a file; zero is unknown.
type Position struct{ Line, Column int }

// Check compares values with the struct that target points to, and answers everything that is wrong:
// unknown keys, each with the nearest known one, and values of another type. at says where a key
// stands; it may be nil.
func Check(values map[string]any, target any, at func(key string) Position) []fault.Problem {
	c := checker{at: at}
	if at == nil {
		c.at = func(string) Position { return Position{} }
	}
	c.structure("", values, reflect.TypeOf(target).Elem())
	return c.problems
}

type checker struct {
	at       func(string) Position
	problems []fault.Problem
}

func (c *checker) problem(key, message, hint string) {
	where := c.at(key)
	c.problems = append(c.problems, fault.Problem{Key: key, Message: message, Hint: hint, Line: where.Line, Column: where.Column})
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + delimiter + name
}

func (c *checker) structure(prefix string, values map[string]any, t reflect.Type) {
	fields := fieldsOf(t)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key := join(prefix, name)
		field, ok := fields[name]
		if !ok {
			hint := "known keys are " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
			if near := nearest.To(name, slices.Sorted(maps.Keys(fields))); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			c.problem(key, "unknown key", hint)
			continue
		}
		c.value(key, values[name], field)
	}
}

// fieldsOf are the keys of a struct, those of embedded structs among them.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("koanf"), ",")
		switch {
		case f.Anonymous:
			maps.Copy(fields, fieldsOf(f.Type))
		case name != "":
			fields[name] = f.Type
		}
	}
	return fields
}

func (c *checker) value(key string, value any, t reflect.Type) {
	if value == nil { // "key:" without a value is as good as absent
		return
	}
	if t == durationType {
		if _, err := toDuration(value); err != nil {
			c.problem(key, err.Error(), "")
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		c.value(key, value, t.Elem())
	case reflect.Interface:
	case reflect.Struct, reflect.Map:
		nested, ok := value.(map[string]any)
		switch {
		case !ok:
			c.wrong(key, value, "a mapping of names to values")
		case t.Kind() == reflect.Struct:
			c.structure(key, nested, t)
		default:
			for _, name := range slices.Sorted(maps.Keys(nested)) {
				c.value(join(key, name), nested[name], t.Elem())
			}
		}
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			c.wrong(key, value, "a list")
			return
		}
		for _, item := range items {
			c.value(key, item, t.Elem())
		}
	case reflect.String:
		if _, ok := value.(string); !ok {
			c.wrong(key, value, aText)
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			c.wrong(key, value, "true or false")
		}
	case reflect.Int, reflect.Int64:
		if _, ok := value.(int); !ok {
			c.wrong(key, value, "a whole number")
		}
	case reflect.Float64:
		switch value.(type) {
		case int, float64:
		default:
			c.wrong(key, value, "a number")
		}
	default:
		panic(fmt.Sprintf("conf: a field of type %s cannot be configured", t))
	}
}

const aText = "a text"

// wrong says what a value is and what it should be, without repeating it: it may be a secret.
func (c *checker) wrong(key string, value any, want string) {
	hint := ""
	switch value.(type) {
	case bool, int, float64:
		if want == aText {
			hint = "put it in quotes"
		}
	}
	c.problem(key, fmt.Sprintf("must be %s, but is %s", want, kindOf(value)), hint)
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprintf("a %T", value)
}
