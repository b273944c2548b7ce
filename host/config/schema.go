package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// CheckSettings compares a backend's section with the JSON Schema that the backend published. It
// answers every problem at once, as fault.ConfigInvalid with the keys that the user knows them by and
// where their values came from.
func (c *Config) CheckSettings(name string, schema json.RawMessage) error {
	problems := Validate(schema, c.Settings(name))
	if len(problems) == 0 {
		return nil
	}
	for i := range problems {
		key := "backends." + name + ".settings." + problems[i].Key
		problems[i].Key = key
		if source := c.merged.Source(key); source != "" {
			problems[i].Message += fmt.Sprintf(" (from %s)", source)
		}
	}
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the settings of the backend %q are wrong", name), fault.Problems(problems...),
		fault.Hint("atg backend info %s lists its settings", name))
}

// Validate compares settings with a JSON Schema (draft 2020-12). The problems' keys are those of the
// settings; values do not appear: they may be secrets. An empty schema takes no settings.
func Validate(schema json.RawMessage, settings backend.Settings) []fault.Problem {
	if len(schema) == 0 {
		var problems []fault.Problem
		for _, name := range settings.Names() {
			problems = append(problems, fault.Problem{Key: name, Message: "this backend takes no settings"})
		}
		return problems
	}
	compiled, err := compile(schema)
	if err != nil {
		return []fault.Problem{{Message: "the schema that the backend published cannot be used: " + err.Error()}}
	}
	content, err := json.Marshal(map[string]any(settings))
	if err != nil {
		return []fault.Problem{{Message: "the settings are no JSON: " + err.Error()}}
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return []fault.Problem{{Message: "the settings are no JSON: " + err.Error()}}
	}
	if settings == nil {
		instance = map[string]any{}
	}
	invalid, ok := compiled.Validate(instance).(*jsonschema.ValidationError) //nolint:errorlint // it answers this type alone
	if !ok {
		return nil
	}
	problems := problemsOf(invalid, known(schema))
	slices.SortStableFunc(problems, func(a, b fault.Problem) int { return strings.Compare(a.Key, b.Key) })
	return problems
}

func compile(schema json.RawMessage) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{}) // a backend's schema makes atg fetch nothing
	compiler.AssertFormat()
	if err := compiler.AddResource("backend.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("backend.json")
}

// known are the names of the settings that a schema has.
func known(schema json.RawMessage) []string {
	var parsed struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(schema, &parsed) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(parsed.Properties))
}

// problemsOf are the leaves of a tree of violations: they say what is wrong, the nodes above only where.
func problemsOf(e *jsonschema.ValidationError, names []string) []fault.Problem {
	if len(e.Causes) > 0 {
		var problems []fault.Problem
		for _, cause := range e.Causes {
			problems = append(problems, problemsOf(cause, names)...)
		}
		return problems
	}
	key := strings.Join(e.InstanceLocation, ".")
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		var problems []fault.Problem
		for _, name := range k.Properties {
			p := fault.Problem{Key: strings.TrimPrefix(key+"."+name, "."), Message: "unknown setting", Hint: "known settings are " + strings.Join(names, ", ")}
			if near := conf.Nearest(name, names); near != "" {
				p.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			problems = append(problems, p)
		}
		return problems
	case *kind.Required:
		return []fault.Problem{{Key: key, Message: "lacks " + strings.Join(k.Missing, ", ")}}
	case *kind.Type:
		return []fault.Problem{{Key: key, Message: fmt.Sprintf("must be of type %s, but is of type %s", strings.Join(k.Want, " or "), k.Got)}}
	case *kind.Enum:
		return []fault.Problem{{Key: key, Message: "is none of the possible values", Hint: fmt.Sprintf("one of %v", k.Want)}}
	case *kind.Minimum:
		return []fault.Problem{{Key: key, Message: "is too small: the least is " + k.Want.RatString()}}
	case *kind.Maximum:
		return []fault.Problem{{Key: key, Message: "is too large: the most is " + k.Want.RatString()}}
	case *kind.Pattern:
		return []fault.Problem{{Key: key, Message: "does not match " + k.Want}}
	case *kind.Format:
		return []fault.Problem{{Key: key, Message: "is not of the format " + k.Want}}
	}
	return []fault.Problem{{Key: key, Message: "breaks the rule " + strings.Join(e.ErrorKind.KeywordPath(), "/") + " of the backend's schema"}}
}
