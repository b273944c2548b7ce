package config

// Form is an empty configuration file. Its type has the keys, in koanf tags: docs/reference is made of it.
func Form() any { return file{} }

// Defaults are the values that hold where nothing is configured, nested as the file.
func Defaults() map[string]any { return defaults().Values }
