package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/host/queue"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// unreachable is the health of a backend whose service cannot be reached.
func unreachable(code fault.Code) backend.Health {
	return backend.Health{Dependencies: []backend.Dependency{{Name: "service", Fault: fault.New(code, "no answer from the service", fault.Hint("is it up?"))}}}
}

// remote is the environment of a machine with a service.
func remote(home string) []string {
	return []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_STATE_HOME=" + home, "ATG_SERVICE_URL=https://atg.example.com", "ATG_API_KEY=hunter2"}
}

// waiting are the entries of the queue in a home.
func waiting(t *testing.T, home string) []queue.Entry {
	t.Helper()
	entries, problems, err := queue.New(filepath.Join(home, "atg", "queue")).List()
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return entries
}

func jobsOf(t *testing.T, f *fake) []backend.JobStatusResponse {
	t.Helper()
	page, err := f.ListJobs(t.Context(), backend.JobFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Jobs
}

// TestQueue goes through a day without a service: kept, mentioned, tried, sent once.
func TestQueue(t *testing.T) {
	home := t.TempDir()
	f := durableFake(t, nil)
	f.schema, f.health = remoteSchema, unreachable(fault.ServiceUnavailable)
	r := atg(t, t.Context(), f, remote(home), "--remote", "scan", "--tenant-id", "contoso", "--queue")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	says(t, "stdout", r.out, "queued as ", "next: atg job flush")
	says(t, "stderr", r.err, "no answer from the service")
	entries := waiting(t, home)
	if len(entries) != 1 || entries[0].SentAt != nil || entries[0].Service != "https://atg.example.com:443" || entries[0].Operation != backend.OpScan {
		t.Fatalf("queue %+v", entries)
	}
	if content, err := json.Marshal(entries); err != nil || strings.Contains(string(content), "hunter2") {
		t.Errorf("the key is in the queue: %s, %v", content, err)
	}
	id := entries[0].ID

	r = atg(t, t.Context(), f, remote(home), "--remote", "job", "list", "-o", "json")
	says(t, "stderr", r.err, "queue of this machine: 1 submission", "atg job flush")
	r = atg(t, t.Context(), f, remote(home), "job", "flush", "--dry-run")
	if r.code != 0 || r.err != "" {
		t.Errorf("%+v", r)
	}
	says(t, "stdout", r.out, id, "scan", "waiting", "https://atg.example.com:443")
	r = atg(t, t.Context(), f, remote(home), "job", "flush")
	if r.code != 5 {
		t.Errorf("%+v", r)
	}
	says(t, "stderr", r.err, "1 of 1 submissions stay in the queue: no answer", "is it up?")
	if got := waiting(t, home); len(got) != 1 || got[0].Refused != nil {
		t.Errorf("queue %+v", got)
	}
	if jobs := jobsOf(t, f); len(jobs) > 0 {
		t.Fatalf("jobs %+v", jobs)
	}

	f.health = backend.Health{Healthy: true}
	r = atg(t, t.Context(), f, remote(home), "job", "flush")
	jobs := jobsOf(t, f)
	if r.code != 0 || r.err != "" || len(jobs) != 1 || jobs[0].TenantID != "contoso" {
		t.Fatalf("%+v; jobs %+v", r, jobs)
	}
	settle(t, f, jobs[0].JobID)
	says(t, "stdout", r.out, id, "sent", "next: atg --backend remote job watch "+jobs[0].JobID)
	if got := waiting(t, home); len(got) > 0 {
		t.Errorf("queue %+v", got)
	}
	r = atg(t, t.Context(), f, remote(home), "job", "flush")
	if r.code != 0 || len(jobsOf(t, f)) != 1 {
		t.Errorf("%+v", r)
	}
	says(t, "stdout", r.out, "the queue is empty")
}

func TestNotQueued(t *testing.T) {
	for _, tc := range []struct {
		name    string
		args    string
		durable bool
		health  backend.Health
		code    int
	}{
		{"key refused", "--remote scan --queue", true, unreachable(fault.AuthFailed), 4},
		{"overloaded", "--remote scan --queue", true, unreachable(fault.Throttled), 5},
		{"without the flag", "--remote scan", true, unreachable(fault.ServiceUnavailable), 0}, // the health is not asked; the scan works
		{"jobs that end with the command", "scan --queue", false, unreachable(fault.ServiceUnavailable), 2},
		{"service works", "--remote scan --queue", true, backend.Health{Healthy: true}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			home := t.TempDir()
			f := newFake(nil)
			if tc.durable {
				f = durableFake(t, nil)
			}
			f.schema, f.health = remoteSchema, tc.health
			r := atg(t, t.Context(), f, remote(home), strings.Fields(tc.args)...)
			if r.code != tc.code || len(waiting(t, home)) > 0 {
				t.Errorf("%+v; queue %+v", r, waiting(t, home))
			}
		})
	}
}

// TestAnswerLost: a submission whose answer was lost is sent again as the same job.
func TestAnswerLost(t *testing.T) {
	home := t.TempDir()
	f := durableFake(t, nil)
	f.schema, f.lose = remoteSchema, true
	if r := atg(t, t.Context(), f, remote(home), "--remote", "scan", "--queue"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	entries := waiting(t, home)
	if len(entries) != 1 || entries[0].SentAt == nil || len(jobsOf(t, f)) != 1 {
		t.Fatalf("queue %+v, jobs %+v", entries, jobsOf(t, f))
	}
	if r := atg(t, t.Context(), f, remote(home), "job", "flush"); r.code != 5 { // lost again
		t.Errorf("%+v", r)
	}
	if again := waiting(t, home); len(again) != 1 || !again[0].SentAt.Equal(*entries[0].SentAt) {
		t.Errorf("queue %+v", again)
	}

	long := entries[0]
	yesterday := time.Now().Add(-25 * time.Hour)
	long.SentAt = &yesterday
	if err := queue.New(filepath.Join(home, "atg", "queue")).Update(long); err != nil {
		t.Fatal(err)
	}
	f.lose = false
	r := atg(t, t.Context(), f, remote(home), "job", "flush")
	if r.code != 2 {
		t.Errorf("%+v", r)
	}
	says(t, "stderr", r.err, "too long ago", "--resend")
	r = atg(t, t.Context(), f, remote(home), "job", "flush", "--resend", long.ID)
	if jobs := jobsOf(t, f); r.code != 0 || len(jobs) != 1 || len(waiting(t, home)) > 0 {
		t.Errorf("%+v; jobs %+v", r, jobs)
	}
}

func TestRefusedStays(t *testing.T) {
	home := t.TempDir()
	f := durableFake(t, nil)
	f.schema, f.health = remoteSchema, unreachable(fault.ServiceUnavailable)
	for _, tenant := range []string{"a", "b"} {
		if r := atg(t, t.Context(), f, remote(home), "--remote", "scan", "--queue", "--tenant-id", tenant); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	f.health = backend.Health{Healthy: true}
	f.refuse = func(s backend.Submission) error {
		if s.Request.Tenant() == "a" {
			return fault.New(fault.Forbidden, "not your tenant")
		}
		return nil
	}
	r := atg(t, t.Context(), f, remote(home), "job", "flush", "-o", "json")
	if r.code != 4 || len(jobsOf(t, f)) != 1 {
		t.Errorf("%+v", r)
	}
	says(t, "stdout", r.out, `"schema_version": 1`, `"state": "refused"`, `"state": "sent"`, "not your tenant")
	left := waiting(t, home)
	if len(left) != 1 || left[0].Refused == nil || left[0].Refused.Code != fault.Forbidden {
		t.Fatalf("queue %+v", left)
	}
	r = atg(t, t.Context(), f, remote(home), "job", "flush", "--dry-run")
	says(t, "stdout", r.out, "refused", "not your tenant")
	r = atg(t, t.Context(), f, remote(home), "job", "flush", "--drop")
	if r.code != 0 || len(waiting(t, home)) > 0 {
		t.Errorf("%+v", r)
	}
	says(t, "stdout", r.out, "dropped")
	if r := atg(t, t.Context(), f, remote(home), "job", "flush", "nope"); r.code != 2 {
		t.Errorf("%+v", r)
	}
}

// TestEachToItsService: an entry goes where it was meant to, or stays.
func TestEachToItsService(t *testing.T) {
	home := t.TempDir()
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_STATE_HOME=" + home, "ATG_API_KEY=k"}
	if err := os.MkdirAll(filepath.Join(home, "atg"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := func(one string) {
		t.Helper()
		text := "profiles:\n  one: {backend: remote, backends: {remote: {settings: {service_url: 'https://" + one + "'}}}}\n" +
			"  two: {backend: remote, backends: {remote: {settings: {service_url: 'https://two.example.com'}}}}\n"
		if err := os.WriteFile(filepath.Join(home, "atg", "config.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config("one.example.com")
	f := durableFake(t, nil)
	f.schema, f.health = remoteSchema, unreachable(fault.ServiceUnavailable)
	for _, profile := range []string{"one", "two", "one"} {
		if r := atg(t, t.Context(), f, env, "--profile", profile, "scan", "--queue", "--tenant-id", profile); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	config("elsewhere.example.com")
	f.health = backend.Health{Healthy: true}
	var reached []string
	f.refuse = func(s backend.Submission) error {
		reached = append(reached, s.Request.Tenant()+" at "+f.settings["service_url"].(string))
		return nil
	}
	r := atg(t, t.Context(), f, env, "job", "flush")
	if r.code != 2 || !slices.Equal(reached, []string{"two at https://two.example.com"}) || len(waiting(t, home)) != 2 {
		t.Errorf("%+v; reached %q", r, reached)
	}
	says(t, "stderr", r.err, "2 of 3 submissions stay", "meant for the service https://one.example.com:443")
	says(t, "stdout", r.out, "atg --profile two job watch")
	config("one.example.com")
	if r := atg(t, t.Context(), f, env, "job", "flush"); r.code != 0 || len(jobsOf(t, f)) != 3 {
		t.Errorf("%+v", r)
	}
}
