// Package spec is the written form of a tenant: Markdown for people, with fenced blocks of JSON or YAML that say what is to be there.
// docs/specification.md describes the format; Parse reads and checks it, Rows makes rows of a snapshot of it, of which the template builder
// makes what is deployed.
package spec

// Spec is a specification.
type Spec struct {
	Name          string // of the tenant
	TenantID      string // where it was; may be empty
	Subscriptions []*Subscription
	Groups        []*Group
	Resources     []*Resource
	Assignments   []*Assignment
	Principals    []*Principal
	Relationships []*Relationship

	index *index
	shelf *shelf
}

// Subscription is one.
type Subscription struct {
	Name string // as references name it; its id where it has no name
	ID   string // may be empty
	At   Position

	implied bool // nothing but a resource group names it
}

// Group is a resource group.
type Group struct {
	Name         string
	Subscription *Subscription
	Location     string
	Tags         Value
	Existing     bool // it is not made
	Label        string
	At           Position
}

// Resource is a resource, role assignments apart.
type Resource struct {
	Type, Name   string // Name is whole: a/b of a child b
	APIVersion   string
	Group        *Group        // where it is; nil for what belongs to a subscription or the tenant
	Subscription *Subscription // that of Group, or its own; nil for what belongs to the tenant
	Scope        string        // what it extends, as a text with references; empty for what is deployed to where it is
	Location     string
	Kind         string
	ManagedBy    string

	Label string
	At    Position

	shelf    *shelf
	packed   place // all that it has: see open
	identity bool  // it has one
}

// Assignment is a role assignment. Its texts may have references.
type Assignment struct {
	Name, Principal, PrincipalType, Role, RoleID, Scope       string
	Description, Condition, ConditionVersion, DelegatedTo     string
	At                                                        Position
	atPrincipal, atScope, atRole, atRoleID, atName, delegated Position
}

// PrincipalKind is what a principal is.
type PrincipalKind string

// The kinds, as references name them.
const (
	User             PrincipalKind = RefUser
	EntraGroup       PrincipalKind = RefGroup
	ServicePrincipal PrincipalKind = RefService
)

// Principal is a user, group or service principal of the specification.
type Principal struct {
	Kind    PrincipalKind
	Name    string
	ID      string   // the object id of one that exists; may be empty
	Members []string // of a group: texts with references
	Fields  Value    // all that is said of it, under the names of the format
	At      Position
}

// Text is the text of a member of the format, such as user_principal_name; empty where there is none.
func (p *Principal) Text(member string) string { return p.Fields.text(member) }

// DisplayName is the name that the directory shows.
func (p *Principal) DisplayName() string { return first(p.Text("full_name"), p.Name) }

// Relationship is a relationship that the specification says. Source and Target are texts with references, or labels.
type Relationship struct {
	Source, Target, Type string
	At                   Position
}

// DependsOn is the type of a relationship that makes its source wait for its target.
const DependsOn = "DEPENDS_ON"
