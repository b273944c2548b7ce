package dispatch

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var (
	onePart   = backend.Part{Key: "sub/resources", Path: "parts/sub.part", Rows: 5, SHA256: strings.Repeat("a", 64)}
	otherPart = backend.Part{Key: "sub/locks", Path: "parts/locks.part", Rows: 1, SHA256: strings.Repeat("b", 64)}
)

func partEvent(p backend.Part) backend.Event {
	return backend.Event{Kind: backend.EventPart, Part: &p}
}

// partial is a fake whose scan finishes parts and then ends as the fields of f say.
func partial(f *fake, parts ...backend.Part) *fake {
	f.can.Operations, f.can.Features = []backend.Operation{backend.OpScan}, append(f.can.Features, backend.FeatureParts)
	for _, p := range parts {
		f.events = append(f.events, partEvent(p))
	}
	return f
}

var incomplete = &backend.ScanResult{Success: true, Coverage: backend.Coverage{Entries: []backend.CoverageEntry{
	{Kind: "resources", State: backend.CoverageThrottled, Fault: fault.New(fault.Throttled, "busy", fault.Hint("try later"))},
}}}

func lastLine(hint string) string { return hint[strings.LastIndex(hint, "\n")+1:] }

func TestAScanThatIsNotWholeIsResumed(t *testing.T) {
	store := checkpoint.New(filepath.Join(t.TempDir(), "scans"))
	request := &backend.ScanRequest{Filter: backend.Filter{Locations: []string{"westeurope"}}, ResourceLimit: 5}

	first := partial(&fake{result: incomplete}, onePart)
	first.events = append(first.events, status(backend.JobStatusResponse{Status: backend.JobRunning, TenantID: "tenant-1"}))
	d, seen := dispatcher(t, map[string]*fake{"fake": first}, Options{Checkpoints: store, Profile: "prod"})
	out, err := d.ExecuteScan(t.Context(), request, Task{})
	if fault.CodeOf(err) != fault.Incomplete || out == nil {
		t.Fatalf("%+v, %v", out, err)
	}
	if got, want := fault.As(err).Hint, "try later\nread once more what is missing: atg --backend fake scan --resume job-1"; got != want {
		t.Errorf("the hint is %q, not %q", got, want)
	}
	if len(seen.events) != 3 || !filepath.IsAbs(first.submission.WorkDir) || len(first.submission.Parts) != 0 {
		t.Errorf("seen %d events; submitted %+v", len(seen.events), first.submission)
	}

	// The next one is interrupted, after one part more.
	second := partial(&fake{}, onePart)
	ctx, cancel := context.WithCancelCause(t.Context())
	second.watch = func(ctx context.Context, yield func(backend.Event) error) error {
		_ = yield(partEvent(otherPart))
		cancel(fault.New(fault.Interrupted, "interrupted"))
		<-ctx.Done()
		return ctx.Err()
	}
	second.cancel = func(context.Context) error { return nil }
	d, _ = dispatcher(t, map[string]*fake{"fake": second}, Options{Checkpoints: store, Profile: "prod", Grace: 1})
	_, err = d.ExecuteScan(ctx, &backend.ScanRequest{ResourceLimit: 5}, Task{Resume: "last"})
	if fault.CodeOf(err) != fault.Interrupted || !strings.HasSuffix(fault.As(err).Hint, "2 parts again that are finished: atg --backend fake scan --resume job-1") {
		t.Fatalf("the answer is %v, hint %q", err, fault.Of(err).Hint)
	}
	want := backend.Submission{Request: &backend.ScanRequest{TenantID: "tenant-1", Filter: request.Filter, ResourceLimit: 5}, Parts: []backend.Part{onePart}, WorkDir: first.submission.WorkDir}
	got := second.submission
	got.IdempotencyKey = ""
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("submitted (-want +got):\n%s", d)
	}

	// The last one is whole, and nothing stays.
	third := partial(&fake{})
	d, _ = dispatcher(t, map[string]*fake{"fake": third}, Options{Checkpoints: store, Profile: "prod"})
	if _, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{Resume: "job-1"}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]backend.Part{onePart, otherPart}, third.submission.Parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
	if scans, err := store.List(); err != nil || len(scans) != 0 {
		t.Errorf("left are %v, %v", scans, err)
	}
}

func TestWhatIsKeptOfAScan(t *testing.T) {
	died := partial(&fake{})
	died.watch = func(_ context.Context, yield func(backend.Event) error) error {
		_ = yield(partEvent(onePart))
		died.die()
		return fault.New(fault.BackendCrashed, "it is gone")
	}
	tests := map[string]struct {
		fake    *fake
		request backend.ScanRequest
		code    fault.Code
		kept    bool
	}{
		"whole":               {fake: partial(&fake{}, onePart)},
		"incomplete":          {fake: partial(&fake{result: incomplete}, onePart), code: fault.Incomplete, kept: true},
		"without any part":    {fake: partial(&fake{result: incomplete}), code: fault.Incomplete},
		"failed":              {fake: partial(&fake{end: backend.JobStatusResponse{Status: backend.JobFailed, Error: "no"}}, onePart), code: fault.JobFailed, kept: true},
		"crashed":             {fake: died, code: fault.BackendCrashed, kept: true},
		"refused":             {fake: partial(&fake{submit: func(backend.Submission) error { return fault.New(fault.InvalidArgument, "no") }}), code: fault.InvalidArgument},
		"a prediction":        {fake: partial(&fake{result: incomplete}, onePart), request: backend.ScanRequest{DryRun: true}, code: fault.Incomplete},
		"of a durable job":    {fake: partial(&fake{result: incomplete, can: backend.Capabilities{Features: []backend.Feature{backend.FeatureDurableJobs}}}, onePart), code: fault.Incomplete},
		"of one without them": {fake: &fake{result: incomplete}, code: fault.Incomplete},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			store := checkpoint.New(filepath.Join(t.TempDir(), "scans"))
			d, _ := dispatcher(t, map[string]*fake{"fake": test.fake}, Options{Checkpoints: store})
			_, err := d.ExecuteScan(t.Context(), &test.request, Task{})
			if code := fault.CodeOf(err); code != test.code && (err != nil || test.code != "") {
				t.Fatalf("the answer is %v, not %q", err, test.code)
			}
			scans, problem := store.List()
			if problem != nil || (len(scans) == 1) != test.kept {
				t.Fatalf("kept are %v, %v", scans, problem)
			}
			if hinted := err != nil && strings.Contains(lastLine(fault.As(err).Hint), "scan --resume job-1"); hinted != test.kept {
				t.Errorf("the hint is %q", fault.Of(err).Hint)
			}
			if test.kept && (scans[0].Ended != test.code || scans[0].Running) {
				t.Errorf("kept as %s", scans[0])
			}
		})
	}
}

func TestResumeIsRefused(t *testing.T) {
	durable := &fake{can: backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureDurableJobs, backend.FeatureParts}}}
	tests := map[string]struct {
		fake    *fake
		options Options
		given   backend.ScanRequest
		name    string // default: job-1
		code    fault.Code
		says    string
	}{
		"a durable job":       {fake: durable, code: fault.Unsupported, says: "atg --backend fake job watch job-1"},
		"the last durable":    {fake: durable, name: "last", code: fault.Unsupported, says: "atg --backend fake job list"},
		"no parts":            {fake: &fake{}, code: fault.Unsupported, says: "--resume"},
		"an unknown one":      {name: "other", code: fault.InvalidArgument, says: `"other"`},
		"another profile":     {options: Options{Profile: "test"}, code: fault.InvalidArgument, says: "the profile prod, and this is the profile test"},
		"no profile":          {options: Options{Profile: "none"}, code: fault.InvalidArgument, says: "this is no profile"},
		"another backend":     {options: Options{Backend: "second"}, code: fault.InvalidArgument, says: "atg --backend fake scan --resume job-1"},
		"another tenant":      {given: backend.ScanRequest{TenantID: "b"}, code: fault.InvalidArgument, says: "--tenant-id"},
		"other subscriptions": {given: backend.ScanRequest{Filter: backend.Filter{Subscriptions: []string{"b"}}}, code: fault.InvalidArgument, says: "--subscription"},
		"other groups":        {given: backend.ScanRequest{Filter: backend.Filter{ResourceGroups: []string{"b"}}}, code: fault.InvalidArgument, says: "--resource-group"},
		"other types":         {given: backend.ScanRequest{Filter: backend.Filter{ResourceTypes: []string{"b"}}}, code: fault.InvalidArgument, says: "--resource-type"},
		"other regions":       {given: backend.ScanRequest{Filter: backend.Filter{Locations: []string{"b"}}}, code: fault.InvalidArgument, says: "--location"},
		"other tags":          {given: backend.ScanRequest{Filter: backend.Filter{Tags: map[string]string{"a": "b"}}}, code: fault.InvalidArgument, says: "--tag"},
		"without other types": {given: backend.ScanRequest{Filter: backend.Filter{ExcludeTypes: []string{"b"}}}, code: fault.InvalidArgument, says: "--exclude-type"},
		"limit and depth":     {given: backend.ScanRequest{ResourceLimit: 2, Depth: backend.DepthResources}, code: fault.InvalidArgument, says: "--limit, --depth"},
		"other identities":    {given: backend.ScanRequest{Identities: backend.IdentitiesAll}, code: fault.InvalidArgument, says: "--identities"},
		"another discovery":   {given: backend.ScanRequest{Discovery: backend.DiscoveryARM}, code: fault.InvalidArgument, says: "--discovery"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			store := checkpoint.New(filepath.Join(t.TempDir(), "scans"))
			begun, _ := dispatcher(t, map[string]*fake{"fake": partial(&fake{result: incomplete}, onePart)}, Options{Checkpoints: store, Profile: "prod"})
			_, _ = begun.ExecuteScan(t.Context(), &backend.ScanRequest{TenantID: "A"}, Task{})

			if test.fake == nil {
				test.fake = partial(&fake{})
			}
			o := test.options
			o.Checkpoints = store
			if o.Profile == "" {
				o.Profile = "prod"
			}
			if o.Profile == "none" {
				o.Profile = ""
			}
			if test.name == "" {
				test.name = "job-1"
			}
			d, _ := dispatcher(t, map[string]*fake{"fake": test.fake, "second": partial(&fake{})}, o)
			_, err := d.ExecuteScan(t.Context(), &test.given, Task{Resume: test.name})
			f := fault.As(err)
			if f == nil || f.Code != test.code || !strings.Contains(f.Message+"\n"+f.Hint, test.says) {
				t.Fatalf("the answer is %v, hint %q", err, fault.Of(err).Hint)
			}
			if len(test.fake.submission.Parts) > 0 {
				t.Error("it was submitted")
			}
			again, _ := dispatcher(t, map[string]*fake{"fake": partial(&fake{})}, Options{Checkpoints: store, Profile: "prod"})
			if _, err := again.ExecuteScan(t.Context(), &backend.ScanRequest{TenantID: "a"}, Task{Resume: "job-1"}); err != nil {
				t.Errorf("as it was begun: %v", err)
			}
		})
	}
}

func TestAScanThatRunsIsNotResumed(t *testing.T) {
	store := checkpoint.New(filepath.Join(t.TempDir(), "scans"))
	first := partial(&fake{})
	running, free := make(chan struct{}), make(chan struct{})
	first.watch = func(_ context.Context, yield func(backend.Event) error) error {
		_ = yield(partEvent(onePart))
		close(running)
		<-free
		return yield(status(first.terminal()))
	}
	d, _ := dispatcher(t, map[string]*fake{"fake": first}, Options{Checkpoints: store})
	ended := make(chan error)
	go func() {
		_, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{})
		ended <- err
	}()
	<-running
	again, _ := dispatcher(t, map[string]*fake{"fake": partial(&fake{})}, Options{Checkpoints: store})
	if _, err := again.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{Resume: "job-1"}); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("the answer is %v", err)
	}
	close(free)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnUnfinishedScanIsMentioned(t *testing.T) {
	store := checkpoint.New(filepath.Join(t.TempDir(), "scans"))
	begun, _ := dispatcher(t, map[string]*fake{"fake": partial(&fake{result: incomplete}, onePart)}, Options{Checkpoints: store})
	_, _ = begun.ExecuteScan(t.Context(), &backend.ScanRequest{TenantID: "a"}, Task{})
	for tenant, want := range map[string][]string{
		"A": {"an earlier scan of this tenant is not finished (1 part read); to go on with it: atg --backend fake scan --resume job-1"},
		"b": nil,
	} {
		d, seen := dispatcher(t, map[string]*fake{"fake": partial(&fake{})}, Options{Checkpoints: store})
		if _, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{TenantID: tenant}, Task{}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, seen.notes); d != "" {
			t.Errorf("%s: notes (-want +got):\n%s", tenant, d)
		}
	}
}

// That a scan cannot be kept is no reason not to scan.
func TestAScanGoesOnWhereItCannotBeKept(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "scans"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, seen := dispatcher(t, map[string]*fake{"fake": partial(&fake{}, onePart)}, Options{Checkpoints: checkpoint.New(filepath.Join(dir, "scans"))})
	if _, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{}); err != nil {
		t.Fatal(err)
	}
	if len(seen.notes) != 1 || !strings.Contains(seen.notes[0], "cannot be resumed if it is stopped") {
		t.Errorf("notes: %q", seen.notes)
	}

	// Its folder goes in the middle: told once.
	store := checkpoint.New(filepath.Join(dir, "others"))
	f := partial(&fake{result: incomplete}, onePart)
	f.submit = func(s backend.Submission) error { return os.RemoveAll(filepath.Dir(s.WorkDir)) }
	d, seen = dispatcher(t, map[string]*fake{"fake": f}, Options{Checkpoints: store})
	if _, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{}); fault.CodeOf(err) != fault.Incomplete {
		t.Fatal(err)
	} else if strings.Contains(fault.As(err).Hint, "--resume") {
		t.Errorf("promised: %q", fault.As(err).Hint)
	}
	if len(seen.notes) != 1 || !strings.Contains(seen.notes[0], "not kept for --resume") {
		t.Errorf("notes: %q", seen.notes)
	}
}
