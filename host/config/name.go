package config

// ValidName says whether a backend or an extension may have that name: [a-z0-9][a-z0-9-]*, at most 64
// letters.
func ValidName(name string) bool { return false }
