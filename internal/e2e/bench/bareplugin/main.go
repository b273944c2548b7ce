// Command bareplugin is the reference of the cold-start figures: the least that a go-plugin host and
// plugin can be. As a host it starts itself as the plugin, makes one RPC over the transport that atg
// uses (a Unix socket, gRPC, no TLS), and stops it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BARE_PLUGIN", MagicCookieValue: "bare"}

// bare is a plugin without a service of its own: the health service that every plugin has is asked.
type bare struct{ plugin.NetRPCUnsupportedPlugin }

func (bare) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

//nolint:unparam // the interface has the error
func (bare) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return grpc_health_v1.NewHealthClient(conn), nil
}

func main() {
	plugins := plugin.PluginSet{"bare": bare{}}
	if os.Getenv(handshake.MagicCookieKey) != "" {
		plugin.Serve(&plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins, GRPCServer: plugin.DefaultGRPCServer, Logger: hclog.NewNullLogger()})
		return
	}
	if err := host(context.Background(), plugins); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func host(ctx context.Context, plugins plugin.PluginSet) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshake, Plugins: plugins, Cmd: exec.CommandContext(ctx, self),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense("bare")
	if err != nil {
		return err
	}
	_, err = raw.(grpc_health_v1.HealthClient).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	return err
}
