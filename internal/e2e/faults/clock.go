package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// clockCases make the clocks of the service's processes jump. Programs of Go ask the kernel for the time, not the C library, so that
// libfaketime does nothing, and a time namespace has no clock of the day. So atg-server is built with a time.Now of its own (go build
// -overlay), which a signal moves by an hour; the monotonic clock goes on, as it does when a real clock is set.
func clockCases() (all []faultCase) {
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		name := map[syscall.Signal]string{syscall.SIGHUP: "forward", syscall.SIGQUIT: "back"}[s]
		all = append(all, faultCase{
			name: "clock-" + name, what: "the clocks of a worker and of an API node jump an hour " + name + " while a job runs, between two of its parts", own: jumpingClocks,
			run: func(ctx context.Context, r *rig, seen *notes) error { return jump(ctx, r, s, seen) },
		})
	}
	return all
}

// What is put into the programs.
const (
	nowWas = "sec, nsec, mono := runtimeNow()\n"
	nowIs  = nowWas + "\tsec += Jump.Load()\n"
	jumps  = `package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

func init() {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGHUP, syscall.SIGQUIT)
	go func() {
		for s := range c {
			if s == syscall.SIGHUP {
				time.Jump.Add(3600)
			} else {
				time.Jump.Add(-3600)
			}
		}
	}()
}
`
)

// jumpingClocks builds atg-server with a clock that jumps. It takes minutes the first time.
func jumpingClocks(ctx context.Context, o *options, dir string) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/azure-tenant-grapher/atg/cmd/atg-server").Output()
	if err != nil {
		return err
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	at := strings.Index(string(source), "func Now() Time {\n")
	if at < 0 || !strings.Contains(string(source)[at:], nowWas) || !strings.Contains(string(source), "import (\n") {
		return errors.New("this release of Go has another time.Now than the case knows")
	}
	changed := string(source)[:at] + strings.Replace(string(source)[at:], nowWas, nowIs, 1)
	changed = strings.Replace(changed, "import (\n", "import (\n\t\"sync/atomic\"\n", 1) + "\nvar Jump atomic.Int64\n"
	overlay := map[string]map[string]string{"Replace": {
		original: filepath.Join(dir, "time.go"), filepath.Join(strings.TrimSpace(string(module)), "jump.go"): filepath.Join(dir, "jump.go"),
	}}
	content, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"time.go": changed, "jump.go": jumps, "overlay.json": string(content)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	program := filepath.Join(dir, "atg-server")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "github.com/azure-tenant-grapher/atg/cmd/atg-server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build a program whose clock jumps: %w\n%s", err, out)
	}
	o.config = map[string]any{"limits": map[string]any{"job_timeout": "24h"}} // as it is unless it is set: an hour is not too late
	o.wrap = map[string]string{}
	for _, name := range []string{"api-1", "worker-1", "worker-2"} {
		o.wrap[name] = program
	}
	return nil
}

func jump(ctx context.Context, r *rig, s os.Signal, seen *notes) error {
	j := r.newJob(small)
	h, err := r.begun(ctx, j, step.Parted, step.PartName(0))
	if err != nil {
		return err
	}
	worker, err := r.workerOf(h)
	if err != nil {
		return err
	}
	for _, p := range []*cluster.Process{worker, r.APIs[0]} {
		jumper, err := os.FindProcess(p.PID())
		if err != nil {
			return err
		}
		if err := jumper.Signal(s); err != nil {
			return err
		}
	}
	h.tell(step.Go)
	end, err := r.ended(ctx, j.id)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	url, err := r.NodeURL(r.APIs[0])
	if err != nil {
		return err
	}
	after := r.newJob(small) // at the node whose clock is wrong now
	if err := r.submit(ctx, url, after); err != nil {
		return err
	}
	other, err := r.ended(ctx, after.id)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	took := end.CompletedAt.Sub(end.CreatedAt)
	if min := map[os.Signal]float64{syscall.SIGHUP: 3000, syscall.SIGQUIT: -4000}[s]; took.Seconds() < min || took.Seconds() > min+1000 {
		return fmt.Errorf("the clock did not jump: the job seems to have taken %s", took)
	}
	seen.add("%s at attempt %d, by its times after %s; a job that is submitted at the node afterwards %s at attempt %d", end.Status, end.Attempt, took.Round(0), other.Status, other.Attempt)
	return r.healAndAudit(ctx, j, after)
}
