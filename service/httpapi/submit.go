package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// register makes a handler a huma operation; its errors are faults.
func register[I, O any](a *API, rt route, handle func(context.Context, *call, *I) (*O, error)) {
	op := rt.operation()
	op.MaxBodyBytes = a.o.Capabilities.Limits.RequestBytes
	op.BodyReadTimeout = bodyPatience
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, callOf(ctx), in)
		if err != nil {
			return nil, a.refused(ctx, err)
		}
		return out, nil
	})
	if rt.also != 0 {
		also := *op.Responses[strconv.Itoa(http.StatusOK)]
		also.Description = http.StatusText(rt.also)
		op.Responses[strconv.Itoa(rt.also)] = &also
	}
}

// submission is a POST of an operation.
type submission[B any] struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body is the same job, for 24 hours."`
	Body           B
}

// onSnapshot is a POST of an operation on the snapshot that the path names.
type onSnapshot[B any] struct {
	ID             string `path:"id" doc:"A snapshot's id, or latest: the newest complete one of the tenant."`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key with the same body is the same job, for 24 hours."`
	Body           B
}

// accepted answers a submission.
type accepted struct {
	Status   int
	Location string `header:"Location" doc:"Where the job's status is."`
	Replayed string `header:"Idempotency-Replayed" doc:"true if the job was submitted before with this key."`
	Body     backend.JobStatusResponse
}

// bodyOf says that a pointer to B is a body.
type bodyOf[B any] interface {
	*B
	api.Body
}

func (a *API) registerSubmissions() {
	registerSubmission[api.ScanBody](a, "scan", "Scan a tenant into a snapshot")
	registerSubmission[api.GenerateIaCBody](a, "generate-iac", "Generate infrastructure code from a snapshot")
	registerSubmission[api.CreateTenantBody](a, "create-tenant", "Plan or deploy a specification")
	registerSubmission[api.GenerateSpecBody](a, "generate-spec", "Write the specification of a snapshot")
	registerSubmission[api.VisualizeBody](a, "visualize", "Make a page that shows a snapshot")
	registerOnSnapshot[api.SnapshotQueryBody](a, "snapshot-query", "Ask a snapshot a query")
	registerOnSnapshot[api.SnapshotDiffBody](a, "snapshot-diff", "Compare two snapshots")
	registerOnSnapshot[api.SnapshotExportBody](a, "snapshot-export", "Export a snapshot")
	registerOnSnapshot[api.SnapshotPathBody](a, "snapshot-path", "Find how two nodes are connected")
	registerOnSnapshot[api.SnapshotReachBody](a, "snapshot-reach", "Find what a node can reach")
	register(a, route{
		method: http.MethodPost, path: api.PathBatch, id: "batch", tag: "jobs", work: true, class: submissions,
		summary: "Submit many operations at once", description: "Each is accepted or refused on its own, and needs the scope of its operation.",
	}, a.batch)
}

func submissionRoute(op backend.Operation, summary string) route {
	return route{
		method: http.MethodPost, path: api.PathOf(op), id: string(op), tag: "operations", summary: summary,
		status: http.StatusAccepted, scopes: []api.Scope{scopeOf(op)}, work: true, class: submissions,
	}
}

// scopeOf is what a key needs to submit an operation.
func scopeOf(op backend.Operation) api.Scope {
	if op == backend.OpCreateTenant {
		return api.ScopeDeploy
	}
	return api.ScopeSubmit
}

func registerSubmission[B any, P bodyOf[B]](a *API, op backend.Operation, summary string) {
	register(a, submissionRoute(op, summary), func(ctx context.Context, c *call, in *submission[B]) (*accepted, error) {
		return a.submit(ctx, c, P(&in.Body), in.IdempotencyKey)
	})
}

func registerOnSnapshot[B any, P bodyOf[B]](a *API, op backend.Operation, summary string) {
	register(a, submissionRoute(op, summary), func(ctx context.Context, c *call, in *onSnapshot[B]) (*accepted, error) {
		body := P(&in.Body)
		snapshot := body.OnSnapshot()
		if *snapshot != "" && *snapshot != in.ID {
			return nil, malformed([]fault.Problem{{Key: "id", Message: fmt.Sprintf("the path names snapshot %s, the body %s", in.ID, *snapshot)}})
		}
		*snapshot = in.ID
		if in.ID == api.Latest {
			*snapshot = ""
		}
		return a.submit(ctx, c, body, in.IdempotencyKey)
	})
}

func (a *API) submit(ctx context.Context, c *call, body api.Body, key string) (*accepted, error) {
	sub := body.Submission()
	sub.IdempotencyKey = key
	job, created, err := a.o.Service.Submit(ctx, c.grant.Caller, sub, traceparent(ctx))
	if err != nil {
		return nil, err
	}
	c.job = job.JobID
	out := &accepted{Status: http.StatusAccepted, Location: api.Fill(api.PathJob, job.JobID), Body: job}
	if !created {
		out.Replayed = "true"
	}
	return out, nil
}

// batch submits what it can and refuses the rest.
func (a *API) batch(ctx context.Context, c *call, in *struct{ Body api.Batch }) (*struct{ Body api.BatchAnswer }, error) {
	out := &struct{ Body api.BatchAnswer }{api.BatchAnswer{Items: make([]api.BatchItem, len(in.Body.Operations))}}
	items := out.Body.Items
	var good []backend.Submission
	var at []int
	for i, op := range in.Body.Operations {
		sub, err := a.batched(c, op)
		if err != nil {
			items[i].Problem = &a.refused(ctx, err).Problem
			continue
		}
		good, at = append(good, sub), append(at, i)
	}
	for i, item := range a.o.Service.SubmitBatch(ctx, c.grant.Caller, good, traceparent(ctx)) {
		if item.Fault != nil {
			items[at[i]].Problem = &a.refused(ctx, item.Fault).Problem
			continue
		}
		items[at[i]].Job = item.Job
	}
	c.err = nil // the batch itself was not refused
	return out, nil
}

// batched is one operation of a batch as a submission.
func (a *API) batched(c *call, op api.BatchOperation) (backend.Submission, error) {
	body := api.NewBody(op.Operation)
	if body == nil {
		return backend.Submission{}, malformed([]fault.Problem{{
			Key: "operation", Message: fmt.Sprintf("there is no operation %q", op.Operation),
			Hint: maybe(string(op.Operation), texts(values(backend.Operations()...))),
		}})
	}
	if err := c.grant.Allow(scopeOf(op.Operation)); err != nil {
		return backend.Submission{}, err
	}
	if len(op.IdempotencyKey) > api.MaxIdempotencyKey {
		return backend.Submission{}, malformed([]fault.Problem{{Key: "idempotency_key", Message: fmt.Sprintf("it is longer than %d characters", api.MaxIdempotencyKey)}})
	}
	if err := a.decode(op.Operation, op.Body, body); err != nil {
		return backend.Submission{}, err
	}
	if on := body.OnSnapshot(); on != nil && *on == api.Latest {
		*on = ""
	}
	sub := body.Submission()
	sub.IdempotencyKey = op.IdempotencyKey
	return sub, nil
}

// decode reads an operation's body and holds it against its schema, as huma does with those that come alone.
func (a *API) decode(op backend.Operation, raw json.RawMessage, into api.Body) error {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return malformed([]fault.Problem{{Key: "body", Message: err.Error()}})
	}
	schemas := a.huma.OpenAPI().Components.Schemas
	schema := bodySchema(schemas, op)
	var found huma.ValidateResult
	huma.Validate(schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, value, &found)
	var problems []fault.Problem
	for _, err := range found.Errors {
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			problems = append(problems, a.schemaProblem(schema, detail.Location, detail))
		}
	}
	if len(problems) > 0 {
		return malformed(problems)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return malformed([]fault.Problem{{Key: "body", Message: err.Error()}})
	}
	return nil
}
