package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// submitCases strike while a job is submitted.
func submitCases() []faultCase {
	return []faultCase{
		{name: "kill-api-before-stored", short: true, what: "kill -9 of the API node that has read a submission, and whose link to NATS is held so that nothing of it can be stored", run: killBeforeStored},
		{name: "kill-api-after-stored", short: true, what: "kill -9 of the API node whose submission is stored, and whose answers of NATS are held so that it does not know", run: killAfterStored},
		{name: "kill-queue-leader-in-submissions", what: "kill -9 of the NATS server that leads the queue, among 60 submissions", run: killInSubmissions},
		{name: "no-quorum", what: "kill -9 of two of three NATS servers while a job runs: nothing can be stored until one is back", run: noQuorum},
	}
}

// toNATS are the links of a process to NATS.
func (r *rig) toNATS(name string) []*link {
	return r.links.of(func(from, to string) bool { return from == name && isNATS(to) })
}

// known has a node know the owner of the jobs, as every node does that has taken a job before.
func (r *rig) known(ctx context.Context, url string) error {
	j := r.newJob(step.Wish{Parts: 1, Bytes: 10})
	if err := r.submit(ctx, url, j); err != nil {
		return err
	}
	return r.audit(ctx, j)
}

func killBeforeStored(ctx context.Context, r *rig, seen *notes) error {
	victim := r.APIs[0]
	url, err := r.NodeURL(victim)
	if err != nil {
		return err
	}
	if err := r.known(ctx, url); err != nil {
		return err
	}
	if _, err := strike(r.toNATS(victim.Name), halfOpen); err != nil {
		return err
	}
	j := r.newJob(small)
	sent := make(chan struct{})
	var once sync.Once
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { once.Do(func() { close(sent) }) }})
	answered := make(chan error, 1)
	go func() { answered <- r.submit(traced, url, j) }()
	select {
	case <-sent:
	case err := <-answered:
		return fmt.Errorf("the submission was answered at once: %w", err)
	}
	victim.Kill()
	if err := <-answered; err == nil {
		return errors.New("a submission was accepted that nobody can have stored")
	}
	if r.control.works(j.tenant) > 0 {
		return errors.New("the job is done, so it was stored")
	}
	tries, err := r.insist(ctx, j)
	if err != nil {
		return err
	}
	seen.add("the client sees the connection end; sent again, attempt %d is accepted by the other node", tries)
	return r.healAndAudit(ctx, j)
}

func killAfterStored(ctx context.Context, r *rig, seen *notes) error {
	victim := r.APIs[0]
	url, err := r.NodeURL(victim)
	if err != nil {
		return err
	}
	if err := r.known(ctx, url); err != nil {
		return err
	}
	for _, l := range r.toNATS(victim.Name) {
		if err := l.deafen(); err != nil {
			return err
		}
	}
	j := r.newJob(small)
	taken := r.control.await(j.tenant, step.Plan, "")
	answered := make(chan error, 1)
	go func() { answered <- r.submit(ctx, url, j) }()
	h, err := taken.one(ctx) // a worker has it, so it is stored
	if err != nil {
		return err
	}
	select {
	case err := <-answered:
		return fmt.Errorf("the submission was answered by a node that hears nothing: %w", err)
	default:
	}
	victim.Kill()
	if err := <-answered; err == nil {
		return errors.New("a killed node has answered")
	}
	h.tell(step.Go)
	if _, err := r.insist(ctx, j); err != nil {
		return err
	}
	seen.add("the client sees the connection end, though the job runs; sent again, the other node answers that job")
	if err := r.healAndAudit(ctx, j); err != nil {
		return err
	}
	if n := r.control.works(j.tenant); n != 1 {
		return fmt.Errorf("the work was done %d times", n)
	}
	return nil
}

func killInSubmissions(ctx context.Context, r *rig, seen *notes) error {
	const many = 60
	all := make([]*job, many)
	for i := range all {
		all[i] = r.newJob(step.Wish{Parts: 1, Bytes: 100})
	}
	leader, err := r.Leader(ctx, cluster.Queue)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	failed := make([]error, many)
	tries := make([]int, many)
	for i, j := range all {
		group.Go(func() {
			if i == many/2 {
				leader.Kill()
			}
			tries[i], failed[i] = r.insist(ctx, j)
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	again := 0
	for _, n := range tries {
		again += n - 1
	}
	seen.add("%d accepted, %d answers were lost or refusals and sent again", many, again)
	return r.healAndAudit(ctx, all...)
}

func noQuorum(ctx context.Context, r *rig, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Run, "")
	if err != nil {
		return err
	}
	leader, err := r.Leader(ctx, cluster.Queue)
	if err != nil {
		return err
	}
	var dead []*cluster.Process
	for _, s := range r.Servers {
		if s != leader && len(dead) < 2 {
			dead = append(dead, s)
			s.Kill()
		}
	}
	url, err := r.NodeURL(r.APIs[0])
	if err != nil {
		return err
	}
	refused := r.newJob(small)
	short, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	began := time.Now()
	var no refusal
	if err := r.submit(short, url, refused); !errors.As(err, &no) || no.status != 503 || !no.problem.Retryable {
		return fmt.Errorf("a submission that cannot be stored is not refused with 503: %w", err)
	}
	seen.add("a submission is refused after %.1f s: %s", time.Since(began).Seconds(), no.Error())
	h.tell(step.Go)
	if err := dead[0].Start(ctx); err != nil {
		return err
	}
	if _, err := r.insist(ctx, refused); err != nil { // which is the same job, if it was stored after all
		return err
	}
	seen.add("with two servers the job ends, and the submission is accepted when it is sent again")
	return r.healAndAudit(ctx, j, refused)
}

// healAndAudit heals the cluster, and looks what has become of some jobs.
func (r *rig) healAndAudit(ctx context.Context, all ...*job) error {
	if err := r.heal(ctx); err != nil {
		return err
	}
	for _, j := range all {
		if err := r.audit(ctx, j); err != nil {
			return err
		}
	}
	return nil
}
