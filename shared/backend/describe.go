package backend

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// Protocol is the number of this contract, negotiated in the handshake. Additions are features, not
// new protocols.
const Protocol = 1

// Description says what a backend is.
type Description struct {
	Name     string `json:"name"` // the NAME in atg-backend-NAME
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Protocol int    `json:"protocol"`
	Summary  string `json:"summary,omitempty"` // one line for people
	// SettingsSchema is a JSON Schema (draft 2020-12) of the settings that Configure takes. A setting
	// that is secret is marked "writeOnly": true. Empty means that no settings are taken.
	SettingsSchema json.RawMessage `json:"settings_schema,omitempty"`
}

// Settings are a backend's own section of the configuration: names to values as encoding/json decodes
// them, so a number is a float64 and an integer above 2^53 loses digits. They may hold secrets, so they
// print as their names alone.
type Settings map[string]any

// Names are the names of the settings, sorted.
func (s Settings) Names() []string {
	names := make([]string, 0, len(s))
	for n := range s {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Format prints the names without the values, under every verb.
func (s Settings) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "settings%v %s", s.Names(), secret.Redacted)
}

// LogValue logs the names without the values.
func (s Settings) LogValue() slog.Value { return slog.AnyValue(s.Names()) }

// Feature is something that a backend may have beyond the core of the contract.
type Feature string

// The features.
const (
	FeatureDurableJobs Feature = "durable_jobs" // jobs outlive the backend's process
	FeatureListJobs    Feature = "list_jobs"    // Lister
	FeatureBatch       Feature = "batch"        // Batcher
	FeatureInputs      Feature = "inputs"       // InputStore
	FeatureArtifacts   Feature = "artifacts"    // ArtifactStore
	FeatureSnapshots   Feature = "snapshots"    // SnapshotStore
	FeatureParts       Feature = "parts"        // Submission.Parts and EventPart: a job goes on from what is finished
	FeatureShards      Feature = "shards"       // Submission.Shard, which needs FeatureParts: many processes share one scan
	FeatureBudget      Feature = "budget"       // Sharer
)

// Capabilities is what a configured backend can really do.
type Capabilities struct {
	Operations []Operation `json:"operations"`
	Formats    []string    `json:"formats,omitempty"` // of generate-iac: terraform, bicep, arm
	Features   []Feature   `json:"features,omitempty"`
}

// Can says whether the backend does an operation.
func (c Capabilities) Can(op Operation) bool { return slices.Contains(c.Operations, op) }

// Has says whether the backend has a feature.
func (c Capabilities) Has(f Feature) bool { return slices.Contains(c.Features, f) }

// Health is a backend's state and that of what it depends on.
type Health struct {
	Healthy      bool         `json:"healthy"`
	Message      string       `json:"message,omitempty"` // why not, or what it found
	Dependencies []Dependency `json:"dependencies,omitempty"`
}

// Dependency is one thing that a backend needs: a credential, an endpoint, a disk.
type Dependency struct {
	Name           string       `json:"name"`
	Healthy        bool         `json:"healthy"`
	Message        string       `json:"message,omitempty"`
	LatencySeconds float64      `json:"latency_seconds,omitempty"`
	Fault          *fault.Fault `json:"fault,omitempty"`    // set if it is not healthy
	Optional       bool         `json:"optional,omitempty"` // the backend is healthy without it
}
