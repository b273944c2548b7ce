package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// oddCases are of backends that never answer, or take all memory, and of processes that stand still.
func oddCases() []faultCase {
	all := []faultCase{
		{name: "oom-backend", what: "the kernel ends a backend that takes more memory than its control group may have (64 MB; a cgroup, which takes root)", run: outOfMemory},
		{name: "pause-worker", what: "the worker stands still (SIGSTOP) until another one has done its job, and then goes on", run: pauseWorker},
		{name: "fail-attempt", short: true, what: "an attempt fails with an error that another one may not meet", run: failAttempt},
		{name: "deadline", what: "a backend hangs in its work, whatever is cancelled, until the time of its job is over (limits.job_timeout: 6s)",
			own: func(_ context.Context, o *options, _ string) error {
				o.config = map[string]any{"limits": map[string]any{"job_timeout": "6s"}}
				return nil
			},
			run: deadline},
	}
	for _, at := range []string{step.Describe, step.Submit, step.Watch, step.Run, step.Snapshot, step.Artifacts} {
		all = append(all, faultCase{
			name: "hang-in-" + at, short: at == step.Run, what: "a backend never answers at the step " + at + ", whatever is cancelled; its job is cancelled",
			run: func(ctx context.Context, r *rig, seen *notes) error { return hang(ctx, r, at, seen) },
		})
	}
	return all
}

// hang has a backend hang for good, and cancels its job.
func hang(ctx context.Context, r *rig, at string, seen *notes) error {
	j := r.newJob(small)
	tenant := j.tenant
	if at == step.Describe { // before it knows of a job
		tenant = ""
	}
	t := r.control.await(tenant, at, "")
	if _, err := r.insist(ctx, j); err != nil {
		return err
	}
	h, err := t.one(ctx)
	if err != nil {
		return err
	}
	h.tell(step.Hang)
	j.want = backend.JobCancelled
	began := time.Now()
	var answer api.Cancellation
	status, err := r.ask(ctx, r.URL, http.MethodDelete, api.Fill(api.PathJob, j.id), nil, &answer)
	if err != nil {
		return err
	}
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return err
	}
	seen.add("cancelling is answered %d; the job is %s %.1f s later", status, end.Status, time.Since(began).Seconds())
	if err := gone(ctx, h.PID); err != nil {
		return err
	}
	return r.healAndAudit(ctx, j)
}

func deadline(ctx context.Context, r *rig, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Run, "")
	if err != nil {
		return err
	}
	h.tell(step.Hang)
	j.want = backend.JobFailed
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return err
	}
	seen.add("the job is %s after %.1f s: %s", end.Status, end.CompletedAt.Sub(end.CreatedAt).Seconds(), end.Error)
	if err := gone(ctx, h.PID); err != nil {
		return err
	}
	return r.healAndAudit(ctx, j)
}

func failAttempt(ctx context.Context, r *rig, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Parted, step.PartName(1))
	if err != nil {
		return err
	}
	h.tell(step.Fail)
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return err
	}
	seen.add("%s at attempt %d", end.Status, end.Attempt)
	return r.healAndAudit(ctx, j)
}

// pauseWorker stops a worker without ending it, as a machine that sleeps does: when it wakes, its job is another one's.
func pauseWorker(ctx context.Context, r *rig, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Finish, "")
	if err != nil {
		return err
	}
	worker, err := r.workerOf(h)
	if err != nil {
		return err
	}
	if err := worker.Pause(); err != nil {
		return err
	}
	h.tell(step.Go) // its backend is not paused, and says that it is done as soon as somebody hears it
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return err
	}
	worker.Resume()
	seen.add("%s at attempt %d by the other worker; what the first one has to say when it goes on changes nothing", end.Status, end.Attempt)
	after := r.newJob(small) // which proves that both are well
	if _, err := r.insist(ctx, after); err != nil {
		return err
	}
	return r.healAndAudit(ctx, j, after)
}

// memoryGroup is where control groups of memory are made: those of version 1.
const memoryGroup = "/sys/fs/cgroup/memory"

// outOfMemory puts a backend into a control group and lets it take memory until the kernel ends it.
func outOfMemory(ctx context.Context, r *rig, seen *notes) error {
	group := filepath.Join(memoryGroup, fmt.Sprintf("atg-faults-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o700); err != nil {
		return fmt.Errorf("this case needs root and control groups of memory: %w", err)
	}
	defer func() { _ = os.Remove(group) }()
	if err := os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), []byte("64M"), 0o600); err != nil {
		return err
	}
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Parted, step.PartName(1))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(h.PID)), 0o600); err != nil {
		return err
	}
	h.tell(step.Waste)
	if err := gone(ctx, h.PID); err != nil {
		return err
	}
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return err
	}
	record, err := r.record(ctx, j.id)
	if err != nil {
		return err
	}
	seen.add("%s at attempt %d; of the first its record says: %s", end.Status, end.Attempt, firstFault(record["history"]))
	return r.healAndAudit(ctx, j)
}
