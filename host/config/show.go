package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// Value is one effective value of the configuration.
type Value struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"` // flag --x, environment X, profile P with FILE:LINE, FILE:LINE, default
}

// Values are all effective values, by key. schema answers the JSON Schema of a backend's settings, or
// nothing where it cannot be had: all settings of that backend are redacted then.
func (c *Config) Values(schema func(name string) (json.RawMessage, bool)) []Value {
	open := map[string]func(setting string) bool{}
	var out []Value
	for _, key := range c.merged.Keys() {
		v := Value{Key: key, Value: show(c.merged.Get(key)), Source: c.merged.Source(key)}
		if name, setting, ok := settingOf(key); ok {
			if open[name] == nil {
				open[name] = openSettings(name, schema)
			}
			if !open[name](setting) {
				v.Value = secret.Redacted
			}
		}
		out = append(out, v)
	}
	return out
}

// settingOf splits the key backends.NAME.settings.SETTING.
func settingOf(key string) (name, setting string, ok bool) {
	parts := strings.SplitN(key, ".", 4)
	if len(parts) != 4 || parts[0] != "backends" || parts[2] != "settings" {
		return "", "", false
	}
	return parts[1], parts[3], true
}

// openSettings says of each setting whether it may be shown.
func openSettings(name string, schema func(string) (json.RawMessage, bool)) func(string) bool {
	raw, ok := schema(name)
	var parsed struct {
		Properties map[string]struct {
			WriteOnly bool `json:"writeOnly"`
		} `json:"properties"`
	}
	if !ok || json.Unmarshal(raw, &parsed) != nil {
		return func(string) bool { return false }
	}
	return func(setting string) bool {
		top, _, _ := strings.Cut(setting, ".")
		p, known := parsed.Properties[top]
		return known && !p.WriteOnly
	}
}

func show(value any) string {
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ", ")
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}
