package rpc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// What docs/backend-protocol.md says suffices: a backend that uses gRPC and the proto files alone.
func TestAForeignBackendIsOne(t *testing.T) {
	process, client := start(t, "foreign", false)
	if d, err := client.Describe(t.Context()); err != nil || d.Name != "foreign" {
		t.Errorf("Describe = %+v, %v", d, err)
	}
	err := client.Configure(t.Context(), backend.Settings{"list": []any{"x", true}, "n": 8})
	f := fault.As(err)
	want := `{"list":["x",true],"n":8}`
	if f == nil || f.Code != fault.ConfigInvalid || len(f.Problems) != 1 || f.Problems[0].Message != want {
		t.Errorf("Configure = %+v", f)
	}
	if _, err := client.Capabilities(t.Context()); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("a call that it lacks = %v", err)
	}
	process.Kill()
	if !process.Exited() {
		t.Error("it has not ended")
	}
}

func TestAForeignBackendEndsWithItsLifeline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // kills one that does not end
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = []string{
		playVariable + "=foreign", "PLUGIN_UNIX_SOCKET_DIR=" + socketDir(t), "SystemRoot=" + os.Getenv("SystemRoot"),
		"ATG_BACKEND_COOKIE=4a1d7c0e-atg-backend", "PLUGIN_PROTOCOL_VERSIONS=1",
	}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "1|1|") {
		t.Errorf("the handshake is %q, %v", line, err)
	}
	if err := lifeline.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// foreign is that backend.
type foreign struct{ v1.UnimplementedBackendServer }

func (foreign) Describe(context.Context, *v1.Empty) (*v1.Description, error) {
	return &v1.Description{Name: "foreign", Protocol: 1}, nil
}

func (foreign) Configure(ctx context.Context, settings *v1.Settings) (*v1.Empty, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(settings.GetJson(), &object); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	f, err := proto.Marshal(&v1.Fault{Code: "config_invalid", Message: "no", Problems: []*v1.Problem{{Message: string(settings.GetJson())}}})
	if err != nil {
		return nil, err
	}
	_ = grpc.SetTrailer(ctx, metadata.Pairs("atg-fault-bin", string(f)))
	return nil, status.Error(codes.InvalidArgument, "no")
}

func serveForeign() {
	if os.Getenv("ATG_BACKEND_COOKIE") != "4a1d7c0e-atg-backend" || os.Getenv("PLUGIN_PROTOCOL_VERSIONS") != "1" {
		fmt.Fprintln(os.Stderr, "atg starts this program")
		os.Exit(2)
	}
	network, address := "unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "backend.sock")
	if runtime.GOOS == "windows" {
		network, address = "tcp", "127.0.0.1:0"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	v1.RegisterBackendServer(server, foreign{})
	healthy := health.NewServer()
	healthy.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "plugin.GRPCController", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Shutdown", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			go server.GracefulStop()
			return &emptypb.Empty{}, decode(&emptypb.Empty{})
		},
	}}}, nil)
	fmt.Printf("1|1|%s|%s|grpc\n", network, listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // the host is gone
	}()
	if err := server.Serve(listener); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
