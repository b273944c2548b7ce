// Package picture draws a snapshot: one HTML file that shows the tenant as a graph which one can search, filter and walk through.
//
// The file needs nothing but itself. Where everything lies is computed here, so that the page only draws; what is not needed
// for the first look, such as properties, is packed into pieces that the page opens when they are asked for. All data travels as
// base64 of compressed columns, so no name of Azure can be read as markup or script, whatever is in it.
//
// The same graph gives the same bytes, on every machine: nothing in here reads a clock, and no sum depends on whether a
// processor rounds once or twice (see mul).
package picture

import (
	"time"
)

// Kinds of nodes that are no resource. A resource has the kind KindResource.
const (
	KindResource        = "resource"
	KindManagementGroup = "management group"
	KindSubscription    = "subscription"
	KindResourceGroup   = "resource group"
	KindIdentity        = "identity"
)

// Graph is what is drawn.
type Graph struct {
	Head
	Nodes []Node
	Edges []Edge
}

// Head is what the page says of the whole.
type Head struct {
	TenantID   string
	TenantName string    // may be empty
	Snapshot   string    // its id
	Scanned    time.Time // when the scan began
	// Misses are sentences on what the picture does not show: what the scan could not read, and what was left out on request.
	Misses []string
	// Partial says that the scan was asked for less than the tenant, or that the picture was.
	Partial bool
}

// Node is a thing of the graph.
type Node struct {
	Kind string // one of the constants above
	ID   string // an ARM id, or an object id; as Azure cased it
	Name string // what people call it
	Type string // lower case: an ARM type, or of an identity user, group, servicePrincipal, …
	// Location, ResourceGroup (its name) and Subscription (its GUID) are empty where there is none.
	Location, ResourceGroup, Subscription string
	Tags                                  []Tag // sorted by name
	// Parent is the index of the management group above a management group or subscription; -1 is none.
	Parent int32
	// Missing says that something names this thing, and that the scan did not find it.
	Missing bool
}

// Tag is a tag of a node.
type Tag struct{ Name, Value string }

// Edge is a relationship.
type Edge struct {
	Source, Target int32  // indexes of Nodes
	Kind           string // as HAS_ROLE
	Detail         string // what people want to know of it: the role, the property
}

// Detail is what the details of a node show beyond the Node.
type Detail struct {
	Node   int32       // index of Nodes
	Fields [][2]string // name and value, in the order in which they are shown
}
