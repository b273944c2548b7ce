package launch_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/launch"
)

// refused expects Start to fail with a fault that says certain things.
func refused(t *testing.T, s launch.Spec, code fault.Code, says ...string) {
	t.Helper()
	p, err := launch.Start(t.Context(), s)
	if err == nil {
		p.Kill()
		t.Fatal("it was started")
	}
	f := fault.As(err)
	if f == nil || f.Code != code || f.Hint == "" || f.Resource != s.Path || f.Origin != fault.OriginHost {
		t.Errorf("Start = %#v (%v), want a fault %s", err, err, code)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	for _, r := range err.Error() {
		if r != '\n' && unicode.IsControl(r) {
			t.Errorf("%q has control characters", err)
			break
		}
	}
}

func TestAProgramThatCannotBeStartedSaysWhy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	header := func(magic string) string { return magic + strings.Repeat("\x00", 64) }
	riscv := "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 40)
	macho := header("\xcf\xfa\xed\xfe\x0c\x00\x00\x01\x00\x00\x00\x00\x02\x00\x00\x00") // arm64
	here := runtime.GOOS + "/" + runtime.GOARCH

	cases := map[string]struct {
		path string
		want fault.Code
		says string
	}{
		"missing":            {filepath.Join(dir, "nothing"), fault.BackendNotFound, "has no program at"},
		"a directory":        {dir, fault.BackendIncompatible, "is a directory"},
		"not executable":     {write("plain", "x", 0o600), fault.BackendIncompatible, "is not executable"},
		"no program":         {write("text", "hello", 0o700), fault.BackendIncompatible, "is neither a program for " + here},
		"empty":              {write("empty", "", 0o700), fault.BackendIncompatible, "is neither a program for " + here},
		"another processor":  {write("riscv", riscv, 0o700), fault.BackendIncompatible, "was built for linux/riscv64, and this is " + here},
		"another system":     {write("macho", macho, 0o700), fault.BackendIncompatible, "was built for darwin/arm64, and this is " + here},
		"no interpreter":     {write("script", "#!/no/such/python -u\n", 0o700), fault.BackendIncompatible, "needs /no/such/python, which is not there"},
		"a silent good deed": {write("true", "#!/bin/sh\nexit 0\n", 0o700), fault.BackendCrashed, "before it was ready (exit status 0)"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := spec(t, "good")
			s.Path = c.path
			refused(t, s, c.want, `"test"`, c.says)
		})
	}
}

func TestAProgramThatIsNoBackendSaysWhy(t *testing.T) {
	cases := map[string]struct {
		want fault.Code
		says []string
	}{
		"garbage":     {fault.BackendIncompatible, []string{`"Welcome to [31mmy[0m program!"`}},
		"no newline":  {fault.BackendIncompatible, []string{`"hello"`}},
		"long line":   {fault.BackendIncompatible, []string{"xxx…"}},
		"binary":      {fault.BackendIncompatible, []string{"instead of a handshake"}},
		"empty":       {fault.BackendCrashed, []string{"before it was ready (exit status 0)"}},
		"exit":        {fault.BackendCrashed, []string{"exit status 3", "cannot find the [1mflux[0m capacitor"}},
		"protocol 99": {fault.BackendIncompatible, []string{"speaks version 99 of the backend protocol, and this atg (v1.2.3) speaks 1"}},
		"rules 7":     {fault.BackendIncompatible, []string{"version 7"}},
		"net/rpc":     {fault.BackendIncompatible, []string{"gRPC"}},
		"tcp":         {fault.BackendIncompatible, []string{"listens on tcp"}},
		"elsewhere":   {fault.BackendIncompatible, []string{"listens on the socket /nowhere/s"}},
		"above":       {fault.BackendIncompatible, []string{"where other users could reach it"}},
		"no socket":   {fault.BackendIncompatible, []string{"does not answer at its socket"}},
		"late exit":   {fault.BackendCrashed, []string{"exit status 4"}},
	}
	for mode, c := range cases {
		t.Run(mode, func(t *testing.T) {
			s := spec(t, mode)
			s.Host = "v1.2.3"
			refused(t, s, c.want, c.says...)
		})
	}
}

func TestAHandshakeThatHangsIsEnded(t *testing.T) {
	for _, mode := range []string{"hang", "deaf"} {
		t.Run(mode, func(t *testing.T) {
			w := newWitness(t)
			s := spec(t, mode, w.env)
			s.StartTimeout = 3 * time.Second // long enough for the process to testify
			refused(t, s, fault.BackendIncompatible, "was not ready within 3s")
			w.sees(mode)()
		})
	}
}

func TestTheEndOfTheContextEndsAStart(t *testing.T) {
	for _, mode := range []string{"hang", "deaf"} {
		t.Run(mode, func(t *testing.T) {
			w := newWitness(t)
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error)
			go func() {
				_, err := launch.Start(ctx, spec(t, mode, w.env))
				failed <- err
			}()
			gone := w.sees(mode)
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Interrupted {
				t.Errorf("Start = %v", err)
			}
			gone()
		})
	}
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := launch.Start(ctx, spec(t, "good")); !errors.Is(err, context.Canceled) {
			t.Errorf("Start = %v", err)
		}
	})
}

func TestAPin(t *testing.T) {
	s := spec(t, "good")
	content, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	right := hex.EncodeToString(sum[:])

	t.Run("that holds", func(t *testing.T) {
		s := s
		s.SHA256 = strings.ToUpper(right)
		p := start(t, s)
		if _, err := p.Backend().Describe(t.Context()); err != nil {
			t.Error(err)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("of another program", func(t *testing.T) {
		s := s
		s.SHA256 = strings.Repeat("0", 64)
		refused(t, s, fault.Integrity, "its SHA-256 is "+right, s.SHA256)
	})
	t.Run("of a script", func(t *testing.T) {
		script := []byte("#!/bin/sh\nexec " + s.Path + "\n")
		sum := sha256.Sum256(script)
		s := s
		s.Path, s.SHA256 = filepath.Join(t.TempDir(), "script"), hex.EncodeToString(sum[:])
		if err := os.WriteFile(s.Path, script, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := start(t, s).Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(s.Path, append(script, '\n'), 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, s, fault.Integrity) // checked at each start
	})
}

func TestTheBackendGetsItsEnvironmentAlone(t *testing.T) {
	t.Setenv("ATG_API_KEY", "must-not-arrive")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // is not for the socket
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

func TestTwoBackendsAtOnce(t *testing.T) {
	w := newWitness(t)
	one, two := start(t, spec(t, "good", w.env)), start(t, spec(t, "good", w.env))
	first, second := w.sees("good"), w.sees("good")
	if err := one.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if d, err := two.Backend().Describe(t.Context()); err != nil || d.Protocol != backend.Protocol {
		t.Errorf("Describe of the other one = %+v, %v", d, err)
	}
	if err := two.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	first()
	second()
}
