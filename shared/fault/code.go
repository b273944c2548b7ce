package fault

// Code is the permanent, machine-readable identity of a fault, in snake_case. Codes are never
// renamed; errors.Is compares codes, and the host derives its exit code from them.
type Code string

// The codes. The comment says who is at fault or what to do; exit codes stand in ExitCode.
const (
	Internal Code = "internal" // a defect of atg or of a backend

	InvalidArgument       Code = "invalid_argument"        // an argument of a request is wrong
	ConfigInvalid         Code = "config_invalid"          // the configuration is wrong
	Unsupported           Code = "unsupported"             // this backend cannot do that
	BackendNotFound       Code = "backend_not_found"       // no such backend program
	JobNotFound           Code = "job_not_found"           // no such job, or not this caller's
	JobNotComplete        Code = "job_not_complete"        // the job has no result in its present state
	ArtifactsNotAvailable Code = "artifacts_not_available" // the job has no (or no more) files
	SnapshotNotFound      Code = "snapshot_not_found"      // no such snapshot
	Conflict              Code = "conflict"                // the state of things forbids it

	Incomplete  Code = "incomplete"  // done, but something was denied, throttled out or unsupported
	Differences Code = "differences" // done, and two things differ (only where the caller asked)

	AuthRequired      Code = "auth_required"       // the service wants a key and got none
	AuthFailed        Code = "auth_failed"         // the service refused the key
	Forbidden         Code = "forbidden"           // the key may not do that
	AzureAuthRequired Code = "azure_auth_required" // no credential for Azure
	AzureForbidden    Code = "azure_forbidden"     // Azure refuses the credential's principal

	ServiceUnavailable  Code = "service_unavailable"  // a service cannot be reached or is overloaded
	Throttled           Code = "throttled"            // a service asks to slow down, beyond our patience
	BackendIncompatible Code = "backend_incompatible" // the program is no backend that this host can use
	BackendCrashed      Code = "backend_crashed"      // the backend's process ended in the middle of work

	JobFailed       Code = "job_failed"       // the job ended as failed
	RemoteFailed    Code = "remote_failed"    // the service failed in an unexpected way
	ExecutionFailed Code = "execution_failed" // the work itself failed
	Cancelled       Code = "cancelled"        // someone cancelled the job

	Integrity Code = "integrity" // a checksum, an archive or a pinned program is not what it should be

	Timeout     Code = "timeout"      // the command's time is over
	JobMaxWait  Code = "job_max_wait" // the time to wait for a durable job is over; the job goes on
	Interrupted Code = "interrupted"  // the user pressed Ctrl-C
)

// exitCodes maps each code to the exit code of a command that ends with it.
var exitCodes = map[Code]int{
	Internal:        1,
	InvalidArgument: 2, ConfigInvalid: 2, Unsupported: 2, BackendNotFound: 2, JobNotFound: 2,
	JobNotComplete: 2, ArtifactsNotAvailable: 2, SnapshotNotFound: 2, Conflict: 2,
	Incomplete:   3,
	AuthRequired: 4, AuthFailed: 4, Forbidden: 4, AzureAuthRequired: 4, AzureForbidden: 4,
	ServiceUnavailable: 5, Throttled: 5, BackendIncompatible: 5, BackendCrashed: 5,
	JobFailed: 6, RemoteFailed: 6, ExecutionFailed: 6, Cancelled: 6,
	Integrity:   7,
	Differences: 8,
	Timeout:     124, JobMaxWait: 124,
	Interrupted: 130,
}

// Known says whether c is one of the codes above.
func (c Code) Known() bool { _, ok := exitCodes[c]; return ok }

// ExitCode is the exit code of a command that ends with c; 1, as for Internal, if c is unknown.
func (c Code) ExitCode() int {
	if n, ok := exitCodes[c]; ok {
		return n
	}
	return exitCodes[Internal]
}

// Codes returns every known code, for documentation and tests, in no particular order.
func Codes() []Code {
	codes := make([]Code, 0, len(exitCodes))
	for c := range exitCodes {
		codes = append(codes, c)
	}
	return codes
}

// Origin names the part that detected a fault.
type Origin string

// The origins.
const (
	OriginHost    Origin = "host"
	OriginBackend Origin = "backend"
	OriginService Origin = "service"
	OriginAzure   Origin = "azure"
)
