//go:build soak && unix

package cluster_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
)

var old = flag.String("old", "HEAD~1", "the commit of the version that is mixed with this one")

// TestVersionSkew upgrades a cluster process by process from another commit to this one, under load: workers first, as
// docs/cluster.md says; then it is taken back, API nodes last, so that each kind runs beside an older one of the other. No command fails, no job is lost.
func TestVersionSkew(t *testing.T) {
	shared := theCluster(t) // for its programs
	dir := t.TempDir()
	earlier := buildOld(t, dir)
	bin := filepath.Join(shared.dir, "bin")
	c, err := cluster.New(cluster.Options{Dir: filepath.Join(dir, "cluster"), Bin: bin, NATS: filepath.Join(bin, "nats-server"), Config: map[string]any{
		"backend": map[string]any{"name": "counting", "path": filepath.Join(bin, "atg-backend-counting")},
		"worker":  map[string]any{"concurrency": 4, "retry_delay": "1s", "lease": "30s"}, // whose default has changed once
	}})
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{Cluster: c, dir: dir}
	services := append(append([]*cluster.Process{}, l.APIs...), l.Workers...)
	now := services[0].Path
	for _, p := range services {
		p.Path = earlier
	}
	defer c.Close()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := l.jobs(t)
	load := l.load(t, 3)
	turn := func(path string, some []*cluster.Process) {
		for _, p := range some {
			p.Path = path
			if err := p.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.starts(t, p)
			l.goesOn(t, load)
		}
	}
	turn(now, l.Workers) // an earlier API, later workers
	turn(now, l.APIs)
	turn(earlier, l.Workers) // a later API, earlier workers
	turn(earlier, l.APIs)
	load.stop()
	load.done.Wait()
	for _, err := range load.wrong {
		t.Error(err)
	}
	after := l.jobs(t)
	if made := len(after) - len(before); made != len(load.ended) || made == 0 {
		t.Errorf("%d commands made %d jobs", len(load.ended), made)
	}
	t.Logf("%d jobs, mixed with %s", len(load.ended), *old)
}

// goesOn waits until some more commands have ended.
func (l *lab) goesOn(t *testing.T, o *load) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	since := o.count()
	if err := cluster.Until(ctx, "no command ends any more", func() bool { return o.count() > since+5 }); err != nil {
		t.Fatal(err)
	}
}

// buildOld builds atg-server of the other commit.
func buildOld(t *testing.T, dir string) string {
	t.Helper()
	source, program := filepath.Join(dir, "source"), filepath.Join(dir, "old", "atg-server")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{
		`git -C ../../.. archive "$1" | tar -x -C "$2"`,
		`cd "$2" && CGO_ENABLED=0 go build -trimpath -o "$3" ./cmd/atg-server`,
	} {
		if out, err := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", c, "bash", *old, source, program).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", *old, err, out)
		}
	}
	return program
}
