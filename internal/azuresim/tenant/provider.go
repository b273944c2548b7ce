package tenant

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// apiVersions lists resource types with the versions of their API, newest first, previews
// included: some that Azure has published, not all.
//
//go:embed apiversions.json
var apiVersions []byte

// Provider is a resource provider with its types.
type Provider struct {
	Namespace string
	Types     []ResourceType
}

// ResourceType is a type without its namespace.
type ResourceType struct {
	Name     string
	Versions []string
}

// Stable is the newest version that is no preview, or the newest.
func (t ResourceType) Stable() string {
	for _, version := range t.Versions {
		if !strings.Contains(version, "preview") {
			return version
		}
	}
	return t.Versions[0]
}

// Versions are those of all types, newest first.
func (p Provider) Versions() []string {
	var all []string
	for _, t := range p.Types {
		all = append(all, t.Versions...)
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(b, a) })
	return slices.Compact(all)
}

// catalogue is apiversions.json, its types sorted by lower-case name.
var catalogue = sync.OnceValue(func() map[string][]string {
	var list map[string][]string
	if err := json.Unmarshal(apiVersions, &list); err != nil {
		panic(err) // it is part of the program
	}
	return list
})

// otherVersions are served for types that the catalogue does not know.
var otherVersions = []string{"2024-06-01-preview", "2023-11-01", "2022-01-01"}

// Providers are all providers that the catalogue or the tenant's resources know, by namespace.
func (t *Tenant) Providers() []Provider {
	t.once.Do(t.findProviders)
	return t.providers
}

// Provider finds one by its namespace, in any case.
func (t *Tenant) Provider(namespace string) (Provider, bool) {
	t.once.Do(t.findProviders)
	provider, ok := t.byNamespace[strings.ToLower(namespace)]
	return provider, ok
}

func (t *Tenant) findProviders() {
	known := map[string]bool{}
	add := func(typ string, versions []string) {
		namespace, name, ok := strings.Cut(typ, "/")
		if !ok || known[strings.ToLower(typ)] {
			return
		}
		known[strings.ToLower(typ)] = true
		i := slices.IndexFunc(t.providers, func(p Provider) bool { return strings.EqualFold(p.Namespace, namespace) })
		if i < 0 {
			i = len(t.providers)
			t.providers = append(t.providers, Provider{Namespace: namespace})
		}
		t.providers[i].Types = append(t.providers[i].Types, ResourceType{Name: name, Versions: versions})
	}
	for typ, versions := range catalogue() {
		add(typ, versions)
	}
	for _, table := range t.inARM {
		if memory, ok := table.(*memoryTable); ok {
			for row := range uint32(memory.Len()) {
				if id := memory.Text(row, idColumn); !known[strings.ToLower(memory.Text(row, typeColumn))] {
					add(typeInID(id), otherVersions)
				}
			}
		}
	}
	for _, provider := range t.providers {
		slices.SortFunc(provider.Types, func(a, b ResourceType) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(t.providers, func(a, b Provider) int { return strings.Compare(a.Namespace, b.Namespace) })
	t.byNamespace = map[string]Provider{}
	for _, provider := range t.providers {
		t.byNamespace[strings.ToLower(provider.Namespace)] = provider
	}
}

// TypeOf is the type in an id, in the id's own spelling, and its name with those of its parents,
// as Resource Manager's lists give it.
func TypeOf(id string) (typ, name string) {
	at := LastProviders(id)
	if at < 0 {
		return "", ""
	}
	namespace, rest, ok := strings.Cut(strings.TrimSuffix(id[at:], "/"), "/")
	if !ok {
		return "", ""
	}
	types, names := make([]byte, 0, 96), make([]byte, 0, 64)
	types = append(types, namespace...)
	for isType := true; rest != ""; isType = !isType {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		if isType {
			types = append(append(types, '/'), segment...)
			continue
		}
		if len(names) > 0 {
			names = append(names, '/')
		}
		names = append(names, segment...)
	}
	return string(types), string(names)
}

// LastProviders is where the namespace begins after the last segment "providers" of an id, in any
// case; -1 if there is none.
func LastProviders(id string) int {
	const segment = "/providers/"
	for at := len(id) - len(segment); at >= 0; at-- {
		if id[at] == '/' && id[at+len(segment)-1] == '/' && strings.EqualFold(id[at:at+len(segment)], segment) {
			return at + len(segment)
		}
	}
	return -1
}

func typeInID(id string) string {
	typ, _ := TypeOf(id)
	return typ
}
