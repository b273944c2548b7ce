package fault

// Code is the permanent, machine-readable identity of a fault, in snake_case. Codes are never
// renamed; errors.Is compares codes, and the host derives its exit code from them.
type Code string

// The codes. A comment says what happened, and in its second sentence what to do; docs/reference is made of both. Exit codes
// stand in ExitCode.
const (
	Internal Code = "internal" // a defect of atg or of a backend. Run it again with -v, and report what it says

	InvalidArgument       Code = "invalid_argument"        // an argument of a command or a request is wrong. The message names it, the hint what is accepted
	ConfigInvalid         Code = "config_invalid"          // the configuration is wrong. Every problem is listed, with key and line; `atg config validate` looks again
	Unsupported           Code = "unsupported"             // this backend cannot do that. Use one that can: `atg backend info NAME` says what each does
	BackendNotFound       Code = "backend_not_found"       // there is no such backend program. Install it, or put it where atg looks: `atg backend list`
	JobNotFound           Code = "job_not_found"           // there is no such job, or it is not this caller's. List your own: `atg job list`
	JobNotComplete        Code = "job_not_complete"        // the job has no result in its present state. Wait for its end: `atg job watch ID`; of a failed job, the message has the reason
	ArtifactsNotAvailable Code = "artifacts_not_available" // the job has no files, or has them no more. Submit the job again if its time is over
	SnapshotNotFound      Code = "snapshot_not_found"      // there is no such snapshot. Scan first, or choose one: `atg snapshot list`
	Conflict              Code = "conflict"                // the state of things forbids it. The message says which state; look, then ask again

	Incomplete  Code = "incomplete"  // done, but something was denied, throttled out or unsupported. What is missing stands in the summary and in the ledger; grant what was denied, or go on with `atg scan --resume last`
	Differences Code = "differences" // done, and two things differ, where that was the question. It is the answer of --exit-code, no error

	AuthRequired      Code = "auth_required"       // the service wants a key and got none. `atg auth login`, or set ATG_API_KEY
	AuthFailed        Code = "auth_failed"         // the service refused the key. It is wrong, expired or revoked: ask the service's operator for another
	Forbidden         Code = "forbidden"           // the key may not do that. Ask the service's operator for a key with that scope or tenant
	AzureAuthRequired Code = "azure_auth_required" // there is no credential for Azure. `az login`, or give one in the settings; behind a service, ask its operator
	AzureForbidden    Code = "azure_forbidden"     // Azure refuses the credential's principal. The message names what is missing; `atg doctor` says which role would do

	ServiceUnavailable  Code = "service_unavailable"  // a service cannot be reached or is overloaded. Try again later; --queue keeps the submission until then
	Throttled           Code = "throttled"            // a service asks to slow down, beyond our patience. Try again later, or raise throttle_patience
	BackendIncompatible Code = "backend_incompatible" // the program is no backend that this atg can use. Use versions that fit: `atg backend test NAME` says what is wrong
	BackendCrashed      Code = "backend_crashed"      // the backend's process ended in the middle of work. The end of its log is shown; `atg scan --resume last` goes on with a scan

	JobFailed       Code = "job_failed"       // the job ended as failed. The message has the reason
	RemoteFailed    Code = "remote_failed"    // the service failed in an unexpected way. Try again; then give its operator the id of the request
	ExecutionFailed Code = "execution_failed" // the work itself failed. The message has the reason; for `generate-iac --check`, see the findings
	Cancelled       Code = "cancelled"        // someone cancelled the job. Submit it again if that was a mistake

	Integrity Code = "integrity" // a checksum, an archive or a pinned program is not what it should be. Trust it no more: find out who changed it, then `atg backend install --locked NAME` puts back what was pinned

	Timeout     Code = "timeout"      // the time of the command is over. Give it more with --timeout
	JobMaxWait  Code = "job_max_wait" // the time to wait for a durable job is over; the job goes on. Follow it again: `atg job watch ID`
	Interrupted Code = "interrupted"  // Ctrl-C was pressed, or a question answered with no. A durable job goes on: `atg job watch ID`; a local scan can be resumed
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
