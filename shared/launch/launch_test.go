//go:build unix

package launch_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/launch"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

// The test binary is the backend too: this variable says how it behaves.
const modeVariable = "ATG_TEST_MODE"

func TestMain(m *testing.M) {
	mode, isBackend := os.LookupEnv(modeVariable)
	if !isBackend {
		os.Exit(m.Run())
	}
	switch mode {
	case "host":
		host()
	case "garbage":
		fmt.Println("Welcome to my program!")
		select {}
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot find the flux capacitor")
		os.Exit(3)
	case "hang":
		select {}
	case "other-protocol":
		fmt.Println("1|99|unix|/nowhere|grpc|")
		select {}
	case "flood":
		for range 2000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 100))
		}
		fmt.Fprint(os.Stderr, strings.Repeat("no end of line", 100_000))
	case "sleeper": // what a backend may have started
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		select {}
	}
	serve.Backend(newTestBackend(mode))
}

// testBackend is a small real backend whose calls misbehave as its mode says.
type testBackend struct {
	*runner.Runner
	mode string
}

func newTestBackend(mode string) *testBackend {
	return &testBackend{mode: mode, Runner: runner.New(runner.Works{backend.OpScan: func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})}
}

func (b *testBackend) Describe(ctx context.Context) (backend.Description, error) {
	switch b.mode {
	case "crash":
		slog.Warn("about to divide by zero", "divisor", 0)
		go func() { panic("\x1b[31mred\x1b[0m") }()
		<-ctx.Done()
	case "grandchild":
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{modeVariable + "=sleeper"}
		cmd.Stdout, cmd.ExtraFiles = nil, nil
		if err := cmd.Start(); err != nil {
			return backend.Description{}, err
		}
		return backend.Description{Name: fmt.Sprint(cmd.Process.Pid)}, nil
	case "log":
		slog.Debug("a debug line")
		slog.Info("an info line", "answer", 42)
		slog.Error("an error line")
		fmt.Println("printed by accident")
	}
	return backend.Description{Name: "test", Version: "1", Protocol: backend.Protocol}, nil
}

func (b *testBackend) Configure(context.Context, backend.Settings) error { return nil }

func (b *testBackend) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Formats: os.Environ()}, nil
}

func (b *testBackend) CheckHealth(ctx context.Context) backend.Health {
	if b.mode == "stuck" {
		<-ctx.Done()
	}
	return backend.Health{Healthy: true}
}

func (b *testBackend) Close(ctx context.Context) error {
	if b.mode == "stuck" {
		signal.Ignore(syscall.SIGTERM)
		select {}
	}
	return b.Runner.Close(ctx)
}

func spec(t testing.TB, mode string) launch.Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return launch.Spec{
		Name: "test", Path: self, Env: append(os.Environ(), modeVariable+"="+mode), StartTimeout: 30 * time.Second,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
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

func TestStartCallStop(t *testing.T) {
	p := start(t, spec(t, "good"))
	d, err := p.Backend().Describe(t.Context())
	if err != nil || d.Name != "test" {
		t.Fatalf("Describe = %+v, %v", d, err)
	}
	job, err := p.Backend().Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil || job.Status.Terminal() {
		t.Fatalf("Submit = %+v, %v", job, err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("Stop: %v", err)
	}
	<-p.Exited()
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	if _, err := p.Backend().Describe(t.Context()); fault.CodeOf(err) != fault.BackendCrashed {
		t.Errorf("a call behind Stop: %v", err)
	}
}

func TestWhatCannotBeStartedSaysWhy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 40) // RISC-V
	cases := map[string]struct {
		mode, path string
		timeout    time.Duration
		sha        string
		want       fault.Code
		says       []string
	}{
		"missing":           {path: filepath.Join(dir, "nothing"), want: fault.BackendNotFound, says: []string{"nothing"}},
		"a folder":          {path: dir, want: fault.BackendIncompatible, says: []string{"is no file"}},
		"not executable":    {path: write("plain", "x", 0o600), want: fault.BackendIncompatible, says: []string{"not executable"}},
		"no program":        {path: write("text", "hello", 0o700), want: fault.BackendIncompatible, says: []string{"no program"}},
		"another platform":  {path: write("riscv", foreign, 0o700), want: fault.BackendIncompatible, says: []string{"RISCV", runtime.GOARCH}},
		"pinned to another": {mode: "good", sha: strings.Repeat("0", 64), want: fault.Integrity, says: []string{"has changed"}},
		"garbage":           {mode: "garbage", want: fault.BackendIncompatible, says: []string{"Welcome to my program!"}},
		"exits at once":     {mode: "exit", want: fault.BackendCrashed, says: []string{"exit status 3", "flux capacitor"}},
		"hangs":             {mode: "hang", timeout: 100 * time.Millisecond, want: fault.BackendIncompatible, says: []string{"100ms"}},
		"other protocol":    {mode: "other-protocol", want: fault.BackendIncompatible, says: []string{"99", "protocol"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := spec(t, c.mode)
			if c.path != "" {
				s.Path = c.path
			}
			if c.timeout != 0 {
				s.StartTimeout = c.timeout
			}
			s.SHA256 = c.sha
			p, err := launch.Start(t.Context(), s)
			if err == nil {
				p.Kill()
				t.Fatal("it was started")
			}
			f := fault.As(err)
			if f == nil || f.Code != c.want || f.Hint == "" {
				t.Errorf("fault = %+v (%v), want %s", f, err, c.want)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestAPinnedProgramStarts(t *testing.T) {
	s := spec(t, "good")
	content, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	s.SHA256 = strings.ToUpper(hex.EncodeToString(sum[:]))
	if err := start(t, s).Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACrashInACallShowsTheLastWords(t *testing.T) {
	p := start(t, spec(t, "crash"))
	_, err := p.Backend().Describe(t.Context())
	if fault.CodeOf(err) != fault.BackendCrashed {
		t.Fatalf("Describe = %v", err)
	}
	for _, part := range []string{"exit status 2", "about to divide by zero", "[31mred"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.ContainsRune(err.Error(), '\x1b') {
		t.Error("control characters came through")
	}
	<-p.Exited()
}

func TestAnEndlessLineNeitherBlocksNorBreaks(t *testing.T) {
	p := start(t, spec(t, "flood"))
	if _, err := p.Backend().Describe(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCancellationOfStartEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := spec(t, "hang")
	reader, writer := io.Pipe()
	defer func() { _ = reader.Close() }()
	s.Logger = slog.New(slog.NewTextHandler(writer, nil))
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := launch.Start(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v", err)
	}
}

func TestAStuckBackendIsEndedByForce(t *testing.T) {
	p := start(t, spec(t, "stuck"))
	if err := p.Stop(t.Context()); err == nil {
		t.Error("Stop does not say that the backend did not close")
	}
	<-p.Exited()
}

func TestStopEndsWhatTheBackendStarted(t *testing.T) {
	p := start(t, spec(t, "grandchild"))
	d, err := p.Backend().Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	gone(t, d.Name)
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestLogLinesKeepTheirLevels(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
		t.Run(level.String(), func(t *testing.T) {
			out := &lines{more: make(chan struct{}, 1)}
			s := spec(t, "log")
			s.Logger = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
			p := start(t, s)
			if _, err := p.Backend().Describe(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := []string{`level=INFO msg="an info line" backend=test answer=42`, `level=ERROR msg="an error line" backend=test`}
			if level == slog.LevelDebug {
				want = append(want, `level=DEBUG msg="a debug line"`, `msg="printed by accident" backend=test stream=stdout`)
			}
			for _, line := range want {
				for !strings.Contains(out.String(), line) {
					select {
					case <-out.more:
					case <-t.Context().Done():
					case <-time.After(20 * time.Second):
						t.Fatalf("the log lacks %s:\n%s", line, out)
					}
				}
			}
			if level == slog.LevelInfo && strings.Contains(out.String(), "debug") {
				t.Errorf("debug lines at level info:\n%s", out)
			}
		})
	}
}

func TestTheBackendGetsItsEnvironmentAlone(t *testing.T) {
	t.Setenv("ATG_API_KEY", "must-not-arrive")
	s := spec(t, "good")
	s.Env = launch.Environment("test", false, []string{modeVariable}, append(os.Environ(), modeVariable+"=good"))
	p := start(t, s)
	c, err := p.Backend().Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range c.Formats {
		if strings.HasPrefix(variable, "ATG_API_KEY") {
			t.Errorf("the backend got %s", variable)
		}
	}
}

// host is a host that starts a backend with a grandchild, says who they are, and waits to be killed.
func host() {
	self, _ := os.Executable()
	p, err := launch.Start(context.Background(), launch.Spec{Name: "test", Path: self, Env: append(os.Environ(), modeVariable+"=grandchild")})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	d, err := p.Backend().Describe(context.Background())
	fmt.Println(p.ID(), d.Name, err)
	select {}
}

func TestNothingIsLeftWhenTheHostIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	socketRoot := t.TempDir()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), modeVariable+"=host", "TMPDIR="+socketRoot)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(line)
	if len(fields) != 3 || fields[2] != "<nil>" {
		t.Fatalf("the host says %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone(t, fields[0])
	gone(t, fields[1])
}
