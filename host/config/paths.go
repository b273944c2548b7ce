package config

import (
	"path/filepath"
	"runtime"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Paths are where things are kept.
type Paths struct {
	Config string `json:"config"` // the configuration file
	Data   string `json:"data"`   // folder: backends, snapshots
	Cache  string `json:"cache"`  // folder: what can be had again
	State  string `json:"state"`  // folder: logs, work of jobs, submissions that wait
	// Credentials is the file of keys where there is no keyring: beside the usual configuration file,
	// whichever is used.
	Credentials string `json:"credentials"`
	// Lock is the file that says what the installed backends must be: beside the usual configuration file,
	// whichever is used, so that no other configuration lets a changed program run.
	Lock string `json:"lock"`
}

// FindPaths says where things are kept, given the value of --config and the environment. The files
// and folders need not exist. They follow the XDG base directories; on Windows, %AppData% and
// %LocalAppData%. Where there is no home folder either, it answers fault.ConfigInvalid and the paths
// that are known all the same.
func FindPaths(config string, environ []string) (Paths, error) {
	env := environment(environ)
	p := folders(env)
	if p.Config != "" {
		p.Credentials = filepath.Join(filepath.Dir(p.Config), "credentials.json")
		p.Lock = filepath.Join(filepath.Dir(p.Config), "backends.lock.json")
	}
	var err error
	if p.Data == "" || p.Config == "" || p.Cache == "" || p.State == "" {
		err = fault.New(fault.ConfigInvalid, "there is no home folder to keep things in", fault.From(fault.OriginHost),
			fault.Hint("set HOME, or on Windows AppData and LocalAppData"))
	}
	for _, named := range []string{config, env.lookup("ATG_CONFIG")} {
		if named != "" {
			p.Config = named
			break
		}
	}
	return p, err
}

func folders(env environment) Paths {
	if runtime.GOOS == "windows" {
		roaming, local := env.lookup("AppData"), env.lookup("LocalAppData")
		return Paths{
			Config: below(roaming, "atg", "config.yaml"), Data: below(local, "atg"),
			Cache: below(local, "atg", "cache"), State: below(local, "atg", "state"),
		}
	}
	base := func(variable string, elsewhere ...string) string {
		if dir := env.lookup(variable); filepath.IsAbs(dir) { // others are to be ignored, says the specification
			return dir
		}
		return below(env.lookup("HOME"), elsewhere...)
	}
	return Paths{
		Config: below(base("XDG_CONFIG_HOME", ".config"), "atg", "config.yaml"),
		Data:   below(base("XDG_DATA_HOME", ".local", "share"), "atg"),
		Cache:  below(base("XDG_CACHE_HOME", ".cache"), "atg"),
		State:  below(base("XDG_STATE_HOME", ".local", "state"), "atg"),
	}
}

// below is a path below base, and nothing if there is no base.
func below(base string, names ...string) string {
	if base == "" {
		return ""
	}
	return filepath.Join(append([]string{base}, names...)...)
}
