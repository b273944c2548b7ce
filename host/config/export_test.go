package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Documented are the keys and variables that the reference must explain.
func Documented() []string {
	names := []string{"ATG_BACKEND_PATH", "ATG_REMOTE_MODE", "ATG_PROFILE", "ATG_CONFIG", azureTenant, "profile", "profiles"}
	for _, v := range variables {
		names = append(names, v.name)
	}
	for prefix, t := range map[string]reflect.Type{
		"": reflect.TypeFor[values](), "backends.NAME.": reflect.TypeFor[Backend](), "extensions.": reflect.TypeFor[Extensions](),
		"trust.": reflect.TypeFor[Trust](), "trust.sources[].": reflect.TypeFor[Source](),
	} {
		for f := range t.Fields() {
			names = append(names, prefix+f.Tag.Get("koanf"))
		}
	}
	return slices.AppendSeq(names, maps.Keys(backend.ClientVariables()))
}

// RemoteVariables are the variables of the remote backend's settings, by setting.
func RemoteVariables() map[string]string {
	found := map[string]string{}
	for _, v := range variables {
		if setting, ok := strings.CutPrefix(v.key, remoteSettings); ok {
			found[setting] = v.name
		}
	}
	return found
}

// Validate compares settings with a JSON Schema (draft 2020-12). The problems' keys are those of the
// settings; the values of secrets do not appear. An empty schema takes no settings.
func Validate(raw json.RawMessage, settings backend.Settings) []fault.Problem {
	s, err := parseSchema(raw)
	if err != nil {
		return []fault.Problem{{Message: "what the backend gives as a JSON Schema is none: " + err.Error()}}
	}
	return s.validate(settings)
}
