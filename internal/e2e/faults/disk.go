package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// small disks: tmpfs of so many MB, each in a mount namespace of its process alone, so that nothing stays behind. That takes root.
const (
	workerDisk = 16
	natsDisk   = 48
)

// diskCases fill the disks of processes, and make them read-only.
func diskCases() []faultCase {
	return []faultCase{
		{name: "disk-full-worker", what: "the disk of a worker is full while its job runs (a tmpfs of 16 MB)", own: smallDisks("worker-1", workerDisk), run: fullWorker},
		{name: "disk-read-only-worker", what: "the disk of a worker becomes read-only", own: smallDisks("worker-1", workerDisk), run: readOnlyWorker},
		{name: "disk-full-api", what: "the disk of an API node is full", own: smallDisks("api-1", workerDisk), run: fullAPI},
		{name: "disk-full-nats", what: "the disk of one NATS server is full (a tmpfs of 48 MB)", own: smallDisks("nats-1", natsDisk), run: fullServer},
		{name: "disk-full-nats-all", what: "the disks of all NATS servers are full", own: smallDisks("nats-1,nats-2,nats-3", natsDisk), run: fullServers},
		{name: "disk-read-only-nats", what: "one NATS server is killed, and starts on a disk that is read-only", run: readOnlyServer},
	}
}

// smallDisks puts the folders of some processes on small disks: the folder data of a process of the service, that of JetStream.
// What a disk holds outlives the process, as a disk's does: somebody else keeps the namespace.
func smallDisks(names string, megabytes int) func(context.Context, *options, string) error {
	return func(ctx context.Context, o *options, dir string) error {
		o.wrap = map[string]string{}
		for name := range strings.SplitSeq(names, ",") {
			program, folder := filepath.Join(o.bin, "atg-server"), "data"
			if isNATS(name) {
				program, folder = o.nats, "jetstream"
			}
			program, err := filepath.Abs(program)
			if err != nil {
				return err
			}
			at := filepath.Join(dir, "cluster", name, folder)
			mount := fmt.Sprintf("mkdir -p %[1]s && mount -t tmpfs -o size=%[2]dm tmpfs %[1]s && echo mounted && exec cat", at, megabytes)
			holder := exec.CommandContext(ctx, "unshare", "-m", "sh", "-c", mount)
			out, err := holder.StdoutPipe()
			if err != nil {
				return err
			}
			in, err := holder.StdinPipe() // at whose end it ends
			if err != nil {
				return err
			}
			if err := holder.Start(); err != nil {
				return err
			}
			o.holders = append(o.holders, func() { _ = in.Close(); _ = holder.Wait() })
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "mounted\n" {
				return fmt.Errorf("a small disk needs root and mount namespaces: %q, %w", line, err)
			}
			script := fmt.Sprintf("#!/bin/sh\nexec nsenter -m -t %d %s \"$@\"\n", holder.Process.Pid, program)
			wrapper := filepath.Join(dir, "small-"+name)
			if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
				return err
			}
			o.wrap[name] = wrapper
		}
		return nil
	}
}

// disk is the folder on the small disk of a process, as others see it.
func disk(p *cluster.Process) string {
	folder := "data"
	if isNATS(p.Name) {
		folder = "jetstream"
	}
	return fmt.Sprintf("/proc/%d/root%s", p.PID(), filepath.Join(p.Dir, folder))
}

// fill fills the disk of a process to the last byte, and answers what frees it.
func fill(p *cluster.Process) (free func() error, err error) {
	name := filepath.Join(disk(p), "fill")
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for _, size := range []int{1 << 20, 4096, 1} {
		for b := make([]byte, size); err == nil; {
			_, err = f.Write(b)
		}
		if !strings.Contains(err.Error(), "no space") {
			return nil, err
		}
		err = nil
	}
	return func() error { return os.Remove(name) }, nil
}

// big is a scan whose parts do not fit beside much else.
var big = step.Wish{Parts: 3, Bytes: 1 << 20}

func fullWorker(ctx context.Context, r *rig, seen *notes) error {
	j, worker, h, err := r.onSmallDisk(ctx, big)
	if err != nil {
		return err
	}
	free, err := fill(worker)
	if err != nil {
		return err
	}
	h.tell(step.Go)
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return err
	}
	record, err := r.record(ctx, j.id)
	if err != nil {
		return err
	}
	seen.add("%s at attempt %d, while the disk is full; of the first its record says: %s", end.Status, end.Attempt, firstFault(record["history"]))
	if err := free(); err != nil {
		return err
	}
	return r.healAndAudit(ctx, j)
}

// onSmallDisk answers a job that runs on worker-1.
func (r *rig) onSmallDisk(ctx context.Context, w step.Wish) (*job, *cluster.Process, *held, error) {
	for range 20 {
		j := r.newJob(w)
		h, err := r.begun(ctx, j, step.Run, "")
		if err != nil {
			return nil, nil, nil, err
		}
		p, err := r.workerOf(h)
		if err != nil || p.Name == "worker-1" {
			return j, p, h, err
		}
		h.tell(step.Go)
	}
	return nil, nil, nil, errors.New("worker-1 takes no job")
}

func readOnlyWorker(ctx context.Context, r *rig, seen *notes) error {
	worker := r.Process("worker-1")
	if err := inNamespace(ctx, worker, "mount", "-o", "remount,ro", filepath.Join(worker.Dir, "data")); err != nil {
		return err
	}
	var all []*job
	for range 6 {
		j := r.newJob(small)
		if _, err := r.insist(ctx, j); err != nil {
			return err
		}
		all = append(all, j)
	}
	most := 0
	for _, j := range all {
		end, err := r.ended(ctx, j.id)
		if err != nil {
			return err
		}
		if end.Status != j.want {
			return fmt.Errorf("job %s is %s: %s", j.id, end.Status, end.Error)
		}
		most = max(most, end.Attempt)
	}
	seen.add("6 jobs completed while it lasts, at attempt %d at most", most)
	if err := inNamespace(ctx, worker, "mount", "-o", "remount,rw", filepath.Join(worker.Dir, "data")); err != nil {
		return err
	}
	return r.healAndAudit(ctx, all...)
}

// inNamespace runs a program where a process sees its own mounts.
func inNamespace(ctx context.Context, p *cluster.Process, args ...string) error {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"-m", "-t", strconv.Itoa(p.PID())}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, out)
	}
	return nil
}

func fullAPI(ctx context.Context, r *rig, seen *notes) error {
	free, err := fill(r.APIs[0])
	if err != nil {
		return err
	}
	url, err := r.NodeURL(r.APIs[0])
	if err != nil {
		return err
	}
	j := r.newJob(small)
	if err := r.submit(ctx, url, j); err != nil {
		return err
	}
	if err := r.audit(ctx, j); err != nil {
		return err
	}
	seen.add("it keeps nothing on its disk: it takes the job, and answers for it")
	if err := free(); err != nil {
		return err
	}
	return r.healAndAudit(ctx, j)
}

func fullServer(ctx context.Context, r *rig, seen *notes) error {
	j := r.newJob(big)
	h, err := r.begun(ctx, j, step.Run, "")
	if err != nil {
		return err
	}
	free, err := fill(r.Process("nats-1"))
	if err != nil {
		return err
	}
	h.tell(step.Go)
	began := time.Now()
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return fmt.Errorf("%w while the disk of one server is full: %w", errLost, err)
	}
	seen.add("%s %.1f s later at attempt %d, while the disk is full", end.Status, time.Since(began).Seconds(), end.Attempt)
	if err := free(); err != nil {
		return err
	}
	if err := r.Process("nats-1").Restart(ctx); err != nil { // a server that could not write gives JetStream up until it is started again
		return err
	}
	return r.healAndAudit(ctx, j)
}

func fullServers(ctx context.Context, r *rig, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Run, "")
	if err != nil {
		return err
	}
	for _, s := range r.Servers {
		if _, err := fill(s); err != nil {
			return err
		}
	}
	h.tell(step.Go)
	all := []*job{j}
	var no refusal
	for len(all) < 500 { // what is in memory and in begun pages still has room
		next := r.newJob(step.Wish{Parts: 1, Bytes: 100})
		all = append(all, next)
		short, cancel := context.WithTimeout(ctx, 45*time.Second)
		err := r.submit(short, r.URL, next)
		cancel()
		if err == nil {
			continue
		}
		if !errors.As(err, &no) || no.status != 503 && no.status != 507 {
			return fmt.Errorf("a submission that cannot be stored is not refused clearly: %w", err)
		}
		break
	}
	if no.status == 0 {
		return errors.New("nothing was refused")
	}
	seen.add("%d submissions have room, the next is refused: %s", len(all)-2, no.Error())
	for _, s := range r.Servers {
		if err := os.Remove(filepath.Join(disk(s), "fill")); err != nil {
			return err
		}
	}
	var group errgroup.Group // one that could not write gives JetStream up until it is started again; alone none becomes healthy
	for _, s := range r.Servers {
		s.Kill()
	}
	for _, s := range r.Servers {
		group.Go(func() error { return s.Start(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if _, err := r.insist(ctx, all[len(all)-1]); err != nil {
		return err
	}
	for _, j := range all {
		if _, err := r.ended(ctx, j.id); err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
	}
	seen.add("with room again, and the servers started again, the jobs end, and what was refused is accepted when it is sent again")
	return r.healAndAudit(ctx, all...)
}

// readOnlyServer starts a server on a disk that it cannot write to; the two others serve.
func readOnlyServer(ctx context.Context, r *rig, seen *notes) error {
	victim, err := r.Leader(ctx, cluster.Queue)
	if err != nil {
		return err
	}
	program := victim.Path
	script := filepath.Join(r.dir, "read-only")
	at := filepath.Join(victim.Dir, "jetstream")
	content := fmt.Sprintf("#!/bin/sh\nexec unshare -m sh -c 'mount --bind %[1]s %[1]s && mount -o remount,ro,bind %[1]s && exec %[2]s \"$@\"' sh \"$@\"\n", at, program)
	if err := os.WriteFile(script, []byte(content), 0o700); err != nil {
		return err
	}
	victim.Kill()
	victim.Path = script
	starting, cancel := context.WithTimeout(ctx, 5*time.Second)
	err = victim.Start(starting)
	cancel()
	if err == nil {
		return errors.New("a NATS server became healthy on a disk that is read-only")
	}
	j := r.newJob(small)
	if _, err := r.insist(ctx, j); err != nil {
		return err
	}
	if _, err := r.ended(ctx, j.id); err != nil {
		return err
	}
	seen.add("the server does not become healthy; the two others take a job and end it")
	victim.Kill()
	victim.Path = program
	return r.healAndAudit(ctx, j)
}

// firstFault is what a record says of its first attempt that failed.
func firstFault(history json.RawMessage) string {
	var all []struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(history, &all) // then there is none
	for _, a := range all {
		if a.Error != "" {
			return a.Error
		}
	}
	return "nothing"
}
