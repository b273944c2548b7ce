package httpapi_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestAScanFromSubmissionToFiles is the path that every job goes.
func TestAScanFromSubmissionToFiles(t *testing.T) {
	g := newRig(t, nil)
	submitted := g.post(api.PathScan, `{"tenant_id":"t1","depth":"resources","tags":{"env":"prod"}}`)
	job := into[backend.JobStatusResponse](t, submitted, http.StatusAccepted)
	if job.Status != backend.JobPending || submitted.Header.Get("Location") != "/api/v1/jobs/"+job.JobID {
		t.Fatalf("submitted %+v, Location %q", job, submitted.Header.Get("Location"))
	}

	conn, resp, err := websocket.Dial(t.Context(), g.server.URL+api.Fill(api.PathEvents, job.JobID), &websocket.DialOptions{
		HTTPClient: g.server.Client(), HTTPHeader: http.Header{"Authorization": {"Bearer " + g.key}},
	})
	if err != nil {
		t.Fatalf("%v: %+v", err, resp)
	}
	g.progress(job.JobID, 1, 50)
	g.complete(job.JobID, &backend.ScanResult{Success: true, Complete: true, Resources: 3}, map[string]string{"a/b.txt": "hello", "empty": ""})
	var kinds []backend.EventKind
	for {
		var e backend.Event
		if err := wsjson.Read(t.Context(), conn, &e); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("closed with %v", err)
			}
			break
		}
		kinds = append(kinds, e.Kind)
	}
	if diff := cmp.Diff([]backend.EventKind{backend.EventProgress, backend.EventStatus}, kinds); diff != "" {
		t.Error(diff)
	}

	if got := into[backend.JobStatusResponse](t, g.get(api.Fill(api.PathJob, job.JobID)), 200); got.Status != backend.JobCompleted {
		t.Errorf("status %+v", got)
	}
	result := into[api.Result](t, g.get(api.Fill(api.PathResult, job.JobID)), 200)
	decoded, err := result.DecodeResult()
	if err != nil || decoded.(*backend.ScanResult).Resources != 3 {
		t.Errorf("result %s, %v", result.Result, err)
	}
	manifest := into[api.Manifest](t, g.get(api.Fill(api.PathManifest, job.JobID)), 200)
	if len(manifest.Artifacts) != 2 || manifest.TotalSize != 5 {
		t.Errorf("manifest %+v", manifest)
	}
	file := g.get(api.FilePath(job.JobID, "a/b.txt"))
	if string(file.body) != "hello" || file.StatusCode != http.StatusOK {
		t.Errorf("file: %d %s", file.StatusCode, file.body)
	}
	archive := g.get(api.Fill(api.PathArchive, job.JobID))
	z, err := zip.NewReader(bytes.NewReader(archive.body), int64(len(archive.body)))
	if err != nil || len(z.File) != 2 {
		t.Fatalf("zip: %v", err)
	}
	problem(t, g.do(request{method: "DELETE", path: api.Fill(api.PathJob, job.JobID)}), http.StatusConflict)
	other := g.scan()
	stopped := into[api.Cancellation](t, g.do(request{method: "DELETE", path: api.Fill(api.PathJob, other)}), 200)
	if stopped.Status != backend.JobCancelled || stopped.CancelRequested {
		t.Errorf("cancelled: %+v", stopped)
	}
}
