package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// faultTrailer is the name of the trailer that holds an encoded Fault.
const faultTrailer = "atg-fault-bin"

// maxStatus bounds the text of a status, in bytes: it is for those who do not read the trailer.
const maxStatus = 1 << 10

// ErrDisconnected is behind the fault of a call whose connection broke, and behind no fault that the
// other side sent: what a backend answers never looks like its own death.
var ErrDisconnected = errors.New("the connection broke")

// toStatus answers what a server returns for err: the trailer that holds the fault, and a status for
// those who do not read it.
func toStatus(err error) (metadata.MD, error) {
	f := fault.Of(err)
	m := encodeFault(f)
	if m.GetCode() == "" {
		m.Code = string(fault.Internal)
	}
	encoded, marshalErr := proto.Marshal(bounded(m))
	if marshalErr != nil {
		return nil, status.Error(codes.Internal, marshalErr.Error())
	}
	return metadata.Pairs(faultTrailer, string(encoded)), status.Error(StatusOf(f.Code), clip(utf8(f.Error()), maxStatus))
}

// StatusOf is the status that goes with a fault, for those who do not read the trailer.
func StatusOf(code fault.Code) codes.Code {
	if status, ok := statusCodes[code]; ok {
		return status
	}
	return codes.Aborted
}

// statusCodes are those that say more than Aborted.
var statusCodes = map[fault.Code]codes.Code{
	fault.InvalidArgument: codes.InvalidArgument, fault.ConfigInvalid: codes.InvalidArgument,
	fault.Unsupported: codes.Unimplemented, fault.JobNotFound: codes.NotFound, fault.SnapshotNotFound: codes.NotFound,
	fault.ArtifactsNotAvailable: codes.NotFound, fault.JobNotComplete: codes.FailedPrecondition, fault.Conflict: codes.FailedPrecondition,
	fault.AuthRequired: codes.Unauthenticated, fault.AuthFailed: codes.Unauthenticated, fault.AzureAuthRequired: codes.Unauthenticated,
	fault.Forbidden: codes.PermissionDenied, fault.AzureForbidden: codes.PermissionDenied,
	fault.ServiceUnavailable: codes.Unavailable, fault.Throttled: codes.ResourceExhausted,
	fault.Timeout: codes.DeadlineExceeded, fault.Interrupted: codes.Canceled, fault.Cancelled: codes.Canceled,
	fault.Integrity: codes.DataLoss, fault.Internal: codes.Internal,
}

// fromStatus turns the error of a call into a fault: the one in the trailer, or what the status says.
// Of a call that ended with the caller's own context it says what ended that.
func fromStatus(ctx context.Context, err error, trailer metadata.MD) error {
	if err == nil {
		return nil
	}
	sent := faultOf(trailer)
	ended := sent == nil || sent.Code == fault.Interrupted || sent.Code == fault.Timeout
	if ended && ctx.Err() != nil {
		return contextFault(ctx)
	}
	if sent != nil {
		return sent
	}
	s := status.Convert(err)
	text := errors.New(cmp.Or(s.Message(), "it gave no reason"))
	switch s.Code() {
	case codes.Unavailable, codes.Canceled: // canceled, though not by the caller: the connection is being closed
		return fault.New(fault.BackendCrashed, "the connection with the backend broke",
			fault.Because(fmt.Errorf("%w: %w", ErrDisconnected, text)), fault.Retryable(), fault.From(fault.OriginHost))
	case codes.Unimplemented:
		return fault.New(fault.Unsupported, "the backend does not know this call", fault.Because(text),
			fault.Hint("use a backend whose capabilities name the feature, or a newer version of this one"))
	case codes.ResourceExhausted:
		return fault.New(fault.Internal, fmt.Sprintf("a message between host and backend is larger than %d MiB", MaxMessage>>20), fault.Because(text))
	case codes.DeadlineExceeded:
		return fault.Of(&remoteError{text.Error(), []error{context.DeadlineExceeded}})
	}
	return fault.New(fault.Internal, fmt.Sprintf("the call failed without a fault (gRPC status %s)", s.Code()), fault.Because(text))
}

// gone is the error of a server's stream that broke: whoever called is no longer there.
func gone(ctx context.Context, err error) error {
	switch status.Code(err) {
	case codes.Canceled, codes.Unavailable:
		return fault.New(fault.Interrupted, "the caller is gone", fault.Because(context.Canceled))
	}
	return fromStatus(ctx, err, nil)
}

// faultOf is the fault in a trailer, or nil.
func faultOf(trailer metadata.MD) *fault.Fault {
	encoded := trailer.Get(faultTrailer)
	if len(encoded) == 0 {
		return nil
	}
	var m backendv1.Fault
	if proto.Unmarshal([]byte(encoded[0]), &m) != nil || m.GetCode() == "" {
		return nil
	}
	return decodeFault(&m)
}

// contextFault is the fault of a call that ended with ctx: the context's cause if that is a fault.
// Whatever the cause, it matches context.Canceled or context.DeadlineExceeded.
func contextFault(ctx context.Context) *fault.Fault {
	cause := context.Cause(ctx)
	f := *fault.Of(ctx.Err())
	if own := fault.As(cause); own != nil {
		f, cause = *own, own.Cause
	}
	f.Cause = ctx.Err()
	if cause != nil && !errors.Is(cause, ctx.Err()) {
		f.Cause = &endedBy{cause: cause, err: ctx.Err()}
	}
	return &f
}

// endedBy reads as what ended a context and is also the context's error.
type endedBy struct{ cause, err error }

func (e *endedBy) Error() string   { return e.cause.Error() }
func (e *endedBy) Unwrap() []error { return []error{e.cause, e.err} }
