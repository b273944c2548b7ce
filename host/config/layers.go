package config

import (
	"fmt"
	"maps"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// values are what the file and each profile may hold.
type values struct {
	Backend                string             `koanf:"backend"`                  // the backend that does the work: local, remote, or the NAME of another program atg-backend-NAME
	TenantID               string             `koanf:"tenant_id"`                // the Azure tenant, an id or a domain; without it the only tenant that the credential reaches
	Fallback               string             `koanf:"fallback"`                 // local: do the work here when the chosen backend cannot be reached. Only before anything was submitted, never on a refused key, and announced
	ShowProgress           bool               `koanf:"show_progress"`            // progress on standard error
	ProgressUpdateInterval conf.Duration      `koanf:"progress_update_interval"` // how often a line of progress is printed where there is no terminal; 100ms to 1h
	Pager                  string             `koanf:"pager"`                    // the program, with arguments, that shows results which are longer than the terminal; off is none. Without it PAGER, else less
	Backends               map[string]Backend `koanf:"backends"`                 // one section per backend, by NAME: small letters, digits and hyphens
	Extensions             Extensions         `koanf:"extensions"`               // about extension commands (atg-NAME on the PATH)
	Trust                  Trust              `koanf:"trust"`                    // what a backend must have to be installed and started
}

// file is the whole file.
type file struct {
	values
	Profile  string            `koanf:"profile"`  // the profile that is used when none is named
	Profiles map[string]values `koanf:"profiles"` // named sets of these keys, laid over the file by --profile or ATG_PROFILE
}

// defaults is the lowest layer.
func defaults() conf.Layer {
	return conf.Layer{
		Source: func(string) string { return "default" },
		Values: map[string]any{
			"backend": Local, "tenant_id": "", "fallback": none, "show_progress": true, "progress_update_interval": "2s", "pager": "",
			"extensions": map[string]any{"env": []any{}},
		},
	}
}

// layer is what the command line says.
func (f Flags) layer() (conf.Layer, []fault.Problem) {
	flags := map[string]string{}
	l := conf.Layer{Source: func(key string) string { return "flag " + flags[key] }}
	set := func(flag, key string, value any, given bool) {
		if given {
			l.Set(key, value)
			flags[key] = flag
		}
	}
	set("--tenant-id", "tenant_id", f.TenantID, f.TenantID != "")
	set("--no-progress", "show_progress", false, f.NoProgress)
	set("--remote", "backend", Remote, f.Remote)
	set("--backend", "backend", f.Backend, f.Backend != "")
	if f.Remote && f.Backend != "" && f.Backend != Remote {
		return l, []fault.Problem{{Key: "--remote", Message: fmt.Sprintf("--remote and --backend %s name two different backends", f.Backend), Hint: "give one of them"}}
	}
	return l, nil
}

// fileLayer is what the file says outside of its profiles.
func (c *Config) fileLayer() conf.Layer {
	v := maps.Clone(c.document.Values)
	delete(v, "profile")
	delete(v, "profiles")
	return conf.Layer{Values: v, Source: c.document.Source, At: c.document.At}
}

// profile is the layer of the profile that the flag, the variable or the file names.
func (c *Config) profile(flag, variable string) (conf.Layer, []fault.Problem) {
	inFile, _ := c.document.Values["profile"].(string) // of another type, it is reported already
	by := "profile"
	for _, p := range []struct{ by, name string }{{"--profile", flag}, {"ATG_PROFILE", variable}, {"profile", inFile}} {
		if p.name != "" {
			by, c.Profile = p.by, p.name
			break
		}
	}
	if c.Profile == "" {
		return conf.Layer{}, nil
	}
	profiles, _ := c.document.Values["profiles"].(map[string]any)
	at := "profiles." + c.Profile + "."
	v, ok := profiles[c.Profile].(map[string]any)
	if !ok && c.document.At("profiles."+c.Profile) == (conf.Position{}) {
		if layer, problems, found := c.profileFile(); found {
			return layer, problems
		}
		p := fault.Problem{Key: by, Message: fmt.Sprintf("there is no profile %q", c.Profile), Hint: "the configuration has no profiles"}
		if known := c.profileNames(profiles); len(known) > 0 {
			p.Hint = "there are " + strings.Join(known, ", ")
		}
		if by == "profile" {
			p.Line = c.document.At(by).Line
		}
		return conf.Layer{}, []fault.Problem{p}
	}
	return conf.Layer{
		Values: v,
		Source: func(key string) string { return "profile " + c.Profile + ", " + c.document.Source(at+key) },
		At:     func(key string) conf.Position { return c.document.At(at + key) },
	}, nil
}
