package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// validator compares values with the schemas of one document.
type validator struct{ root *schema }

// check answers everything that is wrong with a value. The values of what is hidden do not appear.
func (v validator) check(s *schema, key string, value any, hidden bool, depth int) (problems []fault.Problem) {
	marked := s != nil && s.WriteOnly
	if s = v.root.resolve(s); s == nil || depth > maxDepth {
		return nil
	}
	hidden = hidden || marked || s.WriteOnly
	complain := func(format string, args ...any) {
		problems = append(problems, fault.Problem{Key: key, Message: fmt.Sprintf(format, args...) + not(value, hidden)})
	}
	if s.never {
		return []fault.Problem{{Key: key, Message: "is not taken"}}
	}
	if len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(t string) bool { return isA(value, t) }) {
		complain("must be %s", article(s.Type))
		return problems
	}
	accepted := s.Enum
	if s.Const != nil {
		accepted = []any{*s.Const}
	}
	if len(accepted) > 0 && !slices.ContainsFunc(accepted, func(a any) bool { return reflect.DeepEqual(normal(a), value) }) {
		complain("must be %s", choices(accepted))
		if text, ok := value.(string); ok && !hidden {
			problems[0].Hint = didYouMean(text, texts(accepted))
		}
		return problems
	}
	switch value := value.(type) {
	case float64:
		checkNumber(s, value, complain)
	case string:
		checkText(s, value, complain)
	case []any:
		checkLength(s.MinItems, s.MaxItems, len(value), "items", complain)
		for i, item := range value {
			problems = append(problems, v.check(s.Items, fmt.Sprintf("%s[%d]", key, i), item, hidden, depth+1)...)
		}
	case map[string]any:
		problems = append(problems, v.checkObject(s, key, value, hidden, depth)...)
	}
	for _, each := range s.AllOf {
		problems = append(problems, v.check(each, key, value, hidden, depth+1)...)
	}
	for _, forms := range [][]*schema{s.AnyOf, s.OneOf} {
		problems = append(problems, v.nearestForm(forms, key, value, hidden, depth)...)
	}
	return problems
}

// nearestForm is what is wrong with the value in the form that it comes nearest to; nothing if it fits one.
func (v validator) nearestForm(forms []*schema, key string, value any, hidden bool, depth int) []fault.Problem {
	var least []fault.Problem
	for i, form := range forms {
		problems := v.check(form, key, value, hidden, depth+1)
		if len(problems) == 0 {
			return nil
		}
		if i == 0 || len(problems) < len(least) {
			least = problems
		}
	}
	return least
}

func (v validator) checkObject(s *schema, key string, object map[string]any, hidden bool, depth int) (problems []fault.Problem) {
	within := func(name string) string {
		if key == "" {
			return name
		}
		return key + "." + name
	}
	known := slices.Sorted(maps.Keys(s.Properties))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch property := s.Properties[name]; {
		case property != nil:
			problems = append(problems, v.check(property, within(name), object[name], hidden, depth+1)...)
		case s.AdditionalProperties == nil:
		case s.AdditionalProperties.never:
			hint := didYouMean(name, known)
			if len(known) == 0 {
				hint = "it takes none"
			}
			problems = append(problems, fault.Problem{Key: within(name), Message: "unknown setting", Hint: hint})
		default:
			problems = append(problems, v.check(s.AdditionalProperties, within(name), object[name], hidden, depth+1)...)
		}
	}
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			problems = append(problems, fault.Problem{Key: within(name), Message: "is required"})
		}
	}
	return problems
}

func checkNumber(s *schema, n float64, complain func(string, ...any)) {
	switch {
	case s.Minimum != nil && n < *s.Minimum:
		complain("must be at least %v", *s.Minimum)
	case s.Maximum != nil && n > *s.Maximum:
		complain("must be at most %v", *s.Maximum)
	case s.ExclusiveMinimum != nil && n <= *s.ExclusiveMinimum:
		complain("must be more than %v", *s.ExclusiveMinimum)
	case s.ExclusiveMaximum != nil && n >= *s.ExclusiveMaximum:
		complain("must be less than %v", *s.ExclusiveMaximum)
	}
}

func checkText(s *schema, text string, complain func(string, ...any)) {
	checkLength(s.MinLength, s.MaxLength, utf8.RuneCountInString(text), "characters", complain)
	if s.Pattern == "" {
		return
	}
	// what is no pattern here, but is one in ECMA 262, is left to the backend
	if re, err := regexp.Compile(s.Pattern); err == nil && !re.MatchString(text) {
		complain("must look like %s", s.Pattern)
	}
}

func checkLength(least, most *int, n int, what string, complain func(string, ...any)) {
	switch {
	case least != nil && n < *least:
		complain("must have at least %d %s", *least, what)
	case most != nil && n > *most:
		complain("must have at most %d %s", *most, what)
	}
}

// not shows a wrong number or truth value. Texts do not appear, whatever the schema says of them: people
// put keys into the wrong setting.
func not(value any, hidden bool) string {
	switch value.(type) {
	case float64, bool:
		if !hidden {
			return fmt.Sprintf(", not %v", value)
		}
	}
	return ""
}

// normal is a value as JSON would decode it, whichever Go type configuration gave it.
func normal(value any) any {
	if s, ok := value.(secret.String); ok {
		return s.Reveal()
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return float64(v.Uint())
	case reflect.Float32:
		return v.Float()
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = normal(v.Index(i).Interface())
		}
		return list
	case reflect.Map:
		object := make(map[string]any, v.Len())
		for key, item := range v.Seq2() {
			object[key.String()] = normal(item.Interface())
		}
		return object
	}
	return value
}

func isA(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

// article names types to people: a text or a number.
func article(types []string) string {
	spoken := map[string]string{
		"integer": "a whole number", "string": "a text", "boolean": "true or false", "array": "a list", "object": "a group of settings",
	}
	out := make([]string, len(types))
	for i, t := range types {
		if out[i] = spoken[t]; out[i] == "" {
			out[i] = "a " + t
		}
	}
	return strings.Join(out, " or ")
}

func choices(accepted []any) string {
	if len(accepted) == 1 {
		return fmt.Sprint(accepted[0])
	}
	return "one of " + strings.Join(texts(accepted), ", ")
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// didYouMean names the nearest known name, if one is near.
func didYouMean(name string, known []string) string {
	if near := nearest.To(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
