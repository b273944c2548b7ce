package expression

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A value is nil, a bool, an int64, a json.Number with a fraction or exponent, a string, a []any
// or a map[string]any. Values that have been handed to another must not change.

// Member is a member of an object, whose names are taken in any case where none fits as it is.
func Member(object map[string]any, name string) (any, bool) {
	if value, ok := object[name]; ok {
		return value, true
	}
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

// TypeOf is a value's type as messages and parameters name it.
func TypeOf(value any) string {
	switch value.(type) {
	case nil:
		return "Null"
	case bool:
		return "Boolean"
	case int64:
		return "Integer"
	case json.Number:
		return "Float"
	case string:
		return "String"
	case []any:
		return "Array"
	}
	return "Object"
}

// Text is a value as concat, format and string write it: strings as they are, the others as JSON.
func Text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case nil:
		return ""
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return encoded(value)
}

// encoded is a value as JSON, the members of objects by name.
func encoded(value any) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(buffer.String(), "\n")
}

// Equal compares values deeply. Strings are compared with their case, names of members without.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Equal)
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, value := range x {
			if other, ok := Member(y, name); !ok || !Equal(value, other) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// access is a property of an object or an element of an array; safe makes it null where there is
// none.
func access(of, key any, safe bool) (any, error) {
	switch v := of.(type) {
	case map[string]any:
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("the property of an object must be a string, not of type '%s'", TypeOf(key))
		}
		if value, ok := Member(v, name); ok {
			return value, nil
		}
		if safe {
			return nil, nil
		}
		names := make([]string, 0, len(v))
		for known := range v {
			names = append(names, known)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("the language expression property '%s' doesn't exist, available properties are '%s'", name, strings.Join(names, ", "))
	case []any:
		i, ok := key.(int64)
		if !ok {
			return nil, fmt.Errorf("the array index must be an integer, not of type '%s'", TypeOf(key))
		}
		if i >= 0 && i < int64(len(v)) {
			return v[i], nil
		}
		if safe {
			return nil, nil
		}
		return nil, fmt.Errorf("the language expression property array index '%d' is out of bounds", i)
	}
	if safe && of == nil {
		return nil, nil
	}
	return nil, fmt.Errorf("the language expression property '%v' can't be evaluated, property type is '%s'", key, TypeOf(of))
}

// Integer reads an int64 from a value that may be written as a float without a fraction.
func Integer(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case json.Number:
		if f, err := v.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f), true
		}
	}
	return 0, false
}
