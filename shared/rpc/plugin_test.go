package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
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
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// playVariable makes the test's own program a backend.
const playVariable = "ATG_TEST_PLAY"

func TestMain(m *testing.M) {
	switch os.Getenv(playVariable) {
	case "go":
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig:  rpc.Handshake,
			VersionedPlugins: rpc.PluginSets(newSmall()),
			GRPCServer:       func(o []grpc.ServerOption) *grpc.Server { return grpc.NewServer(append(o, rpc.ServerOptions()...)...) },
			Logger:           hclog.NewNullLogger(),
		})
	case "foreign":
		serveForeign()
	default:
		os.Exit(m.Run())
	}
}

// start starts the test's own program as a backend of that kind, as a host does.
func start(t *testing.T, play string, mutualTLS bool) (*plugin.Client, *rpc.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "atg") // a test's own folder has too long a name for a socket on macOS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{playVariable + "=" + play, "PLUGIN_UNIX_SOCKET_DIR=" + dir, "SystemRoot=" + os.Getenv("SystemRoot")}
	process := plugin.NewClient(&plugin.ClientConfig{
		Cmd: cmd, HandshakeConfig: rpc.Handshake, VersionedPlugins: rpc.PluginSets(nil), GRPCDialOptions: rpc.DialOptions(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: mutualTLS, SkipHostEnv: true, Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(process.Kill)
	protocol, err := process.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := protocol.Ping(); err != nil {
		t.Errorf("the health service: %v", err)
	}
	dispensed, err := protocol.Dispense(rpc.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return process, dispensed.(*rpc.Client)
}

func TestAProcessServesTheContract(t *testing.T) {
	for name, mutualTLS := range map[string]bool{"socket": false, "mutual TLS": true} {
		t.Run(name, func(t *testing.T) {
			_, client := start(t, "go", mutualTLS)
			description, err := client.Describe(t.Context())
			if d := cmp.Diff(backend.Description{Name: "small", Version: "1", Protocol: backend.Protocol}, description); d != "" || err != nil {
				t.Errorf("Describe: %v (-want +got)\n%s", err, d)
			}
			if _, err := client.GetJob(t.Context(), "x"); fault.CodeOf(err) != fault.JobNotFound || errors.Is(err, rpc.ErrDisconnected) {
				t.Errorf("GetJob = %v", err)
			}
		})
	}
}

func TestADeadProcessIsADisconnection(t *testing.T) {
	process, client := start(t, "go", false)
	process.Kill()
	if _, err := client.Describe(t.Context()); fault.CodeOf(err) != fault.BackendCrashed || !errors.Is(err, rpc.ErrDisconnected) {
		t.Errorf("Describe = %v", err)
	}
}

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

// foreign is that backend.
type foreign struct{ v1.UnimplementedBackendServer }

func (foreign) Describe(context.Context, *v1.Empty) (*v1.Description, error) {
	return &v1.Description{Name: "foreign", Protocol: 1}, nil
}

func (foreign) Configure(ctx context.Context, settings *v1.Settings) (*v1.Empty, error) {
	var any map[string]json.RawMessage
	if err := json.Unmarshal(settings.GetJson(), &any); err != nil {
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
	go func() { _, _ = io.Copy(io.Discard, os.Stdin) }()
	if err := server.Serve(listener); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
