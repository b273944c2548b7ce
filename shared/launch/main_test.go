package launch_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/launch"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

// The test binary is also every other process of these tests. These variables say which, and where the
// test listens for a sign of its life.
const (
	modeVariable    = "ATG_TEST_MODE"
	witnessVariable = "ATG_TEST_WITNESS"
)

// patience bounds every wait of a test, on a machine however slow.
const patience = time.Minute

func TestMain(m *testing.M) {
	mode, other := os.LookupEnv(modeVariable)
	if !other {
		os.Exit(m.Run())
	}
	testify(mode)
	if play, ok := plays[mode]; ok {
		play()
		os.Exit(0)
	}
	serve.Backend(newTestBackend(mode))
}

// plays are the processes that are no proper backends.
var plays = map[string]func(){
	"garbage":     func() { fmt.Println("Welcome to \x1b[31mmy\x1b[0m program!"); select {} },
	"no newline":  func() { fmt.Print("hello") },
	"long line":   func() { fmt.Print(strings.Repeat("x", 1<<20)); select {} },
	"binary":      func() { _, _ = os.Stdout.Write([]byte{0, 0xff, 0xfe, '\n', 0}); select {} },
	"empty":       func() {},
	"exit":        func() { fmt.Fprintln(os.Stderr, "cannot find the \x1b[1mflux\x1b[0m capacitor"); os.Exit(3) },
	"hang":        func() { fmt.Fprintln(os.Stderr, "thinking"); select {} },
	"protocol 99": func() { fmt.Println("1|99|unix|/nowhere|grpc|"); select {} },
	"rules 7":     func() { fmt.Println("7|1|unix|/nowhere|grpc|"); select {} },
	"net/rpc":     func() { fmt.Println("1|1|unix|/nowhere|netrpc|"); select {} },
	"tcp":         func() { fmt.Println("1|1|tcp|127.0.0.1:1|grpc|"); select {} },
	"elsewhere":   func() { fmt.Println("1|1|unix|/nowhere/s|grpc|"); select {} },
	"above":       func() { fmt.Printf("1|1|unix|%s/../s|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR")); select {} },
	"no socket":   func() { fmt.Printf("1|1|unix|%s/none|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR")); select {} },
	"late exit":   func() { fmt.Printf("1|1|unix|%s/none|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR")); os.Exit(4) },
	"deaf":        deaf,
	"foreign":     func() { foreign(false) },
	"hangs up":    func() { foreign(true) },
	"grandchild":  func() { signal.Ignore(syscall.SIGTERM, os.Interrupt, syscall.SIGHUP); select {} },
	"host":        host,
}

// deaf listens and never answers.
func deaf() {
	path := os.Getenv("PLUGIN_UNIX_SOCKET_DIR") + "/s"
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	fmt.Printf("1|1|unix|%s|grpc|\n", path)
	for {
		if _, err := listener.Accept(); err != nil {
			return
		}
	}
}

// host starts a backend with a grandchild and waits to be killed.
func host() {
	self, _ := os.Executable()
	p, err := launch.Start(context.Background(), launch.Spec{Name: "test", Path: self, Env: append(os.Environ(), modeVariable+"="+os.Getenv("ATG_TEST_BACKEND"))})
	if err != nil {
		panic(err)
	}
	if _, err = p.Backend().GetJob(context.Background(), "x"); err != nil {
		panic(err)
	}
	fmt.Println(p.ID())
	testify("ready")
	select {}
}

// foreign is a backend that knows no more of go-plugin than it must: it ends with its standard input.
// It does not know atg's calls, or hangs up when it is asked for a job.
func foreign(hangsUp bool) {
	path := os.Getenv("PLUGIN_UNIX_SOCKET_DIR") + "/s"
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	healthy := health.NewServer()
	var server *grpc.Server
	server = grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if method, _ := grpc.MethodFromServerStream(stream); hangsUp && strings.HasSuffix(method, "/GetJob") {
			server.Stop()
		}
		return status.Error(codes.Unimplemented, "unknown")
	}))
	healthy.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	go func() { _ = server.Serve(listener) }()
	fmt.Printf("1|1|unix|%s|grpc\n", path)
	_, _ = io.Copy(io.Discard, os.Stdin)
	testify("closing")
}

// testBackend is a proper backend whose calls misbehave as its mode says.
type testBackend struct {
	*runner.Runner
	mode string
	log  *slog.Logger
}

func newTestBackend(mode string) *testBackend {
	b := &testBackend{mode: mode, log: slog.Default()}
	b.Runner = runner.New(runner.Works{backend.OpScan: func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	return b
}

func (b *testBackend) Describe(context.Context) (backend.Description, error) {
	return backend.Description{Name: "test", Version: "1", Protocol: backend.Protocol}, nil
}

// GetJob misbehaves as the mode says.
func (b *testBackend) GetJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	switch b.mode {
	case "panic":
		slog.Warn("about to divide by zero", "divisor", 0)
		for range 200 {
			go func() { <-ctx.Done() }()
		}
		go func() { panic("\x1b[31mred\x1b[0m") }()
		select {}
	case "exit in a call":
		fmt.Println("printed to stdout")
		fmt.Fprint(os.Stderr, "last words without an end")
		os.Exit(5)
	case "killed in a call":
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	case "family", "stubborn family":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), modeVariable+"=grandchild")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr // it holds the pipes of its parent
		if err := cmd.Start(); err != nil {
			return backend.JobStatusResponse{}, err
		}
	case "flood":
		for range 2000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 100))
		}
		fmt.Fprint(os.Stderr, strings.Repeat("no end of line", 100_000))
		fmt.Fprintln(os.Stderr, "\x00\xff\xfe{\"@message\":7,\"@level\":[]}")
		fmt.Fprintln(os.Stderr, `{"@message":7,"@level":[],"@timestamp":{}}`)
	case "log":
		slog.Debug("a debug line")
		b.log.Info("an info line", "answer", 42)
		slog.Error("an error line", slog.Group("group", "key", "value"))
		fmt.Println("printed by accident")
	}
	return backend.JobStatusResponse{JobID: id}, nil
}

func (b *testBackend) Configure(context.Context, backend.Settings) error { return nil }

// Capabilities answers the process's environment.
func (b *testBackend) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Formats: os.Environ()}, nil
}

func (b *testBackend) CheckHealth(context.Context) backend.Health {
	return backend.Health{Healthy: true}
}

func (b *testBackend) Close(ctx context.Context) error {
	testify("closing")
	if b.mode == "stuck" || b.mode == "stubborn family" {
		select {}
	}
	return b.Runner.Close(ctx)
}

// witness is where processes of a test testify that they are alive, by a connection that ends when
// they do.
type witness struct {
	t     *testing.T
	alive map[string]chan net.Conn
	env   string
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	w := &witness{t: t, alive: map[string]chan net.Conn{}, env: witnessVariable + "=" + listener.Addr().String()}
	for _, who := range []string{"host", "ready", "closing", "grandchild", "family", "stubborn family", "stuck", "hang", "good", "deaf", "foreign", "killed in a call"} {
		w.alive[who] = make(chan net.Conn, 16)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			who, _ := bufio.NewReader(conn).ReadString('\n')
			w.alive[strings.TrimSpace(who)] <- conn
		}
	}()
	return w
}

// testify connects with the test's witness, if there is one, for as long as this process lives.
func testify(who string) {
	if address := os.Getenv(witnessVariable); address != "" {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(conn, who)
		witnessed = append(witnessed, conn)
	}
}

var witnessed []net.Conn // keeps them from being collected

// sees waits until a process testifies, and answers a function that waits for its end.
func (w *witness) sees(who string) (gone func()) {
	w.t.Helper()
	select {
	case conn := <-w.alive[who]:
		return func() {
			w.t.Helper()
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
				w.t.Fatalf("the process %q is still there", who)
			}
		}
	case <-time.After(patience):
		w.t.Fatalf("no sign of the process %q", who)
		return nil
	}
}

func spec(t testing.TB, mode string, env ...string) launch.Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return launch.Spec{
		Name: "test", Path: self, Env: append(append(os.Environ(), env...), modeVariable+"="+mode),
		StartTimeout: patience, Logger: slog.New(slog.DiscardHandler),
	}
}

func start(t *testing.T, s launch.Spec) *launch.Process {
	t.Helper()
	p, err := launch.Start(t.Context(), s)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(p.Kill)
	return p
}

// readPID reads a line with a process id.
func readPID(t *testing.T, r io.Reader) int {
	t.Helper()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return id
}
