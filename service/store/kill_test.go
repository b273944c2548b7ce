package store

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// childDir names the folder of a test binary that is executed again as a server.
const childDir = "ATG_STORE_TEST_DIR"

// child serves until it is killed: it submits jobs, changes some, stores files, and says what is done.
func child(ctx context.Context, dir string) error {
	s, err := Open(ctx, Config{DataDir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(what, id string, revision jobs.Revision) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, id, revision)
	}
	var all sync.WaitGroup
	failed := make(chan error, 32)
	for o := range 24 { // so many that most go into batches
		all.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("job-%d-%d", o, i)
				r, _, err := s.Enqueue(ctx, job(id, fmt.Sprintf("owner-%d", o%5)))
				if err == nil {
					say("enqueued", id, 0)
				}
				if err == nil && i%3 == 0 {
					var revision jobs.Revision
					run(&r)
					if revision, err = s.Update(ctx, r, 0); err == nil {
						say("updated", id, revision)
					}
				}
				if err == nil && i%10 == 0 {
					if _, err = s.Put(ctx, artifact(id), strings.NewReader(id), nil); err == nil {
						say("put", id, 0)
					}
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	return <-failed
}

// What was acknowledged is there after the server was killed in the middle of its work.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	enqueued, updated, put := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for round := range 2 {
		serveAndKill(t, fmt.Sprintf("%s/%d", dir, round), func(what, id string) bool {
			switch what {
			case "enqueued":
				enqueued[id] = true
			case "updated":
				updated[id] = true
			case "put":
				put[id] = true
			}
			return len(enqueued) >= 400 && len(put) > 5
		})
		s := storeOn(t, fmt.Sprintf("%s/%d", dir, round), func(c *Config) { c.AckWait = 10 * time.Minute }) // none is to come again, however slow this is
		page, err := s.List(t.Context(), "", backend.JobFilter{Limit: 1_000_000})
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{}
		for _, j := range page.Jobs {
			listed[j.JobID] = true
		}
		for id := range enqueued {
			r, revision, err := s.Get(t.Context(), id)
			if err != nil || r.Content != job(id, "").Content || updated[id] && (revision == 0 || r.Job.Status != backend.JobRunning) {
				t.Errorf("%s: revision %d, %s: %v", id, revision, r.Job.Status, err)
			}
			if !listed[id] {
				t.Errorf("%s is not listed", id)
			}
			if _, created, err := s.Enqueue(t.Context(), r); err != nil || created {
				t.Errorf("%s was made again: %v", id, err)
			}
		}
		for id := range put {
			if got := read(t, s, artifact(id)); string(got) != id {
				t.Errorf("%s: %q", id, got)
			}
		}
		taken := map[string]bool{}
		for range len(page.Jobs) { // every job, acknowledged or not, is taken once
			d := take(t, s)
			if taken[d.ID()] {
				t.Errorf("%s was taken twice", d.ID())
			}
			taken[d.ID()] = true
		}
		for id := range enqueued {
			if !taken[id] {
				t.Errorf("%s is not in the queue", id)
			}
		}
		t.Logf("%d jobs, %d updates and %d files were acknowledged; %d jobs are there", len(enqueued), len(updated), len(put), len(page.Jobs))
		clear(enqueued)
		clear(updated)
		clear(put)
	}
}

// serveAndKill runs this test binary as a server until enough holds for what it says, and kills it.
func serveAndKill(t *testing.T, dir string, enough func(what, id string) bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childDir+"="+dir)
	c.Stderr = testWriter{t}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines, killed := bufio.NewScanner(out), false
	for lines.Scan() { // what it said until the very end counts
		words := strings.Fields(lines.Text())
		if len(words) == 3 && enough(words[0], words[1]) && !killed {
			killed = true
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil || !killed {
		t.Fatalf("the server ended by itself: %v", err)
	}
}
