// Package config is what the host's configuration means: which backend runs an operation, with which
// settings, for which tenant. A value comes from a flag, the environment, the profile, the file, or
// the default, in this order, and knows which. docs/configuration.md is its manual.
package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The backends that atg brings along.
const (
	Local  = "local"
	Remote = "remote"
)

// Options are what a configuration is loaded from.
type Options struct {
	Flags   Flags
	Environ []string // as os.Environ returns it
}

// Flags are the values of the command line. The zero value of each says that it was not given.
type Flags struct {
	Config     string // --config: the file
	Profile    string // --profile
	Backend    string // --backend
	Remote     bool   // --remote: the same as --backend remote
	TenantID   string // --tenant-id
	NoProgress bool   // --no-progress
}

// Config is the configuration in effect.
type Config struct {
	Backend                string        // that runs operations; "local" unless configured
	TenantID               string        // empty: the only one that the credential or the key reaches
	Fallback               string        // "local", or empty for none
	ShowProgress           bool          // true unless configured
	ProgressUpdateInterval time.Duration // between lines of progress where there is no terminal; 2 s unless configured
	Backends               map[string]Backend
	Extensions             Extensions

	Profile     string // the one in effect; empty is none
	File        string // the file that was read; empty is none
	BackendPath string // $ATG_BACKEND_PATH: folders of backends, as PATH lists them
	Paths       Paths

	merged *conf.Merged
}

// Backend is what is configured of one backend.
type Backend struct {
	Path     string           `koanf:"path"`     // of its program; empty: it is looked for
	SHA256   string           `koanf:"sha256"`   // the program must have, in hexadecimal; empty: any
	Env      []string         `koanf:"env"`      // names of variables that it gets beside the usual; a * at the end stands for any rest
	Settings backend.Settings `koanf:"settings"` // what Configure takes, secrets included; prints as names alone
}

// Extensions are programs called as commands.
type Extensions struct {
	Env []string `koanf:"env"` // names of secret variables that they get all the same; a * at the end stands for any rest
}

// values are the keys of the configuration file that a profile may hold too.
type values struct {
	Backend                string             `koanf:"backend"`
	TenantID               string             `koanf:"tenant_id"`
	Fallback               string             `koanf:"fallback"`
	ShowProgress           bool               `koanf:"show_progress"`
	ProgressUpdateInterval conf.Duration      `koanf:"progress_update_interval"`
	Backends               map[string]Backend `koanf:"backends"`
	Extensions             Extensions         `koanf:"extensions"`
}

// file is the whole configuration file.
type file struct {
	values
	Profile  string            `koanf:"profile"`
	Profiles map[string]values `koanf:"profiles"`
}

// Load reads the configuration. It answers every problem at once: a fault.ConfigInvalid whose Problems
// name the key (with its line in the file) or the variable each. What is missing for the remote mode is
// no problem here, but in CheckRemote: not every command needs it.
func Load(o Options) (*Config, error) {
	env := environment(o.Environ)
	paths, err := FindPaths(o.Flags.Config, o.Environ)
	if err != nil {
		return nil, err
	}
	document, err := readFile(paths.Config, o.Flags.Config != "" || env.lookup("ATG_CONFIG") != "")
	if err != nil {
		return nil, err
	}
	if problems := conf.Check(document.Values, &file{}, document.At); len(problems) > 0 {
		return nil, invalid(fmt.Sprintf("the configuration %s is wrong", document.Name), problems)
	}
	if err := checkMode(document); err != nil {
		return nil, err
	}
	layers, profile, err := layersOf(o.Flags, env, document)
	if err != nil {
		return nil, err
	}
	merged, err := conf.Merge(layers...)
	if err != nil {
		return nil, err
	}
	var v values
	if err := merged.Decode(&v); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "the configuration cannot be read", fault.Because(err))
	}
	c := &Config{
		Backend: v.Backend, TenantID: v.TenantID, Fallback: v.Fallback, ShowProgress: v.ShowProgress,
		ProgressUpdateInterval: v.ProgressUpdateInterval.Value(), Backends: v.Backends, Extensions: v.Extensions,
		Profile: profile, File: document.Name, BackendPath: env.lookup("ATG_BACKEND_PATH"), Paths: paths, merged: merged,
	}
	if c.Fallback == "none" {
		c.Fallback = ""
	}
	return c, c.validate()
}

func invalid(message string, problems []fault.Problem) error {
	return fault.New(fault.ConfigInvalid, message, fault.Problems(problems...),
		fault.Hint("atg config validate checks again; docs/configuration.md lists every key"))
}

// validate checks the values themselves.
func (c *Config) validate() error {
	var problems []fault.Problem
	problem := func(key, message, hint string) {
		problems = append(problems, fault.Problem{Key: key, Message: fmt.Sprintf("%s (from %s)", message, c.merged.Source(key)), Hint: hint})
	}
	if !ValidName(c.Backend) {
		problem("backend", fmt.Sprintf("%q is no name of a backend", c.Backend), "names match "+nameRule)
	}
	if c.Fallback != "" && c.Fallback != Local {
		problem("fallback", fmt.Sprintf("%q is no fallback", c.Fallback), "it is none or local")
	}
	if c.ProgressUpdateInterval < 100*time.Millisecond || c.ProgressUpdateInterval > time.Hour {
		problem("progress_update_interval", fmt.Sprintf("%s is out of bounds", c.ProgressUpdateInterval), "it is between 100ms and 1h")
	}
	for name, b := range c.Backends {
		key := "backends." + name
		if !ValidName(name) {
			problem(key, fmt.Sprintf("%q is no name of a backend", name), "names match "+nameRule)
		}
		if b.SHA256 != "" && !isSHA256(b.SHA256) {
			problem(key+".sha256", "it is no SHA-256", "64 hexadecimal digits, as sha256sum prints them")
		}
	}
	if len(problems) == 0 {
		return nil
	}
	slices.SortFunc(problems, func(a, b fault.Problem) int { return strings.Compare(a.Key, b.Key) })
	return invalid("the configuration is wrong", problems)
}

// IsRemoteMode says whether operations go to the job service.
func (c *Config) IsRemoteMode() bool { return c.Backend == Remote }

// Settings are a backend's own section, secrets included; nil is none.
func (c *Config) Settings(name string) backend.Settings { return c.Backends[name].Settings }
