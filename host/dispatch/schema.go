package dispatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Schema is the part of JSON Schema (draft 2020-12) that settings need. Keywords beyond it are the
// backend's own to check, in Configure.
type Schema struct {
	Type                 typeNames          `json:"type"`
	Description          string             `json:"description"`
	Default              any                `json:"default"`
	Enum                 []any              `json:"enum"`
	Properties           map[string]*Schema `json:"properties"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	Required             []string           `json:"required"`
	Items                *Schema            `json:"items"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
	MinLength            *int               `json:"minLength"`
	Pattern              string             `json:"pattern"`
	WriteOnly            bool               `json:"writeOnly"` // secret
}

// typeNames is one type or several.
type typeNames []string

// UnmarshalJSON takes a name or a list of names.
func (t *typeNames) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = typeNames{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// ParseSchema reads the schema of a backend's settings. An empty one takes no settings.
func ParseSchema(raw json.RawMessage) (*Schema, error) {
	if len(raw) == 0 {
		return &Schema{AdditionalProperties: json.RawMessage("false")}, nil
	}
	var s Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fault.New(fault.BackendIncompatible, "the schema of the backend's settings is no JSON Schema",
			fault.Because(err), fault.From(fault.OriginBackend))
	}
	return &s, nil
}

// CheckSettings compares a backend's section of the configuration with its schema. It answers every
// problem at once, as fault.ConfigInvalid with the keys of the user's file; values of secrets do not
// appear.
func CheckSettings(name string, raw json.RawMessage, settings backend.Settings) error {
	schema, err := ParseSchema(raw)
	if err != nil {
		return err
	}
	problems := schema.check("", map[string]any(settings))
	if len(problems) == 0 {
		return nil
	}
	for i := range problems {
		problems[i].Key = settingKey(name, problems[i].Key)
	}
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the settings of backend %s are wrong", name), fault.Problems(problems...),
		fault.Hint("atg backend info %s lists its settings", name), fault.On(name), fault.From(fault.OriginHost))
}

func (s *Schema) check(key string, value any) []fault.Problem {
	value = normal(value)
	if len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(t string) bool { return isA(value, t) }) {
		return []fault.Problem{{Key: key, Message: "must be " + article(s.Type) + s.not(value)}}
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return reflect.DeepEqual(normal(e), value) }) {
		names := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			names[i] = fmt.Sprint(e)
		}
		problem := fault.Problem{Key: key, Message: "must be one of " + strings.Join(names, ", ") + s.not(value)}
		if text, ok := value.(string); ok && !s.WriteOnly {
			problem.Hint = didYouMean(text, names)
		}
		return []fault.Problem{problem}
	}
	var problems []fault.Problem
	complain := func(format string, args ...any) {
		problems = append(problems, fault.Problem{Key: key, Message: fmt.Sprintf(format, args...) + s.not(value)})
	}
	switch v := value.(type) {
	case float64:
		if s.Minimum != nil && v < *s.Minimum {
			complain("must be at least %v", *s.Minimum)
		}
		if s.Maximum != nil && v > *s.Maximum {
			complain("must be at most %v", *s.Maximum)
		}
	case string:
		if s.MinLength != nil && len([]rune(v)) < *s.MinLength {
			complain("must not be shorter than %d characters", *s.MinLength)
		}
		if s.Pattern != "" {
			if re, err := regexp.Compile(s.Pattern); err == nil && !re.MatchString(v) {
				complain("must look like %s", s.Pattern)
			}
		}
	case []any:
		if s.Items != nil {
			for i, item := range v {
				problems = append(problems, s.Items.check(fmt.Sprintf("%s[%d]", key, i), item)...)
			}
		}
	case map[string]any:
		problems = append(problems, s.checkObject(key, v)...)
	}
	return problems
}

func (s *Schema) checkObject(key string, object map[string]any) []fault.Problem {
	var problems []fault.Problem
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if property, ok := s.Properties[name]; ok {
			problems = append(problems, property.check(join(key, name), object[name])...)
		} else if string(s.AdditionalProperties) == "false" {
			known := slices.Sorted(maps.Keys(s.Properties))
			hint := didYouMean(name, known)
			if hint == "" && len(known) == 0 {
				hint = "it takes none"
			}
			problems = append(problems, fault.Problem{Key: join(key, name), Message: "unknown setting", Hint: hint})
		}
	}
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			problems = append(problems, fault.Problem{Key: join(key, name), Message: "is required"})
		}
	}
	return problems
}

// not shows the wrong value, unless it is a secret.
func (s *Schema) not(value any) string {
	if s.WriteOnly {
		return ""
	}
	b, err := json.Marshal(value)
	if err != nil || len(b) > 100 {
		return ""
	}
	return ", not " + string(b)
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// normal is a value as JSON would decode it, whichever Go type configuration gave it.
func normal(value any) any {
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
		if m, ok := value.(map[string]any); ok && m != nil {
			return m
		}
		return map[string]any{}
	default:
		return value
	}
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

func article(types []string) string {
	names := make([]string, len(types))
	for i, t := range types {
		switch t {
		case "integer":
			names[i] = "a whole number"
		case "string":
			names[i] = "a text"
		case "boolean":
			names[i] = "true or false"
		case "array":
			names[i] = "a list"
		case "object":
			names[i] = "a group of settings"
		default:
			names[i] = "a " + t
		}
	}
	return strings.Join(names, " or ")
}

// didYouMean names the nearest known name, if one is near.
func didYouMean(name string, known []string) string {
	best, least := "", len(name)/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// distance is how many letters must be changed, added, left out or swapped with the next (restricted
// Damerau-Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
