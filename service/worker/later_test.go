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
