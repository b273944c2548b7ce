package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

var eventChecks = []Check{
	{
		Name:        "events/order",
		Requirement: "Events are numbered, increasing; each has a time and exactly the content that its kind names; the last one is terminal.",
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			var last uint64
			for i, e := range f.events {
				switch {
				case e.Seq <= last:
					return fmt.Errorf("event %d came behind %d", e.Seq, last)
				case e.Time.IsZero():
					return fmt.Errorf("event %d has no time", e.Seq)
				case !e.WellFormed():
					return fmt.Errorf("event %d of kind %q does not hold what its kind names, or more: %+v", e.Seq, e.Kind, e)
				case e.Terminal() != (i == len(f.events)-1):
					return fmt.Errorf("event %d of %d: terminal is %v", i+1, len(f.events), e.Terminal())
				}
				last = e.Seq
			}
			return nil
		},
	},
	{
		Name:        "events/replay",
		Requirement: "WatchJob replays: from 0 all but coalesced progress comes again, from a number only what is above it.",
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			replayed, err := s.watch(ctx, f.submitted.JobID, 0)
			if err != nil {
				return err
			}
			first, again := kept(f.events), kept(replayed)
			if len(first) != len(again) {
				return fmt.Errorf("%d events came first, %d again", len(first), len(again))
			}
			for i := range first {
				if a, b := printed(first[i]), printed(again[i]); a != b {
					return fmt.Errorf("event %d was\n%s\nand is\n%s", i+1, a, b)
				}
			}
			end := f.events[len(f.events)-1].Seq
			tail, err := s.watch(ctx, f.submitted.JobID, end-1)
			if err != nil {
				return err
			}
			if len(tail) != 1 || tail[0].Seq != end {
				return fmt.Errorf("above %d came %d events, not the last one alone", end-1, len(tail))
			}
			return nil
		},
	},
	{
		Name:        "events/slow-reader",
		Requirement: "A job has any number of readers, and one that does not read on delays neither the job nor the others; nothing but progress is dropped for it.",
		Run: func(ctx context.Context, s *Subject) error {
			job, err := s.submit(ctx, "")
			if err != nil {
				return err
			}
			var quick, slow []backend.Event
			err = s.configured.WatchJob(ctx, job.JobID, 0, func(e backend.Event) (err error) {
				if len(slow) == 0 { // while this reader holds the first event, the other one reads all
					if quick, err = s.watch(ctx, job.JobID, 0); err != nil {
						return fmt.Errorf("the other reader, which may wait for the slow one: %w", err)
					}
				}
				slow = append(slow, e)
				return nil
			})
			if err != nil {
				return err
			}
			if a, b := len(kept(quick)), len(kept(slow)); a != b {
				return fmt.Errorf("the quick reader got %d events that may not be dropped, the slow one %d", a, b)
			}
			return s.discard(ctx, job.JobID)
		},
	},
	{
		Name:        "events/reader-may-leave",
		Requirement: "An error of the reader ends WatchJob with that error, and does not end the job.",
		Run: func(ctx context.Context, s *Subject) error {
			job, err := s.submit(ctx, "")
			if err != nil {
				return err
			}
			enough := errors.New("enough")
			err = s.configured.WatchJob(ctx, job.JobID, 0, func(backend.Event) error { return enough })
			if !errors.Is(err, enough) {
				return fmt.Errorf("the answer is %w", errOrNone(err))
			}
			events, err := s.watch(ctx, job.JobID, 0)
			if err != nil {
				return err
			}
			if end := events[len(events)-1]; !end.Terminal() || end.Status.Status == backend.JobCancelled {
				return fmt.Errorf("the job ended as %+v", end.Status)
			}
			return s.discard(ctx, job.JobID)
		},
	},
}

// kept are the events that may not be dropped.
func kept(events []backend.Event) []backend.Event {
	var out []backend.Event
	for _, e := range events {
		if e.Kind != backend.EventProgress {
			out = append(out, e)
		}
	}
	return out
}

// printed is what an event says, comparable with another's.
func printed(e backend.Event) string {
	content, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return string(content)
}
