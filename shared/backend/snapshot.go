package backend

import "time"

// Snapshot describes an immutable picture of a tenant that a scan made.
type Snapshot struct {
	ID              string    `json:"id"`
	TenantID        string    `json:"tenant_id"`
	TenantName      string    `json:"tenant_name,omitempty"`
	JobID           string    `json:"job_id,omitempty"`
	CreatedAt       time.Time `json:"created_at"` // when the scan began
	DurationSeconds float64   `json:"duration_seconds"`
	Complete        bool      `json:"complete"`
	Filtered        bool      `json:"filtered"` // the request asked for less than the tenant
	Subscriptions   int64     `json:"subscriptions"`
	Resources       int64     `json:"resources"`
	Relationships   int64     `json:"relationships"`
	Identities      int64     `json:"identities"`
	RoleAssignments int64     `json:"role_assignments"`
	Size            int64     `json:"size"`           // of the file, in bytes
	SHA256          string    `json:"sha256"`         // of the file, lower-case hexadecimal
	SchemaVersion   int       `json:"schema_version"` // of the file's format
	Producer        string    `json:"producer"`       // the program and version that made it
}

// SnapshotFilter chooses snapshots. Zero fields choose all.
type SnapshotFilter struct {
	TenantID string `json:"tenant_id,omitempty"`
	Limit    int    `json:"limit,omitempty"`  // 0 lets the backend choose
	Cursor   string `json:"cursor,omitempty"` // of the page before
}

// SnapshotPage is a page of snapshots, newest first.
type SnapshotPage struct {
	Snapshots []Snapshot `json:"snapshots"`
	Cursor    string     `json:"cursor,omitempty"` // of the next page; empty is the last one
	// Broken are files that look like snapshots but cannot be read, each with its reason, so that
	// one of them never hides the others.
	Broken []BrokenSnapshot `json:"broken,omitempty"`
}

// BrokenSnapshot is a snapshot that cannot be read.
type BrokenSnapshot struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// SnapshotDetail is a snapshot with its contents summed up.
type SnapshotDetail struct {
	Snapshot       Snapshot     `json:"snapshot"`
	Request        *ScanRequest `json:"request,omitempty"` // what was asked for
	Coverage       Coverage     `json:"coverage"`
	BySubscription []Count      `json:"by_subscription"` // most first
	ByType         []Count      `json:"by_type"`
	ByLocation     []Count      `json:"by_location"`
	// ByResourceGroup are the largest resource groups, by their ids in lower case: at most MaxResourceGroups.
	ByResourceGroup []Count `json:"by_resource_group"`
	ByIdentity      []Count `json:"by_identity"`     // how many identities there are of each kind
	ByRelationship  []Count `json:"by_relationship"` // how many relationships there are of each kind
	// Exposure is how many there are of what deserves a look, in the backend's order, with those of which there are none. Each is counted
	// by the query that has its Key as name; Name is for people. Empty if the backend does not tell.
	Exposure []Count `json:"exposure,omitempty"`
}

// MaxResourceGroups is the most that SnapshotDetail.ByResourceGroup has.
const MaxResourceGroups = 50

// Count is how many share something: resources, unless it says what else.
type Count struct {
	Key   string `json:"key"`
	Name  string `json:"name,omitempty"` // for people, where the key is an id
	Count int64  `json:"count"`
}
