package azure

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// providersVersion is the api-version of the list of resource providers, as in armresources.
const providersVersion = "2021-04-01"

// Providers are the types that a subscription knows.
type Providers struct {
	versions map[string]string // the best by type, lower case
}

// Providers asks which types a subscription knows, and in which versions.
func (s *Session) Providers(ctx context.Context, subscription string) (*Providers, error) {
	type provider struct {
		Namespace string `json:"namespace"`
		Types     []struct {
			Name     string   `json:"resourceType"`
			Versions []string `json:"apiVersions"`
		} `json:"resourceTypes"`
	}
	all, err := collect(ctx, s, List{Path: "/subscriptions/" + subscription + "/providers", Version: providersVersion},
		func(p *provider, raw []byte) error { return json.Unmarshal(raw, p) })
	if err != nil {
		return nil, err
	}
	p := &Providers{versions: map[string]string{}}
	for _, provider := range all {
		for _, t := range provider.Types {
			p.versions[strings.ToLower(provider.Namespace+"/"+t.Name)] = newest(t.Versions)
		}
	}
	return p, nil
}

// Version is the api-version to use for a type, in any case: the newest stable one, or else the newest.
func (p *Providers) Version(resourceType string) (version string, ok bool) {
	version, ok = p.versions[strings.ToLower(resourceType)]
	return version, ok && version != ""
}

// newest is the newest stable of some api-versions, or else the newest; empty of none. They are
// dates, and what is not stable says so behind the date: 2024-01-01-preview.
func newest(versions []string) string {
	const date = len("2006-01-02")
	if stable := slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return len(v) != date }); len(stable) > 0 {
		return slices.Max(stable)
	}
	if len(versions) == 0 {
		return ""
	}
	return slices.Max(versions)
}

// The refusals of an api-version, NoRegisteredProviderFound and InvalidResourceType among them, end
// in: The supported api-versions are '2023-01-01, 2022-09-01'.
var supported = expression(`(?i)supported (?:api-?)?versions? (?:are|is):? '([^']+)'`)

// supportedVersions are the api-versions that an error's message names.
func supportedVersions(message string) []string {
	m := supported().FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })
}

// versions are what became of api-versions that Azure asked to use instead of others, by type.
type versions struct {
	mu      sync.Mutex
	good    map[string]string
	useless map[string]string
}

// get is the version that is known to do for a type, or else the one given.
func (v *versions) get(resourceType, given string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if better, ok := v.good[resourceType]; ok {
		return better
	}
	return given
}

// isUseless says that a version has been tried for a type, and is not supported either.
func (v *versions) isUseless(resourceType, version string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.useless[resourceType] == version
}

// tried remembers whether a version is supported for a type.
func (v *versions) tried(resourceType, version string, supported bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.good == nil {
		v.good, v.useless = map[string]string{}, map[string]string{}
	}
	if supported {
		v.good[resourceType] = version
	} else {
		v.useless[resourceType] = version
	}
}

// typeOfPath is the type, lower case, of the resource or the list of resources at a path; a path
// without a provider is its own.
func typeOfPath(path string) string {
	path = strings.ToLower(strings.Trim(path, "/"))
	_, after, found := cutLast("/"+path, "/providers/")
	if !found {
		return path
	}
	segments := strings.Split(after, "/")
	typ := segments[0]
	for i := 1; i < len(segments); i += 2 {
		typ += "/" + segments[i]
	}
	return typ
}

// cutLast is strings.Cut at the last place.
func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}
