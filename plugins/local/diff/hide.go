package diff

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
)

// hidden stands in the place of a secret.
const hidden = "(secret)"

// isSecret says that a member of an object holds a secret: by its name; by that of the setting whose value it is, as apps have them in lists;
// or as a setting of an object of settings.
func isSecret(object, setting, key string) bool {
	switch {
	case secrets.Named(key):
		return true
	case setting != "" && strings.EqualFold(key, "value"):
		return secrets.NamedSetting(setting)
	}
	return strings.HasSuffix(object, "settings") && secrets.NamedSetting(key)
}

// hide is a value without the secrets in it: texts whose form says that they are one, and all that secret or its name calls one.
func hide(secret bool, name string, v any) any {
	switch v := v.(type) {
	case string:
		if _, looks := secrets.Looks(v); looks || secret && !secrets.Refers(v) {
			return hidden
		}
	case json.Number:
		if secret {
			return hidden
		}
	case map[string]any:
		setting := ""
		for k, value := range v {
			if strings.EqualFold(k, "name") || strings.EqualFold(k, "key") {
				setting = textOf(value)
			}
		}
		clean := make(map[string]any, len(v))
		for k, value := range v {
			clean[k] = hide(secret || isSecret(name, setting, k), strings.ToLower(k), value)
		}
		return clean
	case []any:
		clean := make([]any, len(v))
		for i, e := range v {
			clean[i] = hide(secret, name, e)
		}
		return clean
	}
	return v
}

// encoded is a value as JSON, with the keys of objects in order.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil { // cannot be: it was decoded
		return json.RawMessage("null")
	}
	return bytes.TrimSpace(b.Bytes())
}
