package store

import (
	"slices"
	"sync"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// index has every job in memory, summed up: what lists and states are answered from.
type index struct {
	waiters waiters // for jobs, by id

	mu      sync.RWMutex
	byID    map[string]*entry
	byToken map[string]string // ids that are not their own token
	all     timeline
	byOwner map[string]*timeline // by token; an owner's shards are in a timeline of their own: see jobs.Record.Lane
	loading bool                 // the timelines are not sorted yet
}

// entry is a job.
type entry struct {
	summary
	revision jobs.Revision
	live     *live // of the present attempt, if there was any
	gone     bool  // it was removed, and leaves the timelines with the next of their clean-ups
}

// live is how far a running job is, by its latest events.
type live struct {
	attempt  int
	phase    string
	progress *float64
}

// timeline is jobs by when they were created, oldest first.
type timeline struct {
	jobs []*entry
	gone int
	counts
}

type counts struct {
	unfinished int // jobs that have not ended
	running    int // of these
}

func newIndex() *index {
	return &index{byID: map[string]*entry{}, byToken: map[string]string{}, byOwner: map[string]*timeline{}, loading: true}
}

func (e *entry) place() place { return place{e.Job.CreatedAt, e.Job.JobID} }

func older(a, b *entry) int { return a.place().compare(b.place()) }

// loaded sorts what came until now.
func (x *index) loaded() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.loading = false
	slices.SortFunc(x.all.jobs, older)
	for _, t := range x.byOwner {
		slices.SortFunc(t.jobs, older)
	}
}

// put takes a record's summary as of a revision; it says whether that is news. What is older than what the
// index has is not.
func (x *index) put(s summary, revision jobs.Revision) bool {
	x.mu.Lock()
	e, known := x.byID[s.Job.JobID]
	if known && e.revision >= revision {
		x.mu.Unlock()
		return false
	}
	lane := s.lane()
	owner := x.byOwner[lane]
	if owner == nil {
		owner = &timeline{}
		x.byOwner[lane] = owner
	}
	if known {
		x.count(owner, e, -1)
		e.summary, e.revision = s, revision
		if e.live != nil && (s.Job.Status.Terminal() || e.live.attempt < s.Job.Attempt) {
			e.live = nil
		}
	} else {
		e = &entry{summary: s, revision: revision}
		x.byID[s.Job.JobID] = e
		if t := token(s.Job.JobID); t != s.Job.JobID {
			x.byToken[t] = s.Job.JobID
		}
		x.all.add(e, x.loading)
		owner.add(e, x.loading)
	}
	x.count(owner, e, 1)
	x.mu.Unlock()
	x.waiters.wake(s.Job.JobID)
	return true
}

// remove forgets a job whose removal has a revision, unless it has come anew since.
func (x *index) remove(id string, revision jobs.Revision) {
	x.mu.Lock()
	e := x.byID[id]
	if e == nil || e.revision > revision {
		x.mu.Unlock()
		return
	}
	delete(x.byID, id)
	delete(x.byToken, token(id))
	e.gone = true
	owner := x.byOwner[e.lane()]
	x.count(owner, e, -1)
	x.all.clean()
	if owner.clean(); len(owner.jobs) == 0 {
		delete(x.byOwner, e.lane())
	}
	x.mu.Unlock()
	x.waiters.wake(id)
}

// progress takes what an event says of a job that is at work: its phase, by an event of progress, and how far it is as a
// whole, by one of its state.
func (x *index) progress(id string, attempt int, e backend.Event) {
	x.mu.Lock()
	j := x.byID[id]
	if j == nil || j.Job.Status.Terminal() || attempt < j.Job.Attempt {
		x.mu.Unlock()
		return
	}
	now := live{attempt: attempt}
	if j.live != nil && j.live.attempt == attempt {
		now = *j.live
	}
	if e.Progress != nil {
		now.phase = intern(e.Progress.Phase)
	} else if e.Status.Progress != nil {
		now.progress = e.Status.Progress
	}
	same := j.live != nil && j.live.phase == now.phase && equal(j.live.progress, now.progress)
	j.live = &now
	x.mu.Unlock()
	if !same {
		x.waiters.wake(id)
	}
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// status is a job's present state and its owner.
func (x *index) status(id string) (backend.JobStatusResponse, string, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.byID[id]
	if e == nil {
		return backend.JobStatusResponse{}, "", false
	}
	return e.state(), e.Owner, true
}

// state is the job with its live progress. The lock is held.
func (e *entry) state() backend.JobStatusResponse {
	s := e.Job
	if e.live != nil && s.Status == backend.JobRunning {
		if e.live.phase != "" {
			s.Phase = e.live.phase
		}
		if e.live.progress != nil {
			s.Progress = e.live.progress
		}
	}
	return s
}

// named answers the id that a token stands for, with the revision that is known of the job; empty is none.
func (x *index) named(token string) (string, jobs.Revision) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	id := token
	if long, ok := x.byToken[token]; ok {
		id = long
	}
	if e := x.byID[id]; e != nil {
		return id, e.revision
	}
	return "", 0
}

// running is how many jobs of an owner, by token, are with workers as far as their records say.
func (x *index) running(owner string) int { return x.of(owner).running }

// waiting is how many jobs of an owner, by token, no worker has begun yet.
func (x *index) waiting(owner string) int {
	c := x.of(owner)
	return c.unfinished - c.running
}

// waitingAll is how many jobs of all owners no worker has begun yet.
func (x *index) waitingAll() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.all.unfinished - x.all.running
}

// of has the counts of an owner.
func (x *index) of(owner string) counts {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if t := x.byOwner[owner]; t != nil {
		return t.counts
	}
	return counts{}
}

// begun are the jobs that have a record in the bucket and have not ended, each with its revision.
func (x *index) begun() map[string]jobs.Revision {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := map[string]jobs.Revision{}
	for _, t := range x.byOwner {
		if t.unfinished == 0 {
			continue
		}
		for _, e := range t.jobs {
			if !e.gone && e.revision != 0 && !e.Job.Status.Terminal() {
				all[e.Job.JobID] = e.revision
			}
		}
	}
	return all
}

// busy are the owners, by token, with jobs that have not ended.
func (x *index) busy() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var owners []string
	for owner, t := range x.byOwner {
		if t.unfinished > 0 {
			owners = append(owners, owner)
		}
	}
	return owners
}

// list answers a page of an owner's jobs, newest first; of every one's if owner is empty.
func (x *index) list(owner string, f backend.JobFilter) (backend.JobPage, error) {
	before, err := parsePlace(f.Cursor)
	if err != nil {
		return backend.JobPage{}, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	page := backend.JobPage{Jobs: []backend.JobStatusResponse{}}
	t := &x.all
	if owner != "" {
		if t = x.byOwner[token(owner)]; t == nil {
			return page, nil
		}
	}
	at := len(t.jobs)
	if before != nil {
		at, _ = slices.BinarySearchFunc(t.jobs, *before, func(e *entry, p place) int { return e.place().compare(p) })
	}
	var last *entry
	for at--; at >= 0; at-- {
		e := t.jobs[at]
		if e.gone || e.Parent != "" || f.Status != "" && e.Job.Status != f.Status || f.Operation != "" && e.Job.Operation != f.Operation ||
			f.TenantID != "" && e.Job.TenantID != f.TenantID {
			continue
		}
		if len(page.Jobs) == f.Limit {
			page.Cursor = last.place().cursor()
			break
		}
		last = e
		page.Jobs = append(page.Jobs, e.state())
	}
	return page, nil
}

// ended are the jobs that ended, by when they were created, oldest first. Shards go with their parent and are left out while
// it is there.
func (x *index) ended() []backend.JobStatusResponse {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []backend.JobStatusResponse
	for _, e := range x.all.jobs {
		if !e.gone && e.Job.Status.Terminal() && (e.Parent == "" || x.byID[e.Parent] == nil) {
			all = append(all, e.Job)
		}
	}
	return all
}

// inputs are the SHA-256 of the inputs of jobs that have not ended.
func (x *index) inputs() map[string]bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := map[string]bool{}
	for _, e := range x.byID {
		for _, in := range e.Inputs {
			all[in.SHA256] = true
		}
	}
	return all
}

// has says whether an owner, by token, has any job.
func (x *index) has(owner string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.byOwner[owner] != nil
}

// add puts a job in its place, which is mostly the end.
func (t *timeline) add(e *entry, anywhere bool) {
	at := len(t.jobs)
	if !anywhere && at > 0 && older(t.jobs[at-1], e) > 0 {
		at, _ = slices.BinarySearchFunc(t.jobs, e, older)
	}
	t.jobs = slices.Insert(t.jobs, at, e)
}

// count keeps account of a job's status in its lane, and in all but for shards, which nobody submitted. The lock is held.
func (x *index) count(lane *timeline, e *entry, by int) {
	lane.count(e.Job.Status, by)
	if e.Parent == "" {
		x.all.count(e.Job.Status, by)
	}
}

// count keeps account of a job's status.
func (c *counts) count(status backend.JobStatus, by int) {
	if !status.Terminal() {
		c.unfinished += by
	}
	if status == backend.JobRunning {
		c.running += by
	}
}

// clean drops the jobs that are gone when half of them are, so that each removal costs little.
func (t *timeline) clean() {
	if t.gone++; t.gone*2 >= len(t.jobs) {
		t.jobs = slices.DeleteFunc(t.jobs, func(e *entry) bool { return e.gone })
		t.gone = 0
	}
}

// tally counts the jobs by status, without shards.
func (x *index) tally() map[backend.JobStatus]int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := map[backend.JobStatus]int64{}
	for _, e := range x.byID {
		if e.Parent == "" {
			all[e.Job.Status]++
		}
	}
	return all
}
