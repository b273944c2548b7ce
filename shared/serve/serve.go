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

// The variables that a host sets beside the handshake's own.
const (
	// LifelineVariable is "stdin" where the end of standard input means that the host is gone.
	LifelineVariable = "ATG_BACKEND_LIFELINE"
	// LogLevelVariable is the least level that the host wants to see: debug, info, warn or error.
	LogLevelVariable = "ATG_BACKEND_LOG_LEVEL"
	// socketVariable is go-plugin's: the folder of the socket, made by the host.
	socketVariable = "PLUGIN_UNIX_SOCKET_DIR"
)

// grace is how long a backend may take to stop its work when the host is gone or asks it to end.
const grace = 2 * time.Second

// Backend serves b until the host ends it. It does not return: the process ends with 0 when it was
// asked to, and with 2 when it was not started by atg. Standard error carries slog's lines as JSON; what
// the backend prints to standard output reaches the host's log. When the host dies, the backend is
// closed and its whole process group ended, so that nothing that it started is left.
func Backend(b backend.Backend) {
	if os.Getenv(rpc.Handshake.MagicCookieKey) != rpc.Handshake.MagicCookieValue {
		explain(os.Stderr, b)
		os.Exit(2)
	}
	slog.SetDefault(slog.New(newHandler(os.Stderr, os.Getenv(LogLevelVariable))))

	// There is no caller above a served backend whose context could be used.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) //nolint:forbidigo // this is the program's main
	var once sync.Once
	end := func(why string) {
		once.Do(func() {
			slog.Debug("the backend ends", "why", why)
			time.AfterFunc(grace+time.Second, endGroup) // whatever Close does
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			if err := b.Close(closing); err != nil {
				slog.Warn("the backend did not close cleanly", "error", err)
			}
			if dir := os.Getenv(socketVariable); dir != "" {
				_ = os.RemoveAll(dir)
			}
			endGroup()
		})
	}
	go func() {
		<-ctx.Done()
		end("it was told to")
	}()
	if os.Getenv(LifelineVariable) == "stdin" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			end("the host is gone")
		}()
	}

	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  rpc.Handshake,
		VersionedPlugins: rpc.PluginSets(b),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, rpc.ServerOptions()...)...)
		},
		Logger: hclog.NewNullLogger(),
	})
	stop()
	os.Exit(0)
}

// explain tells a person who started the program by hand what it is.
func explain(w io.Writer, b backend.Backend) {
	d, err := b.Describe(context.Background()) //nolint:forbidigo // this is the program's main
	if err != nil || d.Name == "" {
		d.Name = "NAME"
	}
	fmt.Fprintf(w, "This is the atg backend %q %s. It is started by atg, not by hand:\n\n"+
		"  atg backend list             shows where atg looks for backends and what it finds\n"+
		"  atg backend test %[1]s    checks a backend against the contract\n"+
		"  atg --backend %[1]s scan\n", d.Name, d.Version)
}
