package rpc

import (
	"google.golang.org/protobuf/proto"

	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// Prepare makes the tables by which the first messages of every conversation are encoded and decoded. Without it
// the first call waits for them. Either end calls it while it would wait for the other anyway.
func Prepare() {
	for _, m := range []proto.Message{&v1.Empty{}, &v1.Description{}, &v1.Settings{}, &v1.CapabilitiesResponse{}} {
		proto.Size(m)
	}
}
