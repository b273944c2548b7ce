package armschema

import (
	"slices"
	"sort"
	"strings"
	"sync"
)

// Scope is where resources of a type can be deployed, as a set of bits.
type Scope uint8

// The scopes. A type with ScopeExtension extends whatever it is deployed to: a resource, and, if the type allows it, a
// resource group, a subscription or a management group.
const (
	ScopeTenant Scope = 1 << iota
	ScopeManagementGroup
	ScopeSubscription
	ScopeResourceGroup
	ScopeExtension
)

// Type is what is known of a resource type. It is shared: do not change it.
type Type struct {
	Name     string   // as Azure spells it: Microsoft.Storage/storageAccounts
	Version  string   // api-version whose body this is
	Scopes   Scope    // of the root type, for child types those of their parent
	Writable bool     // a PUT creates it
	Listed   bool     // a GET of the type below its parent, or of a scope, lists its resources
	Names    []string // the only names it can have, e.g. default; nil is any
	Body     *Schema  // what the PUT's body takes at top level (location, tags, properties, …); nil if not Writable

	bodies map[string]*Schema // by name in lower case, where the name decides
}

// BodyOf is the body of the resource with a name: of a few types (Microsoft.Web/sites/config) it differs by name, and
// Body is that of other names, or of the first.
func (t *Type) BodyOf(name string) *Schema {
	if body, ok := t.bodies[strings.ToLower(name)]; ok {
		return body
	}
	return t.Body
}

// Kind is of a value in JSON.
type Kind uint8

// The kinds. Any is free of form: whatever is in it can be written.
const (
	Any Kind = iota
	String
	Bool
	Number
	Object
	Map
	List
)

// Schema describes a value. Schemas are shared, and lead back to themselves where a value can hold one of its own kind:
// do not change them, and mind that when walking them. Below a read-only property nothing is described: it is Any.
type Schema struct {
	Kind          Kind
	Properties    []Property         // of an Object, by name
	Items         *Schema            // of a List or Map; of an Object, of the properties that have no names: nil is that it takes none
	Discriminator string             // of an Object with variants: the JSON property that says which
	Variants      map[string]*Schema // by its value: the properties that only the variant has
	Enum          []string           // the values of a String; nil is any. Services may know more of them than are here

	once     sync.Once
	variants map[string]*Schema // with the common properties
}

// Property is one of an Object.
type Property struct {
	Name      string
	Schema    *Schema
	ReadOnly  bool // Azure sets it, and a PUT must do without it
	WriteOnly bool // Azure takes it and does not give it back
	Required  bool // a PUT fails without it
	Secret    bool // known by its name, see generate/secret.go
}

// Property finds a property: by its exact name first, then in any case, as Azure does.
func (s *Schema) Property(name string) (*Property, bool) {
	if s == nil {
		return nil, false
	}
	at := sort.Search(len(s.Properties), func(i int) bool { return s.Properties[i].Name >= name })
	if at < len(s.Properties) && s.Properties[at].Name == name {
		return &s.Properties[at], true
	}
	for i := range s.Properties {
		if strings.EqualFold(s.Properties[i].Name, name) {
			return &s.Properties[i], true
		}
	}
	return nil, false
}

// Variant is the object that a value of the discriminator says: the common properties together with the variant's. Of
// an unknown value, and of an object without variants, it is the object itself.
func (s *Schema) Variant(value string) *Schema {
	if s == nil || len(s.Variants) == 0 {
		return s
	}
	s.once.Do(func() {
		s.variants = make(map[string]*Schema, len(s.Variants))
		for value, v := range s.Variants {
			s.variants[strings.ToLower(value)] = s.with(v)
		}
	})
	if v, ok := s.variants[strings.ToLower(value)]; ok {
		return v
	}
	return s
}

// with has the properties of both, those of the variant before one's own.
func (s *Schema) with(v *Schema) *Schema {
	both := &Schema{Kind: Object, Items: v.Items}
	if both.Items == nil {
		both.Items = s.Items
	}
	both.Properties = append(slices.Clone(v.Properties), s.Properties...)
	slices.SortStableFunc(both.Properties, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	both.Properties = slices.CompactFunc(both.Properties, func(a, b Property) bool { return a.Name == b.Name })
	return both
}
