package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/launch"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// Program is the program of the backend under test. The checks of processes start it by themselves, to see what shared/launch
// would hide: whether it ends on its own, and what it leaves behind.
type Program struct {
	Path string
	Env  []string // its environment, without what a host adds
}

// endGrace is how long a program may take to end when it is told to, or when its host is gone.
const endGrace = 5 * time.Second

// signalGrace is how long a program that minds a signal needs to be gone.
const signalGrace = 300 * time.Millisecond

// running is a program that the kit has started as a host does.
type running struct {
	cmd       *exec.Cmd
	stdin     io.Closer
	handshake string // its first line, without the end
	dir       string // of the socket
	written   *buffer
	exited    chan struct{}
	client    *rpc.Client // nil until dialled
	newer     rpc.Newer
	hangUp    func() error
}

// buffer takes what a program writes.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// last are the last words of it.
func (b *buffer) last() string {
	text := strings.TrimSpace(b.String())
	return text[max(0, len(text)-500):]
}

// program is the program under test, if there is one that this platform lets the kit look at.
func (s *Subject) program() (*Program, error) {
	switch {
	case s.Program == nil:
		return nil, skipped{"the backend runs in this process"}
	case runtime.GOOS == "windows":
		return nil, skipped{"processes are not looked at on Windows"}
	}
	return s.Program, nil
}

// alone runs the program for one check, connected but not configured.
func (s *Subject) alone(ctx context.Context, use func(*running) error) error {
	p, err := s.program()
	if err != nil {
		return err
	}
	r, err := start(ctx, p)
	if err != nil {
		return err
	}
	defer r.end()
	if err := r.dial(); err != nil {
		return err
	}
	return use(r)
}

// start starts the program and reads its handshake, for which it has launch.DefaultStartTimeout.
func start(ctx context.Context, p *Program) (*running, error) {
	dir, err := os.MkdirTemp("", "atg-c")
	if err != nil {
		return nil, err
	}
	r := &running{dir: dir, written: &buffer{}, exited: make(chan struct{})}
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.Path) //nolint:gosec // it is what is to be tested
	r.cmd.Env = append(append([]string{}, p.Env...), rpc.Handshake.MagicCookieKey+"="+rpc.Handshake.MagicCookieValue,
		"PLUGIN_PROTOCOL_VERSIONS="+fmt.Sprint(backend.Protocol), "PLUGIN_UNIX_SOCKET_DIR="+dir, rpc.LogLevelEnv+"=trace")
	r.cmd.Stderr, r.cmd.WaitDelay = r.written, time.Second
	lead(r.cmd)
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	r.cmd.Stdout = writer
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	err = r.cmd.Start()
	_ = writer.Close()
	if err != nil {
		return nil, err
	}
	go func() { _ = r.cmd.Wait(); close(r.exited) }()
	lines := make(chan string, 1)
	go func() {
		out := bufio.NewReader(reader)
		line, _ := out.ReadString('\n')
		lines <- strings.TrimRight(line, "\r\n")
		_, _ = io.Copy(r.written, out)
		_ = reader.Close()
	}()
	select {
	case r.handshake = <-lines:
		return r, nil
	case <-time.After(launch.DefaultStartTimeout):
		r.end()
		return nil, fmt.Errorf("no line on standard output in %s; standard error: %q", launch.DefaultStartTimeout, r.written.last())
	case <-ctx.Done():
		r.end()
		return nil, context.Cause(ctx)
	}
}

// dial connects with what the handshake names.
func (r *running) dial() (err error) {
	fields := strings.Split(r.handshake, "|")
	if len(fields) < 5 || fields[0] != "1" || fields[1] != "1" || fields[2] != "unix" || fields[4] != "grpc" {
		return fmt.Errorf("the handshake is %q; standard error: %q", r.handshake, r.written.last())
	}
	if at := filepath.Dir(fields[3]); !same(at, r.dir) || len(filepath.Base(fields[3])) > 16 {
		return fmt.Errorf("the socket is %s, not one in $PLUGIN_UNIX_SOCKET_DIR with a name of at most 16 bytes", fields[3])
	}
	r.client, r.newer, r.hangUp, err = rpc.DialSocket(fields[3])
	return err
}

// same says whether two names are of one folder.
func same(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(one, other)
}

// ends waits for the program's end, and says what is left of it.
func (r *running) ends(ctx context.Context, within time.Duration) error {
	defer r.disconnect()
	select {
	case <-r.exited:
	case <-time.After(within):
		return fmt.Errorf("it still runs %s later", within)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if left(r.cmd.Process.Pid) {
		return errors.New("it has ended, and what it has started still runs")
	}
	return nil
}

func (r *running) disconnect() {
	if r.hangUp != nil {
		_ = r.hangUp()
		r.hangUp = nil
	}
}

// end ends everything at once.
func (r *running) end() {
	r.disconnect()
	killGroup(r.cmd.Process.Pid)
	_ = r.stdin.Close()
	<-r.exited
	_ = os.RemoveAll(r.dir)
}

// busy configures the program and submits the subject's scan.
func (r *running) busy(ctx context.Context, s *Subject) (id string, err error) {
	if err := r.client.Configure(ctx, s.Settings); err != nil {
		return "", fmt.Errorf("configure: %w", err)
	}
	if !s.can.Can(backend.OpScan) {
		return "", nil
	}
	request := s.Scan
	job, err := r.client.Submit(ctx, backend.Submission{Request: &request})
	if err != nil {
		return "", fmt.Errorf("submit: %w", err)
	}
	return job.JobID, nil
}
