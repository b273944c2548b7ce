package config

// Template is a configuration file in which everything is explained and nothing is set.
func Template() []byte { return nil }

// Init writes the template to path, readable by the user alone, and its folder if there is none. An
// existing file is replaced only if force is set; fault.Conflict otherwise.
func Init(path string, force bool) error { return nil }
