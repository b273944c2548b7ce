package config

import "reflect"

// Documented are the keys and variables that the manual must explain.
func Documented() []string {
	names := []string{"ATG_REMOTE_MODE", "ATG_PROFILE", "ATG_CONFIG", azureTenant, "profile", "profiles"}
	for _, v := range variables {
		names = append(names, v.name)
	}
	for _, t := range []reflect.Type{reflect.TypeFor[values](), reflect.TypeFor[Backend](), reflect.TypeFor[Extensions]()} {
		for f := range t.Fields() {
			names = append(names, f.Tag.Get("koanf"))
		}
	}
	return names
}
