package store

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// leftover is how old a file or a piece of one must be that belongs to nothing, before it is removed: what it
// belongs to may be on its way.
const leftover = 24 * time.Hour

// Cleaned is what a cleaning removed.
type Cleaned struct {
	Jobs      int   // ended jobs, with their events and files
	Snapshots int   // with their files
	Files     int   // inputs that are old, and files that belonged to nothing
	Pieces    int   // of files that were never finished
	Bytes     int64 // of content
}

// LogValue logs the counts.
func (c Cleaned) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("jobs", c.Jobs), slog.Int("snapshots", c.Snapshots), slog.Int("files", c.Files),
		slog.Int("pieces", c.Pieces), slog.Int64("bytes", c.Bytes))
}

// Janitor cleans now and then every so often, until ctx ends. It may run in any number of processes.
func (s *Store) Janitor(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		done, err := s.Clean(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.WarnContext(ctx, "the store could not be cleaned", "removed", done, "error", err)
		case done != Cleaned{}:
			s.log.InfoContext(ctx, "cleaned the store", "removed", done)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// Clean removes, as of now, what Retention says: jobs that ended too long ago, the oldest ended jobs while the files
// are too large altogether, and snapshots that are too old. It removes the old inputs that no job waits for, and what
// interrupted processes left behind. Jobs that have not ended it never touches.
func (s *Store) Clean(ctx context.Context, now time.Time) (Cleaned, error) {
	c := cleaning{Store: s, now: now}
	for _, step := range []func(context.Context) error{c.survey, c.old, c.large, c.snapshotsOld, c.strays, c.pieces, c.consumers} {
		if err := step(ctx); err != nil {
			return c.done, s.fault(ctx, err, "the store could not be cleaned")
		}
	}
	return c.done, nil
}

// cleaning is one run of Clean.
type cleaning struct {
	*Store
	now   time.Time
	done  Cleaned
	files map[string]manifest // by key
	bytes map[string]int64    // of a job's files
	total int64
}

// survey lists the files.
func (c *cleaning) survey(ctx context.Context) error {
	c.files, c.bytes, c.total = map[string]manifest{}, map[string]int64{}, 0
	subject := bucketSubject(manifestsBucket, "")
	return c.bulk.scan(ctx, bucketStream(manifestsBucket), subject+">", 1, func(got message) error {
		if removed(got.header) {
			return nil
		}
		var m manifest
		if err := decode(got.data, &m); err != nil {
			return err
		}
		c.files[strings.TrimPrefix(got.subject, subject)] = m
		c.total += m.Size
		if m.Kind == jobs.KindArtifact || m.Kind == jobs.KindPart {
			c.bytes[m.Of] += m.Size
		}
		return nil
	})
}

// old removes the jobs that ended too long ago.
func (c *cleaning) old(ctx context.Context) error {
	for _, job := range c.index.ended() {
		if job.CompletedAt != nil && c.now.Sub(*job.CompletedAt) > c.config.Retention.Age {
			if err := c.job(ctx, job); err != nil {
				return err
			}
		}
	}
	return nil
}

// large removes the oldest ended jobs with files, until the rest is small enough.
func (c *cleaning) large(ctx context.Context) error {
	limit := c.config.Retention.Size
	if limit <= 0 || c.total <= limit {
		return nil
	}
	for _, job := range c.index.ended() {
		if c.total <= limit {
			return nil
		}
		if c.bytes[job.JobID] == 0 {
			continue
		}
		if err := c.job(ctx, job); err != nil {
			return err
		}
	}
	if c.total > limit {
		c.log.WarnContext(ctx, "the files are larger than the retention allows, but belong to snapshots, inputs and jobs that have not ended",
			"bytes", c.total, "limit", limit)
	}
	return nil
}

// job removes a job. The record goes last, so that an interrupted cleaning finds it again.
func (c *cleaning) job(ctx context.Context, job backend.JobStatusResponse) error {
	for _, kind := range []jobs.FileKind{jobs.KindPart, jobs.KindArtifact} {
		if err := c.DeleteAll(ctx, kind, job.JobID); err != nil {
			return err
		}
	}
	if err := c.shards(ctx, job.JobID); err != nil {
		return err
	}
	if err := c.Remove(ctx, job.JobID); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "removed a job", "job_id", job.JobID, "status", job.Status, "created_at", job.CreatedAt, "bytes", c.bytes[job.JobID])
	c.done.Jobs++
	c.done.Bytes += c.bytes[job.JobID]
	c.total -= c.bytes[job.JobID]
	delete(c.bytes, job.JobID)
	return nil
}

// shards removes the jobs of a job's shards, whose files are the job's own.
func (c *cleaning) shards(ctx context.Context, id string) error {
	r, _, err := c.Get(ctx, id)
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		return err
	}
	for _, shard := range r.Shards {
		if err := c.Remove(ctx, shard.ID); err != nil {
			return err
		}
	}
	return nil
}

// snapshotsOld removes the snapshots that are too old.
func (c *cleaning) snapshotsOld(ctx context.Context) error {
	if c.config.Retention.SnapshotAge <= 0 {
		return nil
	}
	for _, d := range c.snapshots.values() {
		if c.now.Sub(d.CreatedAt) <= c.config.Retention.SnapshotAge {
			continue
		}
		if err := c.DeleteSnapshot(ctx, d.ID); err != nil && !errors.Is(err, jobs.ErrNotFound) {
			return err
		}
		if err := c.Delete(ctx, jobs.SnapshotFile(d)); err != nil {
			return err
		}
		c.log.InfoContext(ctx, "removed a snapshot", "snapshot", d.ID, "tenant_id", d.TenantID, "created_at", d.CreatedAt)
		c.done.Snapshots++
		c.done.Bytes += d.Size
	}
	return nil
}

// strays removes files that belong to nothing, and inputs that are as old as the jobs that go and for which no job waits.
func (c *cleaning) strays(ctx context.Context) error {
	if err := c.survey(ctx); err != nil {
		return err
	}
	waited := c.index.inputs()
	known := map[jobs.FileName]bool{}
	for _, d := range c.snapshots.values() {
		known[jobs.SnapshotFile(d)] = true
	}
	for key, m := range c.files {
		name := jobs.FileName{Kind: m.Kind, Of: m.Of, Path: m.Path}
		keep := leftover
		switch m.Kind {
		case jobs.KindInput:
			if keep = c.config.Retention.Age; waited[m.SHA256] {
				continue
			}
		case jobs.KindSnapshot:
			if known[name] {
				continue
			}
		default:
			job, _, err := c.Status(ctx, m.Of)
			if err != nil && !errors.Is(err, jobs.ErrNotFound) {
				return err
			}
			late := m.Kind == jobs.KindPart && job.Status.Terminal() // of an attempt that was lost
			if err == nil && !late {
				continue
			}
		}
		if c.now.Sub(m.StoredAt) <= keep {
			continue
		}
		if err := c.deleteFile(ctx, key); err != nil {
			return err
		}
		c.done.Files++
		c.done.Bytes += m.Size
	}
	return nil
}

// pieces removes objects and chunks that no manifest lists: their files were never finished.
func (c *cleaning) pieces(ctx context.Context) error {
	if err := c.survey(ctx); err != nil {
		return err
	}
	listed := map[string]bool{} // subjects that belong to a file, or to an object
	for _, m := range c.files {
		for i, nuid := range m.Segments {
			listed[objectSubject(objectName(m.Object, i))], listed[chunkSubject(nuid)] = true, true
		}
	}
	var loose []string
	err := c.bulk.scan(ctx, segmentsStream, objectSubjects, 1, func(m message) error {
		if listed[m.subject] {
			return nil
		}
		var o jetstream.ObjectInfo
		if err := json.Unmarshal(m.data, &o); err != nil {
			return err
		}
		listed[m.subject], listed[chunkSubject(o.NUID)] = true, true
		if c.now.Sub(m.time) > leftover {
			loose = append(loose, m.subject, chunkSubject(o.NUID))
		}
		return nil
	})
	if err != nil {
		return err
	}
	bounded, cancel := bound(ctx)
	defer cancel()
	st, err := c.bulk.js.Stream(bounded, segmentsStream)
	if err != nil {
		return err
	}
	info, err := st.Info(bounded, jetstream.WithSubjectFilter(chunkSubject("*")))
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		if listed[subject] {
			continue
		}
		switch m, err := c.bulk.last(ctx, segmentsStream, subject); {
		case errors.Is(err, jobs.ErrNotFound):
		case err != nil:
			return err
		case c.now.Sub(m.time) > leftover:
			loose = append(loose, subject)
		}
	}
	for _, subject := range loose {
		if err := c.bulk.purge(ctx, segmentsStream, subject); err != nil {
			return err
		}
		c.done.Pieces++
	}
	return nil
}

// consumers removes those of owners without a job. One who submits again gets a new one.
func (c *cleaning) consumers(ctx context.Context) error {
	ctx, cancel := bound(ctx)
	defer cancel()
	stream, err := c.js.Stream(ctx, queueStream)
	if err != nil {
		return err
	}
	all := stream.ListConsumers(ctx)
	for i := range all.Info() {
		if c.index.has(i.Name) || i.NumPending > 0 || i.NumAckPending > 0 {
			continue
		}
		c.owners.forget(i.Name)
		if err := stream.DeleteConsumer(ctx, i.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
	}
	return all.Err()
}
