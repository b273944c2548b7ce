package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestReplay: what happened long ago took as long as it took, however quickly it is told.
func TestReplay(t *testing.T) {
	c, _, err := fakeConsole(0, Options{Interval: time.Hour})
	p := c.Progress()
	at := func(seconds int, done int64) {
		p.Event(backend.Event{Time: began.Add(time.Duration(seconds) * time.Second), Kind: backend.EventProgress,
			Progress: &backend.Progress{Phase: "resources", Done: done, Total: 100, Unit: "rows"}})
	}
	at(0, 0)
	at(20, 50)
	at(40, 100)
	p.Event(backend.Event{Time: began.Add(41 * time.Second), Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "saving"}})
	p.Event(backend.Event{Time: began.Add(51 * time.Second), Kind: backend.EventStatus, Status: &backend.JobStatusResponse{Status: backend.JobCompleted}})
	p.Close()
	for _, w := range []string{"resources: 100 of 100 rows, 40 s", "saving: 10 s"} {
		if !strings.Contains(err.String(), w) {
			t.Errorf("%q does not say %q", err.String(), w)
		}
	}
}
