package fault

// Class is a set of codes that callers treat alike. The classes stand for the specification's
// exceptions and are used as targets of errors.Is: errors.Is(err, fault.ErrAuthentication).
type Class string

// The classes, with the specification's name behind each.
const (
	ErrAuthentication        Class = "authentication error"    // AuthenticationError: the service's own, never Azure's
	ErrJobNotFound           Class = "job not found"           // JobNotFoundError
	ErrJobNotComplete        Class = "job not complete"        // JobNotCompleteError
	ErrArtifactsNotAvailable Class = "artifacts not available" // ArtifactsNotAvailableError
	ErrServiceUnavailable    Class = "service unavailable"     // ServiceUnavailableError
	ErrRemoteExecution       Class = "remote execution error"  // RemoteExecutionError: all of the above, job_failed, remote_failed
	ErrExecution             Class = "execution error"         // ExecutionError: every fault
)

var classes = map[Class][]Code{
	ErrAuthentication:        {AuthRequired, AuthFailed, Forbidden},
	ErrJobNotFound:           {JobNotFound},
	ErrJobNotComplete:        {JobNotComplete},
	ErrArtifactsNotAvailable: {ArtifactsNotAvailable},
	ErrServiceUnavailable:    {ServiceUnavailable, Throttled},
	ErrRemoteExecution: {
		AuthRequired, AuthFailed, Forbidden, JobNotFound, JobNotComplete, ArtifactsNotAvailable,
		ServiceUnavailable, Throttled, JobFailed, RemoteFailed,
	},
}

// Error is the class's name.
func (c Class) Error() string { return string(c) }

func (c Class) holds(code Code) bool {
	if c == ErrExecution {
		return true
	}
	for _, member := range classes[c] {
		if member == code {
			return true
		}
	}
	return false
}
