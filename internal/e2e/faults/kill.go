package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// moment is a step of a job at which something may strike.
type moment struct {
	name, step, key string
	wish            step.Wish
	what            string
}

// moments are the steps of a job, in their order: first those of a job that one worker does, then those of one in shards.
func moments() []moment {
	return []moment{
		{"plan", step.Plan, "", small, "while it is planned"},
		{"run", step.Run, "", small, "while it runs"},
		{"checkpoint", step.Part, step.PartName(1), small, "at a checkpoint: a part is written, and not yet stored"},
		{"checkpointed", step.Parted, step.PartName(1), small, "behind a checkpoint, whose part is stored, or about to be"},
		{"finish", step.Finish, "", small, "when its work is done, and nothing of that is stored"},
		{"snapshot", step.Snapshot, "", small, "before its snapshot is stored"},
		{"upload", step.Artifacts, "", small, "when its snapshot is stored, and its files are not"},
		{"shard", step.Shard, "", sharded, "in a shard"},
		{"waiting", step.Shard, "", sharded, "while a parent waits for its shards"},
		{"merge", step.Merge, "", sharded, "while what shards read is put together"},
	}
}

// victim is what is killed.
type victim struct {
	name, what string
	// find finds whom to kill; the trap holds a backend at the moment.
	find func(ctx context.Context, r *rig, m moment, parent, h *held) (kill func(), err error)
}

// Objects are files in pieces; Files say which pieces.
const (
	objects = "OBJ_atg-files"
	files   = "KV_atg-files"
)

func victims() []victim {
	leader := func(stream string) func(context.Context, *rig, moment, *held, *held) (func(), error) {
		return func(ctx context.Context, r *rig, _ moment, _, _ *held) (func(), error) {
			p, err := r.Leader(ctx, stream)
			if err != nil {
				return nil, err
			}
			return p.Kill, nil
		}
	}
	return []victim{
		{"worker", "the worker", func(_ context.Context, r *rig, m moment, parent, h *held) (func(), error) {
			if m.name == "waiting" {
				h = parent
			}
			p, err := r.workerOf(h)
			if err != nil {
				return nil, err
			}
			return p.Kill, nil
		}},
		{"backend", "the backend of the worker", func(_ context.Context, _ *rig, _ moment, _, h *held) (func(), error) {
			p, err := os.FindProcess(h.PID)
			return func() { _ = p.Kill() }, err
		}},
		{"api", "the API node that took the job", func(_ context.Context, r *rig, _ moment, _, _ *held) (func(), error) {
			return r.APIs[0].Kill, nil
		}},
		{"queue-leader", "the NATS server that leads the queue", leader(cluster.Queue)},
		{"records-leader", "the NATS server that leads the records", leader(cluster.Records)},
		{"events-leader", "the NATS server that leads the events", leader(cluster.Events)},
		{"objects-leader", "the NATS server that leads the files", leader(objects)},
		{"follower", "a NATS server that only follows in the queue", func(ctx context.Context, r *rig, _ moment, _, _ *held) (func(), error) {
			p, err := r.Leader(ctx, cluster.Queue)
			if err != nil {
				return nil, err
			}
			for _, s := range r.Servers {
				if s != p {
					return s.Kill, nil
				}
			}
			return nil, errors.New("the leader is alone")
		}},
	}
}

// killCases kill every kind of process at every step.
func killCases() (all []faultCase) {
	for _, v := range victims() {
		for _, m := range moments() {
			if m.name == "waiting" && v.name != "worker" {
				continue // the others know nothing of it that they do not know in a shard
			}
			all = append(all, faultCase{
				name: "kill-" + v.name + "-at-" + m.name, what: "kill -9 of " + v.what + " " + m.what,
				short: v.name == "worker" && (m.name == "checkpointed" || m.name == "upload" || m.name == "shard"),
				run:   func(ctx context.Context, r *rig, seen *notes) error { return killAt(ctx, r, v, m, seen) },
			})
		}
	}
	return all
}

// killAt kills a process while a job is at a step, and looks how the job ends without it.
func killAt(ctx context.Context, r *rig, v victim, m moment, seen *notes) error {
	j := r.newJob(m.wish)
	var planned *trap
	if m.name == "waiting" {
		planned = r.control.await(j.tenant, step.Plan, "")
	}
	trapped := r.control.await(j.tenant, m.step, m.key)
	url, err := r.NodeURL(r.APIs[0])
	if err != nil {
		return err
	}
	if err := r.submit(ctx, url, j); err != nil {
		return err
	}
	var parent *held
	if planned != nil {
		if parent, err = planned.one(ctx); err != nil {
			return err
		}
		parent.tell(step.Go)
	}
	h, err := trapped.one(ctx)
	if err != nil {
		return err
	}
	kill, err := v.find(ctx, r, m, parent, h)
	if err != nil {
		return err
	}
	watched := r.watch(ctx, j.id)
	struck := time.Now()
	kill()
	if v.name == "worker" && m.name != "waiting" {
		if err := gone(ctx, h.PID); err != nil {
			return err
		}
	}
	h.tell(step.Go) // or to nobody
	status, err := r.ended(ctx, j.id)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	seen.add("%s %.1f s later at attempt %d, its work done %s", status.Status, time.Since(struck).Seconds(), status.Attempt, times(r.control.works(j.tenant)))
	if err := r.heal(ctx); err != nil {
		return err
	}
	if err := r.audit(ctx, j); err != nil {
		return err
	}
	return watched.check(ctx, r, j)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// gone waits until a process of another one has ended: a backend ends with its worker.
func gone(ctx context.Context, pid int) error {
	return cluster.Until(ctx, fmt.Sprintf("the backend %d outlives its worker", pid), func() bool {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || zombie(string(content))
	})
}
