package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// profile is the one with which atg reaches the service that was started last.
const profile = "dev"

// service is a running atg-server: embedded store, API and one worker in one process.
type service struct {
	*program
	target
	dir string
}

// serviceOptions choose the backend that the service's worker runs.
type serviceOptions struct {
	local       bool     // the bundled backend instead of the benchmarks' own
	concurrency int      // jobs at once
	env         []string // more of its environment
}

// startService starts the service with an empty store and no limits of rate.
func (b bench) startService(ctx context.Context, o serviceOptions) (_ *service, err error) {
	s := &service{}
	if s.dir, err = os.MkdirTemp(b.home, "service-"); err != nil {
		return nil, err
	}
	config := filepath.Join(s.dir, "server.yaml")
	if err := os.WriteFile(config, []byte("limits: {rate: 0, concurrent: 0, jobs_waiting: 0, jobs_waiting_per_key: 0}\n"), 0o600); err != nil {
		return nil, err
	}
	args := []string{"start", "--dev", "--listen", "127.0.0.1:0", "--data-dir", s.dir, "--config", config, "--concurrency", strconv.Itoa(o.concurrency)}
	if !o.local {
		args = append(args, "--backend", "bench", "--backend-path", b.built("benchbackend"))
	}
	cmd := b.command(ctx, b.program("atg-server"), args...)
	cmd.Env = b.environment(o.env...)
	var ready struct {
		URL    string `json:"url"`
		CAFile string `json:"ca_file"`
	}
	if s.program, err = b.start(cmd, &ready); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "dev", "key"))
	if err == nil {
		s.target, err = newTarget(ready.URL, ready.CAFile, strings.TrimSpace(string(key)))
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// stop ends the service and removes what it kept.
func (s *service) stop() {
	s.program.stop()
	_ = os.RemoveAll(s.dir)
}

// submit submits a job for the benchmarks' backend.
func (s *service) submit(ctx context.Context, work string) (id string, err error) {
	body, err := json.Marshal(api.ScanBody{TenantID: work})
	if err != nil {
		return "", err
	}
	answer, err := s.once(ctx, "POST", api.PathScan, body)
	if err != nil {
		return "", err
	}
	var job backend.JobStatusResponse
	err = json.Unmarshal(answer, &job)
	return job.JobID, err
}

// until waits until a job has a status.
func (s *service) until(ctx context.Context, id string, want backend.JobStatus) error {
	for {
		answer, err := s.once(ctx, "GET", api.Fill(api.PathJob, id), nil)
		if err != nil {
			return err
		}
		var job backend.JobStatusResponse
		if err := json.Unmarshal(answer, &job); err != nil {
			return err
		}
		switch {
		case job.Status == want:
			return nil
		case job.Status.Terminal():
			return fmt.Errorf("the job is %s: %s", job.Status, job.Error)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// occupy gives the service's only worker a job that does nothing, so that all that follow wait, and answers its id.
func (s *service) occupy(ctx context.Context) (id string, err error) {
	if id, err = s.submit(ctx, "wait"); err != nil {
		return "", err
	}
	return id, s.until(ctx, id, backend.JobRunning)
}

// bare is a running bareservice.
type bare struct {
	*program
	target
}

func (b bench) startBare(ctx context.Context) (s *bare, err error) {
	s = &bare{}
	var ready struct {
		URL    string `json:"url"`
		CAFile string `json:"ca_file"`
	}
	if s.program, err = b.start(b.command(ctx, b.built("bareservice"), filepath.Join(b.home, "bareservice.pem")), &ready); err != nil {
		return nil, err
	}
	if s.target, err = newTarget(ready.URL, ready.CAFile, ""); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}
