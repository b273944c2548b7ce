package rpc_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	"github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// fake is a backend made of function fields; what is nil answers nothing.
type fake struct {
	backend.Backend
	configure func(context.Context, backend.Settings) error
	health    func(context.Context) backend.Health
	submit    func(context.Context, backend.Submission) (backend.JobStatusResponse, error)
	getJob    func(context.Context, string) (backend.JobStatusResponse, error)
	watch     func(context.Context, string, uint64, func(backend.Event) error) error
	result    func(context.Context, string) (backend.Result, error)
	put       func(context.Context, backend.Input, io.Reader) error
}

func (f fake) Configure(ctx context.Context, s backend.Settings) error { return f.configure(ctx, s) }
func (f fake) CheckHealth(ctx context.Context) backend.Health          { return f.health(ctx) }
func (f fake) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	return f.submit(ctx, s)
}
func (f fake) GetJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	return f.getJob(ctx, id)
}
func (f fake) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	return f.watch(ctx, id, after, yield)
}
func (f fake) GetResult(ctx context.Context, id string) (backend.Result, error) {
	return f.result(ctx, id)
}
func (f fake) PutInput(ctx context.Context, in backend.Input, r io.Reader) error {
	return f.put(ctx, in, r)
}

// dial serves impl in process, over real gRPC, and answers a client of it.
func dial(t *testing.T, impl backend.Backend) *rpc.Client {
	t.Helper()
	return dialServer(t, rpc.NewServer(impl))
}

func dialServer(t *testing.T, impl backendv1.BackendServer) *rpc.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(rpc.ServerOptions()...)
	backendv1.RegisterBackendServer(server, impl)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	options := append(rpc.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:///bufconn", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return rpc.NewClient(conn)
}

func TestSettingsCrossAsJSON(t *testing.T) {
	var got backend.Settings
	client := dial(t, fake{configure: func(_ context.Context, s backend.Settings) error { got = s; return nil }})
	sent := backend.Settings{"s": "text", "b": true, "n": 1.5, "l": []any{"x", 2.0}, "m": map[string]any{"k": nil}}
	if err := client.Configure(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any(sent), map[string]any(got)); d != "" {
		t.Errorf("(-sent +received):\n%s", d)
	}
	if err := client.Configure(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("no settings: %v, %v", map[string]any(got), err)
	}
}

func TestLargeResultsPass(t *testing.T) {
	big := &backend.ScanResult{Coverage: backend.Coverage{Entries: make([]backend.CoverageEntry, 100_000)}}
	for i := range big.Coverage.Entries {
		big.Coverage.Entries[i] = backend.CoverageEntry{Scope: strings.Repeat("s", 200), Kind: "resources", State: backend.CoverageListed}
	}
	size := 1
	client := dial(t, fake{result: func(context.Context, string) (backend.Result, error) {
		if size == 1 {
			return big, nil
		}
		return &backend.ScanResult{Error: strings.Repeat("x", rpc.MaxMessage+1)}, nil
	}})
	got, err := client.GetResult(t.Context(), "x")
	if err != nil || len(got.(*backend.ScanResult).Coverage.Entries) != len(big.Coverage.Entries) {
		t.Fatalf("GetResult: %v", err)
	}
	size = 2
	if _, err := client.GetResult(t.Context(), "x"); fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("a result too large: %v", err)
	}
}

// small is a complete backend on the runner.
type small struct{ *runner.Runner }

func newSmall() small {
	return small{runner.New(runner.Works{backend.OpScan: func(_ context.Context, job *runner.Job) (backend.Result, error) {
		job.Log(backend.LevelInfo, "hello")
		return &backend.ScanResult{Success: true, Complete: true, Coverage: backend.Coverage{Complete: true}}, nil
	}})}
}

func (small) Describe(context.Context) (backend.Description, error) {
	return backend.Description{Name: "small", Version: "1", Protocol: backend.Protocol}, nil
}

func (small) Configure(_ context.Context, s backend.Settings) error {
	if names := s.Names(); len(names) > 0 {
		return fault.New(fault.ConfigInvalid, "wrong", fault.Problems(fault.Problem{Key: names[0], Message: "unknown"}))
	}
	return nil
}

func (small) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: runner.Features()}, nil
}

func (small) CheckHealth(context.Context) backend.Health { return backend.Health{Healthy: true} }

func TestABackendConformsOverTheWire(t *testing.T) {
	s := &conformance.Subject{Patience: 20 * time.Second, Start: func(ctx context.Context) (backend.Backend, func(), error) {
		impl := newSmall()
		return dial(t, impl), func() { _ = impl.Close(context.WithoutCancel(ctx)) }, nil
	}}
	passed := 0
	if _, err := conformance.Run(t.Context(), s, func(o conformance.Outcome) {
		switch {
		case o.Err != nil:
			t.Errorf("%s: %v", o.Check.Name, o.Err)
		case o.Skipped == "":
			passed++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if passed < 20 {
		t.Errorf("only %d checks applied", passed)
	}
}
