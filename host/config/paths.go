package config

import (
	"path/filepath"
	"runtime"
)

// Paths are where things are kept.
type Paths struct {
	Config string `json:"config"` // the configuration file
	Data   string `json:"data"`   // folder: backends, snapshots
	Cache  string `json:"cache"`  // folder: what can be had again
	State  string `json:"state"`  // folder: logs, work of jobs
}

// FindPaths says where things are kept, given the value of --config and the environment: the XDG base
// directories, and %AppData% and %LocalAppData% on Windows. The files and folders need not exist.
func FindPaths(config string, environ []string) (Paths, error) {
	env := environment(environ)
	p := xdgPaths(env)
	if runtime.GOOS == "windows" {
		local := filepath.Join(env.lookup("LocalAppData"), "atg")
		p = Paths{
			Config: filepath.Join(env.lookup("AppData"), "atg", "config.yaml"), Data: local,
			Cache: filepath.Join(local, "cache"), State: filepath.Join(local, "state"),
		}
	}
	if chosen := env.lookup("ATG_CONFIG"); chosen != "" {
		p.Config = chosen
	}
	if config != "" {
		p.Config = config
	}
	return p, nil
}

func xdgPaths(env environment) Paths {
	folder := func(variable string, fallback ...string) string {
		if dir := env.lookup(variable); filepath.IsAbs(dir) { // the specification says to ignore relative ones
			return filepath.Join(dir, "atg")
		}
		return filepath.Join(append(append([]string{env.lookup("HOME")}, fallback...), "atg")...)
	}
	return Paths{
		Config: filepath.Join(folder("XDG_CONFIG_HOME", ".config"), "config.yaml"), Data: folder("XDG_DATA_HOME", ".local", "share"),
		Cache: folder("XDG_CACHE_HOME", ".cache"), State: folder("XDG_STATE_HOME", ".local", "state"),
	}
}
