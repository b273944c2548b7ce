package rpc

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// What docs/backend-protocol.md promises.
const (
	FaultTrailer = faultTrailer
	MaxFault     = maxFault
	MaxTrailer   = maxTrailer
)

// FromStatus is the error of a call that the other side, which may be hostile, answered so.
func FromStatus(ctx context.Context, code codes.Code, text string, trailer []byte) error {
	return fromStatus(ctx, status.Error(code, text), metadata.Pairs(faultTrailer, string(trailer)))
}

// Again sends an error and receives it.
func Again(ctx context.Context, err error) error {
	trailer, sent := toStatus(err)
	return fromStatus(ctx, sent, trailer)
}
