package azuresim

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// Settings are the parts of a Config that can change while the simulator runs.
type Settings struct {
	// Quota is the number of Resource Graph queries of a principal in a QuotaWindow; negative: no
	// limit. What is used of a window that has begun stays used.
	Quota       int      `json:"quota"`
	QuotaWindow Duration `json:"quota_window"`
	// ARMLimits switches Resource Manager's token buckets on. ARMBucket is the size of those for
	// reads and ARMRate the tokens that they gain in a second.
	ARMLimits bool    `json:"arm_limits"`
	ARMBucket int     `json:"arm_bucket"`
	ARMRate   float64 `json:"arm_rate"`
	// WriteBucket and WriteRate are those of the buckets for writes and for deletes.
	WriteBucket int     `json:"write_bucket"`
	WriteRate   float64 `json:"write_rate"`
	// WriteTime is how long a provider takes to write a resource, DeleteTime how long the deletion
	// of a resource group goes on, and RetryAfter the seconds after which clients shall poll.
	WriteTime  Duration `json:"write_time"`
	DeleteTime Duration `json:"delete_time"`
	RetryAfter int      `json:"retry_after"`
	// ValidateTime is how long the validation of a deployment takes; with 0 it is answered at once.
	ValidateTime Duration `json:"validate_time"`
	// GraphDelay is how much later than Resource Manager Resource Graph shows what has been written.
	GraphDelay Duration `json:"graph_delay"`
	// KeepHistory deletes no old deployments, so that a scope takes no more than 800.
	KeepHistory bool `json:"keep_history"`
	// StrictVersions takes only listed versions of types in writes. LenientMembers drops unknown
	// members of the first level of a resource instead of refusing it.
	StrictVersions bool `json:"strict_versions"`
	LenientMembers bool `json:"lenient_members"`
	// MSGraphPermissions are the application permissions that Microsoft Graph grants every caller.
	MSGraphPermissions []string `json:"msgraph_permissions"`
	// MSGraphLimits switches Microsoft Graph's throttling on. MSGraphUnits is how many resource units
	// an application may spend in an MSGraphWindow, 0 what is documented for tenants of that size;
	// MSGraphWrites is how many writes it may make in fifteen windows.
	MSGraphLimits bool     `json:"msgraph_limits"`
	MSGraphUnits  int      `json:"msgraph_units"`
	MSGraphWrites int      `json:"msgraph_writes"`
	MSGraphWindow Duration `json:"msgraph_window"`
	// DirectoryDelay is how long new objects of the directory are not found, nor by the check of role
	// assignments, and DirectoryMisses how many reads by their id do not find them after that.
	DirectoryDelay  Duration `json:"directory_delay"`
	DirectoryMisses int      `json:"directory_misses"`
	// Latency delays every answer, and a random time up to LatencySpread delays it further.
	Latency       Duration `json:"latency"`
	LatencySpread Duration `json:"latency_spread"`
	// TokenLifetime is that of access tokens issued from now on.
	TokenLifetime Duration `json:"token_lifetime"`
}

// Duration is written as Go writes it: "1m30s".
type Duration time.Duration

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("a duration is a string such as \"1.5s\": %w", err)
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

// Settings are those in force.
func (s *Server) Settings() Settings { return *s.settings.Load() }

// SetSettings puts all settings in force for the requests that come from now on.
func (s *Server) SetSettings(settings Settings) error {
	if settings.QuotaWindow <= 0 || settings.TokenLifetime <= 0 || settings.ARMBucket < 1 || settings.ARMRate <= 0 || settings.Latency < 0 ||
		settings.WriteBucket < 1 || settings.WriteRate <= 0 || settings.WriteTime < 0 || settings.DeleteTime < 0 || settings.ValidateTime < 0 || settings.GraphDelay < 0 || settings.RetryAfter < 0 || settings.LatencySpread < 0 {
		return fmt.Errorf("settings out of range: %+v", settings)
	}
	if settings.MSGraphUnits < 0 || settings.MSGraphWrites < 1 || settings.MSGraphWindow <= 0 || settings.DirectoryDelay < 0 || settings.DirectoryMisses < 0 {
		return fmt.Errorf("settings out of range: %+v", settings)
	}
	s.settings.Store(&settings)
	return nil
}

// directoryLag is how late reads find what is new in the directory.
func (s *Settings) directoryLag() directory.Lag {
	return directory.Lag{Delay: time.Duration(s.DirectoryDelay), Misses: s.DirectoryMisses}
}

func (s *Server) tokenLifetime() time.Duration { return time.Duration(s.settings.Load().TokenLifetime) }

// latency is how long the next answer is delayed.
func (s *Server) latency() time.Duration {
	settings := s.settings.Load()
	wait := time.Duration(settings.Latency)
	if spread := int64(settings.LatencySpread); spread > 0 {
		s.randomMu.Lock()
		wait += time.Duration(s.random.Int64N(spread + 1))
		s.randomMu.Unlock()
	}
	return wait
}
