// Package rpc carries the contract of package backend over gRPC: adapters both ways, and the codec of
// faults. The generated types never leave it.
package rpc

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// MaxMessage is the size in bytes of the largest message, in both directions. The largest there is, a
// scan's result, has some 100 bytes per subscription and table.
const MaxMessage = 64 << 20

// maxTrailer is the size in bytes of the largest trailer that a client takes: that of a fault of
// maxFault bytes in base64, a status, and much room.
const maxTrailer = 1 << 20

// PluginName is the name under which a client dispenses the backend.
const PluginName = "backend"

// Handshake tells a backend program that it was started by atg. The cookie is no secret.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  backend.Protocol,
	MagicCookieKey:   "ATG_BACKEND_COOKIE",
	MagicCookieValue: "4a1d7c0e-atg-backend",
}

// PluginSets are the protocol versions that both ends may agree on. On the host's side impl is nil.
func PluginSets(impl backend.Backend) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{backend.Protocol: {PluginName: grpcPlugin{impl: impl}}}
}

// ServerOptions are what a server of this contract needs.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage)}
}

// DialOptions are what a client of this contract needs. Trailers are large where a fault is.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		grpc.WithMaxHeaderListSize(maxTrailer),
	}
}

type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	impl backend.Backend
}

var _ plugin.GRPCPlugin = grpcPlugin{}

// GRPCServer registers the backend with the server that go-plugin made.
func (p grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	backendv1.RegisterBackendServer(s, NewServer(p.impl))
	return nil
}

// GRPCClient is the host's side.
func (p grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}
