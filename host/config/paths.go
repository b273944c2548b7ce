package config

// Paths are where things are kept.
type Paths struct {
	Config string `json:"config"` // the configuration file
	Data   string `json:"data"`   // folder: backends, snapshots
	Cache  string `json:"cache"`  // folder: what can be had again
	State  string `json:"state"`  // folder: logs, work of jobs
}

// FindPaths says where things are kept, given the value of --config and the environment. The files
// and folders need not exist.
func FindPaths(config string, environ []string) (Paths, error) { return Paths{}, nil }
