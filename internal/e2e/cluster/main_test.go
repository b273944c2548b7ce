//go:build unix

package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	servercli "github.com/azure-tenant-grapher/atg/cmd/atg-server/cli"
	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/plugins/remote"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/secret"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

// TestMain is the main of each program of the cluster but NATS: the test binary has their names.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "atg-server":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := servercli.Main(ctx, servercli.OS())
		stop()
		os.Exit(code)
	case "atg-backend-counting":
		serve.Backend(&counting{runner.New(runner.Works{backend.OpScan: count})})
		return
	}
	code := m.Run()
	if theLab.Cluster != nil {
		theLab.Close()
		_ = os.RemoveAll(theLab.dir)
	}
	os.Exit(code)
}

// counting is a backend whose scans count. What a scan does stands in its tenant: "count-20-50ms" logs the numbers from 1 to 20,
// one every 50 ms, and makes a file numbers.txt with them; "wait" waits until it is cancelled.
type counting struct{ *runner.Runner }

func (*counting) Describe(context.Context) (backend.Description, error) {
	return backend.Description{Name: "counting", Version: "1.0.0", Protocol: backend.Protocol, SettingsSchema: json.RawMessage(`{"type": "object"}`)}, nil
}
func (*counting) Configure(context.Context, backend.Settings) error { return nil }
func (*counting) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: runner.Features()}, nil
}
func (*counting) CheckHealth(context.Context) backend.Health { return backend.Health{Healthy: true} }

func count(ctx context.Context, job *runner.Job) (backend.Result, error) {
	var to int
	var every time.Duration
	what := strings.Split(job.Submission().Request.Tenant(), "-")
	if len(what) == 3 {
		to, _ = strconv.Atoi(what[1])
		every, _ = time.ParseDuration(what[2])
	}
	if to == 0 || every == 0 {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	dir, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	var numbers []byte
	again := time.NewTicker(every)
	defer again.Stop()
	for n := 1; n <= to; n++ {
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		job.Log(backend.LevelInfo, "%d", n)
		numbers = fmt.Appendln(numbers, n)
	}
	return &backend.ScanResult{Success: true, Complete: true, Resources: int64(to)}, os.WriteFile(filepath.Join(dir, "numbers.txt"), numbers, 0o600)
}

// lab is the cluster of these tests. It is started once; each test leaves it whole.
type lab struct {
	*cluster.Cluster
	dir  string
	once sync.Once
	err  error
}

var theLab lab

// theCluster starts the cluster, if no test has yet.
func theCluster(t *testing.T) *lab {
	t.Helper()
	l := &theLab
	l.once.Do(func() { l.err = l.start(t.Context()) })
	if l.err != nil {
		t.Fatal(l.err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, p := range l.Processes() {
			t.Logf("%s:\n%s", p.Name, p.Tail())
		}
	})
	return l
}

func (l *lab) start(ctx context.Context) (err error) {
	if l.dir, err = os.MkdirTemp("", "atg-cluster-test-"); err != nil {
		return err
	}
	bin := filepath.Join(l.dir, "bin")
	self, err := os.Executable()
	if err := errors.Join(err, os.Mkdir(bin, 0o700)); err != nil {
		return err
	}
	for _, name := range []string{"atg-server", "atg-backend-counting"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	nats, err := cluster.BuildNATS(ctx, bin)
	if err != nil {
		return err
	}
	l.Cluster, err = cluster.Start(ctx, cluster.Options{Dir: filepath.Join(l.dir, "cluster"), Bin: bin, NATS: nats, Config: map[string]any{
		"backend": map[string]any{"name": "counting", "path": filepath.Join(bin, "atg-backend-counting")},
		"worker":  map[string]any{"concurrency": 4, "retry_delay": "1s"},
	}})
	return err
}

// remote is a client of an API node, or of the balancer, with the retries that users have.
func (l *lab) remote(t *testing.T, url string) *remote.RemoteClient {
	t.Helper()
	config := backend.DefaultClientConfig()
	config.RemoteMode, config.ServiceURL, config.APIKey, config.CAFile = true, url, secret.New(l.Key), l.CAFile
	client, err := remote.NewRemoteClient(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// node is a client of one API node.
func (l *lab) node(t *testing.T, i int) *remote.RemoteClient {
	t.Helper()
	url, err := l.NodeURL(l.APIs[i])
	if err != nil {
		t.Fatal(err)
	}
	return l.remote(t, url)
}

// call makes one call of one node, without any retry, and answers its body.
func (l *lab) call(t *testing.T, node int, method, path string, body, into any, headers ...string) (status int) {
	t.Helper()
	url, err := l.NodeURL(l.APIs[node])
	if err != nil {
		t.Fatal(err)
	}
	if status, err = l.Call(t.Context(), url, method, path, body, into, headers...); err != nil {
		t.Fatalf("api-%d: %s %s: %v", node+1, method, path, err)
	}
	return status
}

// submit submits a scan and answers its job's id.
func submit(t *testing.T, to *remote.RemoteClient, work string) string {
	t.Helper()
	job, err := to.SubmitScanJob(t.Context(), backend.ScanRequest{TenantID: work}, "")
	if err != nil {
		t.Fatal(err)
	}
	return job.JobID
}

// ends waits until a job has ended as it should.
func ends(t *testing.T, c *remote.RemoteClient, id string, want backend.JobStatus) backend.JobStatusResponse {
	t.Helper()
	job, err := c.WaitForCompletion(t.Context(), id, func(backend.Event) error { return nil })
	if err != nil && fault.CodeOf(err) != fault.JobFailed || job.Status != want {
		t.Fatalf("the job %s is %+v: %v", id, job, err)
	}
	return job
}
