package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// layersOf are the layers from the weakest to the strongest, and the profile that is one of them.
func layersOf(flags Flags, env environment, document *conf.Document) ([]conf.Layer, string, error) {
	azure := conf.Layer{Source: func(string) string { return "environment " + azureTenant }}
	if tenant := env.lookup(azureTenant); tenant != "" {
		azure.Set("tenant_id", tenant)
	}
	base := conf.Layer{Values: maps.Clone(document.Values), Source: document.Source}
	delete(base.Values, "profiles")
	delete(base.Values, "profile")
	layers := []conf.Layer{defaults(), azure, base}

	profile, err := chosenProfile(flags, env, document)
	if err != nil {
		return nil, "", err
	}
	if profile != "" {
		all, _ := document.Values["profiles"].(map[string]any)
		chosen, _ := all[profile].(map[string]any)
		layers = append(layers, conf.Layer{Values: chosen, Source: func(key string) string {
			return fmt.Sprintf("profile %s, %s", profile, document.Source("profiles."+profile+"."+key))
		}})
	}
	fromEnv, problems := env.layer()
	if len(problems) > 0 {
		return nil, "", invalid("the environment is wrong", problems)
	}
	fromFlags, err := flags.layer()
	if err != nil {
		return nil, "", err
	}
	return append(layers, fromEnv, fromFlags), profile, nil
}

func defaults() conf.Layer {
	l := conf.Layer{Source: func(string) string { return "default" }}
	l.Set("backend", Local)
	l.Set("fallback", "none")
	l.Set("show_progress", true)
	l.Set("progress_update_interval", "2s")
	return l
}

// layer is what the command line says.
func (f Flags) layer() (conf.Layer, error) {
	names := map[string]string{}
	l := conf.Layer{Source: func(key string) string { return "flag " + names[key] }}
	set := func(name, key string, value any) {
		l.Set(key, value)
		names[key] = name
	}
	switch {
	case f.Remote && f.Backend != "" && f.Backend != Remote:
		return l, fault.New(fault.ConfigInvalid, fmt.Sprintf("--remote and --backend %s name two different backends", f.Backend),
			fault.Hint("use one of them"))
	case f.Remote:
		set("--remote", "backend", Remote)
	case f.Backend != "":
		set("--backend", "backend", f.Backend)
	}
	if f.TenantID != "" {
		set("--tenant-id", "tenant_id", f.TenantID)
	}
	if f.NoProgress {
		set("--no-progress", "show_progress", false)
	}
	return l, nil
}

func chosenProfile(flags Flags, env environment, document *conf.Document) (string, error) {
	name, source := flags.Profile, "--profile"
	if name == "" {
		name, source = env.lookup("ATG_PROFILE"), "ATG_PROFILE"
	}
	if name == "" {
		name, _ = document.Values["profile"].(string)
		source = document.Source("profile")
	}
	profiles, _ := document.Values["profiles"].(map[string]any)
	if _, ok := profiles[name]; ok || name == "" {
		return name, nil
	}
	hint := "the configuration has no profiles"
	if len(profiles) > 0 {
		hint = "there are " + strings.Join(slices.Sorted(maps.Keys(profiles)), ", ")
	}
	return "", fault.New(fault.ConfigInvalid, fmt.Sprintf("there is no profile %q (from %s)", name, source), fault.Hint("%s", hint))
}
