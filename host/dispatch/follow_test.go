package dispatch

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var (
	interrupted = fault.New(fault.Interrupted, "interrupted")
	timedOut    = fault.New(fault.Timeout, "the time of --timeout is over")
	durable     = backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureDurableJobs}}
)

// until is a job that runs until it is cancelled (or for ever), and then ends as end.
func until(cancelled <-chan struct{}, end backend.JobStatus, running func()) func(context.Context, func(backend.Event) error) error {
	return func(ctx context.Context, yield func(backend.Event) error) error {
		if err := yield(status(backend.JobStatusResponse{Status: backend.JobRunning})); err != nil {
			return err
		}
		running()
		select {
		case <-cancelled:
			if err := yield(backend.Event{Kind: backend.EventLog, Log: &backend.Log{Level: backend.LevelInfo, Message: "last words"}}); err != nil {
				return err
			}
			return yield(status(backend.JobStatusResponse{JobID: "job-1", Status: end}))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestEndedByUser(t *testing.T) {
	type outcome struct {
		code      fault.Code
		cancelled bool
		killed    bool
		result    bool
		hint      string
		lastWords bool
	}
	for _, tc := range []struct {
		name  string
		can   backend.Capabilities
		cause error
		end   backend.JobStatus // what a cancelled job becomes; empty never ends
		want  outcome
	}{
		{"Ctrl-C, local", backend.Capabilities{}, interrupted, backend.JobCancelled, outcome{code: fault.Interrupted, cancelled: true, lastWords: true}},
		{"timeout, local", backend.Capabilities{}, timedOut, backend.JobCancelled, outcome{code: fault.Timeout, cancelled: true, lastWords: true}},
		{"finished before it could be cancelled", backend.Capabilities{}, interrupted, backend.JobCompleted, outcome{cancelled: true, result: true, lastWords: true}},
		{"does not stop", backend.Capabilities{}, interrupted, "", outcome{code: fault.Interrupted, cancelled: true, killed: true}},
		{"Ctrl-C, durable", durable, interrupted, backend.JobCancelled, outcome{code: fault.Interrupted, hint: "atg --backend fake job watch job-1"}},
		{"timeout, durable", durable, timedOut, backend.JobCancelled, outcome{code: fault.Timeout, hint: "atg --backend fake job watch job-1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the grace passes at once
				ctx, cancel := context.WithCancelCause(t.Context())
				cancelled := make(chan struct{})
				f := &fake{
					can:   tc.can,
					watch: until(cancelled, tc.end, func() { cancel(tc.cause) }),
					cancel: func(ctx context.Context) error {
						if tc.end == "" {
							<-ctx.Done()
							return ctx.Err()
						}
						close(cancelled)
						return nil
					},
				}
				d, r := dispatcher(t, map[string]*fake{"fake": f}, Options{})
				out, err := d.ExecuteScan(ctx, &backend.ScanRequest{}, Task{})
				got := outcome{
					cancelled: slices.Contains(f.calls, "cancel job-1"), killed: slices.Contains(f.calls, "kill"),
					result: out != nil && out.Result != nil,
					lastWords: slices.ContainsFunc(r.events, func(e backend.Event) bool {
						return e.Kind == backend.EventLog && e.Log.Message == "last words"
					}),
				}
				if err != nil {
					got.code = fault.CodeOf(err)
					if _, after, ok := strings.Cut(fault.Of(err).Hint, ": "); ok {
						got.hint = after
					}
				}
				if got != tc.want {
					t.Errorf("got %+v (%v)\nwant %+v\ncalls %q", got, err, tc.want, f.calls)
				}
				if !slices.Contains(f.calls, "stop") {
					t.Errorf("the program was left: %q", f.calls)
				}
			})
		})
	}
}

func TestBackendEndsBadly(t *testing.T) {
	crashed := fault.New(fault.BackendCrashed, "ended", fault.Because(fault.Newf(fault.Internal, "panic: oh")))
	for _, tc := range []struct {
		name  string
		watch func(f *fake) func(context.Context, func(backend.Event) error) error
		code  fault.Code
		text  string
	}{
		{"crashes, and the call says so", func(f *fake) func(context.Context, func(backend.Event) error) error {
			return func(context.Context, func(backend.Event) error) error { f.die(); return crashed }
		}, fault.BackendCrashed, "panic: oh"},
		{"crashes, and the call hangs", func(f *fake) func(context.Context, func(backend.Event) error) error {
			return func(ctx context.Context, _ func(backend.Event) error) error { f.die(); <-ctx.Done(); return ctx.Err() }
		}, fault.BackendCrashed, "in the middle"},
		{"its last event arrives after it has ended", func(f *fake) func(context.Context, func(backend.Event) error) error {
			return func(_ context.Context, yield func(backend.Event) error) error {
				f.die()
				<-time.After(time.Second)
				return yield(status(backend.JobStatusResponse{Status: backend.JobFailed, Error: "sorry"}))
			}
		}, fault.JobFailed, "sorry"},
		{"stops to report", func(*fake) func(context.Context, func(backend.Event) error) error {
			return func(context.Context, func(backend.Event) error) error { return nil }
		}, fault.Internal, "stopped to report"},
		{"connection lost", func(*fake) func(context.Context, func(backend.Event) error) error {
			return func(context.Context, func(backend.Event) error) error {
				return fault.New(fault.ServiceUnavailable, "lost")
			}
		}, fault.ServiceUnavailable, "lost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				f.watch = tc.watch(f)
				d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
				out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{})
				if out != nil || fault.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
					t.Errorf("got %+v, %v", out, err)
				}
			})
		})
	}
}

func TestCancelFails(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		dies bool
		says string // after the announcement
	}{
		"crashed":                   {err: fault.New(fault.BackendCrashed, "gone"), dies: true},
		"the user ended it":         {err: fault.New(fault.Interrupted, "the backend was stopped")}, // its end was not seen yet
		"does not know how to stop": {err: fault.New(fault.Unsupported, "cannot stop"), says: "cannot stop"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			f := &fake{watch: until(nil, "", func() { cancel(interrupted) })}
			f.cancel = func(context.Context) error {
				if tc.dies {
					f.die()
				}
				return tc.err
			}
			d, r := dispatcher(t, map[string]*fake{"fake": f}, Options{})
			_, err := d.ExecuteScan(ctx, &backend.ScanRequest{}, Task{})
			if fault.CodeOf(err) != fault.Interrupted || slices.Contains(f.calls, "kill") == tc.dies {
				t.Errorf("got %v; calls %q", err, f.calls)
			}
			if said := strings.Join(r.notes[1:], "\n"); said != tc.says && (tc.says == "" || !strings.Contains(said, tc.says)) {
				t.Errorf("notes %q, want one that says %q", r.notes, tc.says)
			}
		})
	}
}
