package backend

import "github.com/azure-tenant-grapher/atg/shared/fault"

// Result is what a completed job answers. The implementations are the *Result types below. A result
// whose Complete is false, where it has one, ends the command with fault.Incomplete.
type Result interface {
	Operation() Operation
}

// ScanResult is the outcome of a scan.
type ScanResult struct {
	Success         bool      `json:"success"`
	Complete        bool      `json:"complete"` // nothing in scope was denied, dropped, throttled out or unsupported
	Subscriptions   int64     `json:"subscriptions"`
	Resources       int64     `json:"resources"`
	Relationships   int64     `json:"relationships"`
	Identities      int64     `json:"identities"`
	DurationSeconds float64   `json:"duration_seconds"`
	Error           string    `json:"error,omitempty"`
	Snapshot        *Snapshot `json:"snapshot,omitempty"` // none with DryRun
	Coverage        Coverage  `json:"coverage"`
	Plan            *ScanPlan `json:"plan,omitempty"` // with DryRun
}

// ScanPlan predicts a scan.
type ScanPlan struct {
	Parts           []PlannedPart `json:"parts"`
	Rows            int64         `json:"rows"`
	Calls           int64         `json:"calls"`
	DurationSeconds float64       `json:"duration_seconds"`
}

// PlannedPart predicts one part of a scan.
type PlannedPart struct {
	Key   string `json:"key"`
	Rows  int64  `json:"rows"`
	Calls int64  `json:"calls"`
}

// Coverage is the ledger of a scan: per subscription and kind of thing, what came of reading it.
type Coverage struct {
	Complete bool            `json:"complete"` // no entry is a gap: each is listed, limited or skipped
	Entries  []CoverageEntry `json:"entries"`
}

// Gaps are the entries that are not completely listed.
func (c Coverage) Gaps() []CoverageEntry {
	var gaps []CoverageEntry
	for _, e := range c.Entries {
		if e.State.Gap() {
			gaps = append(gaps, e)
		}
	}
	return gaps
}

// CoverageState is what came of reading one kind of thing in one scope.
type CoverageState string

// The states.
const (
	CoverageListed      CoverageState = "listed"      // read to the end
	CoverageLimited     CoverageState = "limited"     // not read to the end, because the request's limit was reached
	CoverageDenied      CoverageState = "denied"      // Azure refused
	CoverageDropped     CoverageState = "dropped"     // Resource Graph left it out without a word
	CoverageThrottled   CoverageState = "throttled"   // given up after throttling
	CoverageFailed      CoverageState = "failed"      // given up after another error
	CoverageUnsupported CoverageState = "unsupported" // this backend or this cloud cannot read it
	CoverageSkipped     CoverageState = "skipped"     // disabled in Azure (a deleted or disabled subscription), or not asked for and not allowed
)

// Gap says that things may exist in scope that the scan did not read. What the user limited or what
// Azure itself has switched off is no gap.
func (s CoverageState) Gap() bool {
	switch s {
	case CoverageListed, CoverageLimited, CoverageSkipped:
		return false
	}
	return true
}

// CoverageEntry is a line of the ledger.
type CoverageEntry struct {
	Scope  string        `json:"scope"` // a subscription's id; "tenant" for what belongs to none
	Name   string        `json:"name,omitempty"`
	Kind   string        `json:"kind"` // the Resource Graph table, or the API that was read
	State  CoverageState `json:"state"`
	Listed int64         `json:"listed"` // rows read
	// Expected is how many rows Azure said there are; -1 is unknown.
	Expected int64        `json:"expected"`
	Fault    *fault.Fault `json:"fault,omitempty"` // why it is a gap
}

// The most that a result lists of one kind, so that it stays small however large the tenant is.
const (
	MaxOmitted  = 1000 // of Omitted
	MaxFindings = 1000 // of one Check's Findings
)

// IaCGenerationResult is the outcome of generate-iac. The files are the job's artifacts; the host
// makes FilesGenerated absolute once it has downloaded them.
type IaCGenerationResult struct {
	Success           bool     `json:"success"`
	Complete          bool     `json:"complete"` // ResourcesOmitted is 0, no property was omitted either, and the snapshot was complete
	OutputFormat      string   `json:"output_format"`
	FilesGenerated    []string `json:"files_generated"`
	ResourcesIncluded int64    `json:"resources_included"`
	// ResourcesTrimmed are resources that were left out on purpose, because Azure makes them itself or they
	// only say a default. Nothing is lost: IncludeDefaults keeps them.
	ResourcesTrimmed int64 `json:"resources_trimmed"`
	// ResourcesOmitted are resources that were left out for any other reason, and so are missing.
	ResourcesOmitted int64   `json:"resources_omitted"`
	DurationSeconds  float64 `json:"duration_seconds"`
	Error            string  `json:"error,omitempty"`
	// Omitted is what was left out: at most MaxOmitted entries, those that matter first, so what is
	// missing before what was trimmed. All of them stand in the artifact report.ndjson.
	Omitted  []Omitted `json:"omitted,omitempty"`
	Snapshot string    `json:"snapshot,omitempty"` // the id that was used
	Checks   []Check   `json:"checks,omitempty"`   // with IaCGenerationRequest.Check: one for each tool
	// Notes are sentences that whoever deploys the code should read, such as which names have to be unique
	// in the world. A note makes no result incomplete.
	Notes []string `json:"notes,omitempty"`
}

// Omitted is something left out of an output, and why.
type Omitted struct {
	Resource string `json:"resource"`           // an ARM id
	Property string `json:"property,omitempty"` // its path, if the resource itself is there
	Reason   string `json:"reason"`
	Trimmed  bool   `json:"trimmed,omitempty"` // on purpose, and nothing is lost
}

// CheckState is what came of a check.
type CheckState string

// The states.
const (
	CheckPassed  CheckState = "passed"  // no errors; there may be warnings
	CheckFailed  CheckState = "failed"  // the tool found errors, or could not finish
	CheckSkipped CheckState = "skipped" // not run, because the tool is not installed; Message says it
)

// Check is what a format's own tool says of generated code. A check that failed leaves the job completed
// and its files there; the command that asked for the check ends with fault.ExecutionFailed.
type Check struct {
	Tool     string         `json:"tool"`              // the program, or what of Azure was asked: terraform, bicep, what-if
	Version  string         `json:"version,omitempty"` // as the tool says it
	State    CheckState     `json:"state"`
	Message  string         `json:"message,omitempty"`  // why it was skipped or failed, or what it says in short
	Findings []CheckFinding `json:"findings,omitempty"` // at most MaxFindings, errors first
}

// Severity is how much a finding matters.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// CheckFinding is one thing that a tool found.
type CheckFinding struct {
	Resource string   `json:"resource,omitempty"` // an ARM id, or the address in the code
	File     string   `json:"file,omitempty"`     // an artifact's path
	Line     int64    `json:"line,omitempty"`     // from 1; 0 is unknown
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// FailedChecks are the checks that failed.
func (r *IaCGenerationResult) FailedChecks() []Check {
	var failed []Check
	for _, c := range r.Checks {
		if c.State == CheckFailed {
			failed = append(failed, c)
		}
	}
	return failed
}

// TenantCreationResult is the outcome of create-tenant.
type TenantCreationResult struct {
	Success          bool             `json:"success"`
	Complete         bool             `json:"complete"`
	ResourcesCreated int64            `json:"resources_created"`
	ResourcesFailed  int64            `json:"resources_failed"`
	DeploymentLogs   []string         `json:"deployment_logs,omitempty"`
	DurationSeconds  float64          `json:"duration_seconds"`
	Error            string           `json:"error,omitempty"`
	Plan             *TenantPlan      `json:"plan,omitempty"`
	Failures         []ResourceFailed `json:"failures,omitempty"`
}

// TenantPlan is what create-tenant would do. Its digest confirms it.
type TenantPlan struct {
	Digest  string          `json:"digest"`
	Changes []PlannedChange `json:"changes"`
}

// PlannedChange is one line of a plan.
type PlannedChange struct {
	Resource   string   `json:"resource"`
	Type       string   `json:"type"`
	Action     string   `json:"action"` // create, exists, differs, delete, unsupported
	Properties []string `json:"properties,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// ResourceFailed is a resource that could not be created, with Azure's own words.
type ResourceFailed struct {
	Resource string       `json:"resource"`
	Fault    *fault.Fault `json:"fault"`
}

// SpecGenerationResult is the outcome of generate-spec. The file is the job's artifact.
type SpecGenerationResult struct {
	Success         bool      `json:"success"`
	Complete        bool      `json:"complete"`
	Resources       int64     `json:"resources"`
	DurationSeconds float64   `json:"duration_seconds"`
	Error           string    `json:"error,omitempty"`
	Omitted         []Omitted `json:"omitted,omitempty"`
	Snapshot        string    `json:"snapshot,omitempty"`
}

// VisualizationResult is the outcome of visualize. The page is the job's artifact.
type VisualizationResult struct {
	Success         bool    `json:"success"`
	Complete        bool    `json:"complete"`
	Nodes           int64   `json:"nodes"`
	Edges           int64   `json:"edges"`
	DurationSeconds float64 `json:"duration_seconds"`
	Error           string  `json:"error,omitempty"`
	Snapshot        string  `json:"snapshot,omitempty"`
}

// SnapshotQueryResult is the outcome of a query. The rows are the artifact Rows.
type SnapshotQueryResult struct {
	Columns         []Column `json:"columns"`
	RowCount        int64    `json:"row_count"`
	Truncated       bool     `json:"truncated"` // RowLimit was reached
	Rows            string   `json:"rows"`      // the artifact's path
	DurationSeconds float64  `json:"duration_seconds"`
	Snapshot        string   `json:"snapshot,omitempty"`
}

// Column is a column of a query's rows.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // text, integer, real, json, boolean, time
}

// SnapshotDiffResult is the outcome of a comparison. The differences are the artifact Changes.
type SnapshotDiffResult struct {
	Complete        bool    `json:"complete"` // both scans covered the scope
	Added           int64   `json:"added"`
	Removed         int64   `json:"removed"`
	Changed         int64   `json:"changed"`
	Unknown         int64   `json:"unknown"` // gone, but the scope was not completely read
	Changes         string  `json:"changes"` // the artifact's path
	DurationSeconds float64 `json:"duration_seconds"`
}

// SnapshotExportResult is the outcome of an export. The files are the job's artifacts.
type SnapshotExportResult struct {
	Format          string  `json:"format"`
	Complete        bool    `json:"complete"` // the snapshot was
	Resources       int64   `json:"resources"`
	DurationSeconds float64 `json:"duration_seconds"`
	Snapshot        string  `json:"snapshot,omitempty"`
	Nodes           int64   `json:"nodes"` // resources and all else that edges join
	Edges           int64   `json:"edges"`
	Redacted        int64   `json:"redacted"` // values that were left out because they look like secrets
}

// SnapshotPathResult is how two nodes are connected; no paths if they are not.
type SnapshotPathResult struct {
	Paths           []Path  `json:"paths"` // equally good ones
	DurationSeconds float64 `json:"duration_seconds"`
	Snapshot        string  `json:"snapshot,omitempty"`
	Complete        bool    `json:"complete"`            // the snapshot was; otherwise there may be other paths
	From            string  `json:"from,omitempty"`      // the ids of the nodes that were meant
	To              string  `json:"to,omitempty"`        //
	Truncated       bool    `json:"truncated,omitempty"` // there are more paths, as good as these
}

// SnapshotReachResult is what a node can reach. The nodes are the artifact Nodes.
type SnapshotReachResult struct {
	Reached         int64   `json:"reached"`
	Nodes           string  `json:"nodes"` // the artifact's path
	DurationSeconds float64 `json:"duration_seconds"`
	Snapshot        string  `json:"snapshot,omitempty"`
	Complete        bool    `json:"complete"`       // the snapshot was; otherwise more may be reached
	Node            string  `json:"node,omitempty"` // the id of the node that was meant
}

// Path is a way through the graph.
type Path struct {
	Steps []Step `json:"steps"`
}

// Step is an edge of a path, walked from From to To.
type Step struct {
	From         string `json:"from"` // an id
	Relationship string `json:"relationship"`
	To           string `json:"to"`
	// Against says that the relationship is one of To to From: the step goes against its direction.
	Against  bool   `json:"against"`
	Property string `json:"property,omitempty"` // the path of the property that says it
	Detail   string `json:"detail,omitempty"`   // the roles of HAS_ROLE, the permissions of HAS_ACCESS_POLICY
	Rule     string `json:"rule,omitempty"`     // what derived it
	// Of the nodes, for people. The type is that of a resource, or else the kind of the node. The state is empty if the node is present.
	FromName  string `json:"from_name,omitempty"`
	FromType  string `json:"from_type,omitempty"`
	FromState string `json:"from_state,omitempty"`
	ToName    string `json:"to_name,omitempty"`
	ToType    string `json:"to_type,omitempty"`
	ToState   string `json:"to_state,omitempty"`
}
