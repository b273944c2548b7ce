package rpc

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// DecodeTrailer decodes what a hostile other side may answer.
func DecodeTrailer(ctx context.Context, trailer []byte, text string) error {
	return fromStatus(ctx, status.Error(codes.Unknown, text), metadata.Pairs(faultTrailer, string(trailer)))
}
