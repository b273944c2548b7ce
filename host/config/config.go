// Package config is what the host's configuration means: which backend runs an operation, with which
// settings, for which tenant. A value comes from a flag, the environment, the profile, the file, or
// the default, in this order, and knows which. docs/configuration.md is its manual.
package config

import (
	"time"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/backend"
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
	Pager                  string        // for long results: a program and its arguments; empty unless configured
	Backends               map[string]Backend
	Extensions             Extensions
	Trust                  Trust

	Profile     string // the one in effect; empty is none
	File        string // the file that was read; empty is none
	BackendPath string // $ATG_BACKEND_PATH: folders of backends, as PATH lists them
	Paths       Paths

	merged   *conf.Merged
	document *conf.Document
	given    map[string]string // sources of the remote backend's settings that did not come from layers
}

// Backend is what is configured of one backend.
type Backend struct {
	Path     string           `koanf:"path"`     // its program; ~/ is the home folder, and a relative path begins at the file's folder. Empty: it is looked for
	SHA256   string           `koanf:"sha256"`   // pins the program, which is checked at each start: 64 hexadecimal digits. Empty: the lock file pins what atg backend install has installed
	Env      []string         `koanf:"env"`      // names of variables that it gets beside the usual ones; a * at the end stands for any rest
	Settings backend.Settings `koanf:"settings"` // the backend's own settings
}

// Extensions are programs called as commands.
type Extensions struct {
	Env []string `koanf:"env"` // names of variables that extension commands get although they are secrets; a * at the end stands for any rest
}

// IsRemoteMode says whether operations go to the job service.
func (c *Config) IsRemoteMode() bool { return c.Backend == Remote }

// BackendByFile says whether the file or the profile chose the backend, so that the next command, without
// flags and perhaps in another shell, has the same.
func (c *Config) BackendByFile() bool { return c.merged.At("backend") != (conf.Position{}) }

// Settings are a backend's own section, secrets included; nil is none.
func (c *Config) Settings(name string) backend.Settings { return c.Backends[name].Settings }
