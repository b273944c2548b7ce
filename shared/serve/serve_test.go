package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

// modeVariable makes the test binary a backend, and says how its Close behaves.
const modeVariable = "ATG_TEST_MODE"

func TestMain(m *testing.M) {
	mode, served := os.LookupEnv(modeVariable)
	if !served {
		os.Exit(m.Run())
	}
	serve.Backend(&testBackend{Runner: runner.New(nil), mode: mode})
}

type testBackend struct {
	*runner.Runner
	mode string
}

func (b *testBackend) Describe(context.Context) (backend.Description, error) {
	return backend.Description{Name: "acme", Version: "1.2.3", Protocol: backend.Protocol, Summary: "reads Acme's inventory"}, nil
}
func (b *testBackend) Configure(context.Context, backend.Settings) error { return nil }
func (b *testBackend) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{}, nil
}
func (b *testBackend) CheckHealth(context.Context) backend.Health { return backend.Health{} }

func (b *testBackend) Close(ctx context.Context) error {
	_, _ = io.WriteString(os.NewFile(2, "stderr"), "closing\n") // os.Stderr is go-plugin's by now
	switch b.mode {
	case "stuck":
		select {}
	case "panics":
		panic("in Close")
	}
	return b.Runner.Close(ctx)
}

// served is a backend's process after its handshake.
type served struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *bytes.Buffer
}

func run(t *testing.T, mode string) *served {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := os.MkdirTemp("", "atg-serve")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	s := &served{cmd: exec.CommandContext(t.Context(), self), stderr: &bytes.Buffer{}}
	s.cmd.Env = append(os.Environ(), modeVariable+"="+mode, rpc.LogLevelEnv+"=debug", "PLUGIN_PROTOCOL_VERSIONS=1",
		"PLUGIN_UNIX_SOCKET_DIR="+sockets, rpc.Handshake.MagicCookieKey+"="+rpc.Handshake.MagicCookieValue)
	s.cmd.Stderr = s.stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.HasPrefix(line, "1|1|") {
		t.Fatalf("the handshake is %q, %v", line, err)
	}
	return s
}

// ended waits for the end of the process, and expects it to have closed the backend and said why.
func (s *served) ended(t *testing.T, why string) {
	t.Helper()
	killer := time.AfterFunc(time.Minute, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	if !killer.Stop() {
		t.Error("it did not end")
	}
	for _, part := range []string{"closing\n", `"@level":"debug","@message":"the backend ends","why":"` + why} {
		if !strings.Contains(s.stderr.String(), part) {
			t.Errorf("its stderr lacks %s:\n%s", part, s.stderr)
		}
	}
}

func TestTheBackendEndsWithItsHost(t *testing.T) {
	for _, mode := range []string{"good", "stuck", "panics"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := run(t, mode)
			if err := s.stdin.Close(); err != nil {
				t.Fatal(err)
			}
			s.ended(t, "the host is gone")
		})
	}
}

func TestByHandItSaysWhatItIs(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--version"}, {"help"}} {
		cmd := exec.Command(self, args...)
		cmd.Env = append(os.Environ(), modeVariable+"=good")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 2 || stdout.Len() > 0 {
			t.Errorf("%v: exit code %d, stdout %q", args, code, &stdout)
		}
		for _, part := range []string{"atg backend acme 1.2.3", "reads Acme's inventory", "atg backend test acme", "atg --backend acme scan"} {
			if !strings.Contains(stderr.String(), part) {
				t.Errorf("%v: it does not say %q:\n%s", args, part, &stderr)
			}
		}
	}
}
