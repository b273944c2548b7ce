package backend

import "time"

// EventKind tells which field of an event is set.
type EventKind string

// The kinds of events.
const (
	EventProgress EventKind = "progress" // may be coalesced for a slow reader
	EventLog      EventKind = "log"      // never dropped
	EventStatus   EventKind = "status"   // never dropped; the last event of a job is a terminal one
	EventPart     EventKind = "part"     // never dropped
	EventSignIn   EventKind = "sign_in"  // never dropped
)

// Event is something that happened to a job. Seq counts up within the job, with gaps where progress
// was coalesced. Exactly the field that Kind names is set.
type Event struct {
	Seq      uint64             `json:"seq"`
	Time     time.Time          `json:"time"`
	Kind     EventKind          `json:"kind"`
	Progress *Progress          `json:"progress,omitempty"`
	Log      *Log               `json:"log,omitempty"`
	Status   *JobStatusResponse `json:"status,omitempty"`
	Part     *Part              `json:"part,omitempty"`
	SignIn   *SignIn            `json:"sign_in,omitempty"`
}

// WellFormed says that exactly the field is set that Kind names, and that it names one. What comes from another process or
// machine may be otherwise; shared/rpc and plugins/remote let no such event of a known kind through.
func (e Event) WellFormed() bool {
	set := map[EventKind]bool{
		EventProgress: e.Progress != nil, EventLog: e.Log != nil, EventStatus: e.Status != nil, EventPart: e.Part != nil, EventSignIn: e.SignIn != nil,
	}
	for kind, is := range set {
		if is != (kind == e.Kind) {
			return false
		}
	}
	return set[e.Kind]
}

// Known says whether this version knows the kind.
func (k EventKind) Known() bool {
	switch k {
	case EventProgress, EventLog, EventStatus, EventPart, EventSignIn:
		return true
	}
	return false
}

// Terminal says that no event follows.
func (e Event) Terminal() bool {
	return e.Kind == EventStatus && e.Status != nil && e.Status.Status.Terminal()
}

// Progress says how far a phase of the work is. A wait is a progress message too: "throttled,
// waiting 12 s".
type Progress struct {
	Phase   string `json:"phase"`           // resources, role assignments, saving
	Done    int64  `json:"done"`            // in units
	Total   int64  `json:"total,omitempty"` // in units; 0 is unknown
	Unit    string `json:"unit,omitempty"`  // rows, bytes, files
	Message string `json:"message,omitempty"`
}

// Log is a line for people.
type Log struct {
	Level   LogLevel `json:"level"`
	Message string   `json:"message"`
}

// LogLevel is how much a log line matters.
type LogLevel string

// The levels.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// SignIn asks the person at the terminal to sign in elsewhere, as the device-code flow does.
type SignIn struct {
	URL       string    `json:"url"`
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}
