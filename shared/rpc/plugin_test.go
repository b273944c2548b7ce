package rpc_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
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

// socketDir is a folder for a socket: a test's own has too long a name for one on macOS.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "atg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// start starts the test's own program as a backend of that kind, as a host does.
func start(t *testing.T, play string, mutualTLS bool) (*plugin.Client, *rpc.Client) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{playVariable + "=" + play, "PLUGIN_UNIX_SOCKET_DIR=" + socketDir(t), "SystemRoot=" + os.Getenv("SystemRoot")}
	process := plugin.NewClient(&plugin.ClientConfig{
		Cmd: cmd, HandshakeConfig: rpc.Handshake, VersionedPlugins: rpc.PluginSets(nil), GRPCDialOptions: rpc.DialOptions(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: mutualTLS, SkipHostEnv: true, Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(process.Kill)
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lifeline.Close() })
	ours := os.Stdin // go-plugin passes on its own
	os.Stdin = stdin
	protocol, err := process.Client()
	os.Stdin = ours
	_ = stdin.Close()
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
