package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// side is a process whose links are in trouble.
type side struct {
	name, what string
	find       func(ctx context.Context, r *rig, h *held) ([]*link, error)
}

func sides() []side {
	return []side{
		{"client-api", "the links between the clients and one API node", func(_ context.Context, r *rig, _ *held) ([]*link, error) {
			return r.links.of(func(from, to string) bool { return from == cluster.Balanced && to == r.APIs[0].Name }), nil
		}},
		{"api-nats", "the links between one API node and NATS", func(_ context.Context, r *rig, _ *held) ([]*link, error) {
			return r.toNATS(r.APIs[0].Name), nil
		}},
		{"worker-nats", "the links between the job's worker and NATS", func(_ context.Context, r *rig, h *held) ([]*link, error) {
			p, err := r.workerOf(h)
			if err != nil {
				return nil, err
			}
			return r.toNATS(p.Name), nil
		}},
		{"nats-nats", "the links between the NATS server that leads the queue and the two others", func(ctx context.Context, r *rig, _ *held) ([]*link, error) {
			p, err := r.Leader(ctx, cluster.Queue)
			if err != nil {
				return nil, err
			}
			return r.links.around(p.Name, isNATS), nil
		}},
		{"nats-all", "all links of the NATS server that leads the queue: it is partitioned from everybody", func(ctx context.Context, r *rig, _ *held) ([]*link, error) {
			p, err := r.Leader(ctx, cluster.Queue)
			if err != nil {
				return nil, err
			}
			return r.links.around(p.Name, anyone), nil
		}},
	}
}

// networkCases make trouble on links while a job runs, and mend them once the job has ended or another worker has it.
func networkCases() (all []faultCase) {
	for _, s := range sides() {
		for _, kind := range []string{cut, slow, reset, halfOpen} {
			all = append(all, faultCase{
				name: s.name + "-" + strings.ReplaceAll(kind, " ", "-"), what: s.what + " are " + said[kind] + " while a job runs",
				short: s.name == "worker-nats" && kind == cut,
				run:   func(ctx context.Context, r *rig, seen *notes) error { return strikeLinks(ctx, r, s, kind, seen) },
			})
		}
	}
	return append(all, faultCase{
		name: "start-stranded", what: "a worker is started that reaches only a NATS server which is partitioned from the others; then it reaches the others, too", run: startStranded,
	})
}

var said = map[string]string{cut: "cut", slow: "slow (200 ms, 200 kB/s)", reset: "reset again and again", halfOpen: "half open: nothing is carried, and nobody is told"}

func strikeLinks(ctx context.Context, r *rig, s side, kind string, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Run, "")
	if err != nil {
		return err
	}
	some, err := s.find(ctx, r, h)
	if err != nil {
		return err
	}
	if len(some) == 0 {
		return errors.New("there are no such links")
	}
	watched := r.watch(ctx, j.id)
	struck := time.Now()
	if _, err := strike(some, kind); err != nil {
		return err
	}
	h.tell(step.Go)
	during := r.newJob(step.Wish{Parts: 1, Bytes: 100}) // submitted while the trouble lasts
	tries, err := r.insist(ctx, during)
	if err != nil {
		return err
	}
	status, err := r.ended(ctx, j.id)
	if err != nil {
		return fmt.Errorf("%w while the trouble lasts: %w", errLost, err)
	}
	seen.add("%s %.1f s later at attempt %d, while the trouble lasts; its work was done %s; a submission meanwhile took %s", status.Status, time.Since(struck).Seconds(), status.Attempt,
		times(r.control.works(j.tenant)), attempts(tries))
	if err := r.healAndAudit(ctx, j, during); err != nil {
		return err
	}
	return watched.check(ctx, r, j)
}

func attempts(n int) string {
	if n == 1 {
		return "one attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

// startStranded starts a worker whose first NATS server has no leader to ask. It has to find another one as soon as it can reach one.
func startStranded(ctx context.Context, r *rig, seen *notes) error {
	leader, err := r.Leader(ctx, cluster.Queue)
	if err != nil {
		return err
	}
	stranded := r.Servers[0]
	if stranded == leader {
		stranded = r.Servers[1]
	}
	if _, err := strike(r.links.around(stranded.Name, isNATS), halfOpen); err != nil {
		return err
	}
	w := r.Workers[0]
	w.Kill()
	mend, err := strike(r.links.of(func(from, to string) bool { return from == w.Name && isNATS(to) && to != stranded.Name }), cut)
	if err != nil {
		return err
	}
	const waits = "NATS is not ready to keep anything yet"
	before := strings.Count(w.Log(), waits)
	ready := make(chan error, 1)
	go func() { ready <- w.Start(ctx) }()
	for strings.Count(w.Log(), waits) == before {
		select {
		case err := <-ready:
			return fmt.Errorf("it did not wait for NATS: %w", err)
		default:
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	if err := mend(); err != nil {
		return err
	}
	began := time.Now()
	if err := <-ready; err != nil {
		return err
	}
	seen.add("ready %.1f s after it could reach another one", time.Since(began).Seconds())
	j := r.newJob(small)
	if _, err := r.insist(ctx, j); err != nil {
		return err
	}
	return r.healAndAudit(ctx, j)
}
