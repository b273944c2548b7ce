package launch_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/launch"
)

func TestStartCallStop(t *testing.T) {
	root := t.TempDir()
	t.Setenv("TMPDIR", root)
	p := start(t, spec(t, "good"))
	if d, err := p.Backend().Describe(t.Context()); err != nil || d.Name != "test" {
		t.Fatalf("Describe = %+v, %v", d, err)
	}
	job, err := p.Backend().Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil || job.Status.Terminal() {
		t.Fatalf("Submit = %+v, %v", job, err)
	}
	for range 2 {
		if err := p.Stop(t.Context()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	<-p.Exited()
	if _, err := p.Backend().Describe(t.Context()); fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("a call behind Stop: %v", err)
	}
	if left, err := fs.Glob(os.DirFS(root), "*/*"); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	for range 3 {
		p := start(t, spec(t, "good"))
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := launch.Start(t.Context(), spec(t, "exit")); err == nil {
			t.Fatal("it was started")
		}
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; <-ticker.C {
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		if !strings.Contains(stacks.String(), "go-plugin") && !strings.Contains(stacks.String(), "grpc") && !strings.Contains(stacks.String(), "atg/shared/launch.") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", &stacks)
		}
	}
}

func TestACrashInACallSaysHow(t *testing.T) {
	cases := map[string][]string{
		"panic":            {"in the middle of its work (exit status 2)", "warn: about to divide by zero divisor=0", "panic: [31mred", "goroutine "},
		"exit in a call":   {"(exit status 5)", "\n  printed to stdout", "last words without an end"},
		"killed in a call": {"(signal: killed)"},
	}
	for mode, says := range cases {
		t.Run(mode, func(t *testing.T) {
			p := start(t, spec(t, mode))
			_, err := p.Backend().GetJob(t.Context(), "x")
			f := fault.As(err)
			if f == nil || f.Code != fault.BackendCrashed || f.Hint == "" {
				t.Fatalf("GetJob = %v", err)
			}
			for _, part := range says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.ContainsRune(err.Error(), '\x1b') || len(err.Error()) > 10_000 {
				t.Errorf("neither clean nor short: %q", err)
			}
			<-p.Exited()
			if _, err := p.Backend().Capabilities(t.Context()); fault.CodeOf(err) != fault.BackendCrashed {
				t.Errorf("the next call = %v", err)
			}
			if err := p.Stop(t.Context()); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
	}
}

func TestAConnectionThatBreaksIsNoDeath(t *testing.T) {
	p := start(t, spec(t, "hangs up"))
	_, err := p.Backend().GetJob(t.Context(), "x")
	if fault.CodeOf(err) != fault.BackendCrashed || !strings.Contains(err.Error(), "closed its connection, though its process runs on") {
		t.Errorf("GetJob = %v", err)
	}
	select {
	case <-p.Exited():
		t.Error("it has ended")
	default:
	}
}

func TestACallThatIsCancelledIsNoCrash(t *testing.T) {
	p := start(t, spec(t, "good"))
	job, err := p.Backend().Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = p.Backend().WatchJob(ctx, job.JobID, 0, func(backend.Event) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("WatchJob = %v", err)
	}
	if _, err := p.Backend().GetJob(t.Context(), "x"); err != nil {
		t.Errorf("the next call = %v", err)
	}
}

func TestWhatDoesNotStopIsKilled(t *testing.T) {
	w := newWitness(t)
	p := start(t, spec(t, "stubborn family", w.env))
	if _, err := p.Backend().GetJob(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	parent, child := w.sees("stubborn family"), w.sees("grandchild")
	began := time.Now()
	if err := p.Stop(t.Context()); err == nil {
		t.Error("Stop does not say so")
	}
	if took := time.Since(began); took > 4*launch.StopGrace {
		t.Errorf("Stop took %s", took)
	}
	parent()
	child()
}

func TestAForeignBackendEndsWithItsStandardInput(t *testing.T) {
	w := newWitness(t)
	p := start(t, spec(t, "foreign", w.env))
	if err := p.Stop(t.Context()); fault.CodeOf(err) != fault.Unsupported { // it has no Close
		t.Errorf("Stop = %v", err)
	}
	w.sees("closing")() // it was not killed
}

func TestTheEndOfTheContextEndsAStop(t *testing.T) {
	w := newWitness(t)
	p := start(t, spec(t, "stuck", w.env))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- p.Stop(ctx) }()
	gone := w.sees("closing")
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("Stop = %v", err)
	}
	gone()
}

func TestKillEndsAStop(t *testing.T) {
	w := newWitness(t)
	p := start(t, spec(t, "stuck", w.env))
	stopped := make(chan error)
	go func() { stopped <- p.Stop(t.Context()) }()
	gone := w.sees("closing")
	p.Kill()
	<-p.Exited()
	<-stopped
	gone()
}

func TestWhatABackendStartedEndsWithIt(t *testing.T) {
	ends := map[string]func(*testing.T, *launch.Process){
		"Stop": func(t *testing.T, p *launch.Process) {
			if err := p.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		},
		"Kill": func(_ *testing.T, p *launch.Process) { p.Kill() },
		"by itself": func(t *testing.T, p *launch.Process) {
			other, err := os.FindProcess(readPID(t, strings.NewReader(p.ID()+"\n")))
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Kill(); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := newWitness(t)
			p := start(t, spec(t, "family", w.env))
			if _, err := p.Backend().GetJob(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			parent, child := w.sees("family"), w.sees("grandchild")
			end(t, p)
			parent()
			child()
			<-p.Exited()
		})
	}
}

func TestNothingIsLeftWhenTheHostIsKilled(t *testing.T) {
	for _, mode := range []string{"family", "stubborn family"} {
		t.Run(mode, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			w := newWitness(t)
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), modeVariable+"=host", "ATG_TEST_BACKEND="+mode, w.env, "TMPDIR="+t.TempDir())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.sees("ready")
			parent, child := w.sees(mode), w.sees("grandchild")
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			parent()
			child()
			w.sees("closing") // it had the time to do so
		})
	}
}

func TestAFloodNeitherBlocksNorBreaks(t *testing.T) {
	p := start(t, spec(t, "flood"))
	d, err := p.Backend().GetJob(t.Context(), "x")
	if diff := cmp.Diff("x", d.JobID); diff != "" || err != nil {
		t.Errorf("GetJob: %v, -want +got:\n%s", err, diff)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLogLinesKeepTheirLevels(t *testing.T) {
	for least, want := range map[slog.Level]string{
		slog.LevelDebug: `level=DEBUG msg="a debug line" backend=test
level=INFO msg="an info line" backend=test answer=42
level=ERROR msg="an error line" backend=test group="{\"key\":\"value\"}"
level=INFO msg="printed by accident" backend=test
`,
		slog.LevelWarn: `level=ERROR msg="an error line" backend=test group="{\"key\":\"value\"}"
`,
	} {
		t.Run(least.String(), func(t *testing.T) {
			var out bytes.Buffer
			s := spec(t, "log")
			s.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: least, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))
			p := start(t, s)
			if _, err := p.Backend().GetJob(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			if err := p.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			// All of it was read when Stop returns. On a slow machine one more line says that stdin ended.
			if !strings.HasPrefix(out.String(), want) || strings.Count(out.String(), "\n") > strings.Count(want, "\n")+1 {
				t.Errorf("-want +got:\n%s", cmp.Diff(want, out.String()))
			}
		})
	}
}

// BenchmarkStartDescribeStop is what a backend adds to a command: cold start, one call, orderly end.
func BenchmarkStartDescribeStop(b *testing.B) {
	s := spec(b, "good")
	for b.Loop() {
		p, err := launch.Start(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Backend().Describe(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := p.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
