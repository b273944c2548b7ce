package worker

import (
	"context"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// TestAJobOfALaterVersionWaits for a worker that knows what it asks for: this one leaves it, and that is no attempt. Here none comes
// before its deadline.
func TestAJobOfALaterVersionWaits(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		t.Error("the job was begun")
		return scanned()
	}, nil)
	b.options.RetryDelay = 20 * time.Millisecond
	now := time.Now().UTC()
	if _, _, err := b.store.Enqueue(t.Context(), jobs.Record{
		Job:   backend.JobStatusResponse{JobID: "job-later", Operation: backend.OpScan, TenantID: "t1", Status: backend.JobPending, CreatedAt: now},
		Owner: b.owner.Key, Request: []byte(`{"tenant_id": "t1", "new_option": true}`), Deadline: now.Add(300 * time.Millisecond),
	}); err != nil {
		t.Fatal(err)
	}
	b.work()
	if r := b.end("job-later"); r.Job.Status != backend.JobFailed || r.Job.Fault.Code != fault.Timeout || len(r.History) != 0 {
		t.Errorf("record %+v", r)
	}
}

// TestAStoreThatIsSilentIsNotHeldAgainstTheJob has the only attempt that a job has end for it.
func TestAStoreThatIsSilentIsNotHeldAgainstTheJob(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) { return scanned() }, nil)
	b.options.Attempts = 1
	left := 3 // which an attempt tries itself
	b.store.FailWith(func(call string) error {
		if call == "Put" && left > 0 {
			left--
			return fault.New(fault.ServiceUnavailable, "NATS does not answer", fault.Because(jobs.ErrSilent), fault.Retryable())
		}
		return nil
	})
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	r := b.end(id)
	if r.Job.Status != backend.JobCompleted || r.Job.Attempt != 2 || r.Tried() != 1 {
		t.Errorf("record %+v", r)
	}
}
