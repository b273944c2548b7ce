package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// What is wrong with a job, where it is more than something about it.
var (
	errLost       = errors.New("LOST")
	errDuplicated = errors.New("DUPLICATED")
)

// patience is how long what is left of ended jobs may take to go.
const patience = 20 * time.Second

// audit checks everything that was promised of a job that was accepted, once it has ended: at both API nodes, and behind
// their backs in NATS and in the folders of the workers. It answers everything that is wrong.
func (r *rig) audit(ctx context.Context, j *job) error {
	status, err := r.ended(ctx, j.id)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	if status.Status != j.want {
		return fmt.Errorf("job %s is %s instead of %s: %s", j.id, status.Status, j.want, status.Error)
	}
	var wrong []error
	for what, check := range map[string]func(context.Context, *job) error{
		"the same submission": r.sameAgain, "its place in the list": r.listedOnce, "its files": r.rightFiles, "its snapshot": r.oneSnapshot,
		"its events": r.rightEvents, "the queue": r.outOfQueue, "its parts": r.noParts,
	} {
		if err := check(ctx, j); err != nil {
			wrong = append(wrong, fmt.Errorf("job %s: %s: %w", j.id, what, err))
		}
	}
	return errors.Join(wrong...)
}

// sameAgain submits it again: it is the same job.
func (r *rig) sameAgain(ctx context.Context, j *job) error {
	for _, api := range r.APIs {
		url, err := r.NodeURL(api)
		if err != nil {
			return err
		}
		// While leaders are elected, it may be refused.
		err = eventually(ctx, func() error { return r.submit(ctx, url, j) })
		if err != nil {
			return err
		}
	}
	return nil
}

// listedOnce looks for the jobs of its tenant: a name that no other job has.
func (r *rig) listedOnce(ctx context.Context, j *job) error {
	for _, node := range r.APIs {
		url, err := r.NodeURL(node)
		if err != nil {
			return err
		}
		err = eventually(ctx, func() error { // a node hears of it a moment later than another
			var page backend.JobPage
			if _, err := r.ask(ctx, url, http.MethodGet, api.PathJobs+"?operation="+string(j.operation)+"&tenant_id="+j.of(), nil, &page); err != nil {
				return err
			}
			if j.source != nil { // others are made of the same scan
				page.Jobs = slices.DeleteFunc(page.Jobs, func(s backend.JobStatusResponse) bool { return s.JobID != j.id })
			}
			switch {
			case len(page.Jobs) == 0:
				return fmt.Errorf("%w: %s does not list it", errLost, node.Name)
			case len(page.Jobs) > 1:
				return fmt.Errorf("%w: %s lists %d jobs: %+v", errDuplicated, node.Name, len(page.Jobs), page.Jobs)
			case page.Jobs[0].JobID != j.id || page.Jobs[0].Status != j.want:
				return fmt.Errorf("%s lists %+v", node.Name, page.Jobs[0])
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rightFiles downloads its files and compares every byte.
func (r *rig) rightFiles(ctx context.Context, j *job) error {
	if j.want != backend.JobCompleted {
		return nil
	}
	want := step.Files(j.tenant, j.wish)
	if j.operation == backend.OpGenerateIaC {
		want = map[string][]byte{"main.tf": []byte(step.Sum(step.Content(j.source.tenant, "snapshot", step.SnapshotBytes)))}
	}
	var m api.Manifest
	if _, err := r.ask(ctx, r.URL, http.MethodGet, api.Fill(api.PathManifest, j.id), nil, &m); err != nil {
		return err
	}
	got := map[string]bool{}
	for _, a := range m.Artifacts {
		if strings.HasSuffix(a.Path, ".db") && j.operation == backend.OpScan { // the snapshot, whose name is made by chance: see oneSnapshot
			want[a.Path] = step.Content(j.tenant, "snapshot", step.SnapshotBytes)
		}
		if got[a.Path] {
			return fmt.Errorf("%s is listed twice", a.Path)
		}
		got[a.Path] = true
		_, content, err := r.get(ctx, r.URL, http.MethodGet, api.FilePath(j.id, a.Path), nil)
		if err != nil {
			return err
		}
		if a.SHA256 != step.Sum(want[a.Path]) || !bytes.Equal(content, want[a.Path]) {
			return fmt.Errorf("%s is not what it has to be", a.Path)
		}
	}
	if files := len(step.Files(j.tenant, j.wish)); j.operation == backend.OpScan && len(got) != files+1 || len(got) != len(want) {
		return fmt.Errorf("there are the files %v instead of %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	return nil
}

// oneSnapshot looks for the snapshots of a scan: one, whole; none of a scan that failed.
func (r *rig) oneSnapshot(ctx context.Context, j *job) error {
	if j.operation != backend.OpScan {
		return nil
	}
	want := 0
	if j.want == backend.JobCompleted {
		want = 1
	}
	return eventually(ctx, func() error {
		var page backend.SnapshotPage
		if _, err := r.ask(ctx, r.URL, http.MethodGet, api.PathSnapshots+"?tenant_id="+j.tenant, nil, &page); err != nil {
			return err
		}
		if len(page.Snapshots) > want {
			return fmt.Errorf("%w: it has %d snapshots instead of %d", errDuplicated, len(page.Snapshots), want)
		}
		if len(page.Snapshots) != want {
			return fmt.Errorf("it has %d snapshots instead of %d", len(page.Snapshots), want)
		}
		if want == 0 {
			return nil
		}
		var result struct{ Result backend.ScanResult }
		if _, err := r.ask(ctx, r.URL, http.MethodGet, api.Fill(api.PathResult, j.id), nil, &result); err != nil {
			return err
		}
		s := page.Snapshots[0]
		if result.Result.Snapshot == nil || result.Result.Snapshot.ID != s.ID || s.JobID != j.id {
			return fmt.Errorf("the snapshot %s of job %s is not that of the result", s.ID, s.JobID)
		}
		_, content, err := r.get(ctx, r.URL, http.MethodGet, api.Fill(api.PathSnapshotFile, s.ID), nil)
		if err != nil {
			return err
		}
		if !bytes.Equal(content, step.Content(j.tenant, "snapshot", step.SnapshotBytes)) {
			return errors.New("the snapshot is not what it has to be")
		}
		j.snapshot = s.ID
		return nil
	})
}

// rightEvents watches it anew at each node: numbers rise, the terminal event comes last and once, no attempt announces a part twice.
func (r *rig) rightEvents(ctx context.Context, j *job) error {
	for _, node := range r.APIs {
		url, err := r.NodeURL(node)
		if err != nil {
			return err
		}
		watching, cancel := context.WithTimeout(ctx, patience)
		all, err := r.events(watching, url, j.id, 0)
		cancel()
		if err != nil {
			return fmt.Errorf("at %s: %w after %d events", node.Name, err, len(all))
		}
		if err := inOrder(all, j.want); err != nil {
			return fmt.Errorf("at %s: %w", node.Name, err)
		}
	}
	return nil
}

func inOrder(all []backend.Event, want backend.JobStatus) error {
	if len(all) == 0 || !all[len(all)-1].Terminal() {
		return fmt.Errorf("%d events without a terminal one", len(all))
	}
	parts := map[string]bool{}
	for i, e := range all {
		if i > 0 && e.Seq <= all[i-1].Seq {
			return fmt.Errorf("event %d follows event %d", e.Seq, all[i-1].Seq)
		}
		if e.Terminal() && (i < len(all)-1 || e.Status.Status != want) {
			return fmt.Errorf("event %d of %d says that it is %s", i+1, len(all), e.Status.Status)
		}
		if e.Part != nil {
			in := fmt.Sprintf("%s of attempt %d", e.Part.Key, e.Seq>>32)
			if parts[in] {
				return fmt.Errorf("%s is announced twice", in)
			}
			parts[in] = true
		}
	}
	return nil
}

// outOfQueue looks for what is left of it in the queue, and among the dead letters.
func (r *rig) outOfQueue(ctx context.Context, j *job) error {
	return eventually(ctx, func() error {
		for stream, subject := range map[string]string{cluster.Queue: "atg.queue.*." + j.id + "*", "ATG_DEAD": "atg.dead.*." + j.id} {
			s, err := r.js.Stream(ctx, stream)
			if err != nil {
				return err
			}
			info, err := s.Info(ctx, jetstream.WithSubjectFilter(strings.Replace(subject, j.id+"*", "*", 1)))
			if err != nil {
				return err
			}
			for at := range info.State.Subjects {
				id := at[strings.LastIndexByte(at, '.')+1:]
				if (id == j.id || strings.HasPrefix(id, j.id+"-s")) && (stream == cluster.Queue || j.want == backend.JobCompleted) {
					return fmt.Errorf("%s is left in %s", at, stream)
				}
			}
		}
		return nil
	})
}

// noParts looks for checkpoints: an ended job has none.
func (r *rig) noParts(ctx context.Context, j *job) error {
	return eventually(ctx, func() error {
		files, err := r.js.KeyValue(ctx, "atg-files")
		if err != nil {
			return err
		}
		keys, err := files.ListKeysFiltered(ctx, "parts."+j.id+".*")
		if err != nil {
			return err
		}
		var left []string
		for key := range keys.Keys() {
			left = append(left, key)
		}
		if len(left) > 0 {
			return fmt.Errorf("%d parts are left: %v", len(left), left)
		}
		return nil
	})
}

// auditFolders looks for folders of jobs on the workers, once none is at work.
func (r *rig) auditFolders(ctx context.Context) error {
	return eventually(ctx, func() error {
		for _, w := range r.Workers {
			left, err := filepath.Glob(filepath.Join(w.Dir, "data", "work", "*", "*"))
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return fmt.Errorf("%s has kept %v", w.Name, left)
			}
		}
		return nil
	})
}

// record is what NATS holds of a job that a worker has begun.
func (r *rig) record(ctx context.Context, id string) (map[string]json.RawMessage, error) {
	records, err := r.js.KeyValue(ctx, "atg-records")
	if err != nil {
		return nil, err
	}
	entry, err := records.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	return all, json.Unmarshal(entry.Value(), &all)
}

// eventually asks until there is no error any more, or patience is over.
func eventually(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := check()
		if err == nil || wait(ctx, 100*time.Millisecond) != nil {
			return err
		}
	}
}

// of is the tenant that a job is about: a name that no other scan has.
func (j *job) of() string {
	if j.source != nil {
		return j.source.tenant
	}
	return j.tenant
}
