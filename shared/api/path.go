// Package api is the REST interface of the job service as both of its sides see it: paths, bodies,
// and how a fault travels over HTTP. plugins/remote speaks it, service/httpapi answers it; docs/api.md
// explains it to others.
//
// Bodies are JSON. Where the contract of backends (package backend) has a type already, that type is the
// body: a job's status is a backend.JobStatusResponse, a WebSocket message a backend.Event. Every call
// but the health ones carries "Authorization: Bearer KEY".
package api

import (
	"net/url"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Version is the version of the interface, as the paths carry it.
const Version = "v1"

// The paths. Braces hold what a path names.
const (
	prefix = "/api/" + Version

	PathScan         = prefix + "/scan"          // POST ScanBody → 202 backend.JobStatusResponse
	PathGenerateIaC  = prefix + "/generate-iac"  // POST GenerateIaCBody → 202
	PathCreateTenant = prefix + "/create-tenant" // POST CreateTenantBody → 202
	PathGenerateSpec = prefix + "/generate-spec" // POST GenerateSpecBody → 202
	PathVisualize    = prefix + "/visualize"     // POST VisualizeBody → 202

	PathSnapshots      = prefix + "/snapshots"             // GET → backend.SnapshotPage
	PathSnapshot       = prefix + "/snapshots/{id}"        // GET → backend.SnapshotDetail; DELETE → 204
	PathSnapshotFile   = prefix + "/snapshots/{id}/file"   // GET, ranges
	PathSnapshotQuery  = prefix + "/snapshots/{id}/query"  // POST SnapshotQueryBody → 202; the id may be Latest
	PathSnapshotDiff   = prefix + "/snapshots/{id}/diff"   // POST SnapshotDiffBody → 202; the id is the one before
	PathSnapshotExport = prefix + "/snapshots/{id}/export" // POST SnapshotExportBody → 202
	PathSnapshotPath   = prefix + "/snapshots/{id}/path"   // POST SnapshotPathBody → 202
	PathSnapshotReach  = prefix + "/snapshots/{id}/reach"  // POST SnapshotReachBody → 202

	PathBatch    = prefix + "/jobs/batch"                   // POST Batch → 200 BatchAnswer
	PathInput    = prefix + "/inputs/{sha256}"              // PUT → 201 or 200 backend.Input
	PathJobs     = prefix + "/jobs"                         // GET → backend.JobPage
	PathJob      = prefix + "/jobs/{id}"                    // GET → backend.JobStatusResponse; DELETE cancels
	PathResult   = prefix + "/jobs/{id}/result"             // GET → Result
	PathArchive  = prefix + "/jobs/{id}/artifacts"          // GET, a zip, ranges
	PathManifest = prefix + "/jobs/{id}/artifacts/manifest" // GET → Manifest
	PathFile     = prefix + "/jobs/{id}/artifacts/files/"   // GET + the file's path, ranges
	PathEvents   = "/ws/progress/{id}"                      // WebSocket of backend.Event, ?after=SEQ
	PathCapable  = prefix + "/capabilities"                 // GET → Capabilities
	PathAuth     = prefix + "/auth"                         // GET → Identity
	PathHealth   = prefix + "/health"                       // GET → Health, 200 or 503; no key
	PathLive     = "/healthz"                               // GET → 200; no key
	PathReady    = "/readyz"                                // GET → 200 or 503; no key
	PathMetrics  = "/metrics"                               // GET, Prometheus
	PathOpenAPI  = "/openapi.json"                          // GET, OpenAPI 3.1; no key
	Latest       = "latest"                                 // stands for the newest complete snapshot in a path
)

// The headers beyond those of HTTP.
const (
	// HeaderIdempotencyKey makes a submission that is sent again the same job, for 24 hours.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderRequestID names a request in the service's log; the service answers the one it was sent, or its own.
	HeaderRequestID = "X-Request-Id"
)

// MaxIdempotencyKey is the length of the longest idempotency key, in characters.
const MaxIdempotencyKey = 255

// Fill puts what a path names in the place of its braces, in their order, each escaped.
func Fill(path string, names ...string) string {
	for _, name := range names {
		open, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		if open < 0 || end < open {
			return path
		}
		path = path[:open] + url.PathEscape(name) + path[end+1:]
	}
	return path
}

// FilePath is the path of one artifact of a job.
func FilePath(job, file string) string {
	parts := strings.Split(file, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return Fill(PathFile, job) + strings.Join(parts, "/")
}

// PathOf is where an operation is submitted. It has {id} where the operation is one on a snapshot; it is
// empty if there is no such operation.
func PathOf(op backend.Operation) string {
	return map[backend.Operation]string{
		backend.OpScan: PathScan, backend.OpGenerateIaC: PathGenerateIaC, backend.OpCreateTenant: PathCreateTenant,
		backend.OpGenerateSpec: PathGenerateSpec, backend.OpVisualize: PathVisualize,
		backend.OpSnapshotQuery: PathSnapshotQuery, backend.OpSnapshotDiff: PathSnapshotDiff,
		backend.OpSnapshotExport: PathSnapshotExport, backend.OpSnapshotPath: PathSnapshotPath,
		backend.OpSnapshotReach: PathSnapshotReach,
	}[op]
}
