package remote

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// maxKnown is how many jobs' states are kept.
const maxKnown = 1024

// statuses are the jobs' states as they were last seen, each with its ETag, so that an unchanged one is not
// sent again; and the questions that are under way, so that several callers share one.
type statuses struct {
	mu      sync.Mutex
	known   map[string]knownStatus
	flights map[question]*flight
}

type knownStatus struct {
	etag string
	job  backend.JobStatusResponse
}

// question is what callers can share.
type question struct {
	id       string
	patience time.Duration // of a long poll; 0 answers at once
	tries    bool          // it is sent again if need be
}

// flight is a question under way.
type flight struct {
	done    chan struct{}
	callers int // who still wait
	end     context.CancelFunc
	job     backend.JobStatusResponse
	err     error
}

// status asks for a job's state, together with whoever asks the same at that time.
func (c *RemoteClient) status(ctx context.Context, ask question) (backend.JobStatusResponse, error) {
	if ctx.Err() != nil {
		return backend.JobStatusResponse{}, context.Cause(ctx)
	}
	s := &c.statuses
	s.mu.Lock()
	f := s.flights[ask]
	if f == nil {
		shared, end := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{done: make(chan struct{}), end: end}
		if s.flights == nil {
			s.flights = map[question]*flight{}
		}
		s.flights[ask] = f
		go c.fly(shared, ask, f)
	}
	f.callers++
	s.mu.Unlock()
	defer s.leave(ask, f)
	select {
	case <-f.done:
		return f.job, f.err
	case <-ctx.Done():
		return backend.JobStatusResponse{}, context.Cause(ctx)
	}
}

// leave ends a flight that nobody waits for any more.
func (s *statuses) leave(ask question, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.callers--; f.callers == 0 {
		f.end()
		if s.flights[ask] == f {
			delete(s.flights, ask)
		}
	}
}

func (c *RemoteClient) fly(ctx context.Context, ask question, f *flight) {
	if ask.tries {
		f.job, f.err = retried(ctx, c, func(ctx context.Context) (backend.JobStatusResponse, error) { return c.look(ctx, ask) })
	} else {
		f.job, f.err = c.look(ctx, ask)
	}
	c.statuses.mu.Lock()
	defer c.statuses.mu.Unlock()
	if c.statuses.flights[ask] == f { // who comes now asks anew
		delete(c.statuses.flights, ask)
	}
	close(f.done)
}

// look asks once.
func (c *RemoteClient) look(ctx context.Context, ask question) (backend.JobStatusResponse, error) {
	s := &c.statuses
	s.mu.Lock()
	before, known := s.known[ask.id]
	s.mu.Unlock()
	q := call{method: http.MethodGet, path: api.Fill(api.PathJob, ask.id), notFound: fault.JobNotFound}
	if known {
		q.header, q.allow = http.Header{"If-None-Match": {before.etag}}, []int{http.StatusNotModified}
		if ask.patience > 0 {
			q.query = url.Values{"wait": {ask.patience.String()}}
		}
	}
	a, err := c.exchange(ctx, q)
	if err != nil {
		s.mu.Lock()
		delete(s.known, ask.id)
		s.mu.Unlock()
		return backend.JobStatusResponse{}, err
	}
	if a.status == http.StatusNotModified {
		return before.job, nil
	}
	job, err := decodeAnswer[backend.JobStatusResponse](q, a)
	if err != nil {
		return job, err
	}
	if job.JobID != ask.id || !knownState(job.Status) {
		return job, fault.New(fault.RemoteFailed, "the service's answer is not the state of the job", fault.On(ask.id),
			fault.From(fault.OriginBackend), fault.Hint(hintOther))
	}
	job = tidy(job)
	s.keep(ask.id, a.header.Get("ETag"), job)
	return job, nil
}

func (s *statuses) keep(id, etag string, job backend.JobStatusResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if etag == "" {
		delete(s.known, id)
		return
	}
	if s.known == nil {
		s.known = map[string]knownStatus{}
	}
	for other := range s.known {
		if len(s.known) < maxKnown {
			break
		}
		delete(s.known, other)
	}
	s.known[id] = knownStatus{etag, job}
}

func knownState(s backend.JobStatus) bool {
	return s.Terminal() || s == backend.JobPending || s == backend.JobRunning
}

// tidy gives a state what a service may leave out, and what JSON does not carry.
func tidy(job backend.JobStatusResponse) backend.JobStatusResponse {
	job.Attempt = max(job.Attempt, 1)
	if p := job.Progress; p != nil && !(*p >= 0 && *p <= 1) {
		job.Progress = nil
	}
	if job.Fault == nil && job.Error != "" && job.Status == backend.JobFailed {
		job.Fault = fault.New(fault.JobFailed, job.Error, fault.On(job.JobID), fault.From(fault.OriginService))
	}
	api.Restore(&job)
	return job
}
