package config

import "strings"

// ValidName says whether a backend or an extension may have that name: [a-z0-9][a-z0-9-]*, at most 64
// letters.
func ValidName(name string) bool {
	return name != "" && len(name) <= 64 && name[0] != '-' &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
