package jobs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Shard is a piece of a scan that is a job of its own, the scan's parent being the job that its caller submitted.
type Shard struct {
	ID    string   `json:"id"`    // of its job
	Parts []string `json:"parts"` // the keys of the parts that it reads
}

// The least work of a shard, either of which is enough. A shard costs a job: a process to start, the plan's parts to
// fetch, its own to store; all in all about a second. 200 calls are ten seconds and more under Azure's limits, and so
// are the pages of 20,000 rows with what has to be made of them.
const (
	shardCalls = 200
	shardRows  = 20_000
)

// Cut groups the parts of a plan into shards: at most so many, each with enough work to be worth a job, as equal as
// they can be. Parts of about the same work whose keys are neighbours, which are of one subscription, go to different
// shards, because Azure limits the calls on each subscription: a shard that had it all would wait for itself, while one that
// has a little of each waits for none. The same plan gives the same shards.
// Fewer than two shards are none: the scan is done in one piece.
func Cut(plan []backend.PlannedPart, most int) [][]string {
	whole := 0.0
	for _, p := range plan {
		whole += work(p)
	}
	heaviest := slices.Clone(plan)
	slices.SortFunc(heaviest, func(a, b backend.PlannedPart) int {
		return cmp.Or(cmp.Compare(magnitude(b), magnitude(a)), cmp.Compare(a.Key, b.Key))
	})
	for n := min(most, int(min(whole, float64(len(plan))))); n >= 2; n-- {
		if keys, least := deal(heaviest, n); least >= 1 {
			return keys
		}
	}
	return nil
}

// work is how much there is to do for a part; 1 is the least of a shard.
func work(p backend.PlannedPart) float64 {
	return max(float64(p.Calls)/shardCalls, float64(p.Rows)/shardRows)
}

// magnitude is the power of two that the work of a part reaches; 0 has the least.
func magnitude(p backend.PlannedPart) int {
	_, exponent := math.Frexp(work(p))
	if work(p) == 0 {
		return math.MinInt
	}
	return exponent
}

// deal gives each part, heavy ones first, to the one of n shards that has least to do, and answers how much that is in the end.
func deal(heaviest []backend.PlannedPart, n int) (keys [][]string, least float64) {
	keys, load := make([][]string, n), make([]float64, n)
	for _, p := range heaviest {
		to := 0
		for i := range load {
			if load[i] < load[to] || load[i] == load[to] && len(keys[i]) < len(keys[to]) {
				to = i
			}
		}
		keys[to] = append(keys[to], p.Key)
		load[to] += work(p)
	}
	return keys, slices.Min(load)
}

// Split gives the job shards with these parts, whose jobs are still to be made: see ShardRecord.
func (r *Record) Split(parts [][]string) {
	r.Shards = make([]Shard, len(parts))
	for i, keys := range parts {
		r.Shards[i] = Shard{ID: fmt.Sprintf("%s-s%02d", r.Job.JobID, i+1), Parts: keys}
	}
	r.Job.Shards = &backend.Shards{Total: len(parts)}
}

// ShardRecord is the job of a shard. It follows from the parent's record alone, so that whoever makes it again makes
// the same one.
func (r *Record) ShardRecord(s Shard, now time.Time) Record {
	return Record{
		Job: backend.JobStatusResponse{
			JobID: s.ID, Operation: r.Job.Operation, TenantID: r.Job.TenantID, Status: backend.JobPending, Attempt: 1, CreatedAt: now.UTC(),
		},
		Owner: r.Owner, Request: r.Request, Content: r.Content, Deadline: r.Deadline, Trace: r.Trace,
		Parent: r.Job.JobID, Shard: s.Parts,
	}
}

// PartsOf is the job whose files the job's parts are: a shard's are its parent's.
func (r *Record) PartsOf() string { return cmp.Or(r.Parent, r.Job.JobID) }

// Lane is in whose name the job waits for a worker: its owner's, or that of the owner's shards, which have their turn beside
// it. A scan whose owner may have one job with workers would otherwise wait for its own shards for ever.
func (r *Record) Lane() string { return Lane(r.Owner, r.Parent) }

// Lane is Record.Lane of a job with that owner and parent.
func Lane(owner, parent string) string {
	if parent == "" {
		return owner
	}
	return owner + "/shards"
}
