package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// GetJobStatus answers a job's present state; fault.JobNotFound if there is none, or it is of another key.
func (c *RemoteClient) GetJobStatus(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	if err := checkID(id, noJob); err != nil {
		return backend.JobStatusResponse{}, err
	}
	if err := c.checkKey(ctx); err != nil {
		return backend.JobStatusResponse{}, err
	}
	return c.status(ctx, question{id: id, tries: true})
}

// ListJobs answers the key's own jobs, newest first.
func (c *RemoteClient) ListJobs(ctx context.Context, filter backend.JobFilter) (backend.JobPage, error) {
	q := call{method: http.MethodGet, path: api.PathJobs, query: queryOf(map[string]string{
		"status": string(filter.Status), "operation": string(filter.Operation), "tenant_id": filter.TenantID, "cursor": filter.Cursor,
	}, filter.Limit)}
	page, err := askFor[backend.JobPage](ctx, c, q)
	if page.Jobs == nil {
		page.Jobs = []backend.JobStatusResponse{}
	}
	for i := range page.Jobs {
		page.Jobs[i] = tidy(page.Jobs[i])
	}
	return page, err
}

// queryOf are the parameters that are set.
func queryOf(texts map[string]string, limit int) url.Values {
	query := url.Values{}
	for name, text := range texts {
		if text != "" {
			query.Set(name, text)
		}
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}

// GetJobResult answers the result of a completed job; in any other state fault.JobNotComplete, whose
// cause is the job's own fault if it has one.
func (c *RemoteClient) GetJobResult(ctx context.Context, id string) (backend.Result, error) {
	if err := checkID(id, noJob); err != nil {
		return nil, err
	}
	q := call{method: http.MethodGet, path: api.Fill(api.PathResult, id), notFound: fault.JobNotFound}
	got, err := askFor[api.Result](ctx, c, q)
	if fault.CodeOf(err) == fault.JobNotComplete || fault.CodeOf(err) == fault.Conflict {
		return nil, c.notComplete(ctx, id, err)
	}
	if err != nil {
		return nil, err
	}
	got.JobID = id
	return got.DecodeResult()
}

// notComplete puts the job's own fault behind the refusal of its result.
func (c *RemoteClient) notComplete(ctx context.Context, id string, refusal error) error {
	f := *fault.As(refusal)
	f.Code, f.Resource = fault.JobNotComplete, id
	job, err := c.status(ctx, question{id: id, tries: true})
	if err == nil && job.Fault != nil {
		f.Cause = job.Fault
	}
	if f.Hint == "" {
		f.Hint = "see how it is: atg --backend remote job show " + id
	}
	return &f
}

// CancelJob cancels a job and answers when the work has stopped, waiting as long as job_max_wait says. A finished job is
// fault.Conflict.
func (c *RemoteClient) CancelJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	if err := checkID(id, noJob); err != nil {
		return backend.JobStatusResponse{}, err
	}
	if err := c.checkKey(ctx); err != nil {
		return backend.JobStatusResponse{}, err
	}
	q := call{method: http.MethodDelete, path: api.Fill(api.PathJob, id), notFound: fault.JobNotFound}
	tries := 0
	got, err := retried(ctx, c, func(ctx context.Context) (answer, error) {
		tries++
		return c.exchange(ctx, q)
	})
	if fault.CodeOf(err) == fault.Conflict && tries > 1 { // the first one may have been heard, and its answer lost
		job, lookErr := c.status(ctx, question{id: id, tries: true})
		if lookErr == nil && job.Status == backend.JobCancelled {
			return job, nil
		}
	}
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	if got.status == http.StatusOK && len(got.body) > 0 {
		cancellation, err := decodeAnswer[api.Cancellation](q, got)
		if err != nil {
			return backend.JobStatusResponse{}, err
		}
		if job := tidy(cancellation.JobStatusResponse); job.JobID == id && job.Status.Terminal() {
			return stopped(job)
		}
	}
	return c.awaitStop(ctx, id)
}

// awaitStop waits until a job that was cancelled has stopped.
func (c *RemoteClient) awaitStop(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	ctx, cancel := c.maxWait(ctx, id)
	defer cancel()
	p := &pacer{most: c.config.JobPollInterval}
	for {
		began := time.Now()
		job, err := c.patiently(ctx, id)
		switch {
		case err != nil:
			return job, err
		case job.Status.Terminal():
			return stopped(job)
		}
		if err := wait(ctx, p.rest(time.Since(began), false)); err != nil {
			return job, err
		}
	}
}

// stopped answers a job that has stopped: one that was quicker than its cancelling is fault.Conflict.
func stopped(job backend.JobStatusResponse) (backend.JobStatusResponse, error) {
	if job.Status != backend.JobCancelled {
		return job, fault.New(fault.Conflict, fmt.Sprintf("the job %s is already %s", job.JobID, job.Status), fault.On(job.JobID), fault.From(fault.OriginService))
	}
	return job, nil
}

// WaitForCompletion follows a job to its end and answers its terminal state, whichever it is. It yields the events on the
// way, as WatchJob does from the first one; yield may be nil.
func (c *RemoteClient) WaitForCompletion(ctx context.Context, id string, yield func(backend.Event) error) (backend.JobStatusResponse, error) {
	var end *backend.JobStatusResponse
	err := c.WatchJob(ctx, id, 0, func(e backend.Event) error {
		if e.Terminal() {
			end = e.Status
		}
		if yield == nil {
			return nil
		}
		return yield(e)
	})
	if err == nil && end == nil {
		err = errors.New("a watch ended without the end of its job") // a defect
	}
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	return *end, nil
}
