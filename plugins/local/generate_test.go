package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	ownTenant     = "11111111-2222-4333-8444-555555555555"
	anotherTenant = "99999999-9999-4999-8999-999999999999"
	inGroup       = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/web/providers/"
)

// things makes a snapshot of resources in a store; each refers to the next one.
func things(t *testing.T, store *graph.Store, tenant string, n int, complete bool) string {
	t.Helper()
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: tenant, TenantName: "Contoso"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	for i := range n {
		name := strings.Repeat("x", i%7) + string(rune('a'+i%26)) + time.Duration(i).String()
		if err := w.Add([]graph.Row{{Table: graph.TableResources, ID: inGroup + "Contoso.Own/things/" + name, Name: name, Type: "Contoso.Own/things", APIVersion: "2024-01-01", Location: "westeurope", Properties: []byte(`{"a":"b"}`)}}); err != nil {
			t.Fatal(err)
		}
	}
	coverage := backend.Coverage{Complete: complete}
	if !complete {
		coverage.Entries = []backend.CoverageEntry{{Scope: "x", Kind: "children", State: backend.CoverageDenied, Expected: -1}}
	}
	made, err := w.Finish(t.Context(), coverage)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// generator is a backend with a store, whatever Azure is.
func generator(t *testing.T) (backend.Backend, *graph.Store) {
	t.Helper()
	bare(t)
	dir := t.TempDir()
	store, err := graph.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, backend.Settings{"store_dir": dir}), store
}

// generate runs a job to its end, and answers its result or its fault.
func generate(t *testing.T, b backend.Backend, s backend.Submission) (*backend.IaCGenerationResult, backend.JobStatusResponse) {
	t.Helper()
	job, err := b.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var last backend.JobStatusResponse
	if err := b.WatchJob(t.Context(), job.JobID, 0, func(e backend.Event) error {
		if e.Status != nil {
			last = *e.Status
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if last.Status != backend.JobCompleted {
		return nil, last
	}
	result, err := b.GetResult(t.Context(), job.JobID)
	if err != nil {
		t.Fatal(err)
	}
	return result.(*backend.IaCGenerationResult), last
}

func TestGenerateReadsTheSnapshotThatIsNamed(t *testing.T) {
	b, store := generator(t)
	old := things(t, store, ownTenant, 1, true)
	newest := things(t, store, ownTenant, 2, true)
	partial := things(t, store, ownTenant, 3, false)
	others := things(t, store, anotherTenant, 4, true)
	cases := map[string]struct {
		tenant, snapshot string
		want             string // an id
		resources        int64
		incomplete       bool
		code             fault.Code
	}{
		"by its id":                       {snapshot: old, want: old, resources: 1},
		"by a beginning of its id":        {snapshot: old[:len(old)-2], want: old, resources: 1},
		"an incomplete one by its id":     {snapshot: partial, want: partial, resources: 3, incomplete: true},
		"the newest complete one":         {tenant: ownTenant, want: newest, resources: 2},
		"the newest of a tenant":          {tenant: strings.ToUpper(anotherTenant), want: others, resources: 4},
		"by its id, of that tenant":       {tenant: strings.ToUpper(ownTenant), snapshot: old, want: old, resources: 1},
		"by its id, of another tenant":    {tenant: anotherTenant, snapshot: old, code: fault.InvalidArgument},
		"by its id, of a tenant's domain": {tenant: "contoso.com", snapshot: old, want: old, resources: 1},
		"an id that is not there":         {snapshot: "20200101-000000000-aaaaaa", code: fault.SnapshotNotFound},
		"a tenant that has none":          {tenant: "88888888-8888-4888-8888-888888888888", code: fault.SnapshotNotFound},
		"what is no id":                   {snapshot: "../x", code: fault.SnapshotNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, job := generate(t, b, backend.Submission{Request: &backend.IaCGenerationRequest{OutputFormat: "arm", TenantID: c.tenant, Snapshot: c.snapshot}})
			if c.code != "" {
				if result != nil || job.Status != backend.JobFailed || fault.CodeOf(job.Fault) != c.code || job.Fault.Hint == "" {
					t.Errorf("the job is %+v (%+v), want %s", job, job.Fault, c.code)
				}
				return
			}
			if result == nil {
				t.Fatalf("the job is %+v (%+v)", job, job.Fault)
			}
			if result.Snapshot != c.want || result.ResourcesIncluded != c.resources || result.Complete == c.incomplete {
				t.Errorf("the result is %+v", result)
			}
		})
	}
}

// TestGenerateReadsASnapshotThatIsSent: the one of the input, though the store has none of that id.
func TestGenerateReadsASnapshotThatIsSent(t *testing.T) {
	b, _ := generator(t)
	_, elsewhere := generator(t)
	id := things(t, elsewhere, ownTenant, 5, true)
	dir := t.TempDir()
	sent, err := elsewhere.Fetch(t.Context(), id, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(path string) backend.Input {
		file, err := os.Open(filepath.Join(dir, sent.Path))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		in := backend.Input{Path: path, Size: sent.Size, SHA256: sent.SHA256}
		if err := b.(backend.InputStore).PutInput(t.Context(), in, file); err != nil {
			t.Fatal(err)
		}
		return in
	}
	request := backend.IaCGenerationRequest{OutputFormat: "bicep", Snapshot: id}
	if result, job := generate(t, b, backend.Submission{Request: &request, Inputs: []backend.Input{put("snapshots/" + id)}}); result == nil || result.Snapshot != id || result.ResourcesIncluded != 5 {
		t.Errorf("the result is %+v, the job %+v", result, job.Fault)
	}
	if result, job := generate(t, b, backend.Submission{Request: &request, Inputs: []backend.Input{put("spec.md")}}); result != nil || fault.CodeOf(job.Fault) != fault.SnapshotNotFound {
		t.Errorf("without the input: %+v, %+v", result, job.Fault)
	}
	request.TenantID = anotherTenant
	if result, job := generate(t, b, backend.Submission{Request: &request, Inputs: []backend.Input{put("snapshots/" + id)}}); result != nil || fault.CodeOf(job.Fault) != fault.InvalidArgument {
		t.Errorf("of another tenant: %+v, %+v", result, job.Fault)
	}
}

// TestGenerateAnswersItsFiles: the artifacts are those of the result, whole.
func TestGenerateAnswersItsFiles(t *testing.T) {
	b, store := generator(t)
	things(t, store, ownTenant, 3, true)
	for _, format := range []string{"terraform", "bicep", "arm"} {
		result, job := generate(t, b, backend.Submission{Request: &backend.IaCGenerationRequest{OutputFormat: format}})
		if result == nil {
			t.Fatalf("%s: %+v", format, job.Fault)
		}
		artifacts := b.(backend.ArtifactStore)
		listed, err := artifacts.ListArtifacts(t.Context(), job.JobID)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		written, err := artifacts.DownloadArtifacts(t.Context(), job.JobID, dir, func(backend.Progress) {})
		if diff := cmp.Diff(listed, written); diff != "" || err != nil {
			t.Errorf("%s: %v %s", format, err, diff)
		}
		var names []string
		for _, a := range listed {
			names = append(names, a.Path)
			if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(a.Path))); err != nil || info.Size() != a.Size {
				t.Errorf("%s: %v", a.Path, err)
			}
		}
		if diff := cmp.Diff(result.FilesGenerated, names); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

// TestGenerateTellsEveryProblemOfARequest.
func TestGenerateTellsEveryProblemOfARequest(t *testing.T) {
	b, store := generator(t)
	things(t, store, ownTenant, 1, true)
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.IaCGenerationRequest{OutputFormat: "bicep", Split: "type", Import: true}})
	f := fault.As(err)
	if err == nil {
		var last outcomeOfJob
		last.watch(t, b, job.JobID)
		f = last.Fault
	}
	if f == nil || f.Code != fault.InvalidArgument || len(f.Problems) != 2 {
		t.Errorf("the fault is %+v", f)
	}
}

type outcomeOfJob struct{ backend.JobStatusResponse }

func (o *outcomeOfJob) watch(t *testing.T, b backend.Backend, id string) {
	t.Helper()
	if err := b.WatchJob(t.Context(), id, 0, func(e backend.Event) error {
		if e.Status != nil {
			o.JobStatusResponse = *e.Status
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestGenerateIsCancelled in each of its phases: it ends at once, with no artifacts and no files.
func TestGenerateIsCancelled(t *testing.T) {
	store := t.TempDir()
	graphs, err := graph.OpenStore(store)
	if err != nil {
		t.Fatal(err)
	}
	things(t, graphs, ownTenant, 20_000, true)
	for _, phase := range []string{"selecting", "reading", "writing"} {
		t.Run(phase, func(t *testing.T) {
			bare(t)
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			b := local.New()
			if err := b.Configure(t.Context(), backend.Settings{"store_dir": store}); err != nil {
				t.Fatal(err)
			}
			job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.IaCGenerationRequest{OutputFormat: "terraform"}})
			if err != nil {
				t.Fatal(err)
			}
			cancelled := false
			var last backend.JobStatusResponse
			if err := b.WatchJob(t.Context(), job.JobID, 0, func(e backend.Event) error {
				if e.Progress != nil && e.Progress.Phase == phase && !cancelled {
					cancelled = true
					if status, err := b.CancelJob(t.Context(), job.JobID); err != nil || status.Status != backend.JobCancelled {
						return errors.Join(err, errors.New(string(status.Status)))
					}
				}
				if e.Status != nil {
					last = *e.Status
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if !cancelled || last.Status != backend.JobCancelled {
				t.Errorf("the job is %s", last.Status)
			}
			if list, err := b.(backend.ArtifactStore).ListArtifacts(t.Context(), job.JobID); err == nil {
				t.Errorf("there are artifacts: %v", list)
			}
			if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("left are %v, %v", left, err)
			}
		})
	}
}

// TestGenerateAfterAScan: what was just scanned is what is generated.
func TestGenerateAfterAScan(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	scanned := mustScan(t, b, backend.ScanRequest{Depth: backend.DepthExtensions})
	result, job := generate(t, b, backend.Submission{Request: &backend.IaCGenerationRequest{OutputFormat: "terraform"}})
	if result == nil || result.Snapshot != scanned.result.Snapshot.ID || result.ResourcesIncluded == 0 || result.Complete != scanned.result.Complete {
		t.Errorf("the result is %+v, the job %+v", result, job.Fault)
	}
}
