package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// lease is how long a worker of the rig may show no life before its job goes to another.
const lease = 2 * time.Second

// rig is a cluster with proxies on all of its links, and who hears of the steps of its jobs.
type rig struct {
	*cluster.Cluster
	dir     string
	links   *links
	control *control
	log     io.Writer // for people

	nc      *nats.Conn
	js      jetstream.JetStream
	jobs    atomic.Int64 // made so far
	holders []func()
}

// build builds what the rig needs beside atg's programs, and answers the folder.
func build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir, "github.com/azure-tenant-grapher/atg/internal/e2e/faults/faultbackend")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the backend: %w\n%s", err, out)
	}
	return nil
}

// options of a rig.
type options struct {
	bin, nats string            // folders or programs that are built
	helpers   string            // the folder of faultbackend
	workers   int               // 2 unless set
	config    map[string]any    // over what the rig sets
	wrap      map[string]string // by process: the program that is started in its place
	holders   []func()          // end what the programs in wrap need, when all is over
}

// newRig starts a cluster in a folder.
func newRig(ctx context.Context, dir string, o options, log io.Writer) (r *rig, err error) {
	r = &rig{dir: dir, links: newLinks(), log: log, holders: o.holders}
	defer func() {
		if err != nil {
			r.close()
			r = nil
		}
	}()
	socket := filepath.Join(dir, "steps")
	if r.control, err = newControl(socket); err != nil {
		return r, err
	}
	config := map[string]any{
		"worker":  map[string]any{"lease": lease.String(), "retry_delay": "200ms", "grace": "3s", "concurrency": 3, "attempts": 5, "shards": 4},
		"limits":  map[string]any{"rate": 0, "job_timeout": "10m"},
		"backend": map[string]any{"name": "fault", "path": filepath.Join(o.helpers, "faultbackend"), "env": []string{step.Variable}},
	}
	for section, keys := range o.config {
		if have, ok := config[section].(map[string]any); ok {
			for key, value := range keys.(map[string]any) {
				have[key] = value
			}
			continue
		}
		config[section] = keys
	}
	r.Cluster, err = cluster.New(cluster.Options{
		Dir: filepath.Join(dir, "cluster"), Bin: o.bin, NATS: o.nats, Workers: o.workers, Lazy: true, // the cases end processes, not power
		Config: config, Env: []string{step.Variable + "=" + socket}, Link: r.links.lay,
	})
	if err != nil {
		return r, err
	}
	for name, program := range o.wrap {
		r.Process(name).Path = program
	}
	if err = r.Start(ctx); err != nil {
		return r, err
	}
	if r.nc, err = nats.Connect(r.NATSURL(), nats.RootCAs(r.CAFile), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.Name("auditor")); err != nil {
		return r, err
	}
	if r.js, err = jetstream.New(r.nc); err != nil {
		return r, err
	}
	return r, r.Settled(ctx)
}

func (r *rig) close() {
	if r.control != nil {
		r.control.close()
	}
	if r.nc != nil {
		r.nc.Close()
	}
	if r.Cluster != nil {
		r.Cluster.Close()
	}
	r.links.close()
	for _, end := range r.holders {
		end()
	}
}

// heal ends every trouble: processes run, links carry, replicas have caught up.
func (r *rig) heal(ctx context.Context) error {
	for _, l := range r.links.of(func(string, string) bool { return true }) {
		if l.troubled {
			if err := l.mend(); err != nil {
				return err
			}
		}
	}
	for _, p := range r.Processes() {
		p.Resume()
	}
	if err := r.supervise(ctx, func() bool { return true }); err != nil {
		return err
	}
	if err := r.Settled(ctx); err != nil {
		return err
	}
	return r.supervise(ctx, func() bool { return r.Balancer.Ready() == len(r.APIs) })
}

// supervise starts what has ended, as whoever supervises a service does, until all is well.
func (r *rig) supervise(ctx context.Context, well func() bool) error {
	for {
		for _, p := range r.Processes() {
			if p.Running() {
				continue
			}
			if err := p.Start(ctx); err != nil && ctx.Err() != nil {
				return err
			}
		}
		if well() {
			return nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("the API nodes are not ready: %w", err)
		}
	}
}

// job is one that a case submits, and what has to become of it.
type job struct {
	tenant, key string
	wish        step.Wish
	operation   backend.Operation
	source      *job   // a scan, of whose snapshot code is generated
	snapshot    string // of a scan that was audited

	id   string            // once it was accepted
	want backend.JobStatus // how it has to end; empty is completed
}

// newJob makes one that was not submitted yet.
func (r *rig) newJob(w step.Wish) *job {
	name := fmt.Sprintf("job-%d-%d", os.Getpid(), r.jobs.Add(1))
	return &job{tenant: name, key: name, wish: w, operation: backend.OpScan, want: backend.JobCompleted}
}

// small is a scan of three parts; sharded one that is cut into shards.
var (
	small   = step.Wish{Parts: 3, Bytes: 20_000}
	sharded = step.Wish{Parts: 4, Bytes: 20_000, Shards: true}
)

// refusal is an answer that refuses.
type refusal struct {
	status  int
	problem api.Problem
}

func (r refusal) Error() string {
	return fmt.Sprintf("%d %s: %s", r.status, r.problem.Code, r.problem.Title)
}

// submit submits a job once, at a URL. A refusal is an error, which has to say clearly what is wrong.
func (r *rig) submit(ctx context.Context, url string, j *job) error {
	var body any = api.ScanBody{TenantID: j.tenant, Filter: backend.Filter{Tags: j.wish.Tags()}}
	if j.operation == backend.OpGenerateIaC {
		body = api.GenerateIaCBody{TenantID: j.source.tenant, OutputFormat: "terraform", Snapshot: j.source.snapshot}
	}
	var answer backend.JobStatusResponse
	status, err := r.ask(ctx, url, http.MethodPost, api.PathOf(j.operation), body, &answer, api.HeaderIdempotencyKey, j.key)
	if err != nil {
		return err
	}
	if status != http.StatusAccepted || answer.JobID == "" || j.id != "" && answer.JobID != j.id {
		return fmt.Errorf("%w: the submission of %s was answered %d with job %q, not %q", errDuplicated, j.key, status, answer.JobID, j.id)
	}
	j.id = answer.JobID
	return nil
}

// insist submits a job until it is accepted, as a client does.
func (r *rig) insist(ctx context.Context, j *job) (tries int, err error) {
	for {
		tries++
		short, cancel := context.WithTimeout(ctx, 15*time.Second)
		err = r.submit(short, r.URL, j)
		cancel()
		var no refusal
		if err == nil || errors.As(err, &no) && !no.problem.Retryable {
			return tries, err
		}
		if wait(ctx, 200*time.Millisecond) != nil {
			return tries, fmt.Errorf("%s is not accepted: %w", j.key, err)
		}
	}
}

// begun submits a job with a trap at a step of it, and answers who is in it.
func (r *rig) begun(ctx context.Context, j *job, at, key string) (*held, error) {
	t := r.control.await(j.tenant, at, key)
	if _, err := r.insist(ctx, j); err != nil {
		return nil, err
	}
	return t.one(ctx)
}

// workerOf is the worker that holds a backend.
func (r *rig) workerOf(h *held) (*cluster.Process, error) {
	i := slices.IndexFunc(r.Workers, func(p *cluster.Process) bool { return p.PID() == h.Worker })
	if i < 0 {
		return nil, fmt.Errorf("no worker has the process id %d", h.Worker)
	}
	return r.Workers[i], nil
}

// ended waits until a job has ended, whatever is in the way.
func (r *rig) ended(ctx context.Context, id string) (status backend.JobStatusResponse, err error) {
	err = cluster.Until(ctx, "job "+id+" does not end", func() bool {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		code, err := r.ask(short, r.URL, http.MethodGet, api.Fill(api.PathJob, id), nil, &status)
		return err == nil && code == http.StatusOK && status.Status.Terminal()
	})
	if err != nil {
		err = fmt.Errorf("%w (it is %s, attempt %d)", err, status.Status, status.Attempt)
	}
	return status, err
}

// wait waits, or answers why it does not.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
