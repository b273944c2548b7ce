//go:build unix

package cluster_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestAnyNodeAnswers for any job, at once: what one node has acknowledged, the other one knows.
func TestAnyNodeAnswers(t *testing.T) {
	l := theCluster(t)
	body := api.ScanBody{TenantID: "count-3-10ms"}
	for i := range 8 {
		here, there := i%2, (i+1)%2
		key := fmt.Sprintf("any-%d", i)
		var job, again, seen backend.JobStatusResponse
		if status := l.call(t, here, http.MethodPost, api.PathScan, body, &job, api.HeaderIdempotencyKey, key); status != http.StatusAccepted {
			t.Fatalf("%d", status)
		}
		var page backend.JobPage
		l.call(t, there, http.MethodGet, api.PathJobs+"?limit=50", nil, &page)
		if !slices.ContainsFunc(page.Jobs, func(j backend.JobStatusResponse) bool { return j.JobID == job.JobID }) {
			t.Errorf("%d: the other node does not list the job", i)
		}
		if status := l.call(t, there, http.MethodGet, api.Fill(api.PathJob, job.JobID), nil, &seen); status != http.StatusOK || seen.JobID != job.JobID {
			t.Errorf("%d: the other node answers %d for the job", i, status)
		}
		if l.call(t, there, http.MethodPost, api.PathScan, body, &again, api.HeaderIdempotencyKey, key); again.JobID != job.JobID {
			t.Errorf("%d: the submission that came again at the other node made %s, not %s", i, again.JobID, job.JobID)
		}
		other := api.ScanBody{TenantID: "another"}
		if status := l.call(t, there, http.MethodPost, api.PathScan, other, nil, api.HeaderIdempotencyKey, key); status != http.StatusConflict {
			t.Errorf("%d: other content with the same idempotency key is answered %d", i, status)
		}
	}
}

// TestWhatHasEndedHasEndedEverywhere: who saw the end of a job at one node finds state, result and files at the other.
func TestWhatHasEndedHasEndedEverywhere(t *testing.T) {
	l := theCluster(t)
	for i := range 4 {
		here, there := l.node(t, i%2), l.node(t, (i+1)%2)
		id := submit(t, here, "count-5-5ms")
		ends(t, here, id, backend.JobCompleted)
		if job, err := there.GetJobStatus(t.Context(), id); err != nil || job.Status != backend.JobCompleted {
			t.Errorf("%d: at the other node the job is %s: %v", i, job.Status, err)
		}
		page, err := there.ListJobs(t.Context(), backend.JobFilter{Limit: 100})
		if at := slices.IndexFunc(page.Jobs, func(j backend.JobStatusResponse) bool { return j.JobID == id }); err != nil || at < 0 || page.Jobs[at].Status != backend.JobCompleted {
			t.Errorf("%d: the other node's list has the job at %d: %v", i, at, err)
		}
		result, err := there.GetJobResult(t.Context(), id)
		if scan, ok := result.(*backend.ScanResult); err != nil || !ok || scan.Resources != 5 {
			t.Errorf("%d: %+v: %v", i, result, err)
		}
		dir := t.TempDir()
		if _, err := there.DownloadArtifacts(t.Context(), id, dir, func(backend.Progress) {}); err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if content, err := os.ReadFile(filepath.Join(dir, "numbers.txt")); string(content) != "1\n2\n3\n4\n5\n" {
			t.Errorf("%d: %q: %v", i, content, err)
		}
	}
}

// TestCancelledAtAnotherNode: a job is cancelled by a node that it was not submitted to, at work or waiting.
func TestCancelledAtAnotherNode(t *testing.T) {
	l := theCluster(t)
	here, there := l.node(t, 0), l.node(t, 1)
	id := submit(t, here, "wait")
	started := false
	for !started {
		job, err := there.GetJobStatus(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		started = job.Status == backend.JobRunning
	}
	if job, err := there.CancelJob(t.Context(), id); err != nil || job.Status != backend.JobCancelled {
		t.Errorf("%+v: %v", job, err)
	}
	var seen backend.JobStatusResponse
	if l.call(t, 0, http.MethodGet, api.Fill(api.PathJob, id), nil, &seen); seen.Status != backend.JobCancelled {
		t.Errorf("where it was submitted, it is %s", seen.Status)
	}
}

// TestKeysHoldEverywhere at once: a key that was just made opens every node.
func TestKeysHoldEverywhere(t *testing.T) {
	l := theCluster(t)
	key, err := l.NewKey(t.Context(), "late", "--tenant", "*")
	if err != nil {
		t.Fatal(err)
	}
	for node := range l.APIs {
		if status := l.call(t, node, http.MethodGet, api.PathAuth, nil, nil, "Authorization", "Bearer "+key); status != http.StatusOK {
			t.Errorf("api-%d answers %d", node+1, status)
		}
	}
}
