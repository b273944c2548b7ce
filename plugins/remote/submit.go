package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Submit sends a submission of any operation. It has an idempotency key, one is made if the caller gave
// none, so that a submission whose answer was lost is one job however often it is sent. What REST cannot carry
// (see api.BodyOf) is fault.Unsupported.
func (c *RemoteClient) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	body, key, err := bodyOf(s)
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	q, err := call{
		method: http.MethodPost, path: api.SubmitPath(body), notFound: notFoundFor(body),
		header: http.Header{api.HeaderIdempotencyKey: {key}},
	}.with(body)
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	job, err := askFor[backend.JobStatusResponse](ctx, c, q)
	if err != nil {
		return job, err
	}
	return accepted(job, s.Request.Operation())
}

// notFoundFor is what a 404 without a code means: an operation on a snapshot names it in its path.
func notFoundFor(body api.Body) fault.Code {
	if body.OnSnapshot() != nil {
		return fault.SnapshotNotFound
	}
	return ""
}

// bodyOf is what carries a submission, and its idempotency key.
func bodyOf(s backend.Submission) (api.Body, string, error) {
	if s.Request == nil {
		return nil, "", fault.New(fault.InvalidArgument, "the submission has no request", fault.From(fault.OriginBackend))
	}
	body, err := api.BodyOf(s)
	if err != nil {
		return nil, "", err
	}
	if on := body.OnSnapshot(); on != nil && *on != "" {
		if err := checkID(*on, noSnapshot); err != nil {
			return nil, "", err
		}
	}
	key := s.IdempotencyKey
	if key == "" {
		key = newID()
	}
	if len(key) > api.MaxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, "", fault.New(fault.InvalidArgument, "the idempotency key is none", fault.From(fault.OriginBackend),
			fault.Hint("at most %d characters of ASCII, without blanks", api.MaxIdempotencyKey))
	}
	return body, key, nil
}

// accepted checks the answer to a submission.
func accepted(job backend.JobStatusResponse, op backend.Operation) (backend.JobStatusResponse, error) {
	noID := func(string) error {
		return fault.New(fault.RemoteFailed, "the service accepted a submission without the id of a job",
			fault.From(fault.OriginBackend), fault.Hint("see whether there is one: atg --backend remote job list"))
	}
	if err := checkID(job.JobID, noID); err != nil {
		return backend.JobStatusResponse{}, err
	}
	if job.Operation == "" {
		job.Operation = op
	}
	return tidy(job), nil
}

// SubmitScanJob submits a scan. The idempotency key may be empty, here and below.
func (c *RemoteClient) SubmitScanJob(ctx context.Context, r backend.ScanRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitGenerateIaC submits the generation of infrastructure code.
func (c *RemoteClient) SubmitGenerateIaC(ctx context.Context, r backend.IaCGenerationRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitCreateTenant submits the deployment of a specification that UploadInput has sent before; a
// rollback has none.
func (c *RemoteClient) SubmitCreateTenant(ctx context.Context, r backend.TenantCreationRequest, idempotencyKey string, spec ...backend.Input) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey, Inputs: spec})
}

// SubmitGenerateSpec submits the generation of a specification.
func (c *RemoteClient) SubmitGenerateSpec(ctx context.Context, r backend.SpecGenerationRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitVisualize submits the making of a page that shows a snapshot.
func (c *RemoteClient) SubmitVisualize(ctx context.Context, r backend.VisualizationRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitSnapshotQuery submits a query of a snapshot.
func (c *RemoteClient) SubmitSnapshotQuery(ctx context.Context, r backend.SnapshotQueryRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitSnapshotDiff submits the comparison of two snapshots.
func (c *RemoteClient) SubmitSnapshotDiff(ctx context.Context, r backend.SnapshotDiffRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitSnapshotExport submits the export of a snapshot.
func (c *RemoteClient) SubmitSnapshotExport(ctx context.Context, r backend.SnapshotExportRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitSnapshotPath submits the search of ways between two nodes of a snapshot.
func (c *RemoteClient) SubmitSnapshotPath(ctx context.Context, r backend.SnapshotPathRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitSnapshotReach submits the search of what a node of a snapshot can reach.
func (c *RemoteClient) SubmitSnapshotReach(ctx context.Context, r backend.SnapshotReachRequest, idempotencyKey string) (backend.JobStatusResponse, error) {
	return c.Submit(ctx, backend.Submission{Request: &r, IdempotencyKey: idempotencyKey})
}

// SubmitBatch sends many submissions at once, at most backend.MaxBatch. Each is accepted or refused on its own, in the
// order given; the error is for the batch as a whole.
func (c *RemoteClient) SubmitBatch(ctx context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	if len(submissions) > backend.MaxBatch {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("a batch takes at most %d submissions, not %d", backend.MaxBatch, len(submissions)),
			fault.From(fault.OriginBackend))
	}
	items := make([]backend.BatchItem, len(submissions))
	var batch api.Batch
	var sent []int // the places of what is sent
	for i, s := range submissions {
		operation, err := batchOperation(s)
		if err != nil {
			items[i].Fault = fault.Of(err)
			continue
		}
		batch.Operations, sent = append(batch.Operations, operation), append(sent, i)
	}
	if len(sent) == 0 {
		return items, nil
	}
	q, err := call{method: http.MethodPost, path: api.PathBatch}.with(batch)
	if err != nil {
		return nil, err
	}
	got, err := askFor[api.BatchAnswer](ctx, c, q)
	if err != nil {
		return nil, err
	}
	if len(got.Items) != len(sent) {
		return nil, fault.New(fault.RemoteFailed, fmt.Sprintf("the service answered %d submissions of a batch of %d", len(got.Items), len(sent)),
			fault.From(fault.OriginBackend), fault.Hint("see which jobs there are: atg --backend remote job list"))
	}
	for i, at := range sent {
		items[at] = batchItem(got.Items[i], submissions[at])
	}
	return items, nil
}

func batchOperation(s backend.Submission) (o api.BatchOperation, err error) {
	body, key, err := bodyOf(s)
	if err != nil {
		return o, err
	}
	content, err := json.Marshal(body)
	return api.BatchOperation{Operation: s.Request.Operation(), IdempotencyKey: key, Body: content}, err
}

func batchItem(item api.BatchItem, s backend.Submission) (out backend.BatchItem) {
	switch {
	case item.Problem != nil:
		out.Fault = item.Problem.Fault()
	case item.Job != nil:
		job, err := accepted(*item.Job, s.Request.Operation())
		if err != nil {
			out.Fault = fault.Of(err)
			break
		}
		out.Job = &job
	default:
		out.Fault = fault.New(fault.RemoteFailed, "the service answered neither a job nor a problem", fault.From(fault.OriginBackend))
	}
	return out
}
