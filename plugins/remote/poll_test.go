package remote

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// at is a job's state at a time.
func at(status backend.JobStatus, phase string, progress float64) backend.JobStatusResponse {
	j := job(status)
	j.Phase, j.Progress = phase, &progress
	return j
}

// Looks come ever less often, up to the interval, and often again when something has happened.
func TestPollingBacksOff(t *testing.T) {
	p := &played{}
	p.states = func(w http.ResponseWriter, r *http.Request) {
		switch now := time.Since(p.began); {
		case now < 30*time.Second:
			reply(w, r, 200, at(backend.JobRunning, "resources", 0.1))
		case now < 40*time.Second:
			reply(w, r, 200, at(backend.JobRunning, "resources", 0.5))
		default:
			reply(w, r, 200, job(backend.JobCompleted))
		}
	}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		var events []backend.Event
		if _, err := c.WaitForCompletion(t.Context(), "j1", func(e backend.Event) error { events = append(events, e); return nil }); err != nil {
			t.Fatal(err)
		}
		var looks []string
		for _, at := range p.looks {
			looks = append(looks, fmt.Sprintf("%.2f", at.Seconds()))
		}
		want := []string{"0.00", "0.25", "0.75", "1.75", "3.75", "7.75", "12.75", "17.75", "22.75", "27.75", "32.75", "33.00", "33.50", "34.50", "36.50", "40.50"}
		if d := cmp.Diff(want, looks); d != "" {
			t.Errorf("looks at (-want +got): %s", d)
		}
		if d := cmp.Diff([]string{"1 pending", "4294967297 running", "4294967298 resources 10", "4294967299 resources 50", "end completed"}, told(events)); d != "" {
			t.Errorf("events (-want +got): %s", d)
		}
	})
}

// A service that holds its answers is asked again at once, and what has not changed costs no body.
func TestLongPoll(t *testing.T) {
	p := &played{}
	var bodies, questions []string
	p.states = func(w http.ResponseWriter, r *http.Request) {
		now := job(backend.JobRunning)
		questions = append(questions, r.URL.Query().Get("wait")+" "+fmt.Sprint(r.Header.Get("If-None-Match") == etagOf(now)))
		for range 30 { // holds it, as long as nothing happens
			if r.URL.Query().Get("wait") == "" || time.Since(p.began) >= 70*time.Second {
				break
			}
			_ = wait(r.Context(), time.Second)
		}
		if time.Since(p.began) >= 70*time.Second {
			now = job(backend.JobCompleted)
		}
		reply(recorded{w, &bodies}, r, 200, now)
	}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		end, err := c.WaitForCompletion(t.Context(), "j1", nil)
		if err != nil || end.Status != backend.JobCompleted {
			t.Fatalf("it ended as %s: %v", end.Status, err)
		}
		if took := time.Since(p.began); took > 71*time.Second {
			t.Errorf("it took %s to hear of the end", took)
		}
		if d := cmp.Diff([]string{" false", "30s true", "30s true", "30s true"}, questions); d != "" {
			t.Errorf("questions (-want +got): %s", d)
		}
		if len(bodies) != 2 {
			t.Errorf("%d answers had a body", len(bodies))
		}
	})
}

// Where a proxy has no patience with answers that are held, they are no longer.
func TestImpatientProxy(t *testing.T) {
	p := &played{}
	lost := 0
	p.states = func(w http.ResponseWriter, r *http.Request) {
		if time.Since(p.began) > 10*time.Minute {
			reply(w, r, 200, job(backend.JobCompleted))
			return
		}
		if r.URL.Query().Get("wait") != "" {
			_ = wait(r.Context(), 20*time.Second)
			w.WriteHeader(http.StatusGatewayTimeout)
			lost++
			return
		}
		reply(w, r, 200, job(backend.JobRunning))
	}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		if _, err := c.WaitForCompletion(t.Context(), "j1", nil); err != nil || lost != 1 {
			t.Errorf("%d answers were lost: %v", lost, err)
		}
	})
}

// recorded keeps the bodies that are written.
type recorded struct {
	http.ResponseWriter
	bodies *[]string
}

func (r recorded) Write(b []byte) (int, error) {
	*r.bodies = append(*r.bodies, string(b))
	return r.ResponseWriter.Write(b)
}

// Callers who ask for the same job at the same time share a question; one who leaves does not end it
// for the others.
func TestCallersShare(t *testing.T) {
	p := &played{}
	release := make(chan struct{})
	p.states = func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		reply(w, r, 200, job(backend.JobRunning))
	}
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		p.site = newSite(t, p)
		c := p.client(t)
		c.key.good.Store(true)
		var callers sync.WaitGroup
		impatient, leave := withCancel(t)
		callers.Go(func() {
			if _, err := c.GetJobStatus(impatient, "j1"); fault.CodeOf(err) != fault.Interrupted {
				t.Errorf("who has left is answered %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			callers.Go(func() {
				if job, err := c.GetJobStatus(t.Context(), "j1"); err != nil || job.Status != backend.JobRunning {
					t.Errorf("the answer is %+v, %v", job, err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		close(release)
		callers.Wait()
		if len(p.looks) != 1 {
			t.Errorf("the service was asked %d times", len(p.looks))
		}
		if _, err := c.GetJobStatus(t.Context(), "j1"); err != nil || len(p.looks) != 2 {
			t.Errorf("a later caller is not answered anew: %v", err)
		}
		_ = c.Close()
	})
}

// A question that nobody waits for any more is given up.
func TestQuestionIsGivenUp(t *testing.T) {
	p := &played{}
	ended := make(chan struct{})
	p.states = func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	}
	synctest.Test(t, func(t *testing.T) {
		ended = make(chan struct{})
		p.site = newSite(t, p)
		c := p.client(t)
		c.key.good.Store(true)
		ctx, leave := withCancel(t)
		time.AfterFunc(time.Second, leave)
		if _, err := c.GetJobStatus(ctx, "j1"); fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("the answer is %v", err)
		}
		<-ended
		_ = c.Close()
	})
}

func TestStrangeStates(t *testing.T) {
	cases := map[string]struct {
		body string
		want fault.Code
	}{
		"another job":         {`{"job_id":"j2","status":"running"}`, fault.RemoteFailed},
		"a state of tomorrow": {`{"job_id":"j1","status":"paused"}`, fault.RemoteFailed},
		"nothing":             {`{}`, fault.RemoteFailed},
		"the bare minimum":    {`{"job_id":"j1","status":"running"}`, ""},
		"a list":              {`[]`, fault.RemoteFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mocked(t, func(t *testing.T, client *RemoteClient) {
				mock("GET", "/api/v1/jobs/j1").Reply(200).SetHeader("Content-Type", "application/json").BodyString(c.body)
				job, err := client.GetJobStatus(t.Context(), "j1")
				if fault.CodeOf(err) != c.want || err == nil && job.Attempt != 1 {
					t.Errorf("the answer is %+v, %v", job, err)
				}
			})
		})
	}
}

// A failed job of a service that says why in words alone has a fault, too; one that JSON has robbed of its
// cause gets it back.
func TestFaultsOfJobs(t *testing.T) {
	cases := map[string]struct{ body, code, text string }{
		"words":         {`{"job_id":"j1","status":"failed","error":"no quota"}`, "job_failed", "no quota"},
		"a fault":       {`{"job_id":"j1","status":"failed","error":"no login: token expired","fault":{"code":"azure_auth_required","message":"no login"}}`, "azure_auth_required", "no login: token expired"},
		"wrong measure": {`{"job_id":"j1","status":"failed","error":"x","progress":7}`, "job_failed", "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mocked(t, func(t *testing.T, client *RemoteClient) {
				mock("GET", "/api/v1/jobs/j1").Reply(200).SetHeader("Content-Type", "application/json").BodyString(c.body)
				job, err := client.GetJobStatus(t.Context(), "j1")
				if err != nil || job.Fault == nil || string(job.Fault.Code) != c.code || job.Fault.Error() != c.text || job.Progress != nil {
					t.Errorf("the answer is %+v, %v", job, err)
				}
			})
		})
	}
}
