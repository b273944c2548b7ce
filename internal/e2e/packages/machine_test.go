//go:build packages && linux

// Package packages installs what make dist has built on a Debian that is this machine's, under a layer that is thrown away, and uses
// it there: make packages. It wants root, and a mount namespace of its own.
package packages

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var (
	dist = flag.String("dist", "../../../dist", "what make dist has left")
	sim  = flag.String("sim", "../../../bin/atg-azuresim", "the simulator of Azure")
)

// one finds the one file of dist that a pattern names.
func one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(*dist, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// machine is this machine as it is, with a layer over its disk that takes every change.
type machine struct {
	t          *testing.T
	root, top  string // where it is mounted; the layer
	environ    []string
	credential *syscall.Credential // whose commands are run; nil is root
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root can install packages: make packages says so and does not come here")
	}
	base := t.TempDir()
	mount := func(source, target, kind, options string, flags uintptr) {
		t.Helper()
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount(source, target, kind, flags, options); err != nil {
			t.Fatalf("mount %s %s (%s): %v", kind, target, options, err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmount %s: %v", target, err)
			}
		})
	}
	layer := filepath.Join(base, "layer") // of memory: an overlay's layers may not lie in one another
	mount("tmpfs", layer, "tmpfs", "mode=755", 0)
	m := &machine{t: t, root: filepath.Join(base, "root"), top: filepath.Join(layer, "top"), environ: []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive",
		"XDG_DATA_HOME=/tmp/atg-test/data", "XDG_CONFIG_HOME=/tmp/atg-test/config", "XDG_CACHE_HOME=/tmp/atg-test/cache", "XDG_STATE_HOME=/tmp/atg-test/state",
	}}
	for _, dir := range []string{m.top, filepath.Join(layer, "work")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount("overlay", m.root, "overlay", "lowerdir=/,upperdir="+m.top+",workdir="+filepath.Join(layer, "work"), 0)
	mount("proc", filepath.Join(m.root, "proc"), "proc", "", 0)
	mount("/dev", filepath.Join(m.root, "dev"), "", "", syscall.MS_BIND|syscall.MS_REC)
	return m
}

// command is a command on the machine.
func (m *machine) command(args ...string) *exec.Cmd {
	c := exec.CommandContext(m.t.Context(), "/usr/bin/env", args...) // finds the program there, not here
	c.Dir, c.Env = "/", m.environ
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: m.credential}
	return c
}

// run runs a command that has to succeed, and answers its standard output.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, code, said := m.try(args...)
	if code != 0 {
		m.t.Fatalf("%s exits with %d\n%s%s", strings.Join(args, " "), code, out, said)
	}
	return out
}

func (m *machine) try(args ...string) (out string, code int, said string) {
	m.t.Helper()
	var stdout, stderr bytes.Buffer
	c := m.command(args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return stdout.String(), exit.ExitCode(), stderr.String()
	}
	if err != nil {
		m.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return stdout.String(), 0, stderr.String()
}

// has says whether a program is on the machine.
func (m *machine) has(program string) bool {
	_, code, _ := m.try("sh", "-c", "command -v "+program)
	return code == 0
}

// put puts a file of here onto the machine.
func (m *machine) put(file, as string, mode fs.FileMode) {
	m.t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(as, string(content), mode)
}

func (m *machine) write(as, content string, mode fs.FileMode) {
	m.t.Helper()
	path := filepath.Join(m.root, as)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		m.t.Fatal(err)
	}
}

// own are changes that dpkg and the programs it starts keep for themselves.
var own = []string{"/var/lib/dpkg", "/var/log", "/var/cache", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
	"/etc/.pwd.lock", "/etc/ld.so.cache", "/tmp", "/proc", "/dev", "/run"}

// changed lists what the layer holds, without what dpkg keeps for itself.
func (m *machine) changed() (files []string) {
	m.t.Helper()
	err := filepath.WalkDir(m.top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, m.top)
		if slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(name, o) }) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.IsDir() {
			files = append(files, name)
			return nil
		}
		if _, err := os.Stat("/" + name); errors.Is(err, fs.ErrNotExist) { // a folder that this machine has not
			files = append(files, name+"/")
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return files
}

// simulate starts the simulator of Azure, and answers the environment by which it is reached.
func simulate(t *testing.T) []string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), *sim, "serve", "--until-stdin-closes", "--state-dir", state)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	var ready struct{ Env map[string]string }
	if err := json.NewDecoder(out).Decode(&ready); err != nil || len(ready.Env) == 0 {
		t.Fatalf("the simulator is not ready: %v", err)
	}
	var environ []string
	for key, value := range ready.Env {
		environ = append(environ, key+"="+value)
	}
	return environ
}

// readyLine is what a service says once it is ready.
type readyLine struct {
	URL     string
	DataDir string `json:"data_dir"`
}

// started starts a service and waits until it is ready. Its log is whole once it has ended.
func started(t *testing.T, server *exec.Cmd) (readyLine, *strings.Builder) {
	t.Helper()
	log := new(strings.Builder)
	server.Stderr = log
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var ready readyLine
	if err != nil || json.Unmarshal([]byte(line), &ready) != nil {
		_ = server.Process.Kill()
		_ = server.Wait()
		t.Fatalf("the service is not ready, but says %q: %v\n%s", line, err, log)
	}
	return ready, log
}
