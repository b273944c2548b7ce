package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// TestOnlyTheSnapshotOfTheResultIsKept has attempts fail when their snapshot is stored: each makes another one.
func TestOnlyTheSnapshotOfTheResultIsKept(t *testing.T) {
	again := fault.New(fault.ExecutionFailed, "not now", fault.Retryable())
	for name, c := range map[string]struct {
		fails int // attempts
		with  error
		state backend.JobStatus
		kept  []string
	}{
		"the first attempt fails":     {1, again, backend.JobCompleted, []string{"snap-2"}},
		"two attempts fail":           {2, again, backend.JobCompleted, []string{"snap-3"}},
		"all attempts fail":           {DefaultAttempts, again, backend.JobFailed, nil},
		"it fails for another reason": {1, fault.New(fault.ExecutionFailed, "never"), backend.JobFailed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
				attempts++
				return &backend.ScanResult{Success: true, Complete: true, Snapshot: &backend.Snapshot{ID: fmt.Sprintf("snap-%d", attempts), TenantID: "t1", Complete: true}}, nil
			}, func(p *program) {
				p.list = func() error {
					if attempts <= c.fails {
						return c.with
					}
					return nil
				}
			})
			b.keep("older")
			shutdown := b.work()
			r := b.end(b.submit(&backend.ScanRequest{TenantID: "t1"}))
			if r.Job.Status != c.state {
				t.Fatalf("the job is %s: %s", r.Job.Status, r.Job.Error)
			}
			shutdown() // which ends what it has begun
			page, err := b.store.ListSnapshots(t.Context(), []string{"*"}, backend.SnapshotFilter{})
			if err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, s := range page.Snapshots {
				kept = append(kept, s.ID)
			}
			if diff := cmp.Diff(append([]string{"older"}, c.kept...), kept); diff != "" {
				t.Errorf("snapshots (-want +got):\n%s", diff)
			}
			for n := 1; n <= attempts; n++ {
				s := backend.Snapshot{ID: fmt.Sprintf("snap-%d", n), TenantID: "t1"}
				if _, err := b.store.Stat(t.Context(), jobs.SnapshotFile(s)); (err == nil) != (len(c.kept) == 1 && c.kept[0] == s.ID) {
					t.Errorf("the file of %s: %v", s.ID, err)
				}
			}
		})
	}
}

// TestAnAttemptThatComesTooLateTakesNoSnapshotAway lets the first attempt end behind the second, whose result counts.
func TestAnAttemptThatComesTooLateTakesNoSnapshotAway(t *testing.T) {
	begun, hold := make(chan int, 2), []chan struct{}{make(chan struct{}), make(chan struct{})}
	n := 0
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		mine := n
		n++
		begun <- mine
		<-hold[mine]
		return &backend.ScanResult{Success: true, Complete: true, Snapshot: &backend.Snapshot{ID: fmt.Sprintf("snap-%d", mine+1), TenantID: "t1", Complete: true}}, nil
	}, nil)
	b.options.Alive = time.Hour // it shows no life
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	<-begun
	b.store.Expire(id)
	<-begun
	close(hold[1])
	if r := b.end(id); r.Job.Status != backend.JobCompleted || r.Job.Attempt != 2 {
		t.Fatalf("the job is %+v", r.Job)
	}
	close(hold[0])
	shutdown() // when both have ended
	if _, err := b.store.GetSnapshot(t.Context(), "snap-2"); err != nil {
		t.Errorf("the snapshot of the result: %v", err)
	}
	if _, err := b.store.GetSnapshot(t.Context(), "snap-1"); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("the snapshot of the attempt that came too late: %v", err)
	}
}
