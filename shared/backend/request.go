package backend

// Operation is what a job does.
type Operation string

// The operations.
const (
	OpScan           Operation = "scan"
	OpGenerateIaC    Operation = "generate-iac"
	OpCreateTenant   Operation = "create-tenant"
	OpGenerateSpec   Operation = "generate-spec"
	OpVisualize      Operation = "visualize"
	OpSnapshotQuery  Operation = "snapshot-query"
	OpSnapshotDiff   Operation = "snapshot-diff"
	OpSnapshotExport Operation = "snapshot-export"
	OpSnapshotPath   Operation = "snapshot-path"
	OpSnapshotReach  Operation = "snapshot-reach"
)

// Operations are all operations.
func Operations() []Operation {
	return []Operation{
		OpScan, OpGenerateIaC, OpCreateTenant, OpGenerateSpec, OpVisualize,
		OpSnapshotQuery, OpSnapshotDiff, OpSnapshotExport, OpSnapshotPath, OpSnapshotReach,
	}
}

// Request is what one operation needs to know. The implementations are the *Request types below.
type Request interface {
	Operation() Operation
	// Tenant is the tenant the job is about; empty lets the backend find the only one it can reach.
	Tenant() string
}

// Filter narrows what a scan reads or a generator takes. Names compare without regard to case;
// several values of one field are alternatives; several fields must all hold. Zero takes everything.
type Filter struct {
	Subscriptions  []string          `json:"subscriptions,omitempty"`   // ids or names
	ResourceGroups []string          `json:"resource_groups,omitempty"` // names
	ResourceTypes  []string          `json:"resource_types,omitempty"`  // microsoft.compute/virtualmachines
	Locations      []string          `json:"locations,omitempty"`       // westeurope
	Tags           map[string]string `json:"tags,omitempty"`            // all of them; an empty value is any value
	ExcludeTypes   []string          `json:"exclude_types,omitempty"`
}

// Depth is how far below what Resource Graph indexes a scan goes.
type Depth string

// The depths, each including the one before.
const (
	DepthResources  Depth = "resources"  // what Resource Graph indexes
	DepthChildren   Depth = "children"   // and child resources that only ARM lists
	DepthExtensions Depth = "extensions" // and extension resources of each resource
)

// Identities says which users, groups and principals a scan reads.
type Identities string

// The choices.
const (
	IdentitiesAll        Identities = "all"
	IdentitiesReferenced Identities = "referenced" // those that the scanned scope names
	IdentitiesNone       Identities = "none"
)

// Discovery is by which of Azure's APIs a scan finds resources.
type Discovery string

// The choices.
const (
	DiscoveryAuto  Discovery = "auto"  // Resource Graph, or ARM where there is none
	DiscoveryGraph Discovery = "graph" // Resource Graph
	DiscoveryARM   Discovery = "arm"   // ARM's lists
)

// ScanRequest asks for a snapshot of a tenant. The empty Depth, Identities and Discovery let the
// backend choose.
type ScanRequest struct {
	TenantID      string     `json:"tenant_id,omitempty"`
	Filter        Filter     `json:"filter"`
	ResourceLimit int64      `json:"resource_limit,omitempty"` // at most so many resources; 0 is no limit
	Depth         Depth      `json:"depth,omitempty"`
	Identities    Identities `json:"identities,omitempty"`
	Discovery     Discovery  `json:"discovery,omitempty"`
	DryRun        bool       `json:"dry_run,omitempty"` // only predict: ScanResult.Plan
}

// IaCGenerationRequest asks for infrastructure code from a snapshot.
type IaCGenerationRequest struct {
	TenantID     string `json:"tenant_id,omitempty"`
	OutputFormat string `json:"output_format"`      // terraform, bicep, arm
	Snapshot     string `json:"snapshot,omitempty"` // an id; empty is the newest complete one
	Filter       Filter `json:"filter"`
	Target       Target `json:"target"`
	// Import also writes what takes existing resources over into the code's own state: import blocks for
	// Terraform. Formats without state have nothing to import.
	Import bool `json:"import,omitempty"`
	// Split says which resources share a file of Terraform: rg (a file for each resource group; the
	// default), type (for each resource type), none (one file). Bicep and ARM are split by Azure's limits
	// and scopes; for them a backend refuses any value with fault.InvalidArgument.
	Split string `json:"split,omitempty"`
	// IncludeDefaults keeps what is otherwise trimmed as noise: properties that only say what is the
	// service's default, and children that Azure creates together with their parent.
	IncludeDefaults bool `json:"include_defaults,omitempty"`
	// Check runs the format's own tool over the code where it is installed. It changes nothing in Azure
	// and asks nothing of it. What came of it stands in IaCGenerationResult.Checks.
	Check bool `json:"check,omitempty"`
	// WhatIf, which needs Check, also asks Azure what a deployment of the code would change. That takes a
	// credential for the target and sends it the code; whoever sets this has the user's consent.
	WhatIf bool `json:"what_if,omitempty"`
}

// Target is where generated code will be deployed; empty fields keep the source's.
type Target struct {
	TenantID       string `json:"tenant_id,omitempty"`
	SubscriptionID string `json:"subscription_id,omitempty"`
	Location       string `json:"location,omitempty"` // a region's name: westeurope
	// ResourceGroupPrefix begins the name of each resource group, so that a copy can stand beside its
	// source. The resources in them keep their names.
	ResourceGroupPrefix string `json:"resource_group_prefix,omitempty"`
}

// TenantCreationRequest asks to deploy a specification, which travels as the input of that path.
// With DryRun the result is the plan; deploying needs that plan's digest.
type TenantCreationRequest struct {
	TenantID         string `json:"tenant_id,omitempty"`
	Spec             string `json:"spec"` // the path of the input
	DryRun           bool   `json:"dry_run,omitempty"`
	PlanDigest       string `json:"plan_digest,omitempty"`
	Rollback         bool   `json:"rollback,omitempty"`     // remove what the job RollbackJob created
	RollbackJob      string `json:"rollback_job,omitempty"` // its id
	CreateIdentities bool   `json:"create_identities,omitempty"`
}

// SpecGenerationRequest asks for a specification of a snapshot.
type SpecGenerationRequest struct {
	TenantID  string `json:"tenant_id,omitempty"`
	Snapshot  string `json:"snapshot,omitempty"`
	Filter    Filter `json:"filter"`
	Anonymize bool   `json:"anonymize,omitempty"`
}

// VisualizationRequest asks for a page that shows a snapshot.
type VisualizationRequest struct {
	TenantID string `json:"tenant_id,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
	Filter   Filter `json:"filter"`
}

// QueryList is the name of the query that lists those that have names, with the columns name, summary and usage. It needs no snapshot.
const QueryList = "queries"

// SnapshotQueryRequest asks a read-only SQL query, or a named one, of a snapshot. The rows become an
// artifact, so that their number has no limit.
type SnapshotQueryRequest struct {
	TenantID string   `json:"tenant_id,omitempty"`
	Snapshot string   `json:"snapshot,omitempty"`
	SQL      string   `json:"sql,omitempty"`
	Name     string   `json:"name,omitempty"`      // of a named query
	Args     []string `json:"args,omitempty"`      // of its parameters
	Format   string   `json:"format,omitempty"`    // ndjson (default), csv
	RowLimit int64    `json:"row_limit,omitempty"` // 0 is no limit
}

// SnapshotDiffRequest asks what changed between two snapshots.
type SnapshotDiffRequest struct {
	TenantID string `json:"tenant_id,omitempty"`
	Before   string `json:"before"` // an id
	After    string `json:"after"`  // an id
	Filter   Filter `json:"filter"`
	Format   string `json:"format,omitempty"` // ndjson (default), markdown
}

// SnapshotExportRequest asks for a snapshot's content in another format.
type SnapshotExportRequest struct {
	TenantID string `json:"tenant_id,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
	Filter   Filter `json:"filter"`
	Format   string `json:"format"` // as the backend's documentation lists them
	// Pseudonymize replaces what tells whose tenant it is. What the pseudonyms stand for is an artifact of its own.
	Pseudonymize bool `json:"pseudonymize,omitempty"`
}

// SnapshotPathRequest asks how one node is connected with another.
type SnapshotPathRequest struct {
	TenantID string `json:"tenant_id,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
	From     string `json:"from"` // an ARM id, a principal's id, or a unique name
	To       string `json:"to"`
	MaxHops  int    `json:"max_hops,omitempty"` // most steps of a path; 0 lets the backend choose
}

// SnapshotReachRequest asks what a principal or resource can reach.
type SnapshotReachRequest struct {
	TenantID string `json:"tenant_id,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`
	Node     string `json:"node"`               // as SnapshotPathRequest.From
	MaxHops  int    `json:"max_hops,omitempty"` // 0 is no limit
}

// SetTenant puts the tenant that was found for a request into it.
func SetTenant(r Request, tenant string) {
	switch r := r.(type) {
	case *ScanRequest:
		r.TenantID = tenant
	case *IaCGenerationRequest:
		r.TenantID = tenant
	case *TenantCreationRequest:
		r.TenantID = tenant
	case *SpecGenerationRequest:
		r.TenantID = tenant
	case *VisualizationRequest:
		r.TenantID = tenant
	case *SnapshotQueryRequest:
		r.TenantID = tenant
	case *SnapshotDiffRequest:
		r.TenantID = tenant
	case *SnapshotExportRequest:
		r.TenantID = tenant
	case *SnapshotPathRequest:
		r.TenantID = tenant
	case *SnapshotReachRequest:
		r.TenantID = tenant
	}
}

// SnapshotsOf are the places in a request that name the snapshots it reads; an empty one stands for the
// newest complete snapshot of the tenant. A request that reads none has none.
func SnapshotsOf(r Request) []*string {
	switch r := r.(type) {
	case *IaCGenerationRequest:
		return []*string{&r.Snapshot}
	case *SpecGenerationRequest:
		return []*string{&r.Snapshot}
	case *VisualizationRequest:
		return []*string{&r.Snapshot}
	case *SnapshotQueryRequest:
		if r.Name == QueryList {
			return nil
		}
		return []*string{&r.Snapshot}
	case *SnapshotDiffRequest:
		return []*string{&r.Before, &r.After}
	case *SnapshotExportRequest:
		return []*string{&r.Snapshot}
	case *SnapshotPathRequest:
		return []*string{&r.Snapshot}
	case *SnapshotReachRequest:
		return []*string{&r.Snapshot}
	}
	return nil
}
