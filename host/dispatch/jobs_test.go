package dispatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestWatch(t *testing.T) {
	progress := backend.Event{Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "resources", Done: 1}}
	f := &fake{can: durable, end: backend.JobStatusResponse{Operation: backend.OpScan}, events: []backend.Event{progress}}
	d, r := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	out, err := d.Watch(t.Context(), "job-1", Ending{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"describe", "configure", "capabilities", "watch job-1", "result job-1", "stop"}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if len(r.events) != 2 || out.Backend != "fake" || out.Result.(*backend.ScanResult).Resources != 7 || out.Job.Status != backend.JobCompleted {
		t.Errorf("outcome %+v, events %+v", out, r.events)
	}
}

// TestComingBack: a durable job that could not be followed to its end can be found again.
func TestComingBack(t *testing.T) {
	again := "atg --backend fake job watch job-1 --output-dir 'my folder'"
	canAll := durable
	canAll.Features = append(slices.Clone(durable.Features), backend.FeatureArtifacts)
	for _, tc := range []struct {
		name  string
		can   backend.Capabilities
		fault *fault.Fault
		hint  []string
		kept  bool // the hint is the backend's alone
	}{
		{"time to wait is over", canAll, fault.New(fault.JobMaxWait, "an hour is over", fault.Hint("raise job_max_wait")), []string{again}, false},
		{"connection lost", canAll, fault.New(fault.ServiceUnavailable, "lost", fault.Hint("is it up?")), []string{"is it up?", again}, false},
		{"key revoked", canAll, fault.New(fault.AuthFailed, "no", fault.Hint("log in")), []string{"log in", again}, false},
		{"backend crashed", canAll, fault.New(fault.BackendCrashed, "oh"), []string{again}, false},
		{"job deleted", canAll, fault.New(fault.JobNotFound, "gone", fault.Hint("it is gone")), nil, true},
		{"not durable", backend.Capabilities{Operations: canAll.Operations, Features: canAll.Features[1:]}, fault.New(fault.ServiceUnavailable, "lost", fault.Hint("h")), nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{can: tc.can, watch: func(context.Context, func(backend.Event) error) error { return tc.fault }}
			d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
			_, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{Ending: Ending{OutputDir: "my folder"}})
			got := fault.Of(err)
			if got.Code != tc.fault.Code || got.Message != tc.fault.Message {
				t.Errorf("got %+v", got)
			}
			if tc.kept && got.Hint != tc.fault.Hint {
				t.Errorf("hint %q", got.Hint)
			}
			for _, w := range tc.hint {
				if !strings.Contains(got.Hint, w) {
					t.Errorf("hint %q does not say %q", got.Hint, w)
				}
			}
		})
	}
}

func TestCancelOnInterrupt(t *testing.T) {
	for _, tc := range []struct {
		name      string
		cause     *fault.Fault
		cancel    error // what the backend answers; nil is done
		hangs     bool
		cancelled bool
		says      string
	}{
		{"Ctrl-C", interrupted, nil, false, true, ""},
		{"time over: the job is left", timedOut, nil, false, false, "job watch job-1"},
		{"not permitted", interrupted, fault.New(fault.Forbidden, "not yours"), false, true, "not yours"},
		{"does not stop in time", interrupted, nil, true, true, "has not yet"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				ended := make(chan struct{})
				f := &fake{can: durable, watch: until(ended, backend.JobCancelled, func() { cancel(tc.cause) })}
				f.cancel = func(ctx context.Context) error {
					switch {
					case tc.hangs:
						<-ctx.Done()
						return ctx.Err()
					case tc.cancel == nil:
						close(ended)
					}
					return tc.cancel
				}
				d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
				_, err := d.ExecuteScan(ctx, &backend.ScanRequest{}, Task{Ending: Ending{CancelOnInterrupt: true}})
				got := fault.Of(err)
				if got.Code != tc.cause.Code || slices.Contains(f.calls, "cancel job-1") != tc.cancelled || slices.Contains(f.calls, "kill") {
					t.Errorf("got %+v; calls %q", got, f.calls)
				}
				if !strings.Contains(got.Error()+got.Hint, tc.says) {
					t.Errorf("%q, hint %q, does not say %q", got, got.Hint, tc.says)
				}
			})
		})
	}
}

// TestInterruptedSubmission: nobody knows whether there is a job then.
func TestInterruptedSubmission(t *testing.T) {
	for name, can := range map[string]backend.Capabilities{"durable": durable, "local": {}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		f := &fake{can: can, submit: func(backend.Submission) error {
			cancel(interrupted)
			return context.Canceled
		}}
		d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
		_, err := d.ExecuteScan(ctx, &backend.ScanRequest{}, Task{})
		got := fault.Of(err)
		if got.Code != fault.Interrupted || strings.Contains(got.Hint, "atg --backend fake job list") != (name == "durable") {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestInterruptedDownload(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	f := &fake{
		can: backend.Capabilities{
			Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureArtifacts, backend.FeatureDurableJobs},
		},
		fill: func(string) []backend.Artifact { cancel(interrupted); return nil }, artifacts: []backend.Artifact{{Path: "a"}},
	}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	_, err := d.ExecuteScan(ctx, &backend.ScanRequest{}, Task{Ending: Ending{OutputDir: t.TempDir()}})
	got := fault.Of(err)
	if got.Code != fault.Interrupted || errors.Is(err, context.Canceled) || !strings.Contains(got.Hint, "job download job-1") {
		t.Errorf("got %+v", got)
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"": "''", "plain": "plain", "/a/b-c.tf": "/a/b-c.tf", "two words": "'two words'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "a;b": "'a;b'",
	} {
		if got := Quote(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}
