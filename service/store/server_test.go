package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

func TestOneServerPerFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "anew")
	s := storeOn(t, dir)
	_, err := Open(t.Context(), Config{DataDir: dir})
	if f := fault.As(err); f == nil || f.Code != fault.Conflict || !strings.Contains(f.Message, dir) || f.Hint == "" {
		t.Errorf("a second server: %v", err)
	}
	if d := s.Health(t.Context()); !d.Healthy || d.LatencySeconds <= 0 || d.Name != "nats" {
		t.Errorf("%+v", d)
	}
	closeStore(t, s)
	closeStore(t, s) // may come again
	if d := s.Health(t.Context()); d.Healthy || d.Fault == nil || d.Fault.Code != fault.ServiceUnavailable {
		t.Errorf("closed: %+v", d)
	}
	closeStore(t, storeOn(t, dir))
}

func TestCloseEndsWhoWaits(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	take(t, s)
	w, ended := watch(t, s, 0), make(chan error)
	go func() {
		_, err := s.Next(t.Context())
		ended <- err
	}()
	eventually(t, "nobody waits", func() bool {
		s.owners.mu.Lock()
		s.fan.mu.Lock()
		defer s.owners.mu.Unlock()
		defer s.fan.mu.Unlock()
		return s.owners.wanted > 0 && len(s.fan.watching) > 0
	})
	closeStore(t, s)
	_, _, submitted := s.Enqueue(t.Context(), job("job-2", "owner"))
	for what, err := range map[string]error{"a watcher": <-w.ended, "a worker": <-ended, "a submission": submitted} {
		if f := fault.As(err); f == nil || f.Code != fault.ServiceUnavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAWorkerFindsTheRestartedServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storeOn(t, dir)
	worker := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"), job("job-2", "owner"))
	if d := take(t, worker); d.ID() != "job-1" {
		t.Errorf("took %s", d.ID())
	}
	closeStore(t, s)
	s = storeOn(t, dir)
	next := make(chan jobs.Delivery)
	go func() {
		for {
			if d, err := worker.Next(t.Context()); err == nil {
				next <- d
				return
			} else if t.Context().Err() != nil {
				return
			}
		}
	}()
	d := <-next
	if d.ID() != "job-2" {
		t.Errorf("took %s", d.ID())
	}
	update(t, worker, "job-2", run)
	if job, _, err := s.Status(t.Context(), "job-2"); err != nil || job.JobID != "job-2" {
		t.Errorf("%+v: %v", job, err)
	}
	if err := d.Done(t.Context()); err != nil {
		t.Error(err)
	}
}

// What a server that was killed left there says nothing.
func TestAccessToAKilledServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storeOn(t, dir)
	content, err := os.ReadFile(filepath.Join(dir, accessFile))
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if err := os.WriteFile(filepath.Join(dir, accessFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Connect(t.Context(), Config{DataDir: dir})
	if f := fault.As(err); f == nil || f.Code != fault.ServiceUnavailable || !strings.Contains(f.Message, dir) {
		t.Error(err)
	}
}

func TestAccessToTheRunningServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Connect(t.Context(), Config{DataDir: dir}); fault.CodeOf(err) != fault.ServiceUnavailable {
		t.Errorf("nobody is running: %v", err)
	}
	s := storeOn(t, dir)
	path := filepath.Join(dir, accessFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: %v", info, err)
	}
	content, err := os.ReadFile(path)
	var a access
	if err == nil {
		err = json.Unmarshal(content, &a)
	}
	if err != nil || !strings.HasPrefix(a.URL, "nats://127.0.0.1:") || len(a.Token) < 20 {
		t.Errorf("%s: %v", content, err)
	}
	if nc, err := nats.Connect(a.URL); !errors.Is(err, nats.ErrAuthorization) {
		nc.Close()
		t.Errorf("without the token: %v", err)
	}
	if _, err := Open(t.Context(), Config{URL: a.URL, Token: secret.New("wrong"), Replicas: 1}); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Errorf("with another token: %v", err)
	}
	closeStore(t, s)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after it has ended: %v", err)
	}
}

func TestNoDataFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, filepath.Join(file, "below")} {
		if _, err := Open(t.Context(), Config{DataDir: dir}); fault.CodeOf(err) != fault.ConfigInvalid {
			t.Errorf("%q: %v", dir, err)
		}
	}
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	var free atomic.Uint64
	free.Store(reserve - 1)
	s.disk = &disk{dir: s.config.DataDir, measure: func(string) (uint64, error) { return free.Load(), nil }}
	full := func(what string, err error) {
		t.Helper()
		f := fault.As(err)
		if f == nil || f.Code != fault.ServiceUnavailable || !f.Retryable || !strings.Contains(f.Message, "disk") || !strings.Contains(f.Hint, "operator") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, err := s.Enqueue(t.Context(), job("job-1", "owner"))
	full("a job", err)
	_, err = s.Put(t.Context(), artifact("file"), strings.NewReader("content"), nil)
	full("a file", err)
	free.Store(reserve)
	s.disk.at = time.Time{}
	enqueue(t, s, job("job-1", "owner"))
}

func TestAFullStore(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.MaxStore = 4 << 20 })
	r := job("job-1", "owner")
	enqueue(t, s, r)
	_, err := s.Put(t.Context(), artifact("file"), strings.NewReader(strings.Repeat("x", 8<<20)), nil)
	f := fault.As(err)
	if f == nil || f.Code != fault.ServiceUnavailable || !f.Retryable || !strings.Contains(f.Message, "full") || f.Resource != s.config.DataDir {
		t.Errorf("a file: %v", err)
	}
	eventually(t, "the space of the file was not freed", func() bool {
		_, err := s.Update(t.Context(), r, 0)
		return err == nil || errors.Is(err, jobs.ErrChanged)
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := &Store{config: Config{DataDir: "/data"}, server: &embedded{}, link: link{nc: &nats.Conn{}}}
	api := func(code int, text string) error {
		return fmt.Errorf("publish: %w", &jetstream.APIError{Code: 503, ErrorCode: jetstream.ErrorCode(code), Description: text})
	}
	cases := map[string]struct {
		err  error
		code fault.Code
		says string
	}{
		"no time left":         {context.DeadlineExceeded, fault.ServiceUnavailable, "NATS does not answer"},
		"no answer":            {nats.ErrTimeout, fault.ServiceUnavailable, "NATS does not answer"},
		"no server":            {nats.ErrNoResponders, fault.ServiceUnavailable, "NATS does not answer"},
		"no JetStream":         {jetstream.ErrNoStreamResponse, fault.ServiceUnavailable, "NATS does not answer"},
		"no connection":        {nats.ErrConnectionClosed, fault.ServiceUnavailable, "NATS does not answer"},
		"no leader":            {api(codeUnavailable, "JetStream system temporarily unavailable"), fault.ServiceUnavailable, "NATS does not answer"},
		"no space":             {syscall.ENOSPC, fault.ServiceUnavailable, "disk of the service is full"},
		"no space at a server": {api(codeStoreFailed, "write: no space left on device"), fault.ServiceUnavailable, "disk of the service is full"},
		"no room":              {api(codeNoResources, "insufficient resources"), fault.ServiceUnavailable, "disk of the service is full"},
		"no more bytes":        {api(codeStoreFailed, "maximum bytes exceeded"), fault.ServiceUnavailable, "disk of the service is full"},
		"something else":       {errors.New("surprise"), fault.Internal, "it failed"},
		"a fault":              {fault.New(fault.Conflict, "no"), fault.Conflict, "no"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := s.fault(t.Context(), c.err, "it failed")
			f := fault.As(err)
			if f == nil || f.Code != c.code || !strings.Contains(f.Message, c.says) || f.Retryable != (c.code == fault.ServiceUnavailable) || !errors.Is(err, c.err) {
				t.Errorf("%+v", err)
			}
		})
	}
	for _, err := range []error{jobs.ErrNotFound, jobs.ErrChanged, nil} {
		if got := s.fault(t.Context(), err, ""); !errors.Is(got, err) || fault.As(got) != nil {
			t.Errorf("%v became %v", err, got)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.fault(gone, nats.ErrTimeout, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller gave up: %v", err)
	}
}
