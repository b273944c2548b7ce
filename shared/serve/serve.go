// Package serve makes a Backend a program: one call in main.
package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// workers is how many goroutines serve one call after another, so that not every call grows a stack of its
// own; two are busy with go-plugin's streams as long as the process runs. Calls beyond get goroutines of their own.
const workers = 4

// closeGrace is how long Close may take when the host is gone or the process was told to end.
const closeGrace = 2 * time.Second

// Backend serves b until the host ends it, and then returns; main should have nothing else to do. The
// process ends with 2 if it was not started by atg, after saying what it is.
//
// Standard error carries slog's records to the host's log, at the level that the host asked for; whatever
// is printed to standard output or error otherwise reaches that log as text. Ctrl-C is the host's
// business. On SIGTERM, and when standard input ends because the host is gone, b is closed within two
// seconds, and then everything in this process group is killed, so that nothing that b has started is
// left. Close is called at the end in any case, so it may be called twice.
func Backend(b backend.Backend) {
	// There is no caller above a program's main whose context could be used.
	ctx := context.Background() //nolint:forbidigo // this is the main of every backend
	if !launched() {
		explain(ctx, os.Stderr, b)
		os.Exit(2)
	}
	s := &server{backend: b, ctx: ctx, stderr: os.Stderr, prepared: make(chan struct{})}
	lifeline := os.Stdin
	if null, err := os.Open(os.DevNull); err == nil {
		os.Stdin = null // for whoever reads it
	}
	go s.watchHost(lifeline)
	go s.prepare()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  rpc.Handshake,
		VersionedPlugins: rpc.PluginSets(b),
		GRPCServer:       s.grpc,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
	if !s.serving {
		os.Exit(1) // go-plugin has said why
	}
	s.close()
}

// The log is set up before main runs, because a backend's constructor may keep slog.Default.
func init() {
	if launched() {
		slog.SetDefault(slog.New(newHandler(os.Stderr, os.Getenv(rpc.LogLevelEnv))))
	}
}

// launched says whether atg has started this process.
func launched() bool {
	return os.Getenv(rpc.Handshake.MagicCookieKey) == rpc.Handshake.MagicCookieValue
}

type server struct {
	backend  backend.Backend
	ctx      context.Context
	stderr   *os.File
	prepared chan struct{} // closed when signals are watched
	serving  bool
	print    sync.Once
	ended    sync.Once
}

// prepare does what takes a while beside what go-plugin does before it shakes hands.
func (s *server) prepare() {
	s.watchSignals()
	close(s.prepared)
	rpc.Prepare()
}

// grpc makes the server, before the handshake. Its interceptors do one thing at the first call, which
// go-plugin's host makes as soon as it is connected: go-plugin has replaced os.Stdout and os.Stderr by pipes
// that it streams to the host, and what is in them when the process dies is lost, the last words above all.
// Printed text goes to the real standard error instead, from which the host reads everything.
func (s *server) grpc(options []grpc.ServerOption) *grpc.Server {
	s.serving = true
	<-s.prepared
	first := func() { os.Stdout, os.Stderr = s.stderr, s.stderr }
	options = append(append(options, rpc.ServerOptions()...), grpc.NumStreamWorkers(workers))
	return grpc.NewServer(append(options,
		grpc.ChainUnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			s.print.Do(first)
			return handle(ctx, request)
		}),
		grpc.ChainStreamInterceptor(func(impl any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			s.print.Do(first)
			return handle(impl, stream)
		}),
	)...)
}

// watchHost ends the process when the host is gone: it holds the other end of the lifeline.
func (s *server) watchHost(lifeline io.Reader) {
	_, _ = io.Copy(io.Discard, lifeline)
	s.end("the host is gone")
}

// watchSignals ends the process when it is told to. Neither Ctrl-C does, nor a broken pipe on standard
// error, which a dead host leaves behind. (Ignoring them would be inherited by what the backend starts.)
func (s *server) watchSignals() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGPIPE)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGHUP)
	go func() { s.end("it was told to: " + (<-told).String()) }()
}

// end closes the backend and ends the process and all that it has started.
func (s *server) end(why string) {
	s.ended.Do(func() {
		defer endGroup() // even if Close panics
		time.AfterFunc(closeGrace+closeGrace/4, endGroup)
		slog.Debug("the backend ends", "why", why)
		s.close()
	})
}

func (s *server) close() {
	ctx, cancel := context.WithTimeout(s.ctx, closeGrace)
	defer cancel()
	if err := s.backend.Close(ctx); err != nil {
		slog.Warn("the backend did not close cleanly", "error", err)
	}
}

// explain tells a person who started the program by hand what it is.
func explain(ctx context.Context, w io.Writer, b backend.Backend) {
	d, err := b.Describe(ctx)
	if err != nil || d.Name == "" {
		d = backend.Description{Name: "NAME"}
	}
	fmt.Fprintf(w, "This program is the atg backend %s", d.Name)
	if d.Version != "" {
		fmt.Fprintf(w, " %s", d.Version)
	}
	if d.Summary != "" {
		fmt.Fprintf(w, " (%s)", d.Summary)
	}
	fmt.Fprintf(w, `. atg starts it; it does nothing by hand.

  atg backend list             shows where atg looks for backends, and what it finds there
  atg backend test %[1]s
                               checks this one against the contract
  atg --backend %[1]s scan
                               uses it
`, d.Name)
}
