package config

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// Value is one effective value, for people.
type Value struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`  // secrets are redacted
	Source string `json:"source"` // flag --x, environment X, profile P with FILE:LINE, FILE:LINE, default
}

// Values lists the values in effect, by key. The settings of a backend are redacted where its JSON
// Schema in schemas marks them writeOnly or does not know them, and all of them if it is not there.
func (c *Config) Values(schemas map[string]json.RawMessage) []Value {
	parsed := map[string]*schema{}
	for name, raw := range schemas {
		if s, err := parseSchema(raw); err == nil {
			parsed[name] = s
		}
	}
	given := map[string]string{}
	keys := c.merged.Keys()
	for setting, source := range c.given {
		key := remoteSettings + setting
		given[key] = source
		if at, found := slices.BinarySearch(keys, key); !found {
			keys = slices.Insert(keys, at, key)
		}
	}
	var out []Value
	for _, key := range keys {
		v := Value{Key: key, Value: c.merged.Get(key), Source: c.merged.Source(key)}
		name, setting, isSetting := settingOf(key)
		if source, ok := given[key]; ok {
			v.Value, v.Source = c.Settings(Remote)[setting], source
		}
		if s := parsed[name]; isSetting && (s == nil || s.secrecy(setting) != open) {
			v.Value = secret.Redacted
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
