//go:build unix

package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/remote"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// load submits jobs and follows them to their end, over and over, as commands do, until it is told to stop.
type load struct {
	l     *lab
	stop  context.CancelFunc
	done  sync.WaitGroup
	mu    sync.Mutex
	ended map[string]backend.JobStatusResponse
	wrong []error
}

func (l *lab) load(t *testing.T, callers int) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	o := &load{l: l, stop: stop, ended: map[string]backend.JobStatusResponse{}}
	for caller := range callers {
		c := l.remote(t, l.URL)
		o.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				job, err := o.command(t.Context(), c, fmt.Sprintf("%s-%d-%d", t.Name(), caller, n)) // it ends what it has begun
				o.mu.Lock()
				if err != nil {
					o.wrong = append(o.wrong, err)
				} else {
					o.ended[job.JobID] = job
				}
				o.mu.Unlock()
			}
		})
	}
	return o
}

// command does what atg scan does.
func (o *load) command(ctx context.Context, c *remote.RemoteClient, key string) (backend.JobStatusResponse, error) {
	job, err := c.SubmitScanJob(ctx, backend.ScanRequest{TenantID: "count-4-50ms"}, key)
	if err != nil {
		return job, fmt.Errorf("submit %s: %w", key, err)
	}
	n := &numbers{some: make(chan struct{})}
	end, err := c.WaitForCompletion(ctx, job.JobID, n.hear)
	if err != nil {
		return end, fmt.Errorf("watch %s: %w", job.JobID, err)
	}
	if end.Status != backend.JobCompleted {
		return end, fmt.Errorf("the job %s is %s: %s", end.JobID, end.Status, end.Error)
	}
	result, err := c.GetJobResult(ctx, end.JobID)
	if err != nil {
		return end, fmt.Errorf("result of %s: %w", end.JobID, err)
	}
	if scan, ok := result.(*backend.ScanResult); !ok || scan.Resources != 4 {
		return end, fmt.Errorf("the result of %s is %+v", end.JobID, result)
	}
	return end, nil
}

func (o *load) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ended)
}

// TestRollingRestart of every process, one after the other, under load: no command fails, no job is lost, and none is there twice.
func TestRollingRestart(t *testing.T) {
	l := theCluster(t)
	before := l.jobs(t)
	load := l.load(t, 3)
	for _, p := range l.Processes() {
		since, began := load.count(), time.Now()
		if err := p.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		l.starts(t, p) // waits until all is whole
		t.Logf("%s: restarted in %s, whole again after %s, %d jobs done meanwhile", p.Name, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), load.count()-since)
	}
	load.stop()
	load.done.Wait()
	for _, err := range load.wrong {
		t.Error(err)
	}
	after := l.jobs(t)
	if made := len(after) - len(before); made != len(load.ended) || made == 0 {
		t.Errorf("%d commands made %d jobs", len(load.ended), made)
	}
	for id := range load.ended {
		if after[id] != backend.JobCompleted {
			t.Errorf("the job %s is %q", id, after[id])
		}
	}
	t.Logf("%d jobs", len(load.ended))
}

// jobs are all jobs, by id.
func (l *lab) jobs(t *testing.T) map[string]backend.JobStatus {
	t.Helper()
	c, all := l.remote(t, l.URL), map[string]backend.JobStatus{}
	for f := (backend.JobFilter{Limit: 1000}); ; {
		page, err := c.ListJobs(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range page.Jobs {
			if _, twice := all[j.JobID]; twice {
				t.Errorf("the job %s is listed twice", j.JobID)
			}
			all[j.JobID] = j.Status
		}
		if f.Cursor = page.Cursor; f.Cursor == "" {
			return all
		}
	}
}
