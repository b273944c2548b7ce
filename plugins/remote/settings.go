package remote

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// property is what the schema says of one setting.
type property struct {
	Type        string   `json:"type,omitempty"` // none for durations: 300 and "5m" are both right
	Format      string   `json:"format,omitempty"`
	Description string   `json:"description"`
	Default     any      `json:"default,omitempty"`
	Minimum     *float64 `json:"minimum,omitempty"`
	Maximum     *float64 `json:"maximum,omitempty"`
	WriteOnly   bool     `json:"writeOnly,omitempty"`
}

// properties are the settings: those of backend.ATGClientConfig that a backend takes. The bounds are those of its
// Validate.
func properties() map[string]property {
	c := backend.DefaultClientConfig()
	bound := func(n float64) *float64 { return &n }
	return map[string]property{
		"service_url": {Type: "string", Description: "The service's https address, as https://atg.example.com. Required."},
		"api_key":     {Type: "string", WriteOnly: true, Description: "The key that the service gave you. Required; atg takes it from ATG_API_KEY or the keyring."},
		"ca_file":     {Type: "string", Description: "A PEM file of certificate authorities to trust beside the system's."},
		"request_timeout": {Format: "duration", Default: c.RequestTimeout.String(),
			Description: "How long one request may take; of a file or a stream of events, how long it may be silent."},
		"job_poll_interval": {Format: "duration", Default: c.JobPollInterval.String(),
			Description: "The longest time between two looks at a job where its events cannot be streamed."},
		"job_max_wait": {Format: "duration", Default: c.JobMaxWait.String(),
			Description: "How long to wait for a job to end. The job itself goes on behind that."},
		"max_retries": {Type: "integer", Default: c.MaxRetries, Minimum: bound(0), Maximum: bound(100),
			Description: "How often a request that could not be answered is sent again after the first try."},
		"retry_backoff_factor": {Type: "number", Default: c.RetryBackoffFactor, Minimum: bound(1), Maximum: bound(10),
			Description: "By what the wait between two tries grows: from 1 s, to at most 10 s."},
	}
}

// schema is the JSON Schema of the settings.
func schema() json.RawMessage {
	content, _ := json.Marshal(map[string]any{ // texts and numbers always have a JSON form
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type":    "object", "additionalProperties": false, "properties": properties(),
	})
	return content
}

// decode takes settings in, or answers everything that is wrong with them at once.
func decode(given backend.Settings) (backend.ATGClientConfig, error) {
	c := backend.DefaultClientConfig()
	c.RemoteMode = true
	known := slices.Sorted(maps.Keys(properties()))
	var problems []fault.Problem
	for _, name := range given.Names() {
		if slices.Contains(known, name) {
			continue
		}
		p := fault.Problem{Key: name, Message: "there is no such setting"}
		if near := nearest.To(name, known); near != "" {
			p.Hint = fmt.Sprintf("did you mean %s?", near)
		}
		problems = append(problems, p)
	}
	formless := c.Apply(given)
	problems = append(problems, formless...)
	if f := fault.As(c.Validate()); f != nil {
		for _, p := range f.Problems { // what had no form is still the default, or missing
			if !slices.ContainsFunc(formless, func(q fault.Problem) bool { return q.Key == p.Key }) {
				problems = append(problems, p)
			}
		}
	}
	if len(problems) > 0 {
		return c, fault.New(fault.ConfigInvalid, "the settings of the backend remote are wrong",
			fault.Problems(problems...), fault.From(fault.OriginBackend))
	}
	return c, nil
}
