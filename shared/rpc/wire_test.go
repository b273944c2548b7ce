package rpc_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(rpc.ServerOptions()...)
	backendv1.RegisterBackendServer(server, rpc.NewServer(impl))
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

func TestEveryFaultCrosses(t *testing.T) {
	for _, code := range append(fault.Codes(), "from_the_future") {
		t.Run(string(code), func(t *testing.T) {
			sent := fault.New(code, "what happened", fault.Hint("what to do"), fault.On("/subscriptions/x"), fault.From(fault.OriginAzure),
				fault.Retryable(), fault.Problems(fault.Problem{Key: "a.b", Message: "m", Hint: "h", Line: 3, Column: 4}),
				fault.Because(fault.New(fault.Throttled, "inner", fault.Because(errors.New("innermost")))))
			c := dial(t, fake{getJob: func(context.Context, string) (backend.JobStatusResponse, error) {
				return backend.JobStatusResponse{}, sent
			}})
			_, err := c.GetJob(t.Context(), "x")
			got := fault.As(err)
			if got == nil {
				t.Fatalf("no fault: %v", err)
			}
			texts := cmp.Transformer("text", func(e error) string { return e.Error() })
			if d := cmp.Diff(*sent, *got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Cause" }, texts)); d != "" {
				t.Errorf("(-sent +received):\n%s", d)
			}
			if !errors.Is(err, fault.New(fault.Throttled, "")) {
				t.Error("the cause lost its code")
			}
			if err.Error() != sent.Error() {
				t.Errorf("text %q became %q", sent, err)
			}
		})
	}
}

func TestContextErrorsCross(t *testing.T) {
	cases := map[string]struct {
		err  error
		is   error
		code fault.Code
	}{
		"canceled":       {context.Canceled, context.Canceled, fault.Interrupted},
		"deadline":       {fmt.Errorf("waiting: %w", context.DeadlineExceeded), context.DeadlineExceeded, fault.Timeout},
		"inside a fault": {fault.New(fault.AzureForbidden, "x", fault.Because(context.Canceled)), context.Canceled, fault.AzureForbidden},
		"plain":          {errors.New("boom"), fault.New(fault.Internal, ""), fault.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client := dial(t, fake{result: func(context.Context, string) (backend.Result, error) { return nil, c.err }})
			_, err := client.GetResult(t.Context(), "x")
			if !errors.Is(err, c.is) || fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.err.Error()) {
				t.Errorf("GetResult = %v (%s)", err, fault.CodeOf(err))
			}
		})
	}
}

func TestTheCallersContextReachesTheBackend(t *testing.T) {
	deadline := make(chan bool, 1)
	ended := make(chan error, 1)
	client := dial(t, fake{getJob: func(ctx context.Context, _ string) (backend.JobStatusResponse, error) {
		_, ok := ctx.Deadline()
		deadline <- ok
		<-ctx.Done()
		ended <- ctx.Err()
		return backend.JobStatusResponse{}, ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	go func() { <-deadline; cancel() }()
	_, err := client.GetJob(ctx, "x")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("GetJob = %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the backend's context did not end")
	}

	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := client.GetJob(past, "x"); !errors.Is(err, context.DeadlineExceeded) || fault.CodeOf(err) != fault.Timeout {
		t.Errorf("GetJob behind its deadline = %v", err)
	}
}

func TestAPanicIsAFault(t *testing.T) {
	client := dial(t, fake{
		submit: func(context.Context, backend.Submission) (backend.JobStatusResponse, error) { panic("boom") },
		watch:  func(context.Context, string, uint64, func(backend.Event) error) error { panic("boom") },
	})
	_, err := client.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	watch := client.WatchJob(t.Context(), "x", 0, func(backend.Event) error { return nil })
	for call, err := range map[string]error{"Submit": err, "WatchJob": watch} {
		if fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "boom") {
			t.Errorf("%s = %v", call, err)
		}
	}
	if h := client.CheckHealth(t.Context()); h.Healthy || h.Message == "" || len(h.Dependencies) != 1 {
		t.Errorf("CheckHealth of a nil function = %+v", h)
	}
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

func TestWatch(t *testing.T) {
	gone := make(chan struct{})
	client := dial(t, fake{watch: func(ctx context.Context, _ string, after uint64, yield func(backend.Event) error) error {
		defer close(gone)
		for seq := after + 1; ; seq++ {
			if err := yield(backend.Event{Seq: seq, Kind: backend.EventLog, Log: &backend.Log{}}); err != nil {
				return err
			}
		}
	}})
	enough := errors.New("enough")
	var last uint64
	err := client.WatchJob(t.Context(), "x", 7, func(e backend.Event) error {
		last = e.Seq
		if e.Seq == 10 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || last != 10 {
		t.Errorf("WatchJob = %v behind event %d", err, last)
	}
	<-gone // the backend's side ended too
}

func TestPutInput(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 250_000)
	refused := fault.New(fault.Integrity, "no")
	var got []byte
	client := dial(t, fake{put: func(_ context.Context, in backend.Input, r io.Reader) error {
		if in.Path == "refused" {
			return refused
		}
		var err error
		got, err = io.ReadAll(r)
		return err
	}})
	if err := client.PutInput(t.Context(), backend.Input{Path: "taken"}, bytes.NewReader(content)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("PutInput: %d bytes of %d arrived, %v", len(got), len(content), err)
	}
	if err := client.PutInput(t.Context(), backend.Input{Path: "refused"}, bytes.NewReader(content)); !errors.Is(err, refused) {
		t.Errorf("a refused input: %v", err)
	}
	broken := io.MultiReader(strings.NewReader("x"), &failingReader{})
	if err := client.PutInput(t.Context(), backend.Input{Path: "taken"}, broken); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("an unreadable input: %v", err)
	}
}

type failingReader struct{}

func (*failingReader) Read([]byte) (int, error) { return 0, errors.New("bad sector") }

func TestFeaturesThatABackendLacksAreUnsupported(t *testing.T) {
	client := dial(t, fake{})
	_, jobs := client.ListJobs(t.Context(), backend.JobFilter{})
	_, batch := client.SubmitBatch(t.Context(), nil)
	_, artifacts := client.ListArtifacts(t.Context(), "x")
	_, download := client.DownloadArtifacts(t.Context(), "x", t.TempDir(), nil)
	_, snapshots := client.ListSnapshots(t.Context(), backend.SnapshotFilter{})
	_, snapshot := client.GetSnapshot(t.Context(), "x")
	_, fetch := client.FetchSnapshot(t.Context(), "x", t.TempDir(), nil)
	for call, err := range map[string]error{
		"ListJobs": jobs, "SubmitBatch": batch, "ListArtifacts": artifacts, "DownloadArtifacts": download, "ListSnapshots": snapshots,
		"GetSnapshot": snapshot, "FetchSnapshot": fetch, "DeleteSnapshot": client.DeleteSnapshot(t.Context(), "x"),
	} {
		if fault.CodeOf(err) != fault.Unsupported {
			t.Errorf("%s = %v", call, err)
		}
	}
}

func TestTranslateSeesEveryError(t *testing.T) {
	translated := errors.New("translated")
	client := dial(t, fake{getJob: func(context.Context, string) (backend.JobStatusResponse, error) {
		return backend.JobStatusResponse{}, fault.New(fault.Conflict, "x")
	}})
	client.Translate = func(err error) error { return errors.Join(translated, err) }
	if _, err := client.GetJob(t.Context(), "x"); !errors.Is(err, translated) || fault.CodeOf(err) != fault.Conflict {
		t.Errorf("GetJob = %v", err)
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

func FuzzFaultFromTheOtherSide(f *testing.F) {
	f.Add([]byte{}, "x")
	sum := sha256.Sum256(nil)
	f.Add(sum[:], hex.EncodeToString(sum[:]))
	f.Fuzz(func(t *testing.T, trailer []byte, text string) {
		err := rpc.DecodeTrailer(t.Context(), trailer, text)
		if fault.As(err) == nil || err.Error() == "" && fault.As(err).Message != "" {
			t.Errorf("DecodeTrailer = %v", err)
		}
	})
}
