package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// durableFake is a fake whose jobs outlive a command.
func durableFake(t *testing.T, scan runner.Work) *fake {
	t.Helper()
	f := newFake(scan)
	f.durable = true
	t.Cleanup(func() {
		if err := f.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return f
}

// submit starts a job and answers its id.
func submit(t *testing.T, f *fake, request backend.Request) string {
	t.Helper()
	job, err := f.Submit(t.Context(), backend.Submission{Request: request})
	if err != nil {
		t.Fatal(err)
	}
	return job.JobID
}

// settle waits for the end of a job.
func settle(t *testing.T, f *fake, id string) {
	t.Helper()
	if err := f.WatchJob(t.Context(), id, 0, func(backend.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s %q does not say %q", what, text, w)
		}
	}
}

func TestDetachAndReattach(t *testing.T) {
	going := make(chan struct{})
	f := durableFake(t, func(_ context.Context, job *runner.Job) (backend.Result, error) {
		job.Log(backend.LevelInfo, "first words")
		<-going
		job.Log(backend.LevelInfo, "last words")
		return &backend.ScanResult{Success: true, Complete: true, Resources: 7}, nil
	})
	r := atg(t, t.Context(), f, nil, "--backend", "acme", "scan", "--detach")
	id := strings.Fields(r.out)[1]
	if r.code != 0 || r.err != "" {
		t.Fatalf("%+v", r)
	}
	says(t, "stdout", r.out, "job "+id+" goes on", "atg --backend acme job watch "+id)

	r = atg(t, t.Context(), f, nil, "--backend", "acme", "job", "result", id)
	if r.code != 2 {
		t.Errorf("the result of a running job: %+v", r)
	}
	close(going)
	r = atg(t, t.Context(), f, nil, "--backend", "acme", "job", "watch", id)
	if r.code != 0 {
		t.Errorf("%+v", r)
	}
	says(t, "stdout", r.out, "Scan  complete", "resources  7")
	says(t, "stderr", r.err, "first words", "last words")
	again := atg(t, t.Context(), f, nil, "--backend", "acme", "job", "result", id)
	if again.code != 0 || again.out != r.out {
		t.Errorf("the result is %+v, and was %+v", again, r)
	}
}

func TestDetachedAsJSON(t *testing.T) {
	f := durableFake(t, nil)
	f.schema = `{"properties": {"service_url": {"type": "string"}, "api_key": {"type": "string", "writeOnly": true}}}`
	r := atg(t, t.Context(), f, nil, "--remote", "scan", "--detach", "-o", "json")
	if r.code != 2 { // without an address
		t.Errorf("%+v", r)
	}
	r = atg(t, t.Context(), f, []string{"ATG_SERVICE_URL=https://atg.example.com", "ATG_API_KEY=k"}, "--remote", "scan", "--detach", "-o", "json")
	var left struct {
		SchemaVersion int    `json:"schema_version"`
		JobID         string `json:"job_id"`
		Status        string `json:"status"`
		Operation     string `json:"operation"`
		Backend       string `json:"backend"`
		Reattach      string `json:"reattach"`
	}
	if err := json.Unmarshal([]byte(r.out), &left); err != nil || left.SchemaVersion != 1 || left.JobID == "" || left.Operation != "scan" ||
		left.Backend != "remote" || left.Reattach != "atg --backend remote job watch "+left.JobID {
		t.Errorf("%+v: %v", r, err)
	}
	settle(t, f, left.JobID)
}

// TestHowToComeBack: the command names the configuration that the first one was given.
func TestHowToComeBack(t *testing.T) {
	config := filepath.Join(t.TempDir(), "my config.yaml")
	if err := os.WriteFile(config, []byte("profiles: {prod: {backend: acme}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := durableFake(t, nil)
	r := atg(t, t.Context(), f, nil, "--config", config, "--profile", "prod", "scan", "--detach")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	id := strings.Fields(r.out)[1]
	says(t, "stdout", r.out, "atg --config '"+config+"' --profile prod job watch "+id)
	settle(t, f, id)
}

func TestCtrlC(t *testing.T) {
	for _, tc := range []struct {
		name  string
		args  string
		ended backend.JobStatus // what becomes of the job
		says  string
	}{
		{"detaches", "--backend acme scan", backend.JobCompleted, "atg --backend acme job watch "},
		{"cancels if told so", "--backend acme scan --cancel-on-interrupt", backend.JobCancelled, "cancelling the job"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			going := make(chan struct{})
			f := durableFake(t, func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
				cancel(fault.New(fault.Interrupted, "interrupted"))
				select {
				case <-going:
					return &backend.ScanResult{Success: true, Complete: true}, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
			r := atg(t, ctx, f, nil, strings.Fields(tc.args)...)
			close(going)
			if r.code != 130 || r.out != "" {
				t.Errorf("%+v", r)
			}
			says(t, "stderr", r.err, tc.says)
			jobs, err := f.ListJobs(t.Context(), backend.JobFilter{})
			if err != nil || len(jobs.Jobs) != 1 {
				t.Fatalf("%+v, %v", jobs, err)
			}
			settle(t, f, jobs.Jobs[0].JobID)
			job, err := f.GetJob(t.Context(), jobs.Jobs[0].JobID)
			if err != nil || job.Status != tc.ended {
				t.Errorf("the job is %s, %v", job.Status, err)
			}
		})
	}
}

func TestJobs(t *testing.T) {
	fails := fault.New(fault.AzureForbidden, "no right to read", fault.Hint("ask for Reader"))
	release := make(chan struct{})
	f := durableFake(t, func(ctx context.Context, job *runner.Job) (backend.Result, error) {
		switch job.Submission().Request.Tenant() {
		case "bad":
			return nil, fails
		case "slow":
			select {
			case <-release:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case "gaps":
			return &backend.ScanResult{Success: true}, nil
		}
		return &backend.ScanResult{Success: true, Complete: true, Resources: 7}, nil
	})
	defer close(release)
	good, bad := submit(t, f, &backend.ScanRequest{TenantID: "good"}), submit(t, f, &backend.ScanRequest{TenantID: "bad"})
	gaps, picture := submit(t, f, &backend.ScanRequest{TenantID: "gaps"}), submit(t, f, &backend.VisualizationRequest{TenantID: "good"})
	for _, id := range []string{good, bad, gaps, picture} {
		settle(t, f, id)
	}
	slow := submit(t, f, &backend.ScanRequest{TenantID: "slow"})
	dir := filepath.Join(t.TempDir(), "out")
	for _, tc := range []struct {
		args string // behind "job"
		code int
		out  []string
		err  []string
	}{
		{"list", 0, []string{good, bad, gaps, picture, slow, "JOB", "completed", "failed"}, nil},
		{"list --status failed", 0, []string{bad}, nil},
		{"list --operation visualize -o ndjson", 0, []string{`{"schema_version":1,"job_id":"` + picture}, nil},
		{"list --tenant-id nobody", 0, []string{"no jobs"}, nil},
		{"list --tenant-id nobody -o json", 0, []string{`"jobs": []`}, nil},
		{"list --limit 2", 0, []string{slow, picture}, []string{"--all"}},
		{"list --all -o yaml", 0, []string{"schema_version: 1", "job_id: " + good}, nil},
		{"list --status done", 2, nil, []string{"--status", "cancelled"}},
		{"show " + good, 0, []string{"completed", "scan", "next: atg --backend acme job result " + good}, nil},
		{"show " + bad, 0, []string{"failed", "failed: no right to read", "hint: ask for Reader"}, nil},
		{"show " + slow, 0, []string{"next: atg --backend acme job watch " + slow}, nil},
		{"show " + good + " -o json", 0, []string{`"schema_version": 1`, `"status": "completed"`}, nil},
		{"show nope", 2, nil, []string{"nope"}},
		{"result " + good, 0, []string{"resources  7"}, nil},
		{"result " + gaps, 3, []string{"incomplete"}, []string{"incomplete: "}},
		{"result " + bad, 2, nil, []string{"failed"}},
		{"result " + slow, 2, nil, []string{slow}},
		{"watch " + bad, 4, nil, []string{"no right to read", "ask for Reader"}},
		{"watch " + gaps, 3, []string{"incomplete"}, []string{"incomplete: "}},
		{"watch nope", 2, nil, []string{"nope"}},
		{"result " + picture, 0, []string{"picture of 3 nodes", "job download"}, nil},
		{"download " + picture, 2, nil, []string{"--output-dir"}},
		{"download " + picture + " --output-dir " + dir, 0, []string{"1 file in " + dir, "tenant.html"}, nil},
		{"download " + picture + " --output-dir " + dir + " -o json", 0, []string{`"folder": "` + dir, `tenant.html"`}, nil},
		{"watch " + picture + " --output-dir " + dir, 0, []string{"nodes", "tenant.html"}, nil},
		{"download " + slow + " --output-dir " + dir, 2, nil, []string{slow}},
		{"cancel " + good, 2, nil, []string{good}},
		{"cancel " + slow, 0, []string{"cancelled"}, nil},
		{"watch " + slow, 6, nil, []string{"the job was cancelled"}},
		{"cancel nope", 2, nil, []string{"nope"}},
	} {
		t.Run(tc.args, func(t *testing.T) {
			r := atg(t, t.Context(), f, nil, append([]string{"--backend", "acme", "--no-progress", "job"}, strings.Fields(tc.args)...)...)
			if r.code != tc.code || (r.out == "") != (tc.out == nil) || (r.err == "") != (tc.err == nil) {
				t.Errorf("%+v", r)
			}
			says(t, "stdout", r.out, tc.out...)
			says(t, "stderr", r.err, tc.err...)
		})
	}
	if err := os.WriteFile(filepath.Join(dir, "tenant.html"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := atg(t, t.Context(), f, nil, "--backend", "acme", "job", "download", picture, "--output-dir", dir)
	if r.code != 2 {
		t.Errorf("%+v", r)
	}
	says(t, "stderr", r.err, "tenant.html: was changed since atg wrote it", "--force")
	if r := atg(t, t.Context(), f, nil, "--backend", "acme", "job", "download", picture, "--output-dir", dir, "--force"); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

func TestNoDurableJobs(t *testing.T) {
	for _, args := range []string{"job list", "job show x", "job watch x", "job result x", "job cancel x", "job download x --output-dir y"} {
		f := newFake(nil)
		r := atg(t, t.Context(), f, nil, strings.Fields(args)...)
		if r.code != 2 || r.out != "" || f.stopped != 1 {
			t.Errorf("%s: %+v", args, r)
		}
		says(t, "stderr", r.err, "backend local does not support", "its jobs end with it")
	}
}

// pages answers jobs by pages.
type pages struct {
	jobs []backend.JobStatusResponse
	page int
	asks []int
}

func (p *pages) ListJobs(_ context.Context, filter backend.JobFilter) (backend.JobPage, error) {
	p.asks = append(p.asks, filter.Limit)
	from := 0
	if filter.Cursor != "" {
		if _, err := fmt.Sscan(filter.Cursor, &from); err != nil {
			return backend.JobPage{}, err
		}
	}
	to := min(from+p.page, len(p.jobs))
	page := backend.JobPage{Jobs: p.jobs[from:to]}
	if to < len(p.jobs) {
		page.Cursor = fmt.Sprint(to)
	}
	return page, nil
}

func TestPagesOfJobs(t *testing.T) {
	jobs := make([]backend.JobStatusResponse, 5)
	for i := range jobs {
		jobs[i].JobID = fmt.Sprint(i)
	}
	for _, tc := range []struct {
		page, limit, want int
		more              bool
		asks              []int
	}{
		{2, 0, 5, false, []int{0, 0, 0}},
		{2, 3, 3, true, []int{3, 1}}, // the second page is larger than what was asked for
		{2, 4, 4, true, []int{4, 2}},
		{5, 5, 5, false, []int{5}},
		{5, 4, 4, true, []int{4}},
		{2, 9, 5, false, []int{9, 7, 5}},
	} {
		lister := &pages{jobs: jobs, page: tc.page}
		got, err := listJobs(t.Context(), lister, backend.JobFilter{Limit: tc.limit})
		if err != nil || len(got.Jobs) != tc.want || (got.Cursor != "") != tc.more {
			t.Errorf("%+v: got %d, cursor %q, %v", tc, len(got.Jobs), got.Cursor, err)
		}
		if diff := cmp.Diff(tc.asks, lister.asks); diff != "" {
			t.Errorf("%+v: limits asked for (-want +got):\n%s", tc, diff)
		}
	}
}
