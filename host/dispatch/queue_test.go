package dispatch

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestQueue(t *testing.T) {
	unwell := func(code fault.Code) backend.Health {
		return backend.Health{Dependencies: []backend.Dependency{{Fault: fault.New(code, "sick")}}}
	}
	fails := func(code fault.Code) func(backend.Submission) error {
		return func(backend.Submission) error { return fault.New(code, "oh") }
	}
	for _, tc := range []struct {
		name     string
		remote   *fake
		code     fault.Code // empty is queued
		doubtful bool
	}{
		{"service cannot be reached", &fake{can: durable, health: unwell(fault.ServiceUnavailable)}, "", false},
		{"nor configured against", &fake{can: durable, configure: func(backend.Settings) error { return fault.New(fault.ServiceUnavailable, "oh") }}, "", false},
		{"answer lost", &fake{can: durable, submit: fails(fault.ServiceUnavailable)}, "", true},
		{"key refused", &fake{can: durable, health: unwell(fault.AuthFailed)}, fault.AuthFailed, false},
		{"submission refused", &fake{can: durable, submit: fails(fault.Forbidden)}, fault.Forbidden, false},
		{"overloaded", &fake{can: durable, submit: fails(fault.Throttled)}, fault.Throttled, false},
		{"crashed", &fake{can: durable, submit: fails(fault.BackendCrashed)}, fault.BackendCrashed, false},
		{"connection lost in mid-job", &fake{can: durable, watch: func(context.Context, func(backend.Event) error) error {
			return fault.New(fault.ServiceUnavailable, "lost")
		}}, fault.ServiceUnavailable, false},
		{"not durable", &fake{health: unwell(fault.ServiceUnavailable)}, fault.Unsupported, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			local := &fake{}
			var kept []Unsent
			d, r := dispatcher(t, map[string]*fake{Remote: tc.remote, Local: local}, Options{
				Backend: Remote, Fallback: Local, // the queue wins
				Enqueue: func(_ context.Context, u Unsent) (string, error) {
					kept = append(kept, u)
					return "q-1", nil
				},
			})
			out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{TenantID: "t"}, Task{Queue: true, Ending: Ending{OutputDir: ""}})
			if fault.CodeOf(err) != tc.code || len(local.calls) > 0 {
				t.Errorf("got %v; local saw %q", err, local.calls)
			}
			if tc.code != "" {
				if out != nil || len(kept) > 0 {
					t.Errorf("outcome %+v, queued %+v", out, kept)
				}
				return
			}
			if len(kept) != 1 || out == nil || out.Queued != "q-1" || out.Result != nil || len(r.notes) != 1 {
				t.Fatalf("outcome %+v, queued %+v, notes %q", out, kept, r.notes)
			}
			u := kept[0]
			if u.Doubtful != tc.doubtful || u.Backend != Remote || u.Submission.Request.Tenant() != "t" || len(u.Submission.IdempotencyKey) != 32 {
				t.Errorf("queued %+v", u)
			}
			if tc.doubtful && u.Submission.IdempotencyKey != tc.remote.submission.IdempotencyKey {
				t.Errorf("another idempotency key was kept than was sent")
			}
		})
	}
}

func TestQueueCannotBeWritten(t *testing.T) {
	f := &fake{can: durable, submit: func(backend.Submission) error { return fault.New(fault.ServiceUnavailable, "oh") }}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{Enqueue: func(context.Context, Unsent) (string, error) {
		return "", fault.New(fault.ExecutionFailed, "disk full")
	}})
	out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{Queue: true})
	if out != nil || fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestSend(t *testing.T) {
	for _, tc := range []struct {
		name     string
		fake     *fake
		code     fault.Code
		doubtful bool
	}{
		{"sent", &fake{can: durable}, "", false},
		{"answer lost", &fake{can: durable, submit: func(backend.Submission) error { return fault.New(fault.ServiceUnavailable, "lost") }}, fault.ServiceUnavailable, true},
		{"does not do that", &fake{can: backend.Capabilities{Operations: []backend.Operation{backend.OpVisualize}, Features: durable.Features}}, fault.Unsupported, false},
		{"not durable", &fake{}, fault.Unsupported, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, _ := dispatcher(t, map[string]*fake{"fake": tc.fake}, Options{})
			var job backend.JobStatusResponse
			var doubtful bool
			err := d.With(t.Context(), func(ctx context.Context, s *Session) (err error) {
				job, doubtful, err = s.Send(ctx, Unsent{Submission: backend.Submission{Request: &backend.ScanRequest{}, IdempotencyKey: "same"}})
				return err
			})
			if fault.CodeOf(err) != tc.code || doubtful != tc.doubtful {
				t.Errorf("got %v, doubtful %v", err, doubtful)
			}
			if tc.code == "" && (job.JobID != "job-1" || tc.fake.submission.IdempotencyKey != "same") {
				t.Errorf("job %+v of %+v", job, tc.fake.submission)
			}
		})
	}
}

// short answers fewer items than it was given submissions.
type short struct{ *fake }

func (short) SubmitBatch(context.Context, []backend.Submission) ([]backend.BatchItem, error) {
	return []backend.BatchItem{{}}, nil
}

func TestBatch(t *testing.T) {
	two := []backend.Submission{{Request: &backend.ScanRequest{}}, {Request: &backend.ScanRequest{}}}
	f := &fake{can: durable}
	s := &Session{Name: "fake", Backend: f, Capabilities: f.can}
	if _, err := s.Batch(t.Context(), two); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("got %v", err)
	}
	s.Backend, s.Capabilities.Features = short{f}, append(slices.Clone(durable.Features), backend.FeatureBatch)
	if _, err := s.Batch(t.Context(), two); fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "1 of 2") {
		t.Errorf("got %v", err)
	}
	if items, err := s.Batch(t.Context(), two[:1]); err != nil || !cmp.Equal(items, []backend.BatchItem{{}}) {
		t.Errorf("got %+v, %v", items, err)
	}
}
