package config

import (
	"path/filepath"
	"strings"
)

// Trust is what a backend must have to be installed and started.
type Trust struct {
	RequireSignature bool     `koanf:"require_signature"` // take only what one of the keys has signed, where no source speaks for it
	Keys             []string `koanf:"keys"`              // who may sign: a public key of minisign, or the path of the file of one of minisign or cosign (PEM); a relative path begins at the file's folder
	CAFile           string   `koanf:"ca_file"`           // certificates that registries and web servers are trusted by, beside the system's
	Sources          []Source `koanf:"sources"`           // what holds for some sources
}

// Source is what holds for sources that begin with a prefix.
type Source struct {
	Prefix           string   `koanf:"prefix"`            // oci://registry.example.com/acme, https://example.com/, /srv/mirror
	RequireSignature bool     `koanf:"require_signature"` // false takes what is unsigned
	Keys             []string `koanf:"keys"`              // instead of the general ones; none: the general ones
}

// For is the policy for a source: that of the longest prefix of it, else the general one.
func (t Trust) For(source string) (require bool, keys []string) {
	best := Source{RequireSignature: t.RequireSignature}
	for _, s := range t.Sources {
		if len(s.Prefix) > len(best.Prefix) && within(source, s.Prefix) {
			best = s
		}
	}
	if len(best.Keys) == 0 {
		best.Keys = t.Keys
	}
	return best.RequireSignature, best.Keys
}

// within says whether a source begins with the prefix, and that not in the middle of a name.
func within(source, prefix string) bool {
	rest, ok := strings.CutPrefix(source, prefix)
	return ok && (rest == "" || strings.HasSuffix(prefix, "/") || strings.ContainsAny(rest[:1], `/:@\`))
}

// check says what is wrong with the policy. A text that is no key is the path of one's file.
func (t Trust) check(complain func(key, hint, format string, args ...any)) {
	for i, s := range t.Sources {
		if !strings.HasPrefix(s.Prefix, "oci://") && !strings.HasPrefix(s.Prefix, "https://") && !strings.HasPrefix(s.Prefix, "oci-layout:") && !filepath.IsAbs(s.Prefix) {
			complain("trust.sources", "oci://REGISTRY/NAME, https://HOST/PATH, oci-layout:FOLDER or the whole path of a folder",
				"the prefix %q, number %d, is none of a source", s.Prefix, i+1)
		}
		if s.RequireSignature && len(s.Keys) == 0 && len(t.Keys) == 0 {
			complain("trust.sources", "name who may sign in keys", "%s asks for signatures, and no key is trusted", s.Prefix)
		}
	}
	if t.RequireSignature && len(t.Keys) == 0 {
		complain("trust.require_signature", "name who may sign in trust.keys", "it asks for signatures, and no key is trusted")
	}
}

// absolute has the paths of keys and certificates begin where the configuration is.
func (t *Trust) absolute(of func(string) string) {
	t.CAFile = of(t.CAFile)
	absoluteKeys(t.Keys, of)
	for _, s := range t.Sources {
		absoluteKeys(s.Keys, of)
	}
}

func absoluteKeys(keys []string, of func(string) string) {
	for i, key := range keys {
		if !InlineKey(key) {
			keys[i] = of(key)
		}
	}
}

// InlineKey says whether text is a public key itself, not the path of one: the base64 of a minisign key, or PEM.
func InlineKey(text string) bool {
	return len(text) == 56 && strings.HasPrefix(text, "RW") || strings.Contains(text, "-----BEGIN ")
}
