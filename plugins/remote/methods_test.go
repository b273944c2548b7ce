package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/h2non/gock"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

const (
	serviceURL = "https://atg.example.com"
	jobJSON    = `{"job_id":"j1","operation":"scan","status":"pending","attempt":1,"created_at":"2026-01-02T03:04:05Z"}`
	endedJSON  = `{"job_id":"j1","operation":"scan","status":"completed","attempt":1,"created_at":"2026-01-02T03:04:05Z","started_at":"2026-01-02T03:04:06Z","completed_at":"2026-01-02T03:04:07Z"}`
	cancelJSON = `{"job_id":"j1","operation":"scan","status":"cancelled","attempt":1,"created_at":"2026-01-02T03:04:05Z","cancel_requested":true}`
	fileText   = "resource {}\n"
)

// fileSum is the SHA-256 of fileText.
var fileSum = sum(fileText)

// method is a method of the client, its first request, and what follows that.
type method struct {
	verb, path string
	status     int
	reply      string
	then       func() // mocks of further requests
	call       func(ctx context.Context, c *RemoteClient, dir string) error
}

func submitting(path string, submit func(context.Context, *RemoteClient) (backend.JobStatusResponse, error)) method {
	return method{"POST", path, 202, jobJSON, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		job, err := submit(ctx, c)
		if err == nil && (job.JobID != "j1" || job.Status != backend.JobPending) {
			return errors.New("another job")
		}
		return err
	}}
}

var methods = map[string]method{
	"SubmitScanJob": submitting("/api/v1/scan", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitScanJob(ctx, backend.ScanRequest{TenantID: "t"}, "k")
	}),
	"SubmitGenerateIaC": submitting("/api/v1/generate-iac", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitGenerateIaC(ctx, backend.IaCGenerationRequest{OutputFormat: "terraform"}, "k")
	}),
	"SubmitCreateTenant": submitting("/api/v1/create-tenant", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitCreateTenant(ctx, backend.TenantCreationRequest{Spec: "spec.md"}, "k", backend.Input{Path: "spec.md", SHA256: fileSum})
	}),
	"SubmitGenerateSpec": submitting("/api/v1/generate-spec", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitGenerateSpec(ctx, backend.SpecGenerationRequest{}, "k")
	}),
	"SubmitVisualize": submitting("/api/v1/visualize", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitVisualize(ctx, backend.VisualizationRequest{}, "k")
	}),
	"SubmitSnapshotQuery": submitting("/api/v1/snapshots/s1/query", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitSnapshotQuery(ctx, backend.SnapshotQueryRequest{Snapshot: "s1", SQL: "select 1"}, "k")
	}),
	"SubmitSnapshotDiff": submitting("/api/v1/snapshots/s1/diff", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitSnapshotDiff(ctx, backend.SnapshotDiffRequest{Before: "s1", After: "s2"}, "k")
	}),
	"SubmitSnapshotExport": submitting("/api/v1/snapshots/latest/export", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitSnapshotExport(ctx, backend.SnapshotExportRequest{Format: "csv"}, "k")
	}),
	"SubmitSnapshotPath": submitting("/api/v1/snapshots/s1/path", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitSnapshotPath(ctx, backend.SnapshotPathRequest{Snapshot: "s1", From: "a", To: "b"}, "k")
	}),
	"SubmitSnapshotReach": submitting("/api/v1/snapshots/s1/reach", func(ctx context.Context, c *RemoteClient) (backend.JobStatusResponse, error) {
		return c.SubmitSnapshotReach(ctx, backend.SnapshotReachRequest{Snapshot: "s1", Node: "a"}, "k")
	}),
	"SubmitBatch": {"POST", "/api/v1/jobs/batch", 200, `{"items":[{"job":` + jobJSON + `},{"problem":{"title":"no","code":"forbidden","status":403}}]}`, nil,
		func(ctx context.Context, c *RemoteClient, _ string) error {
			items, err := c.SubmitBatch(ctx, []backend.Submission{{Request: &backend.ScanRequest{}}, {Request: &backend.VisualizationRequest{}}})
			if err == nil && (len(items) != 2 || items[0].Job.JobID != "j1" || items[1].Fault.Code != fault.Forbidden) {
				return errors.New("other items")
			}
			return err
		}},
	"UploadInput": {"PUT", "/api/v1/inputs/" + fileSum, 201, `{}`, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		return c.UploadInput(ctx, backend.Input{Path: "spec.md", Size: int64(len(fileText)), SHA256: fileSum}, strings.NewReader(fileText))
	}},
	"GetJobStatus": {"GET", "/api/v1/jobs/j1", 200, jobJSON, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		job, err := c.GetJobStatus(ctx, "j1")
		if err == nil && job.Status != backend.JobPending {
			return errors.New("another state")
		}
		return err
	}},
	"ListJobs": {"GET", "/api/v1/jobs", 200, `{"jobs":[` + jobJSON + `],"cursor":"next"}`, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		page, err := c.ListJobs(ctx, backend.JobFilter{Status: backend.JobPending, Limit: 5})
		if err == nil && (len(page.Jobs) != 1 || page.Cursor != "next") {
			return errors.New("another page")
		}
		return err
	}},
	"GetJobResult": {"GET", "/api/v1/jobs/j1/result", 200, `{"job_id":"j1","operation":"scan","result":{"success":true,"resources":7}}`, nil,
		func(ctx context.Context, c *RemoteClient, _ string) error {
			result, err := c.GetJobResult(ctx, "j1")
			if scan, ok := result.(*backend.ScanResult); err == nil && (!ok || scan.Resources != 7) {
				return errors.New("another result")
			}
			return err
		}},
	"CancelJob": {"DELETE", "/api/v1/jobs/j1", 200, cancelJSON, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		job, err := c.CancelJob(ctx, "j1")
		if err == nil && job.Status != backend.JobCancelled {
			return errors.New("another state")
		}
		return err
	}},
	"ListArtifacts": {"GET", "/api/v1/jobs/j1/artifacts/manifest", 200, manifestJSON, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		files, err := c.ListArtifacts(ctx, "j1")
		if err == nil && (len(files) != 1 || files[0].Path != "main.tf") {
			return errors.New("other files")
		}
		return err
	}},
	"DownloadArtifacts": {"GET", "/api/v1/jobs/j1/artifacts/manifest", 200, manifestJSON, func() {
		mock("GET", "/api/v1/jobs/j1/artifacts/files/main.tf").Reply(200).BodyString(fileText)
	}, func(ctx context.Context, c *RemoteClient, dir string) error {
		_, err := c.DownloadArtifacts(ctx, "j1", dir, func(backend.Progress) {})
		if err == nil {
			return holds(dir, map[string]string{"main.tf": fileText})
		}
		return err
	}},
	"ListSnapshots": {"GET", "/api/v1/snapshots", 200, `{"snapshots":[{"id":"s1"}]}`, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		page, err := c.ListSnapshots(ctx, backend.SnapshotFilter{TenantID: "t", Limit: 1})
		if err == nil && (len(page.Snapshots) != 1 || page.Snapshots[0].ID != "s1") {
			return errors.New("other snapshots")
		}
		return err
	}},
	"GetSnapshot": {"GET", "/api/v1/snapshots/s1", 200, snapshotJSON, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		detail, err := c.GetSnapshot(ctx, "s1")
		if err == nil && detail.Snapshot.ID != "s1" {
			return errors.New("another snapshot")
		}
		return err
	}},
	"DeleteSnapshot": {"DELETE", "/api/v1/snapshots/s1", 204, "", nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		return c.DeleteSnapshot(ctx, "s1")
	}},
	"FetchSnapshot": {"GET", "/api/v1/snapshots/s1", 200, snapshotJSON, func() {
		mock("GET", "/api/v1/snapshots/s1/file").Reply(200).BodyString(fileText)
	}, func(ctx context.Context, c *RemoteClient, dir string) error {
		_, err := c.FetchSnapshot(ctx, "s1", dir, func(backend.Progress) {})
		if err == nil {
			return holds(dir, map[string]string{"s1.db": fileText})
		}
		return err
	}},
	"Capabilities": {"GET", "/api/v1/capabilities", 200, `{"operations":["scan"],"version":"v1"}`, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		able, err := c.Capabilities(ctx)
		if err == nil && !able.Can(backend.OpScan) {
			return errors.New("other capabilities")
		}
		return err
	}},
	"WhoAmI": {"GET", "/api/v1/auth", 200, `{"key_id":"0123456789ab","name":"tester"}`, nil, func(ctx context.Context, c *RemoteClient, _ string) error {
		identity, err := c.WhoAmI(ctx)
		if err == nil && identity.Name != "tester" {
			return errors.New("another identity")
		}
		return err
	}},
}

var (
	manifestJSON = `{"job_id":"j1","artifacts":[{"path":"main.tf","size":12,"sha256":"` + fileSum + `"}]}`
	snapshotJSON = `{"snapshot":{"id":"s1","tenant_id":"t","size":12,"sha256":"` + fileSum + `"}}`
)

// mock expects one request.
func mock(verb, path string) *gock.Request {
	r := gock.New(serviceURL)
	r.Method, r.URLStruct.Path = verb, "^"+path+"$"
	return r.MatchHeader("Authorization", "^Bearer "+testKey+"$").MatchHeader("User-Agent", "^ATG-CLI/.")
}

func (m method) mock() *gock.Request { return mock(m.verb, m.path) }

// good expects the request that succeeds, and those that follow it.
func (m method) good() {
	r := m.mock()
	if m.verb == http.MethodPost && !strings.HasSuffix(m.path, "batch") {
		r.MatchHeader("Idempotency-Key", "^k$")
	}
	r.Reply(m.status).SetHeader("Content-Type", "application/json").BodyString(m.reply)
	if m.then != nil {
		m.then()
	}
}

// mocked runs a test of a client whose requests gock answers, on a clock that stands still while anything
// is done.
func mocked(t *testing.T, test func(t *testing.T, c *RemoteClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer gock.OffAll()
		config := backend.DefaultClientConfig()
		config.ServiceURL, config.APIKey = serviceURL, secret.New(testKey)
		dir := t.TempDir()
		c, err := newClient(t.Context(), config, options{transport: gock.NewTransport(), cacheDir: func() (string, error) { return dir, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.key.good.Store(true)
		test(t, c)
		if !gock.IsDone() {
			t.Errorf("%d expected requests did not come", len(gock.Pending()))
		}
		for _, r := range gock.GetUnmatchedRequests() {
			t.Errorf("nobody expected %s %s", r.Method, r.URL)
		}
	})
}

var refusedConnection = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

func TestMethods(t *testing.T) {
	problem := `{"title":"no","status":401,"code":"auth_failed","hint":"sign in"}`
	broken := func(r *http.Response) *http.Response {
		r.Header.Set("Content-Type", "application/json")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"job_`), iotest.ErrReader(io.ErrUnexpectedEOF)))
		return r
	}
	type span struct{ least, most float64 } // seconds that it may take
	cases := map[string]struct {
		expect func(m method)
		want   error // nil succeeds
		took   span
	}{
		"success": {func(m method) { m.good() }, nil, span{0, 0}},
		"authentication": {func(m method) {
			m.mock().Reply(401).SetHeader("Content-Type", "application/problem+json").BodyString(problem)
		}, fault.ErrAuthentication, span{0, 0}},
		"authentication in a proxy's words": {func(m method) { m.mock().Reply(401).BodyString("Unauthorized") }, fault.ErrAuthentication, span{0, 0}},
		"forbidden":                         {func(m method) { m.mock().Reply(403).JSON(map[string]any{"detail": "not yours"}) }, fault.New(fault.Forbidden, ""), span{0, 0}},
		"no connection at all":              {func(m method) { m.mock().Times(4).ReplyError(refusedConnection) }, fault.ErrServiceUnavailable, span{1 + 2 + 4, 2 + 4 + 8}},
		"no connection at first":            {func(m method) { m.mock().ReplyError(refusedConnection); m.good() }, nil, span{1, 2}},
		"no answer in time":                 {func(m method) { m.mock().Times(4).Reply(200).Delay(time.Hour) }, fault.ErrServiceUnavailable, span{4*300 + 7, 4*300 + 14}},
		"bad gateway":                       {func(m method) { m.mock().Reply(502); m.good() }, nil, span{1, 2}},
		"unavailable for a while":           {func(m method) { m.mock().Times(3).Reply(503); m.good() }, nil, span{1 + 2 + 4, 2 + 4 + 8}},
		"unavailable for too long":          {func(m method) { m.mock().Times(4).Reply(503) }, fault.ErrServiceUnavailable, span{1 + 2 + 4, 2 + 4 + 8}},
		"gateway timeout":                   {func(m method) { m.mock().Reply(504); m.good() }, nil, span{1, 2}},
		"throttled":                         {func(m method) { m.mock().Reply(429).SetHeader("Retry-After", "7"); m.good() }, nil, span{7, 7.5}},
		"throttled until a date":            {func(m method) { m.mock().Reply(429).SetHeader("Retry-After", inSeconds(30)); m.good() }, nil, span{29, 30.5}},
		"throttled for too long":            {func(m method) { m.mock().Reply(429).SetHeader("Retry-After", "3600") }, fault.New(fault.Throttled, ""), span{0, 0}},
		"unexpected failure":                {func(m method) { m.mock().Reply(500).BodyString("oops") }, fault.New(fault.RemoteFailed, ""), span{0, 0}},
		"half an answer":                    {func(m method) { m.mock().Times(4).Reply(m.status).Map(broken) }, fault.New(fault.RemoteFailed, ""), span{7, 14}},
		"half an answer, then a whole":      {func(m method) { m.mock().Reply(m.status).Map(broken); m.good() }, nil, span{1, 2}},
		"nonsense":                          {func(m method) { m.mock().Reply(200).SetHeader("Content-Type", "application/json").BodyString("<<<") }, fault.New(fault.RemoteFailed, ""), span{0, 0}},
		"another type":                      {func(m method) { m.mock().Reply(200).SetHeader("Content-Type", "text/plain").BodyString("{}") }, fault.New(fault.RemoteFailed, ""), span{0, 0}},
		"a login page": {func(m method) {
			m.mock().Reply(200).SetHeader("Content-Type", "text/html").BodyString("<html><input type=password>")
		}, fault.New(fault.AuthFailed, ""), span{0, 0}},
		"a web page": {func(m method) { m.mock().Reply(200).BodyString("<!DOCTYPE html><p>Welcome to nginx!") }, fault.New(fault.RemoteFailed, ""), span{0, 0}},
	}
	for name, m := range methods {
		t.Run(name, func(t *testing.T) {
			for name, c := range cases {
				if name == "nonsense" && (m.status == http.StatusNoContent || m.verb == http.MethodPut) {
					continue // what such an answer says does not matter
				}
				t.Run(name, func(t *testing.T) {
					mocked(t, func(t *testing.T, client *RemoteClient) {
						began := time.Now()
						c.expect(m)
						err := m.call(t.Context(), client, t.TempDir())
						if !errors.Is(err, c.want) {
							t.Fatalf("error %v (%s), want %v", err, fault.CodeOf(err), c.want)
						}
						if f := fault.As(err); err != nil && (f == nil || f.Hint == "" || f.Origin == "") {
							t.Errorf("nobody knows what to do about %+v", f)
						}
						if took := time.Since(began).Seconds(); took < c.took.least || took > c.took.most+0.001 {
							t.Errorf("it took %g s, want %v", took, c.took)
						}
					})
				})
			}
		})
	}
}

// inSeconds is an HTTP date.
func inSeconds(n int) string {
	return time.Now().Add(time.Duration(n) * time.Second).UTC().Format(http.TimeFormat)
}
