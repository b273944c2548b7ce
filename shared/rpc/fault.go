package rpc

import (
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

// maxCauses bounds a chain of causes from the other side.
const maxCauses = 16

// The markers of a context's end at the bottom of a fault.
const (
	canceled         = "canceled"
	deadlineExceeded = "deadline_exceeded"
)

func encodeFault(f *fault.Fault) *backendv1.Fault {
	return encodeCause(f, maxCauses)
}

func encodeCause(f *fault.Fault, depth int) *backendv1.Fault {
	if f == nil || depth == 0 {
		return nil
	}
	m := &backendv1.Fault{
		Code: utf8(string(f.Code)), Message: utf8(f.Message), Hint: utf8(f.Hint), Retryable: f.Retryable,
		Resource: utf8(f.Resource), Origin: utf8(string(f.Origin)),
	}
	for _, p := range f.Problems {
		m.Problems = append(m.Problems, &backendv1.Problem{
			Key: utf8(p.Key), Message: utf8(p.Message), Hint: utf8(p.Hint), Line: int64(p.Line), Column: int64(p.Column),
		})
	}
	if f.Cause != nil {
		if cause, ok := f.Cause.(*fault.Fault); ok { //nolint:errorlint // a wrapped fault would lose what wraps it
			m.CauseFault = encodeCause(cause, depth-1)
		} else {
			m.Cause = utf8(f.Cause.Error())
		}
	}
	switch {
	case errors.Is(f.Cause, context.Canceled):
		m.Context = canceled
	case errors.Is(f.Cause, context.DeadlineExceeded):
		m.Context = deadlineExceeded
	}
	return m
}

func decodeFault(m *backendv1.Fault) *fault.Fault {
	return decodeCause(m, maxCauses)
}

func decodeCause(m *backendv1.Fault, depth int) *fault.Fault {
	if m == nil || depth == 0 {
		return nil
	}
	f := &fault.Fault{
		Code: fault.Code(m.GetCode()), Message: m.GetMessage(), Hint: m.GetHint(), Retryable: m.GetRetryable(),
		Resource: m.GetResource(), Origin: fault.Origin(m.GetOrigin()),
	}
	for _, p := range m.GetProblems() {
		f.Problems = append(f.Problems, fault.Problem{
			Key: p.GetKey(), Message: p.GetMessage(), Hint: p.GetHint(), Line: int(p.GetLine()), Column: int(p.GetColumn()),
		})
	}
	switch cause := decodeCause(m.GetCauseFault(), depth-1); {
	case cause != nil:
		f.Cause = cause
	case m.GetCause() != "" || m.GetContext() != "":
		f.Cause = &remoteError{text: m.GetCause(), context: m.GetContext()}
	}
	return f
}

// remoteError is an error of the other process: its text, and whether a context's end was behind it.
type remoteError struct{ text, context string }

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Unwrap() error {
	switch e.context {
	case canceled:
		return context.Canceled
	case deadlineExceeded:
		return context.DeadlineExceeded
	}
	return nil
}

// toStatus answers what a server returns for err: the trailer that holds the fault, and a status for
// those who do not read it.
func toStatus(err error) (metadata.MD, error) {
	f := fault.Of(err)
	encoded, marshalErr := proto.Marshal(encodeFault(f))
	if marshalErr != nil {
		return nil, status.Error(codes.Internal, marshalErr.Error())
	}
	code, known := statusCodes[f.Code]
	if !known {
		code = codes.Aborted
	}
	return metadata.Pairs(faultTrailer, string(encoded)), status.Error(code, utf8(f.Error()))
}

var statusCodes = codesByFault()

func codesByFault() map[fault.Code]codes.Code {
	byCode := map[fault.Code]codes.Code{
		fault.InvalidArgument: codes.InvalidArgument, fault.ConfigInvalid: codes.InvalidArgument,
		fault.Unsupported: codes.Unimplemented, fault.JobNotFound: codes.NotFound, fault.SnapshotNotFound: codes.NotFound,
		fault.ArtifactsNotAvailable: codes.NotFound, fault.JobNotComplete: codes.FailedPrecondition, fault.Conflict: codes.FailedPrecondition,
		fault.AuthRequired: codes.Unauthenticated, fault.AuthFailed: codes.Unauthenticated, fault.AzureAuthRequired: codes.Unauthenticated,
		fault.Forbidden: codes.PermissionDenied, fault.AzureForbidden: codes.PermissionDenied,
		fault.ServiceUnavailable: codes.Unavailable, fault.Throttled: codes.ResourceExhausted,
		fault.Timeout: codes.DeadlineExceeded, fault.Interrupted: codes.Canceled, fault.Cancelled: codes.Canceled,
		fault.Integrity: codes.DataLoss, fault.Internal: codes.Internal,
	}
	for _, c := range fault.Codes() {
		if _, ok := byCode[c]; !ok {
			byCode[c] = codes.Aborted
		}
	}
	return byCode
}

// fromStatus turns the error of a call into a fault: the one in the trailer, or what the status says.
func fromStatus(ctx context.Context, err error, trailer metadata.MD) error {
	if err == nil {
		return nil
	}
	if encoded := trailer.Get(faultTrailer); len(encoded) > 0 {
		var m backendv1.Fault
		if proto.Unmarshal([]byte(encoded[0]), &m) == nil && m.GetCode() != "" {
			return decodeFault(&m)
		}
	}
	if ctx.Err() != nil {
		return fault.Of(fmt.Errorf("the call ended: %w", context.Cause(ctx)))
	}
	s := status.Convert(err)
	switch s.Code() {
	case codes.Unavailable, codes.Canceled: // canceled, though not by the caller: the connection is being closed
		return fault.New(fault.BackendCrashed, "the connection with the backend broke", fault.Because(err), fault.Retryable())
	case codes.Unimplemented:
		return fault.New(fault.Unsupported, "the backend does not know this call", fault.Because(err))
	case codes.ResourceExhausted:
		return fault.New(fault.Internal, fmt.Sprintf("a message between host and backend is larger than %d MiB", MaxMessage>>20), fault.Because(err))
	case codes.DeadlineExceeded:
		return fault.Of(&remoteError{s.Message(), deadlineExceeded})
	}
	return fault.New(fault.Internal, "the backend answered with an error of its own kind", fault.Because(err), fault.From(fault.OriginBackend))
}
