package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestScan(t *testing.T) {
	progress := backend.Event{Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "resources", Done: 1}}
	f := &fake{
		events: []backend.Event{progress}, snapshot: backend.Snapshot{ID: "snap"}, can: backend.Capabilities{
			Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureSnapshots},
		},
		result: &backend.ScanResult{Success: true, Complete: true, Snapshot: &backend.Snapshot{ID: "snap"}},
	}
	d, r := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{TenantID: "t"}, Task{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"describe", "configure", "capabilities", "submit scan", "watch job-1", "result job-1", "stop"}
	if diff := cmp.Diff(want, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]backend.Event{progress, status(f.terminal())}, r.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if out.Backend != "fake" || out.Job.Status != backend.JobCompleted || out.Result != f.result || out.Detail == nil || !r.closed {
		t.Errorf("outcome %+v, observer closed %v", out, r.closed)
	}
	if f.submission.Request.Tenant() != "t" || len(f.submission.IdempotencyKey) != 32 {
		t.Errorf("submission %+v", f.submission)
	}
}

func TestRemoteMode(t *testing.T) {
	for name, want := range map[string]bool{"": false, "local": false, "remote": true, "acme": false} {
		if got := New(Options{Backend: name}).IsRemoteMode(); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

// TestRouting: an operation goes to the chosen backend and to no other.
func TestRouting(t *testing.T) {
	for _, chosen := range []string{Local, Remote, "acme"} {
		fakes := map[string]*fake{Local: {}, Remote: {can: durable}, "acme": {}}
		d, _ := dispatcher(t, fakes, Options{Backend: chosen, Fallback: Local, Settings: func(name string) backend.Settings {
			return backend.Settings{"of": name}
		}})
		for _, f := range fakes {
			f.configure = func(s backend.Settings) error {
				if s["of"] != chosen {
					return fault.New(fault.Internal, "the settings of another backend")
				}
				return nil
			}
		}
		out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{})
		if err != nil || out.Backend != chosen || d.IsRemoteMode() != (chosen == Remote) {
			t.Errorf("%s: got %+v, %v", chosen, out, err)
		}
		for name, f := range fakes {
			if called := slices.Contains(f.calls, "submit scan"); called != (name == chosen) || name != chosen && len(f.calls) > 0 {
				t.Errorf("%s: %s saw %q", chosen, name, f.calls)
			}
		}
	}
}

func TestRefusedBeforeSubmission(t *testing.T) {
	iac := &backend.IaCGenerationRequest{OutputFormat: "bicep"}
	canIaC := backend.Capabilities{Operations: []backend.Operation{backend.OpGenerateIaC}, Formats: []string{"terraform"}}
	for _, tc := range []struct {
		name  string
		fake  *fake
		task  Task
		code  fault.Code
		words []string
	}{
		{"operation", &fake{}, Task{Request: iac}, fault.Unsupported, []string{"backend fake", "generate-iac", "it can do: scan"}},
		{"no operation at all", &fake{can: backend.Capabilities{Operations: []backend.Operation{}}}, Task{Request: iac}, fault.Unsupported, []string{"nothing"}},
		{"format", &fake{can: canIaC}, Task{Request: iac}, fault.Unsupported, []string{"bicep", "terraform"}},
		{"detach", &fake{}, Task{Request: &backend.ScanRequest{}, Detach: true}, fault.Unsupported, []string{"--detach"}},
		{"inputs", &fake{}, Task{Request: &backend.ScanRequest{}, Inputs: []File{{"a", "a"}}}, fault.Unsupported, []string{"input"}},
		{"outputs", &fake{}, Task{Request: &backend.ScanRequest{}, Ending: Ending{OutputDir: t.TempDir()}}, fault.Unsupported, []string{"output"}},
		{"settings", &fake{schema: `{"wrong": true}`}, Task{Request: &backend.ScanRequest{}}, fault.ConfigInvalid, []string{"wrong settings of fake"}},
		{"configure", &fake{schema: `{}`, configure: func(backend.Settings) error {
			return fault.New(fault.ConfigInvalid, "wrong", fault.Problems(fault.Problem{Key: "clod", Message: "oh"}, fault.Problem{Message: "ah"}))
		}}, Task{Request: &backend.ScanRequest{}}, fault.ConfigInvalid, []string{"backends.fake.settings.clod"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := tc.fake
			d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{Check: func(name string, schema json.RawMessage) error {
				if string(schema) == `{"wrong": true}` {
					return fault.New(fault.ConfigInvalid, "wrong settings of "+name)
				}
				return nil
			}})
			out, err := d.Execute(t.Context(), tc.task)
			got := fault.Of(err)
			if out != nil || got == nil || got.Code != tc.code {
				t.Fatalf("got %+v, %v", out, err)
			}
			text := got.Error() + got.Hint
			for _, p := range got.Problems {
				text += p.Key + p.Message + p.Hint
			}
			for _, w := range tc.words {
				if !strings.Contains(text, w) {
					t.Errorf("%q does not name %q", text, w)
				}
			}
			if tc.name == "settings" && slices.Contains(f.calls, "configure") {
				t.Errorf("wrong settings reached the backend: %q", f.calls)
			}
			if slices.Contains(f.calls, "submit scan") || !slices.Contains(f.calls, "stop") {
				t.Errorf("calls %q", f.calls)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	gap := backend.Coverage{Entries: []backend.CoverageEntry{
		{State: backend.CoverageListed}, {State: backend.CoverageDenied, Fault: fault.New(fault.AzureForbidden, "no", fault.Hint("ask for Reader"))},
	}}
	for _, tc := range []struct {
		name   string
		end    backend.JobStatusResponse
		result backend.Result
		code   fault.Code
		exit   int
		text   string
		kept   bool // there is an outcome all the same
	}{
		{"failed by Azure", backend.JobStatusResponse{Status: backend.JobFailed, Fault: fault.New(fault.AzureForbidden, "no right")}, nil, fault.AzureForbidden, 4, "no right", false},
		{"failed, code unknown here", backend.JobStatusResponse{Status: backend.JobFailed, Fault: fault.New("new_code", "strange")}, nil, fault.JobFailed, 6, "strange", false},
		{"failed, says interrupted", backend.JobStatusResponse{Status: backend.JobFailed, Fault: fault.New(fault.Interrupted, "gone")}, nil, fault.JobFailed, 6, "gone", false},
		{"failed, text alone", backend.JobStatusResponse{Status: backend.JobFailed, Error: "boom"}, nil, fault.JobFailed, 6, "boom", false},
		{"failed, no reason", backend.JobStatusResponse{Status: backend.JobFailed}, nil, fault.JobFailed, 6, "gave no reason", false},
		{"cancelled by someone", backend.JobStatusResponse{Status: backend.JobCancelled}, nil, fault.Cancelled, 6, "cancelled", false},
		{"incomplete", backend.JobStatusResponse{}, &backend.ScanResult{Success: true, Coverage: gap}, fault.Incomplete, 3, "1 of 2", true},
		{"says complete, has gaps", backend.JobStatusResponse{}, &backend.ScanResult{Success: true, Complete: true, Coverage: gap}, fault.Incomplete, 3, "1 of 2", true},
		{"says incomplete, has no gaps", backend.JobStatusResponse{}, &backend.ScanResult{Success: true}, fault.Incomplete, 3, "scan is incomplete", true},
		{"no success", backend.JobStatusResponse{}, &backend.ScanResult{Complete: true, Error: "half"}, fault.ExecutionFailed, 6, "half", true},
		{"another kind of result", backend.JobStatusResponse{}, &backend.VisualizationResult{Success: true}, fault.Internal, 1, "another kind", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{end: tc.end, result: tc.result}
			d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
			out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{})
			got := fault.Of(err)
			if got == nil || got.Code != tc.code || got.Code.ExitCode() != tc.exit || !strings.Contains(got.Error(), tc.text) {
				t.Errorf("got %+v", got)
			}
			if (out != nil) != tc.kept {
				t.Errorf("outcome %+v", out)
			}
			if tc.text == "1 of 2" && got.Hint != "ask for Reader" {
				t.Errorf("hint %q", got.Hint)
			}
		})
	}
}

func TestDetach(t *testing.T) {
	f := &fake{can: backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureDurableJobs}}}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{Detach: true})
	if err != nil || out.Job.JobID != "job-1" || out.Result != nil || slices.Contains(f.calls, "watch job-1") {
		t.Errorf("got %+v, %v after %q", out, err, f.calls)
	}
}

func TestFallback(t *testing.T) {
	sick := func(code fault.Code) *fake {
		return &fake{health: backend.Health{Dependencies: []backend.Dependency{{Fault: fault.New(code, "sick")}}}}
	}
	submits := func(code fault.Code) *fake {
		return &fake{submit: func(backend.Submission) error { return fault.New(code, "oh") }}
	}
	for _, tc := range []struct {
		name     string
		remote   *fake // nil cannot be found
		fallback string
		code     fault.Code // empty is done by local
	}{
		{"program missing", nil, Local, ""},
		{"program missing, no fallback", nil, "", fault.BackendNotFound},
		{"service unavailable", sick(fault.ServiceUnavailable), Local, ""},
		{"service overloaded", sick(fault.Throttled), Local, ""},
		{"not healthy, no reason", &fake{health: backend.Health{Message: "ill"}}, Local, ""},
		{"not healthy, no fallback: it may work all the same", sick(fault.ServiceUnavailable), "", "submitted"},
		{"no key", sick(fault.AuthRequired), Local, fault.AuthRequired},
		{"wrong key", sick(fault.AuthFailed), Local, fault.AuthFailed},
		{"forbidden", sick(fault.Forbidden), Local, fault.Forbidden},
		{"changed program", sick(fault.Integrity), Local, fault.Integrity},
		{"wrong settings", &fake{configure: func(backend.Settings) error { return fault.New(fault.ConfigInvalid, "no") }}, Local, fault.ConfigInvalid},
		{"submission sent", submits(fault.ServiceUnavailable), Local, fault.ServiceUnavailable},
		{"crashed at submission", submits(fault.BackendCrashed), Local, fault.BackendCrashed},
		{"cannot do it", &fake{can: backend.Capabilities{Operations: []backend.Operation{backend.OpVisualize}}}, Local, fault.Unsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			local := &fake{}
			fakes := map[string]*fake{Local: local}
			if tc.remote != nil {
				fakes[Remote] = tc.remote
			}
			d, r := dispatcher(t, fakes, Options{Backend: Remote, Fallback: tc.fallback})
			out, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{})
			switch tc.code {
			case "":
				if err != nil || out.Backend != Local || len(r.notes) != 2 || !strings.Contains(r.notes[1], "falling back to local") {
					t.Errorf("got %+v, %v; notes %q", out, err, r.notes)
				}
			case "submitted":
				if err != nil || out.Backend != Remote || len(r.notes) != 0 {
					t.Errorf("got %+v, %v; notes %q", out, err, r.notes)
				}
			default:
				if fault.CodeOf(err) != tc.code || len(local.calls) > 0 || len(r.notes) > 0 {
					t.Errorf("got %v; local saw %q; notes %q", err, local.calls, r.notes)
				}
			}
		})
	}
}

func TestNoFallbackAfterInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	local := &fake{}
	d, _ := dispatcher(t, map[string]*fake{Local: local}, Options{Backend: Remote, Fallback: Local})
	start := d.options.Start
	d.options.Start = func(ctx context.Context, name string) (Program, error) {
		if name == Remote {
			cancel(fault.New(fault.Interrupted, "interrupted"))
			return nil, ctx.Err()
		}
		return start(ctx, name)
	}
	_, err := d.ExecuteScan(ctx, &backend.ScanRequest{}, Task{})
	if fault.CodeOf(err) != fault.Interrupted || errors.Is(err, context.Canceled) || len(local.calls) > 0 {
		t.Errorf("got %v; local saw %q", err, local.calls)
	}
}
