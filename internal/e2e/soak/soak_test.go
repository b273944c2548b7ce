//go:build soak && unix

// Package soak runs the job service for minutes under trouble: make soak. What is acknowledged must be done, once, whatever
// is killed meanwhile.
package soak

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	bin   = flag.String("bin", "", "the folder of atg's programs")
	total = flag.Int("jobs", 1000, "how many jobs are submitted")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the trouble")
)

// service is the service under test: an API with its queue, and workers, each a process.
type service struct {
	t           *testing.T
	dir, listen string
	url, key    string
	client      *http.Client
	api         *exec.Cmd
	workers     []*exec.Cmd
	serial      int
}

const config = `
worker: { lease: 2s, concurrency: 4, attempts: 50, retry_delay: 1s }
limits: { rate: 0 }
`

func newService(t *testing.T, backend string) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir(), listen: "127.0.0.1:0"}
	inventory := filepath.Join(s.dir, "inventory.jsonl")
	for file, content := range map[string]string{
		inventory:                           strings.Repeat("{}\n", 100),
		filepath.Join(s.dir, "server.yaml"): config + "backend: { name: hello, path: " + backend + ", settings: { inventory: " + inventory + " } }\n",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.startAPI()
	t.Cleanup(func() {
		for _, p := range append(s.workers, s.api) {
			kill(p)
		}
	})
	return s
}

// start starts a process of the service and answers the line by which it says that it is ready.
func (s *service) start(args ...string) (*exec.Cmd, map[string]string) {
	s.t.Helper()
	s.serial++
	log, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("log-%d", s.serial)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(filepath.Join(*bin, "atg-server"), append([]string{"start", "--config", filepath.Join(s.dir, "server.yaml"), "--data-dir", filepath.Join(s.dir, "data")}, args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir), log
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	ready := map[string]string{}
	if err != nil || json.Unmarshal(line, &ready) != nil {
		content, _ := os.ReadFile(log.Name())
		s.t.Fatalf("atg-server %v did not become ready: %v\n%s", args, err, content)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return cmd, ready
}

func (s *service) startAPI() {
	s.t.Helper()
	var ready map[string]string
	s.api, ready = s.start("--role", "api", "--dev", "--listen", s.listen)
	s.url, s.listen = ready["url"], strings.TrimPrefix(ready["url"], "https://")
	key, err := os.ReadFile(filepath.Join(s.dir, "data", "dev", "key"))
	if err != nil {
		s.t.Fatal(err)
	}
	ca, err := os.ReadFile(ready["ca_file"])
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	s.key = string(key)
	s.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

func (s *service) startWorker() {
	s.t.Helper()
	w, _ := s.start("--role", "worker")
	s.workers = append(s.workers, w)
}

func kill(p *exec.Cmd) {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// call asks the service, again while it is away.
func (s *service) call(ctx context.Context, method, path string, body, into any) {
	s.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(content))
		if err != nil {
			s.t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+s.key)
		request.Header.Set("Content-Type", "application/json")
		answer, err := s.client.Do(request)
		if err == nil {
			content, readErr := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			switch {
			case readErr == nil && answer.StatusCode < 300:
				if err := json.Unmarshal(content, into); err != nil {
					s.t.Fatalf("%s %s: %v", method, path, err)
				}
				return
			case readErr == nil && answer.StatusCode != http.StatusServiceUnavailable:
				s.t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, content)
			}
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s %s: %v", method, path, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

type job struct {
	ID      string `json:"job_id"`
	Status  string `json:"status"`
	Attempt int    `json:"attempt"`
	Error   string `json:"error"`
}

// TestNothingIsLost submits jobs, kills workers and the API with its queue in the middle of them, at random, and waits
// until all jobs are done. A submission that is sent again stays one job.
func TestNothingIsLost(t *testing.T) {
	if *bin == "" {
		t.Fatal("use make soak: -bin is missing")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	backend := filepath.Join(t.TempDir(), "atg-backend-hello")
	build := exec.CommandContext(ctx, "go", "build", "-o", backend, ".")
	build.Dir = filepath.Join("..", "..", "..", "examples", "backend-hello")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	random := rand.New(rand.NewPCG(*seed, 0))
	t.Logf("seed %d", *seed)
	s := newService(t, backend)
	s.startWorker()
	s.startWorker()

	submitted := map[string]int{}
	for at := 0; at < *total; at += 100 {
		var batch struct {
			Operations []map[string]any `json:"operations"`
		}
		for i := at; i < min(at+100, *total); i++ {
			batch.Operations = append(batch.Operations, map[string]any{
				"operation": "scan", "idempotency_key": fmt.Sprintf("%d-%d", *seed, i), "body": map[string]any{"tenant_id": fmt.Sprintf("t%d", i%7)},
			})
		}
		for range 2 { // the second time as after a lost answer
			var answer struct {
				Items []struct {
					Job     *job            `json:"job"`
					Problem json.RawMessage `json:"problem"`
				} `json:"items"`
			}
			s.call(ctx, http.MethodPost, "/api/v1/jobs/batch", batch, &answer)
			for i, item := range answer.Items {
				if item.Job == nil {
					t.Fatalf("job %d was refused: %s", at+i, item.Problem)
				}
				submitted[item.Job.ID] = at + i
			}
		}
	}
	if len(submitted) != *total {
		t.Fatalf("%d submissions made %d jobs", *total, len(submitted))
	}

	killed := 0
	for {
		done := s.done(ctx, submitted)
		if done == *total {
			break
		}
		t.Logf("%d of %d done, %d processes killed", done, *total, killed)
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d jobs are done", done, *total)
		case <-time.After(time.Duration(500+random.IntN(1500)) * time.Millisecond):
		}
		killed++
		if random.IntN(4) == 0 {
			kill(s.api)
			s.startAPI()
			continue
		}
		i := random.IntN(len(s.workers))
		kill(s.workers[i])
		s.workers = append(s.workers[:i], s.workers[i+1:]...)
		s.startWorker()
	}
	t.Logf("all %d done, %d processes killed", *total, killed)
}

// done counts the jobs that are completed; there must be none but those submitted, and none that failed.
func (s *service) done(ctx context.Context, submitted map[string]int) (n int) {
	seen := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Jobs   []job  `json:"jobs"`
			Cursor string `json:"cursor"`
		}
		s.call(ctx, http.MethodGet, "/api/v1/jobs?limit=1000&cursor="+cursor, nil, &page)
		for _, j := range page.Jobs {
			if _, ok := submitted[j.ID]; !ok || seen[j.ID] {
				s.t.Fatalf("job %s was not submitted, or is listed twice", j.ID)
			}
			seen[j.ID] = true
			switch j.Status {
			case "completed":
				n++
			case "failed", "cancelled":
				s.t.Fatalf("job %s is %s after %d attempts: %s", j.ID, j.Status, j.Attempt, j.Error)
			}
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if len(seen) != len(submitted) {
		s.t.Fatalf("%d jobs were acknowledged, %d are listed", len(submitted), len(seen))
	}
	return n
}
