package store

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// ended makes a job that ended so long after the epoch, with a file of so many bytes.
func ended(t testing.TB, s *Store, id string, after time.Duration, size int) {
	t.Helper()
	r := job(id, "owner-of-"+id)
	r.Job.CreatedAt = epoch.Add(after)
	enqueue(t, s, r)
	d := take(t, s)
	update(t, s, id, run)
	if size > 0 {
		put(t, s, jobs.FileName{Kind: jobs.KindArtifact, Of: id, Path: "file"}, content(size))
	}
	update(t, s, id, func(r *jobs.Record) {
		complete(r)
		at := epoch.Add(after)
		r.Job.CompletedAt = &at
	})
	if err := d.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func clean(t testing.TB, s *Store, after time.Duration) Cleaned {
	t.Helper()
	done, err := s.Clean(t.Context(), epoch.Add(after))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func stored(t testing.TB, s *Store, n jobs.FileName) bool {
	t.Helper()
	_, err := s.Stat(t.Context(), n)
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestCleanByAge(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	s := embeddedStore(t, func(c *Config) {
		c.Retention.Age, c.Logger = 24*time.Hour, slog.New(slog.NewTextHandler(&logged, nil))
	})
	ended(t, s, "old", 0, 100)
	ended(t, s, "young", 2*time.Hour, 100)
	enqueue(t, s, job("waiting", "owner"))
	d := take(t, s)
	enqueue(t, s, job("running", "owner"))
	update(t, s, "running", run)
	if diff := cmp.Diff(Cleaned{Jobs: 1, Bytes: 100}, clean(t, s, 25*time.Hour)); diff != "" {
		t.Error(diff)
	}
	page, err := s.List(t.Context(), "", backend.JobFilter{})
	if diff := cmp.Diff([]string{"young", "waiting", "running"}, ids(page)); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if stored(t, s, jobs.FileName{Kind: jobs.KindArtifact, Of: "old", Path: "file"}) || !stored(t, s, jobs.FileName{Kind: jobs.KindArtifact, Of: "young", Path: "file"}) {
		t.Error("the files are not those of the jobs that are left")
	}
	if !strings.Contains(logged.String(), "job_id=old") {
		t.Errorf("the log does not name it: %s", &logged)
	}
	if _, err := s.js.Consumer(t.Context(), queueStream, "owner-of-old"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("the consumer of an owner without jobs is still there: %v", err)
	}
	if err := d.Done(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(Cleaned{}, clean(t, s, 25*time.Hour)); diff != "" {
		t.Errorf("again: %s", diff)
	}
}

func TestCleanBySize(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.Retention.Size = 250 })
	ended(t, s, "a", 0, 100)
	ended(t, s, "b", time.Minute, 0)
	ended(t, s, "c", 2*time.Minute, 100)
	ended(t, s, "d", 3*time.Minute, 100)
	if diff := cmp.Diff(Cleaned{Jobs: 1, Bytes: 100}, clean(t, s, time.Hour)); diff != "" {
		t.Error(diff)
	}
	page, err := s.List(t.Context(), "", backend.JobFilter{})
	if diff := cmp.Diff([]string{"d", "c", "b"}, ids(page)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestCleanSnapshots(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.Retention.SnapshotAge = 10 * time.Hour })
	for _, i := range []int{1, 9} { // made 0 and 4 hours after the epoch
		d := snapshot(i, "tenant")
		d.Snapshot.Size = 10
		put(t, s, jobs.SnapshotFile(d.Snapshot), content(10))
		if err := s.PutSnapshot(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(Cleaned{Snapshots: 1, Bytes: 10}, clean(t, s, 12*time.Hour)); diff != "" {
		t.Error(diff)
	}
	page, err := s.ListSnapshots(t.Context(), []string{"*"}, backend.SnapshotFilter{})
	if err != nil || len(page.Snapshots) != 1 || page.Snapshots[0].ID != "s09" {
		t.Errorf("%+v: %v", page, err)
	}
	if stored(t, s, jobs.SnapshotFile(snapshot(1, "tenant").Snapshot)) || !stored(t, s, jobs.SnapshotFile(snapshot(9, "tenant").Snapshot)) {
		t.Error("the files are not those of the snapshots that are left")
	}
}

func TestCleanWhatBelongsToNothing(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	waiting := job("waiting", "owner")
	waiting.Inputs = []backend.Input{{Path: "spec.md", SHA256: "needed"}}
	enqueue(t, s, waiting)
	kept := []jobs.FileName{
		{Kind: jobs.KindInput, Of: "owner", Path: "needed"}, {Kind: jobs.KindPart, Of: "waiting", Path: "part"},
	}
	lost := []jobs.FileName{
		{Kind: jobs.KindPart, Of: "gone", Path: "part"}, {Kind: jobs.KindSnapshot, Of: "tenant", Path: "never recorded"},
		{Kind: jobs.KindInput, Of: "owner", Path: "unused"},
	}
	for _, n := range append(kept, lost...) {
		a := put(t, s, n, content(10))
		if n.Kind == jobs.KindInput { // inputs are named by what they contain; here, by what they are for
			m, err := s.manifest(t.Context(), fileKey(n))
			if err != nil {
				t.Fatal(err)
			}
			m.SHA256 = n.Path
			data, err := encode(m)
			if err == nil {
				_, err = s.manifests.Put(t.Context(), fileKey(n), data)
			}
			if err != nil {
				t.Fatal(a, err)
			}
		}
	}
	full := usage(t, s)
	// What a killed process leaves: an object without a manifest, and chunks without an object.
	if _, err := s.objects.Put(t.Context(), jetstream.ObjectMeta{Name: objectName("lost", 0)}, bytes.NewReader(content(10))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.js.Publish(t.Context(), chunkSubject("LOST"), content(10)); err != nil {
		t.Fatal(err)
	}
	now := time.Since(epoch)
	if diff := cmp.Diff(Cleaned{}, clean(t, s, now)); diff != "" {
		t.Errorf("what is young may still be needed: %s", diff)
	}
	if diff := cmp.Diff(Cleaned{Files: 2, Bytes: 20, Pieces: 3}, clean(t, s, now+leftover+time.Minute)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Cleaned{Files: 1, Bytes: 10}, clean(t, s, now+DefaultAge+time.Minute)); diff != "" {
		t.Errorf("after the age of jobs: %s", diff)
	}
	for _, n := range kept {
		if !stored(t, s, n) {
			t.Errorf("%+v is gone", n)
		}
	}
	for _, n := range lost {
		if stored(t, s, n) {
			t.Errorf("%+v is still there", n)
		}
	}
	if after := usage(t, s); after >= full {
		t.Errorf("%d bytes instead of less than %d", after, full)
	}
	f, err := s.Open(t.Context(), kept[1])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || !bytes.Equal(b, content(10)) {
		t.Errorf("%q: %v", b, err)
	}
}
