// Package directory holds the users, groups, applications and service principals of a simulated
// tenant of Microsoft Entra, as Microsoft Graph shows them.
package directory

import "strings"

// Kind is the type of an object.
type Kind uint8

// The kinds of objects that a directory has here.
const (
	User Kind = iota
	Group
	ServicePrincipal
	Application
	kinds
)

// Kinds are all kinds.
var Kinds = [kinds]Kind{User, Group, ServicePrincipal, Application}

// names are Graph's names of types, collections those of its collections.
var (
	names       = [kinds]string{"user", "group", "servicePrincipal", "application"}
	collections = [kinds]string{"users", "groups", "servicePrincipals", "applications"}
)

// String is Graph's name of the type: user, group, servicePrincipal, application.
func (k Kind) String() string { return names[k] }

// Collection is the path segment below which Graph serves objects of the kind: users, groups, …
func (k Kind) Collection() string { return collections[k] }

// OfName finds the kind of a type's name, in any case.
func OfName(name string) (Kind, bool) { return indexFold(names[:], name) }

// OfCollection finds the kind of a collection's name, in any case.
func OfCollection(name string) (Kind, bool) { return indexFold(collections[:], name) }

func indexFold(list []string, name string) (Kind, bool) {
	for i, known := range list {
		if strings.EqualFold(known, name) {
			return Kind(i), true
		}
	}
	return 0, false
}

// Object is an object of a directory.
type Object struct {
	Kind Kind
	// ID is the object id, a GUID in lower case.
	ID string
	// Properties are all others that it has, as JSON values. They must not be changed.
	Properties map[string]any
}

// Text is a property that is a string, empty if it has none.
func (o Object) Text(property string) string {
	text, _ := o.Properties[property].(string)
	return text
}

// key is the name besides its id that no other object of the kind has: the user principal name of
// a user, the application id of an application or a service principal.
func (o Object) key() string { return strings.ToLower(o.Text(keyProperty(o.Kind))) }

func keyProperty(k Kind) string {
	switch k {
	case User:
		return "userPrincipalName"
	case Group:
		return ""
	}
	return "appId"
}

// Relation is how an object refers to others.
type Relation uint8

// The relations between objects: those of a group with its members, and of a group, an application
// or a service principal with its owners.
const (
	Members Relation = iota
	Owners
)

// String is the path segment of the relation.
func (r Relation) String() string { return [...]string{"members", "owners"}[r] }
