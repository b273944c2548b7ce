package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// schema is the part of JSON Schema (draft 2020-12) that settings need. Keywords beyond it are the
// backend's own to check, in Configure. A complete validator costs each start of atg milliseconds
// before main, which is why none is used.
type schema struct {
	never bool // the schema false

	Ref                  string             `json:"$ref"`
	Defs                 map[string]*schema `json:"$defs"`
	Type                 names              `json:"type"`
	Enum                 []any              `json:"enum"`
	Const                *any               `json:"const"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	Required             []string           `json:"required"`
	Items                *schema            `json:"items"`
	MinItems             *int               `json:"minItems"`
	MaxItems             *int               `json:"maxItems"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
	ExclusiveMinimum     *float64           `json:"exclusiveMinimum"`
	ExclusiveMaximum     *float64           `json:"exclusiveMaximum"`
	MinLength            *int               `json:"minLength"`
	MaxLength            *int               `json:"maxLength"`
	Pattern              string             `json:"pattern"`
	AllOf                []*schema          `json:"allOf"`
	AnyOf                []*schema          `json:"anyOf"`
	OneOf                []*schema          `json:"oneOf"`
	WriteOnly            bool               `json:"writeOnly"` // secret
}

// UnmarshalJSON reads a schema, which may also be true (anything) or false (nothing).
func (s *schema) UnmarshalJSON(b []byte) error {
	switch text := string(b); text {
	case "true", "false", "null":
		*s = schema{never: text != "true"}
		return nil
	}
	type plain schema
	return json.Unmarshal(b, (*plain)(s))
}

// names is one name or several.
type names []string

// UnmarshalJSON reads either form.
func (n *names) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(n))
	}
	var one string
	err := json.Unmarshal(b, &one)
	*n = names{one}
	return err
}

func parseSchema(raw json.RawMessage) (*schema, error) {
	if len(raw) == 0 { // no settings are taken
		return &schema{AdditionalProperties: &schema{never: true}}, nil
	}
	s := &schema{}
	return s, json.Unmarshal(raw, s)
}

func (s *schema) validate(settings backend.Settings) []fault.Problem {
	return validator{root: s}.check(s, "", normal(map[string]any(settings)), false, 0)
}

// CheckSettings compares a backend's section with the JSON Schema that the backend published. It
// answers every problem at once, as fault.ConfigInvalid with the keys, lines and variables that the
// user knows them by; and refuses a secret in a file that others can read.
func (c *Config) CheckSettings(name string, raw json.RawMessage) error {
	s, err := parseSchema(raw)
	if err != nil {
		return fault.New(fault.BackendIncompatible, fmt.Sprintf("what backend %s gives as a JSON Schema of its settings is none", name),
			fault.Because(err), fault.On(name), fault.From(fault.OriginBackend))
	}
	if err := c.checkExposed(name, s); err != nil {
		return err
	}
	problems := s.validate(c.Settings(name))
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the settings of backend %s are wrong", name), fault.Problems(c.located(name, problems)...),
		fault.Hint("atg backend info %s lists its settings", name), fault.On(c.File), fault.From(fault.OriginHost))
}

// checkExposed refuses what the schema marks secret in a file that others can read.
func (c *Config) checkExposed(name string, s *schema) error {
	prefix := settingsOf(name)
	for _, key := range c.merged.Keys() {
		if setting, ok := strings.CutPrefix(key, prefix); ok && s.secrecy(setting) == hidden && c.merged.At(key).Line > 0 {
			return conf.CheckPrivate(c.document, key, c.merged.At(key))
		}
	}
	return nil
}

// settingsOf begins the keys of a backend's settings.
func settingsOf(name string) string { return "backends." + name + ".settings." }

// located gives the problems of a backend's settings the keys and lines of the user's file, or else
// says where the value comes from.
func (c *Config) located(name string, problems []fault.Problem) []fault.Problem {
	out := make([]fault.Problem, len(problems))
	for i, p := range problems {
		if p.Key != "" {
			p.Key = settingsOf(name) + p.Key
			key := strings.TrimRight(p.Key, "[]0123456789") // an item stands where its list does
			at := c.merged.At(key)
			p.Line, p.Column = at.Line, at.Column
			if source := c.merged.Source(key); p.Line == 0 && source != "" {
				p.Message += " (from " + source + ")"
			}
		}
		out[i] = p
	}
	return out
}

// secrecy is what a schema says of a setting.
type secrecy int

const (
	unknown secrecy = iota // not a setting that the schema knows
	open
	hidden
)

// secrecy says of the setting with that dotted key whether it is marked writeOnly, or holds or is part
// of what is.
func (s *schema) secrecy(key string) secrecy {
	at := s
	for name := range strings.SplitSeq(key, ".") {
		at = s.resolve(at)
		if at == nil {
			return unknown
		}
		if at.WriteOnly {
			return hidden
		}
		next := at.Properties[name]
		if next == nil {
			next = at.AdditionalProperties
		}
		if next == nil || next.never {
			return unknown
		}
		at = next
	}
	if s.hides(at, 0) {
		return hidden
	}
	return open
}

// hides says whether a schema or one below it is writeOnly.
func (s *schema) hides(at *schema, depth int) bool {
	at = s.resolve(at)
	if at == nil || depth > maxDepth {
		return false
	}
	if at.WriteOnly {
		return true
	}
	below := append([]*schema{at.Items, at.AdditionalProperties}, at.AllOf...)
	below = append(append(below, at.AnyOf...), at.OneOf...)
	for _, p := range at.Properties {
		below = append(below, p)
	}
	for _, b := range below {
		if s.hides(b, depth+1) {
			return true
		}
	}
	return false
}

// maxDepth bounds how deep schemas nest, since they may refer to themselves.
const maxDepth = 16

// resolve follows references within the document; nil if there is no schema.
func (s *schema) resolve(at *schema) *schema {
	for range maxDepth {
		if at == nil || at.Ref == "" {
			return at
		}
		name, ok := strings.CutPrefix(at.Ref, "#/$defs/")
		switch {
		case at.Ref == "#":
			at = s
		case ok:
			at = s.Defs[name]
		default:
			return nil
		}
	}
	return nil
}
