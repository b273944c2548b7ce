package jobs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// atOnce is how many submissions of a batch are under way together.
const atOnce = 32

// Submit makes a job of a submission. The same idempotency key with the same content answers the same job, with
// created false; with other content, fault.Conflict.
func (s *Service) Submit(ctx context.Context, c Caller, sub backend.Submission, trace string) (status backend.JobStatusResponse, created bool, err error) {
	r, err := s.prepare(ctx, c, sub, trace)
	if err != nil {
		if earlier, ok := s.answered(ctx, r); ok && sub.IdempotencyKey != "" {
			return earlier, false, nil
		}
		return status, false, err
	}
	if err := s.mayQueue(c); err != nil && (sub.IdempotencyKey == "" || !s.o.Records.Known(r.Job.JobID)) {
		return status, false, err
	}
	stored, created, err := s.o.Records.Enqueue(ctx, r)
	if err != nil {
		return status, false, fault.Of(err)
	}
	if !created {
		if stored.Content != r.Content {
			return status, false, fault.New(fault.Conflict, "the idempotency key was used for another submission",
				fault.On(r.Job.JobID), fault.From(fault.OriginService), fault.Hint("use a new key for new content"))
		}
		return stored.Job, false, nil
	}
	return stored.Job, true, nil
}

// answered is the job that a submission made when it came before. It is asked where the same submission would now be refused: the
// snapshot or the input that it reads may have been removed since.
func (s *Service) answered(ctx context.Context, r Record) (backend.JobStatusResponse, bool) {
	if r.Job.JobID == "" {
		return backend.JobStatusResponse{}, false
	}
	stored, _, err := s.o.Records.Get(ctx, r.Job.JobID)
	return stored.Job, err == nil && stored.Owner == r.Owner && stored.Content == r.Content
}

// SubmitBatch submits each on its own, in the order given.
func (s *Service) SubmitBatch(ctx context.Context, c Caller, subs []backend.Submission, trace string) []backend.BatchItem {
	items := make([]backend.BatchItem, len(subs))
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, sub := range subs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			job, _, err := s.Submit(ctx, c, sub, trace)
			if err != nil {
				items[i].Fault = fault.Of(err)
				return
			}
			items[i].Job = &job
		})
	}
	all.Wait()
	return items
}

// prepare checks a submission and makes the record of its job. Beside an error, the record has an id, an owner and the content, as far
// as the submission was understood.
func (s *Service) prepare(ctx context.Context, c Caller, sub backend.Submission, trace string) (Record, error) {
	if sub.Request == nil {
		return Record{}, invalid("the submission has no request")
	}
	if err := s.able(sub.Request); err != nil {
		return Record{}, err
	}
	op := sub.Request.Operation()
	if len(sub.IdempotencyKey) > api.MaxIdempotencyKey {
		return Record{}, invalid(fmt.Sprintf("the idempotency key is longer than %d characters", api.MaxIdempotencyKey))
	}
	content, err := digest(op, sub)
	if err != nil {
		return Record{}, err
	}
	r := Record{Owner: c.Key, Content: content, Trace: trace}
	r.Job.JobID = newID(c.Key, sub.IdempotencyKey)
	tenant, err := s.tenant(ctx, c, sub.Request)
	if err != nil {
		return r, err
	}
	if err := s.choose(ctx, c, tenant, sub.Request); err != nil {
		return r, err
	}
	if r.Inputs, err = s.inputs(ctx, c, sub.Inputs); err != nil {
		return r, err
	}
	if r.Request, err = json.Marshal(sub.Request); err != nil {
		return r, fault.New(fault.InvalidArgument, "the request has no JSON form", fault.Because(err))
	}
	now := s.o.Now().UTC()
	r.Job = backend.JobStatusResponse{
		JobID: r.Job.JobID, Operation: op, TenantID: tenant,
		Status: backend.JobPending, Attempt: 1, CreatedAt: now,
	}
	if s.o.JobTimeout > 0 {
		r.Deadline = now.Add(s.o.JobTimeout)
	}
	return r, nil
}

// able refuses what the workers' backend cannot do, where that is known.
func (s *Service) able(request backend.Request) error {
	what := ""
	if op := request.Operation(); s.o.Operations != nil && !slices.Contains(s.o.Operations, op) {
		what = "do " + string(op)
	} else if iac, ok := request.(*backend.IaCGenerationRequest); ok && len(s.o.Formats) > 0 && !slices.Contains(s.o.Formats, iac.OutputFormat) {
		what = fmt.Sprintf("generate the format %q", iac.OutputFormat)
	}
	if what == "" {
		return nil
	}
	return fault.New(fault.Unsupported, "the service's backend cannot "+what, fault.From(fault.OriginService),
		fault.Hint("GET /api/v1/capabilities lists what it can do"))
}

// tenant is the one that the request is about: the one it names, or that of the snapshot it names, or the only one that the
// key reaches.
func (s *Service) tenant(ctx context.Context, c Caller, request backend.Request) (string, error) {
	tenant := request.Tenant()
	if tenant == "" {
		of, err := s.tenantOfSnapshot(ctx, c, request)
		if err != nil {
			return "", err
		}
		tenant = of
	}
	if tenant == "" {
		reachable := c.Tenants
		if slices.Contains(reachable, "*") {
			reachable = s.o.Tenants
		}
		switch len(reachable) {
		case 0: // the backend finds the only one that its credential reaches
			return "", nil
		case 1:
			tenant = reachable[0]
		default:
			return "", fault.New(fault.InvalidArgument, "the request names no tenant, and the key reaches several", fault.From(fault.OriginService),
				fault.Hint("name one of them: %s", strings.Join(reachable, ", ")))
		}
	}
	if !c.MayTouch(tenant) {
		return "", fault.New(fault.Forbidden, fmt.Sprintf("the key may not touch tenant %s", tenant), fault.On(tenant), fault.From(fault.OriginService),
			fault.Hint("ask the service's operator for a key for that tenant"))
	}
	backend.SetTenant(request, tenant)
	return tenant, nil
}

// inputs completes the inputs with their sizes; each must have been stored before.
func (s *Service) inputs(ctx context.Context, c Caller, inputs []backend.Input) ([]backend.Input, error) {
	var complete []backend.Input
	for _, in := range inputs {
		a, err := s.o.Files.Stat(ctx, FileName{KindInput, c.Key, in.SHA256})
		if errors.Is(err, ErrNotFound) {
			return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the input %q is not stored", in.Path), fault.On(in.SHA256),
				fault.From(fault.OriginService), fault.Hint("send it first: PUT /api/v1/inputs/%s", in.SHA256))
		}
		if err != nil {
			return nil, fault.Of(err)
		}
		complete = append(complete, backend.Input{Path: in.Path, Size: a.Size, SHA256: a.SHA256})
	}
	return complete, nil
}

// digest is the SHA-256 of what was asked for, whoever asks and whenever.
func digest(op backend.Operation, sub backend.Submission) (string, error) {
	content, err := json.Marshal(struct {
		Operation backend.Operation
		Request   backend.Request
		Inputs    []backend.Input
	}{op, sub.Request, sub.Inputs})
	if err != nil {
		return "", fault.New(fault.InvalidArgument, "the request has no JSON form", fault.Because(err))
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// newID makes a job's id: from owner and idempotency key, so that a submission that comes again meets its job,
// or from chance. It is 28 characters of [a-z0-9-].
func newID(owner, key string) string {
	var sum [15]byte
	if key == "" {
		_, _ = rand.Read(sum[:]) // never fails
	} else {
		h := sha256.New()
		_, _ = io.WriteString(h, owner+"\x00"+key)
		copy(sum[:], h.Sum(nil))
	}
	return "job-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))
}

func invalid(message string) error {
	return fault.New(fault.InvalidArgument, message, fault.From(fault.OriginService))
}
