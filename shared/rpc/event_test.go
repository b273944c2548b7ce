package rpc_test

import (
	"context"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Whoever reads a kind of event relies on what it names: a backend must not end its host with one that lacks it.
func TestAnEventThatDoesNotHoldWhatItsKindNames(t *testing.T) {
	cases := map[string]struct {
		event  backend.Event
		passes bool
	}{
		"progress without any":     {event: backend.Event{Kind: backend.EventProgress}},
		"a state without any":      {event: backend.Event{Kind: backend.EventStatus}},
		"a part without any":       {event: backend.Event{Kind: backend.EventPart}},
		"a log line as a state":    {event: backend.Event{Kind: backend.EventStatus, Log: &backend.Log{}}},
		"two at once":              {event: backend.Event{Kind: backend.EventLog, Log: &backend.Log{}, Progress: &backend.Progress{}}},
		"a kind that is not known": {event: backend.Event{Kind: "weather"}, passes: true},
		"as it should be":          {event: backend.Event{Kind: backend.EventLog, Log: &backend.Log{}}, passes: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client := dial(t, fake{watch: func(_ context.Context, _ string, _ uint64, yield func(backend.Event) error) error {
				c.event.Seq = 1
				return yield(c.event)
			}})
			seen := 0
			err := client.WatchJob(t.Context(), "x", 0, func(backend.Event) error { seen++; return nil })
			if passes := err == nil; passes != c.passes || (seen == 1) != c.passes || !c.passes && fault.CodeOf(err) != fault.BackendIncompatible {
				t.Errorf("WatchJob = %v behind %d events", err, seen)
			}
		})
	}
}
