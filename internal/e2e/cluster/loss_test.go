//go:build soak && unix

package cluster_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestEveryLeaderIsKilled, one after the other, while jobs are at work and watched.
func TestEveryLeaderIsKilled(t *testing.T) {
	l := theCluster(t)
	for _, stream := range []string{cluster.Queue, cluster.Events, cluster.Records, "OBJ_atg-files", "KV_atg-files"} {
		leader, err := l.Leader(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		l.watched(t, 2, 40, 50*time.Millisecond, leader.Kill)
		t.Logf("%s led %s: jobs of 2 s took %s", leader.Name, stream, time.Since(began).Round(100*time.Millisecond))
		l.starts(t, leader)
	}
}

// TestAWorkerIsKilled: its job is done by another one.
func TestAWorkerIsKilled(t *testing.T) {
	l := theCluster(t)
	c := l.remote(t, l.URL)
	id := submit(t, c, "count-40-50ms")
	var had *cluster.Process
	if err := cluster.Until(t.Context(), "no worker begins", func() bool {
		for _, w := range l.Workers {
			if strings.Contains(w.Log(), `msg="job begun" job_id=`+id) {
				had = w
			}
		}
		return had != nil
	}); err != nil {
		t.Fatal(err)
	}
	had.Kill()
	began := time.Now()
	job := ends(t, c, id, backend.JobCompleted)
	if job.Attempt != 2 {
		t.Errorf("attempt %d", job.Attempt)
	}
	dir := t.TempDir()
	if _, err := c.DownloadArtifacts(t.Context(), id, dir, func(backend.Progress) {}); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "numbers.txt")); err != nil || strings.Count(string(content), "\n") != 40 {
		t.Errorf("%q: %v", content, err)
	}
	t.Logf("done %s after its worker was killed", time.Since(began).Round(100*time.Millisecond))
	l.starts(t, had)
}

// TestTwoOfThreeServersAreLost: nothing is accepted, and nothing that was is lost; with one of them back, it goes on by itself.
func TestTwoOfThreeServersAreLost(t *testing.T) {
	l := theCluster(t)
	c := l.remote(t, l.URL)
	waiting := submit(t, c, "count-100-50ms")
	l.Servers[0].Kill()
	l.Servers[1].Kill()
	began := time.Now()
	body := api.ScanBody{TenantID: "count-2-10ms"}
	if status := l.call(t, 0, http.MethodPost, api.PathScan, body, nil, api.HeaderIdempotencyKey, "lost"); status != http.StatusServiceUnavailable {
		t.Errorf("a submission is answered %d", status)
	}
	t.Logf("refused after %s", time.Since(began).Round(100*time.Millisecond))
	began = time.Now()
	if err := l.Servers[0].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	job, err := c.SubmitScanJob(t.Context(), backend.ScanRequest{TenantID: "count-2-10ms"}, "lost")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("accepted %s after one server began to start", time.Since(began).Round(100*time.Millisecond))
	ends(t, c, job.JobID, backend.JobCompleted)
	ends(t, c, waiting, backend.JobCompleted)
	l.starts(t, l.Servers[1])
}
