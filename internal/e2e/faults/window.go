package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// windowCases strike between two writes of a worker, which follow each other in milliseconds. Nobody can hold a worker there:
// it is killed at the moment in which the first write is seen, and again, with another job, until the second was not made.
func windowCases() []faultCase {
	return []faultCase{
		{name: "kill-worker-part-stored", short: true, what: "kill -9 of the worker between storing a part and recording it",
			run: func(ctx context.Context, r *rig, seen *notes) error {
				return untilHit(ctx, r, seen, step.Part, "$KV.atg-files.parts.", r.partUnrecorded)
			}},
		{name: "kill-worker-before-ack", short: true, what: "kill -9 of the worker between recording the end of a job and taking it out of the queue",
			run: func(ctx context.Context, r *rig, seen *notes) error {
				return untilHit(ctx, r, seen, step.Artifacts, "$KV.atg-records.", r.endedUnacknowledged)
			}},
	}
}

// hits is how often one tries to hit a window.
const hits = 25

// untilHit kills the worker of a job as soon as a write to a subject is seen behind a step, until hit says that it was in time.
func untilHit(ctx context.Context, r *rig, seen *notes, at, subject string, hit func(ctx context.Context, j *job) error) error {
	for try := 1; try <= hits; try++ {
		j := r.newJob(small)
		h, err := r.begun(ctx, j, at, "")
		if err != nil {
			return err
		}
		worker, err := r.workerOf(h)
		if err != nil {
			return err
		}
		stream := strings.Split(strings.TrimPrefix(subject, "$"), ".")
		written, err := r.writes(ctx, strings.Join(stream[:2], "_"), subject+j.id+suffix(subject))
		if err != nil {
			return err
		}
		h.tell(step.Go)
		select {
		case <-written:
		case <-ctx.Done():
			return fmt.Errorf("nothing was written to %s: %w", subject, context.Cause(ctx))
		}
		worker.Kill()
		missed := hit(ctx, j)
		if err := worker.Start(ctx); err != nil {
			return err
		}
		if err := r.audit(ctx, j); err != nil {
			return err
		}
		switch {
		case missed == nil:
			seen.add("hit at try %d; the work was done %s", try, times(r.control.works(j.tenant)))
			return nil
		case !errors.Is(missed, errMissed):
			return missed
		}
	}
	return fmt.Errorf("%w %d times", errMissed, hits)
}

func suffix(subject string) string {
	if strings.HasSuffix(subject, "parts.") {
		return ".>"
	}
	return ""
}

// writes says when something new is written to a subject.
func (r *rig) writes(ctx context.Context, stream, subject string) (<-chan struct{}, error) {
	c, err := r.js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{FilterSubject: subject, DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		return nil, err
	}
	messages, err := c.Messages(jetstream.PullMaxMessages(1))
	if err != nil {
		return nil, err
	}
	written := make(chan struct{})
	go func() {
		defer messages.Stop()
		if _, err := messages.Next(jetstream.NextContext(ctx)); err == nil {
			close(written)
		}
	}()
	return written, nil
}

// partUnrecorded looks whether a job's part is stored, and not recorded.
func (r *rig) partUnrecorded(ctx context.Context, j *job) error {
	record, err := r.record(ctx, j.id)
	if err != nil {
		return err
	}
	if len(record["parts"]) > 0 {
		return errMissed
	}
	return nil
}

// endedUnacknowledged looks whether a job has ended, and is still in the queue.
func (r *rig) endedUnacknowledged(ctx context.Context, j *job) error {
	record, err := r.record(ctx, j.id)
	if err != nil {
		return err
	}
	if !strings.Contains(string(record["job"]), string(backend.JobCompleted)) {
		return errMissed
	}
	s, err := r.js.Stream(ctx, cluster.Queue)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter("atg.queue.*."+j.id))
	if err != nil {
		return err
	}
	if len(info.State.Subjects) == 0 {
		return errMissed
	}
	return nil
}
