package config

import (
	"encoding/hex"
	"regexp"
)

// nameRule is what the names of backends and extensions match; at most 64 letters.
const nameRule = `[a-z0-9][a-z0-9-]*`

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// ValidName says whether a backend or an extension may have that name: [a-z0-9][a-z0-9-]*, at most 64
// letters.
func ValidName(name string) bool { return validName.MatchString(name) }

func isSHA256(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == 32
}
