package config

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// readFile reads the file; one that need not be there may be absent.
func readFile(name string, required bool) (*conf.Document, error) {
	absent := &conf.Document{Values: map[string]any{}}
	if name == "" {
		return absent, nil
	}
	document, err := conf.ReadFile(name)
	if err != nil && !required && errors.Is(err, fs.ErrNotExist) {
		return absent, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		missing := *fault.Of(err)
		missing.Hint = "name another file with --config or ATG_CONFIG, or write one with atg config init"
		return nil, &missing
	}
	return document, err
}

// checkSecrets refuses a file that by its looks holds a secret and that others can read.
func checkSecrets(document *conf.Document) error {
	if key := findSecret("", document.Values); key != "" {
		return conf.CheckPrivate(document, key, document.At(key))
	}
	return nil
}

// findSecret is the key of the first setting that looks like a secret by its name, before any schema
// is known.
func findSecret(prefix string, values map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, key := values[name], name
		if prefix != "" {
			key = prefix + "." + name
		}
		switch value := value.(type) {
		case map[string]any:
			if found := findSecret(key, value); found != "" {
				return found
			}
		case string:
			if strings.Contains(key, ".settings.") && looksSecret(name) && value != "" {
				return key
			}
		}
	}
	return ""
}

// looksSecret says whether a setting's name is that of a secret.
func looksSecret(name string) bool {
	name = strings.ToLower(name)
	for _, file := range []string{"_file", "_path"} { // where a secret is kept is none
		if strings.HasSuffix(name, file) {
			return false
		}
	}
	for _, word := range []string{"secret", "password", "token", "api_key", "apikey", "private_key", "passphrase"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
