// Package build makes a template of a snapshot: it selects, names, and orders the resources, and makes their bodies.
//
// It reads the snapshot three times. The first time, only heads: which rows there are, which are selected, what they are
// called. The second time, bodies: what each refers to, how large it is, which secrets it has; then scopes, modules and their order follow. The
// third time is template.Each, which makes the same bodies again, now with everything known. Between them a resource is some 150
// bytes in memory, whatever it contains.
package build

import (
	"context"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Options say what to make.
type Options struct {
	Filter          backend.Filter
	Target          template.Target
	Split           string // how to cut: template.SplitDeployment, …
	IncludeDefaults bool   // keep what is trimmed as noise
	Limits          Limits // of SplitDeployment; zero is Azure's, with room to spare
	// Only are the ids, in lower case, of the resources to generate; what they refer to beside them has to exist. A child that its parent's body
	// holds comes with its parent. Nil is all that pass the filter.
	Only map[string]bool
	// After are ids that a resource waits for beside those that it refers to, by its own id in lower case.
	After map[string][]string
	// Progress may be nil. It counts rows, and later the resources that are written. It may be called from several goroutines.
	Progress func(phase string, done, total int64)
}

// Limits are how large a unit, and a stage, may become.
type Limits struct {
	Resources  int // of a unit
	Bytes      int // of a unit, as estimated
	Parameters int // of a unit or stage: secrets, and what is shared
	StageBytes int
	StageUnits int
}

// azureLimits are those that Azure documents (https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices): 800 resources, 4 MB for a
// template, 1 MB for a resource of it, which a nested deployment is, and 256 parameters. The estimates count the JSON of Azure, which indentation makes
// larger.
var azureLimits = Limits{Resources: 600, Bytes: 300_000, Parameters: 180, StageBytes: 1_200_000, StageUnits: 400}

// Build makes the template. The reader has to stay open while the template is used; lookups of it are opened as needed.
// What is not generated, and what is changed, goes into the report.
func Build(ctx context.Context, r *graph.Reader, o Options, rep *report.Report) (*Plan, error) {
	if o.Limits == (Limits{}) {
		o.Limits = azureLimits
	}
	b := &builder{
		o: o, r: r, report: rep, seed: maphash.MakeSeed(),
		typeAt: map[string]int32{}, scopeAt: map[string]int32{}, symbols: map[uint64]struct{}{}, inParent: map[int32][]childName{},
		broken: map[[2]int32]struct{}{}, unitOwner: map[string]string{}, groupScopes: map[int32]int32{}, groupRegions: map[int32]string{}, byProperty: map[[2]int32]bool{}, behind: map[int32][]locked{}, unwanted: map[int32]bool{},
	}
	for _, step := range []func(context.Context) error{b.readHeads, b.readBodies, b.arrange} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	b.notes()
	return b.plan(), nil
}

// builder is a template in the making.
type builder struct {
	o      Options
	r      *graph.Reader
	report *report.Report
	filter *filter.Filter
	seed   maphash.Seed

	nodes        []node    // all rows with an id, in the order of ids
	measures     []measure // of them, until units are cut
	text         symbols
	last         string             // the id of the last row, in lower case
	readOnly     []int32            // locks of the level ReadOnly
	behind       map[int32][]locked // what each of them waits for
	foreign      atomic.Bool        // what is not generated is referred to in a subscription that the rest leaves
	written      atomic.Int64       // resources that were made for good
	index        map[uint64]int32   // where they are, by a hash of the id in lower case
	types        []typeInfo
	typeAt       map[string]int32 // by type in lower case
	scopes       []scopeInfo
	scopeAt      map[string]int32      // by id in lower case
	symbols      map[uint64]struct{}   // that are taken, with their scope
	inParent     map[int32][]childName // children that their parent's body holds, by parent
	deps         []int32               // what nodes refer to, by node.depsAt
	edgeAt       []int32               // where the edges of a generated resource begin in edges; one more than there are resources
	edges        []template.Node       // what it waits for
	alone        []int32               // children that their parent's body does not hold after all
	unwanted     map[int32]bool        // children that are to come with their parent's body or not at all
	groupScopes  map[int32]int32       // the scope that a resource group's row is
	groupRegions map[int32]string      // where a resource group is, until it is known which stay
	broken       map[[2]int32]struct{}
	byProperty   map[[2]int32]bool // edges that come of properties alone, and of no id

	unitOwner  map[string]string // the scope whose units have a name, by name
	places     places            // subscriptions and locations, as parameters
	principals *principals       // whose identities others name
	generated  []int32           // by template.Node
	shared     []*template.Parameter
	out        template.Template
}

// state is what becomes of a row.
type state uint8

const (
	left      state = iota // outside of the filter
	generated              // a resource of its own
	inBody                 // a part of its parent's body
	trimmed                // left out on purpose
	omitted                // left out because it cannot be generated
	existing               // has to exist: a subscription, a management group
)

// node is a row. It has no pointers, so that the garbage collector never looks at a hundred thousand of them.
type node struct {
	row       int32  // its number in its table
	scope     int32  // of builder.scopes: what it is deployed to
	up        int32  // the nearest row above it; -1 is none
	unit      int32  // of a generated one
	symbolAt  uint32 // see symbols
	typ       int32  // of builder.types
	symbolLen uint8
	table     graph.Table
	state     state
	reason    report.Reason
	match     bool // it is what the filter asks for, and so is what is below it
	empty     bool // nothing in its body says more than that it is there
}

// place is where its row lies.
func (n *node) place() graph.Place { return graph.Place{Table: n.table, Row: int64(n.row)} }

// measure is what is known of a row until its unit is: how large it is, and what it refers to.
type measure struct {
	depsAt int32
	deps   uint16
	secret uint16 // how many secrets it has
	size   int32  // bytes of JSON
}

// typeInfo is a type of resource.
type typeInfo struct {
	name    string // as it is written: Microsoft.Network/virtualNetworks
	lower   string
	version string
	schema  *armschema.Type // nil if it is unknown
	array   string          // the array of the parent's properties that holds it; empty is none
}

// scopeInfo is what resources are deployed to.
type scopeInfo struct {
	id    string // as Azure cased it
	kind  template.ScopeKind
	sub   string // the subscription's id in lower case
	group string // the resource group's name
	node  int32  // its own row; -1 is none
	count int    // generated resources in it
}

// typeOf interns a type; version is what Resource Graph says of it, if anything.
func (b *builder) typeOf(lower, spelled, version string) int32 {
	if at, ok := b.typeAt[lower]; ok {
		if b.types[at].version == "" {
			b.types[at].version = version
		}
		return at
	}
	t := typeInfo{name: spelled, lower: lower, version: version}
	look := lower
	if lower == groupRowType {
		t.name, look = typeGroup, strings.ToLower(typeGroup)
	}
	if s, ok := armschema.Lookup(look); ok {
		t.schema = s
		t.name = s.Name
		if s.Version != "" {
			t.version = s.Version
		}
	}
	if t.version == "" {
		t.version = childVersion(lower)
	}
	t.array = heldBy(lower)
	at := int32(len(b.types)) //nolint:gosec // there are fewer types than rows
	b.types = append(b.types, t)
	b.typeAt[lower] = at
	return at
}

// childVersion is the api-version by which a scan lists a child type; empty is unknown.
func childVersion(lower string) string {
	at := strings.LastIndexByte(lower, '/')
	for _, c := range armschema.Children(lower[:max(at, 0)]) {
		if c.Type == lower {
			return c.Version
		}
	}
	return ""
}

// heldBy is the array of a parent's properties that holds all its children of a type; empty if there is none, or if they have to stand alone.
func heldBy(lower string) string {
	switch lower {
	case "microsoft.network/virtualnetworks/virtualnetworkpeerings": // two networks that are peers would each have to be there first
		return ""
	case "microsoft.containerservice/managedclusters/agentpools":
		return "agentPoolProfiles"
	}
	at := strings.LastIndexByte(lower, '/')
	if at < 0 {
		return ""
	}
	for _, c := range armschema.Children(lower[:at]) {
		if c.Type == lower {
			return c.Embedded
		}
	}
	return ""
}

// scopeOf interns what a resource is deployed to.
func (b *builder) scopeOf(id string) int32 {
	scope := deploymentScope(id)
	lower := strings.ToLower(scope)
	if at, ok := b.scopeAt[lower]; ok {
		return at
	}
	s := scopeInfo{id: scope, node: -1, kind: template.ScopeTenant}
	parts := strings.Split(lower, "/")
	switch {
	case scope == "":
	case parts[1] == "providers":
		s.kind = template.ScopeManagementGroup
	case len(parts) == 3:
		s.kind, s.sub = template.ScopeSubscription, parts[2]
	default:
		s.kind, s.sub, s.group = template.ScopeResourceGroup, parts[2], scope[strings.LastIndexByte(scope, '/')+1:]
	}
	at := int32(len(b.scopes)) //nolint:gosec // there are fewer scopes than rows
	b.scopes = append(b.scopes, s)
	b.scopeAt[lower] = at
	return at
}

// find is the row with an id, in lower case.
func (b *builder) find(lower string) (int32, bool) {
	at, ok := b.index[maphash.String(b.seed, lower)]
	return at, ok
}
