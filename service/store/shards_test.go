package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// split makes a job that is split into so many shards, whose jobs are enqueued, and answers their ids.
func split(t *testing.T, s *Store, id, owner string, shards int) (all []string) {
	t.Helper()
	enqueue(t, s, job(id, owner))
	update(t, s, id, func(r *jobs.Record) { run(r); r.Split(make([][]string, shards)) })
	r, _, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range r.Shards {
		enqueue(t, s, r.ShardRecord(shard, epoch.Add(time.Second)))
		all = append(all, shard.ID)
	}
	return all
}

// TestShardsWaitBesideTheirOwner who may have one job with workers, and has: shards do not count, but no more of them are with
// workers either. Owners have their turn between them.
func TestShardsWaitBesideTheirOwner(t *testing.T) {
	s := embeddedStore(t, func(c *Config) { c.PerOwner = 1 })
	enqueue(t, s, job("parent", "alice"))
	parent := take(t, s)
	update(t, s, "parent", func(r *jobs.Record) { run(r); r.Split([][]string{{"a"}, {"b"}}) })
	r, _, _ := s.Get(t.Context(), "parent")
	for _, shard := range r.Shards {
		enqueue(t, s, r.ShardRecord(shard, epoch.Add(time.Second)))
	}
	enqueue(t, s, job("another", "alice"), job("bobs", "bob"))
	first := map[string]jobs.Delivery{}
	for range 2 {
		d := take(t, s)
		first[d.ID()] = d
	}
	if first["parent-s01"] == nil || first["bobs"] == nil {
		t.Fatalf("the first two are %v", first)
	}
	if got := first["parent-s01"].Record(); got.Parent != "parent" || got.Owner != "alice" || !cmp.Equal(got.Shard, []string{"a"}) {
		t.Errorf("the shard is %+v", got)
	}
	update(t, s, "parent-s01", complete)
	if err := first["parent-s01"].Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := take(t, s); d.ID() != "parent-s02" {
		t.Errorf("%s comes behind the first shard", d.ID())
	}
	update(t, s, "parent", complete)
	if err := parent.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := take(t, s); d.ID() != "another" {
		t.Errorf("%s comes behind the parent", d.ID())
	}
}

func TestShardsAreNotListed(t *testing.T) {
	s := embeddedStore(t)
	shards := split(t, s, "parent", "alice", 3)
	for _, of := range []*Store{s, neighbour(t, s)} {
		for _, owner := range []string{"alice", ""} {
			page, err := of.List(t.Context(), owner, backend.JobFilter{})
			if err != nil || !cmp.Equal(ids(page), []string{"parent"}) {
				t.Errorf("%q has %v, %v", owner, ids(page), err)
			}
		}
		if counts := of.JobCounts(); !cmp.Equal(counts, map[backend.JobStatus]int64{backend.JobRunning: 1}) {
			t.Errorf("counts %v", counts)
		}
		if own, all := of.Waiting("alice"); own != 0 || all != 0 {
			t.Errorf("%d and %d wait for workers", own, all)
		}
		if status, owner, err := of.Status(t.Context(), shards[1]); err != nil || owner != "alice" || status.Status != backend.JobPending {
			t.Errorf("a shard is %+v of %q, %v", status, owner, err)
		}
	}
}

// TestShardsGoWithTheirParent and not before, however old they are, and no part of theirs stays.
func TestShardsGoWithTheirParent(t *testing.T) {
	s := embeddedStore(t, func(c *Config) { c.Retention.Age = time.Hour })
	shards := split(t, s, "parent", "alice", 2)
	for _, id := range shards {
		update(t, s, id, complete)
	}
	part := jobs.FileName{Kind: jobs.KindPart, Of: "parent", Path: "a"}
	put(t, s, part, content(10))
	late := time.Now().Add(48 * time.Hour)
	if done, err := s.Clean(t.Context(), late); err != nil || done.Jobs != 0 || done.Files != 0 {
		t.Fatalf("cleaned %+v, %v", done, err)
	}
	update(t, s, "parent", complete)
	if done, err := s.Clean(t.Context(), time.Now().Add(leftover+time.Minute)); err != nil || done.Jobs != 1 {
		t.Errorf("cleaned %+v, %v", done, err)
	}
	if _, err := s.Stat(t.Context(), part); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("the part is left: %v", err)
	}
	for _, id := range append(shards, "parent") {
		if _, _, err := s.Get(t.Context(), id); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("%s is left: %v", id, err)
		}
	}
}

func TestALatePartGoesAlthoughItsJobStays(t *testing.T) {
	s := embeddedStore(t)
	enqueue(t, s, job("parent", "alice"))
	update(t, s, "parent", complete)
	part := jobs.FileName{Kind: jobs.KindPart, Of: "parent", Path: "a"}
	put(t, s, part, content(10))
	for _, c := range []struct {
		after time.Duration
		files int
	}{{leftover - time.Minute, 0}, {leftover + time.Minute, 1}} {
		if done, err := s.Clean(t.Context(), time.Now().Add(c.after)); err != nil || done.Files != c.files || done.Jobs != 0 {
			t.Errorf("after %s cleaned %+v, %v", c.after, done, err)
		}
	}
}
