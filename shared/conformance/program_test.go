//go:build unix

package conformance_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
	"github.com/azure-tenant-grapher/atg/shared/launch"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// A test binary with this variable is a backend program with that defect; "none" has none.
const defectVariable = "ATG_TEST_DEFECT"

func TestEveryCheckOfAProgramCanFail(t *testing.T) {
	for _, defect := range append([]string{"none"}, programDefects...) {
		t.Run(defect, func(t *testing.T) {
			failed, skipped := runProgram(t, defect)
			if (failed[defect] != "") != (defect != "none") {
				t.Error("the check passed a defective program")
			}
			delete(failed, defect)
			if defect == "process/handshake" { // nobody finds its socket
				maps.DeleteFunc(failed, func(name, _ string) bool { return slices.Contains(programDefects, name) })
			}
			if len(failed) > 0 {
				t.Errorf("others failed, too: %v", failed)
			}
			for _, name := range programDefects {
				if skipped[name] != "" {
					t.Errorf("%s was skipped: %s", name, skipped[name])
				}
			}
		})
	}
}

// runProgram runs the checks on this test binary as a program with a defect.
func runProgram(t *testing.T, defect string) (failed, skipped map[string]string) {
	t.Helper()
	program := &conformance.Program{Path: os.Args[0], Env: append(os.Environ(), defectVariable+"="+defect)}
	failed, skipped = map[string]string{}, map[string]string{}
	_, err := conformance.Run(t.Context(), &conformance.Subject{
		Program: program, Settings: backend.Settings{"key": "k"}, Patience: 20 * time.Second,
		Start: func(ctx context.Context) (backend.Backend, func(), error) {
			p, err := launch.Start(ctx, launch.Spec{Name: "defective", Path: program.Path, Env: program.Env, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return nil, nil, err
			}
			return p.Backend(), func() { p.Kill() }, nil
		},
		Only: func(c conformance.Check) bool { // the large messages take a while
			late := defect == "process/crash" && c.Name == "process/stop" // two processes end later than one
			return !late && !strings.HasPrefix(c.Name, "messages/large-") || c.Name == defect || defect == "none"
		},
	}, func(o conformance.Outcome) {
		if o.Err != nil {
			failed[o.Check.Name] = o.Err.Error()
		}
		if o.Skipped != "" {
			skipped[o.Check.Name] = o.Skipped
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return failed, skipped
}

// wrap runs the program as a child in a group of its own, as a wrapper does that does not exec. In the child it returns.
func wrap() {
	if os.Getenv("ATG_TEST_CHILD") != "" {
		return
	}
	child := exec.Command(os.Args[0])
	child.Env, child.Stdin, child.Stdout, child.Stderr = append(os.Environ(), "ATG_TEST_CHILD=1"), os.Stdin, os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	signal.Ignore(os.Interrupt)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	if err := child.Start(); err != nil {
		os.Exit(1)
	}
	go func() { _ = child.Process.Signal(<-told) }()
	_ = child.Wait()
	os.Exit(child.ProcessState.ExitCode())
}

func TestMain(m *testing.M) {
	if defect := os.Getenv(defectVariable); defect != "" {
		serveDefective(defect)
	}
	os.Exit(m.Run())
}

// serveDefective is a backend program by hand, as docs/backend-protocol.md says, that breaks one rule.
func serveDefective(defect string) {
	ctx := context.Background() //nolint:forbidigo // this is the main of a program
	if os.Getenv(rpc.Handshake.MagicCookieKey) == "" && defect != "process/by-hand" {
		fmt.Fprintln(os.Stderr, "atg starts this program")
		os.Exit(2)
	}
	if defect == "process/crash" {
		wrap()
	}
	b := &broken{reference: newReference()}
	breakProgram(defect, b)
	closed := make(chan struct{}, 1)
	end := func() {
		switch defect {
		case "process/stop":
			<-time.After(3 * time.Second) // in time for a host that is gone, too late for one that stops it
		case "process/lifeline":
			if len(closed) == 0 {
				_ = exec.Command("sleep", "60").Start() // in the group of this process, and longer than it
			}
		}
		_ = b.reference.Close(ctx)
		os.Exit(0)
	}
	b.close = func(ctx context.Context) error { closed <- struct{}{}; return b.reference.Close(ctx) }
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if defect != "process/signals" {
		signal.Notify(signals, os.Interrupt)
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				os.Exit(0)
			}
		}
	}()
	dir := os.Getenv("PLUGIN_UNIX_SOCKET_DIR")
	socket := filepath.Join(dir, "s")
	if defect == "process/handshake" {
		socket = filepath.Join(dir, "a-name-that-is-too-long.sock")
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	options := append(rpc.ServerOptions(), grpc.ChainUnaryInterceptor(wrong(defect)))
	if defect == "messages/large-submission" {
		options = append(options, grpc.MaxRecvMsgSize(4<<20))
	}
	server := grpc.NewServer(options...)
	v1.RegisterBackendServer(server, rpc.NewServer(b))
	fmt.Printf("1|1|unix|%s|grpc|\n", socket)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	_ = server.Serve(listener)
	os.Exit(1)
}

// breakProgram breaks what a program does beyond its process.
func breakProgram(defect string, b *broken) {
	if defect == "secrets/nowhere" {
		b.configure = func(s backend.Settings) error {
			fmt.Fprintf(os.Stderr, "configured with %v\n", s["key"])
			return takeSettings(s)
		}
	}
}

// wrong is how a server breaks a rule of the calls.
func wrong(defect string) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		message := request.(proto.Message).ProtoReflect()
		submission, _ := request.(*v1.Submission)
		switch {
		case defect == "versions/unknown-fields" && len(message.GetUnknown()) > 0 && submission == nil:
			return nil, status.Error(codes.InvalidArgument, "unknown field")
		case defect == "versions/unknown-operation" && submission != nil && submission.GetRequest().GetRequest() == nil:
			submission.Request = &v1.Request{Request: &v1.Request_Scan{Scan: &v1.ScanRequest{}}}
		case defect == "versions/unknown-values" && strings.Contains(submission.GetRequest().GetScan().GetDepth(), "future"):
			return nil, status.Error(codes.Internal, "no such depth")
		case defect == "messages/large-settings" && proto.Size(request.(proto.Message)) > 32<<20:
			return nil, status.Error(codes.ResourceExhausted, "too large")
		case defect == "messages/long-names" && strings.HasSuffix(info.FullMethod, "GetJob") && proto.Size(request.(proto.Message)) > 1<<16:
			return nil, status.Error(codes.NotFound, "no such job")
		}
		return handle(ctx, request)
	}
}
