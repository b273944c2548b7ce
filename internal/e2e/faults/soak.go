package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// How a soak goes: rounds of trouble, each followed by an audit of its jobs in peace.
const (
	roundTime  = 20 * time.Second
	submitters = 3
	under      = 6 // jobs of a submitter that are under way at a time
	telling    = 10 * time.Second
	peace      = 3 * time.Minute // at most, until every job of a round has ended and was audited
)

// soak runs a cluster under random trouble.
type soak struct {
	*rig
	random *rand.Rand // of the trouble; jobs have their own
	mu     sync.Mutex
	jobs   []*job         // of the round
	known  []*job         // scans that were audited, of whose snapshots code is generated
	killed map[string]int // faults by kind
	pids   []int          // of backends that were seen in the round

	audited, lost, duplicated, wrong int
	began                            time.Time
	out                              io.Writer // for people
}

// figure is a line of output, as those of the benchmark.
type figure struct {
	Name      string  `json:"name"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Goal      string  `json:"goal"`
	Reference float64 `json:"reference"`
	Note      string  `json:"note,omitempty"`
}

// runSoak runs rounds until the time is over, and prints the figures. What was lost, duplicated or wrong is an error.
func runSoak(ctx context.Context, r *rig, seed uint64, d time.Duration, figures, people io.Writer) error {
	s := &soak{rig: r, random: rand.New(rand.NewPCG(seed, 0)), killed: map[string]int{}, began: time.Now(), out: people}
	r.control.mu.Lock()
	r.control.others = s.chance(rand.New(rand.NewPCG(seed, 1)))
	r.control.mu.Unlock()
	fmt.Fprintf(people, "soak: %s with seed %d\n", d, seed)
	telling := s.tell(ctx)
	var failed error
	for round := uint64(1); ctx.Err() == nil && time.Since(s.began) < d; round++ {
		if failed = s.round(ctx, seed+round, min(roundTime, max(d-time.Since(s.began), time.Second))); failed != nil {
			break
		}
	}
	telling()
	note := s.note(seed)
	out := json.NewEncoder(figures)
	for _, f := range []figure{
		{Name: "jobs_lost", Value: float64(s.lost), Unit: "jobs", Goal: "= 0", Note: note},
		{Name: "jobs_duplicated", Value: float64(s.duplicated), Unit: "jobs", Goal: "= 0", Note: note},
		{Name: "jobs_wrong", Value: float64(s.wrong), Unit: "jobs", Goal: "= 0", Note: "wrong state, files, events, or something left behind"},
	} {
		if err := out.Encode(f); err != nil {
			return err
		}
	}
	if failed == nil && s.lost+s.duplicated+s.wrong > 0 {
		failed = fmt.Errorf("of %d jobs %d are lost, %d duplicated, %d wrong (seed %d)", s.audited, s.lost, s.duplicated, s.wrong, seed)
	}
	return failed
}

// note says what a soak was.
func (s *soak) note(seed uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(s.killed)) {
		all += s.killed[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, s.killed[kind]))
	}
	return fmt.Sprintf("%d jobs in %s under %d faults (%s); seed %d", s.audited, time.Since(s.began).Round(time.Second), all, strings.Join(kinds, ", "), seed)
}

// tell tells how far it is, now and then, until the answered function is called.
func (s *soak) tell(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for wait(ctx, telling) == nil {
			s.mu.Lock()
			faults := 0
			for _, n := range s.killed {
				faults += n
			}
			fmt.Fprintf(s.out, "soak: %s: %d jobs audited, %d in this round, %d faults, %d lost, %d duplicated, %d wrong\n",
				time.Since(s.began).Round(time.Second), s.audited, len(s.jobs), faults, s.lost, s.duplicated, s.wrong)
			s.mu.Unlock()
		}
	}()
	return func() { cancel(); <-done }
}

// round submits jobs while trouble strikes, heals everything, and audits the jobs.
func (s *soak) round(ctx context.Context, seed uint64, d time.Duration) error {
	troubled, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	for n := range uint64(submitters) {
		random := rand.New(rand.NewPCG(seed, 2+n))
		all.Go(func() { s.submits(troubled, random) })
	}
	all.Go(func() { s.troubles(troubled) })
	all.Wait()
	peaceful, cancel := context.WithTimeout(ctx, peace)
	defer cancel()
	if err := s.heal(peaceful); err != nil {
		return fmt.Errorf("the cluster does not heal: %w", err)
	}
	s.mu.Lock()
	jobs := s.jobs
	s.jobs, s.pids = nil, nil
	s.mu.Unlock()
	var group sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, j := range jobs {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			s.judge(j, s.settleAndAudit(peaceful, j))
		})
	}
	group.Wait()
	return s.auditFolders(peaceful)
}

// settleAndAudit audits a job whose submission may have been given up when the round ended.
func (s *soak) settleAndAudit(ctx context.Context, j *job) error {
	if j.id == "" {
		if _, err := s.insist(ctx, j); err != nil {
			return err
		}
	}
	if j.want == "" { // it was asked to be cancelled, perhaps too late
		end, err := s.ended(ctx, j.id)
		if err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		if j.want = end.Status; j.want != backend.JobCancelled && j.want != backend.JobCompleted {
			return fmt.Errorf("job %s is %s: %s", j.id, end.Status, end.Error)
		}
	}
	return s.audit(ctx, j)
}

// judge counts what came of a job.
func (s *soak) judge(j *job, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.audited++
	switch {
	case err == nil && j.operation == backend.OpScan && j.want == backend.JobCompleted:
		s.known = append(s.known[max(0, len(s.known)-20):], j)
	case errors.Is(err, errLost):
		s.lost++
	case errors.Is(err, errDuplicated):
		s.duplicated++
	case err != nil:
		s.wrong++
	}
	if err != nil {
		fmt.Fprintf(s.out, "soak: %s (%s): %v\n", j.id, j.tenant, err)
	}
}

// submits submits jobs until ctx ends. What is under way then is submitted to its end in peace.
func (s *soak) submits(ctx context.Context, random *rand.Rand) {
	var mine []*job
	for ctx.Err() == nil {
		j := s.invent(random)
		s.mu.Lock()
		s.jobs = append(s.jobs, j)
		s.mu.Unlock()
		_, err := s.insist(ctx, j)
		if err != nil {
			_ = wait(ctx, 200*time.Millisecond)
			continue
		}
		if random.IntN(8) == 0 { // as after a lost answer
			_ = s.submit(ctx, s.URL, j)
		}
		if random.IntN(10) == 0 {
			j.want = ""
			_ = wait(ctx, time.Duration(random.IntN(500))*time.Millisecond)
			_, _, _ = s.get(ctx, s.URL, http.MethodDelete, api.Fill(api.PathJob, j.id), nil)
		}
		mine = append(mine, j)
		for len(mine) >= under && ctx.Err() == nil {
			short, cancel := context.WithTimeout(ctx, time.Second)
			_, err := s.ended(short, mine[0].id)
			cancel()
			if err == nil {
				mine = mine[1:]
			}
		}
	}
}

// invent makes a job of a random kind.
func (s *soak) invent(random *rand.Rand) *job {
	j := s.newJob(step.Wish{Parts: 1 + random.IntN(4), Bytes: int64(100 + random.IntN(50_000))})
	switch n := random.IntN(20); {
	case n == 0:
		j.wish.Bytes = 3 << 20
	case n < 5:
		j.wish = step.Wish{Parts: 2 + random.IntN(4), Bytes: 20_000, Shards: true}
	case n < 9:
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.known) > 0 {
			of := s.known[random.IntN(len(s.known))]
			j.operation, j.source = backend.OpGenerateIaC, of
		}
	}
	return j
}
