package jobs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// later is a record that a later version wrote: "new_…" are fields that this one does not know, at every depth.
const later = `{
	"job": {"job_id": "job-1", "operation": "scan", "tenant_id": "t1", "status": "running", "attempt": 1, "created_at": "2026-11-23T12:00:00Z",
		"new_priority": 9007199254740993},
	"owner": "alice", "request": {"tenant_id": "t1", "new_option": true}, "content": "c",
	"history": [{"number": 1, "worker": "w", "started_at": "2026-11-23T12:00:01Z", "new_zone": {"name": "eu-1"}}],
	"parts": [{"key": "k", "path": "p", "rows": 1, "sha256": "s", "new_bytes": 5}],
	"new_parent": {"job": "job-0", "shards": [1, 2]}
}`

func read(t *testing.T, content string) (r jobs.Record, all map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(content), &r); err != nil {
		t.Fatal(err)
	}
	return r, written(t, r)
}

func written(t *testing.T, r jobs.Record) (all map[string]any) {
	t.Helper()
	content, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWhatALaterVersionWroteIsKept when an earlier one reads a record, changes it, and writes it.
func TestWhatALaterVersionWroteIsKept(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 1, 0, 0, time.UTC)
	var want map[string]any
	if err := json.Unmarshal([]byte(later), &want); err != nil {
		t.Fatal(err)
	}
	r, same := read(t, later)
	if diff := cmp.Diff(want, same); diff != "" {
		t.Errorf("unchanged:\n%s", diff)
	}
	if content, err := json.Marshal(r); err != nil || !json.Valid(content) || !strings.Contains(string(content), "9007199254740993") {
		t.Errorf("a large number became another: %s %v", content, err)
	}

	r.Begin("another", 2, now) // the first attempt is ended, a second one begins
	begun := written(t, r)
	history, _ := begun["history"].([]any)
	if len(history) != 2 {
		t.Fatalf("%v", begun["history"])
	}
	first, _ := history[0].(map[string]any)
	second, _ := history[1].(map[string]any)
	if first["new_zone"] == nil || first["ended_at"] == nil || second["new_zone"] != nil || begun["new_parent"] == nil {
		t.Errorf("begun again: %v", begun)
	}

	if err := r.Complete(&backend.ScanResult{Success: true}, nil, now); err != nil {
		t.Fatal(err)
	}
	done := written(t, r)
	job, _ := done["job"].(map[string]any)
	if done["parts"] != nil || job["new_priority"] == nil || job["status"] != "completed" || done["new_parent"] == nil {
		t.Errorf("completed: %v", done)
	}
}

func TestLaterRequests(t *testing.T) {
	for name, c := range map[string]struct {
		operation backend.Operation
		request   string
		want      bool
	}{
		"of this version":      {backend.OpScan, `{"tenant_id": "t1"}`, false},
		"an option more":       {backend.OpScan, `{"tenant_id": "t1", "new_option": true}`, true},
		"another operation":    {"new-operation", `{}`, true},
		"not of that form":     {backend.OpScan, `{"tenant_id": 5}`, false}, // which no other version would make of it
		"an option fewer":      {backend.OpScan, `{}`, false},
		"no JSON whatsoever":   {backend.OpScan, `{`, false},
		"an option of another": {backend.OpVisualize, `{"tenant_id": "t1", "depth": "full"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := jobs.Record{Job: backend.JobStatusResponse{Operation: c.operation}, Request: json.RawMessage(c.request)}
			if got := r.Later(); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
