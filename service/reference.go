package service

// Defaults are the values that hold where nothing is configured, nested as the file: docs/reference is made of them.
// The data folder's depends on the environment, and is empty.
func Defaults() map[string]any { return defaults(func(string) string { return "" }).Values }
