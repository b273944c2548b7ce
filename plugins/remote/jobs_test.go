package remote

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// withCancel is the test's context that a user can end.
func withCancel(t *testing.T) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(t.Context())
	return ctx, func() { cancel(fault.New(fault.Interrupted, "the user has enough")) }
}

func TestCancel(t *testing.T) {
	conflict := fault.New(fault.Conflict, "the job is already over")
	deleted := func(status int, body any) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) {
			if err, ok := body.(error); ok {
				refuse(w, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body)
		}
	}
	// lost is a request that is heard, and whose answer gets lost; then comes a second one.
	lost := func(next func(http.ResponseWriter, *http.Request, int)) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
			next(w, r, n)
		}
	}
	stopping := api.Cancellation{JobStatusResponse: job(backend.JobRunning), CancelRequested: true}
	cases := map[string]struct {
		deletion func(w http.ResponseWriter, r *http.Request, n int)
		states   []backend.JobStatus // then, a second apart
		want     fault.Code          // empty is cancelled
		took     time.Duration
	}{
		"at once":                    {deleted(200, api.Cancellation{JobStatusResponse: job(backend.JobCancelled)}), nil, "", 0},
		"without a word":             {deleted(204, nil), []backend.JobStatus{backend.JobCancelled}, "", 0},
		"in a while":                 {deleted(202, stopping), []backend.JobStatus{backend.JobRunning, backend.JobRunning, backend.JobRunning, backend.JobCancelled}, "", 3 * time.Second},
		"too late":                   {deleted(202, stopping), []backend.JobStatus{backend.JobRunning, backend.JobCompleted}, fault.Conflict, time.Second},
		"a finished job":             {deleted(409, conflict), nil, fault.Conflict, 0},
		"no such job":                {deleted(404, fault.New(fault.JobNotFound, "there is no such job")), nil, fault.JobNotFound, 0},
		"the answer was lost":        {lost(deleted(409, conflict)), []backend.JobStatus{backend.JobCancelled}, "", 0},
		"lost, and it had completed": {lost(deleted(409, conflict)), []backend.JobStatus{backend.JobCompleted}, fault.Conflict, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			deletions, p := 0, &played{}
			p.states = func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					deletions++
					c.deletion(w, r, deletions)
					return
				}
				n := min(int(time.Since(p.began).Seconds()), len(c.states)-1)
				reply(w, r, 200, job(c.states[n]))
			}
			play(t, p, func(t *testing.T, client *RemoteClient) {
				job, err := client.CancelJob(t.Context(), "j1")
				if fault.CodeOf(err) != c.want || err == nil && job.Status != backend.JobCancelled {
					t.Errorf("the answer is %s, %v", job.Status, err)
				}
				if took := time.Since(p.began); took < c.took || took > c.took+3*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// The fault of a failed job stands behind the refusal of its result.
func TestResultOfFailedJob(t *testing.T) {
	failed := job(backend.JobFailed)
	failed.Fault = fault.New(fault.AzureForbidden, "Azure refuses", fault.Because(errors.New("403")))
	failed.Error = failed.Fault.Error()
	p := &played{}
	p.states = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.Fill(api.PathResult, "j1") {
			refuse(w, fault.New(fault.JobNotComplete, "the job has failed"))
			return
		}
		reply(w, r, 200, failed)
	}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		result, err := c.GetJobResult(t.Context(), "j1")
		if !errors.Is(err, fault.ErrJobNotComplete) || !errors.Is(err, fault.New(fault.AzureForbidden, "")) || result != nil {
			t.Errorf("the answer is %v, %v", result, err)
		}
		if cause := fault.As(errors.Unwrap(err)); cause == nil || cause.Error() != "Azure refuses: 403" {
			t.Errorf("its cause is %v", cause)
		}
	})
}

func TestStrangeIDs(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) { // nothing is sent
		for _, id := range []string{"", ".", "..", "a/b", "../x", "a b", "a\x00", "%2e%2e", "ä", "a?b", "a#b", `a\b`} {
			_, get := c.GetJobStatus(t.Context(), id)
			_, result := c.GetJobResult(t.Context(), id)
			_, cancelled := c.CancelJob(t.Context(), id)
			_, listed := c.ListArtifacts(t.Context(), id)
			_, downloaded := c.DownloadArtifacts(t.Context(), id, t.TempDir(), nil)
			watched := c.WatchJob(t.Context(), id, 0, nil)
			for call, err := range map[string]error{"get": get, "result": result, "cancel": cancelled, "list": listed, "download": downloaded, "watch": watched} {
				if !errors.Is(err, fault.ErrJobNotFound) {
					t.Errorf("%s of %q answers %v", call, id, err)
				}
			}
		}
	})
}

// Deleting what an earlier, unanswered try has deleted has succeeded.
func TestDeleteSnapshotTwice(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) {
		mock("DELETE", "/api/v1/snapshots/s1").ReplyError(refusedConnection)
		mock("DELETE", "/api/v1/snapshots/s1").Reply(404)
		if err := c.DeleteSnapshot(t.Context(), "s1"); err != nil {
			t.Error(err)
		}
		mock("DELETE", "/api/v1/snapshots/s1").Reply(404)
		if err := c.DeleteSnapshot(t.Context(), "s1"); fault.CodeOf(err) != fault.SnapshotNotFound {
			t.Errorf("the answer is %v", err)
		}
	})
}
