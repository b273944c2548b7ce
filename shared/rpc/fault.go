package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

const (
	// maxCauses bounds a chain of causes in both directions; what lies deeper crosses as text.
	maxCauses = 16
	// maxFault bounds an encoded fault in a trailer, in bytes. HTTP/2 compresses and counts headers,
	// and one that is too large breaks the connection, not only its call.
	maxFault = 256 << 10
	// maxText bounds each text of a fault that is larger than maxFault, in bytes.
	maxText = 16 << 10
)

// The markers of a context's end at the bottom of a fault.
const (
	canceled         = "canceled"
	deadlineExceeded = "deadline_exceeded"
)

func encodeFault(f *fault.Fault) *backendv1.Fault { return encodeCause(f, maxCauses) }

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
	if f.Cause == nil {
		return m
	}
	inner := fault.As(f.Cause)
	m.CauseFault = encodeCause(inner, depth-1)
	if m.CauseFault == nil || f.Cause != error(inner) { //nolint:errorlint // the very fault needs no text of its own, one that is wrapped does
		m.Cause = utf8(f.Cause.Error())
	}
	switch {
	case errors.Is(f.Cause, context.Canceled):
		m.Context = canceled
	case errors.Is(f.Cause, context.DeadlineExceeded):
		m.Context = deadlineExceeded
	}
	return m
}

func decodeFault(m *backendv1.Fault) *fault.Fault { return decodeCause(m, maxCauses) }

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
	inner := decodeCause(m.GetCauseFault(), depth-1)
	if inner != nil && m.GetCause() == "" {
		f.Cause = inner
		return f
	}
	var behind []error
	if inner != nil {
		behind = append(behind, inner)
	}
	if end := contextError(m.GetContext()); end != nil {
		behind = append(behind, end)
	}
	if m.GetCause() != "" || behind != nil {
		f.Cause = &remoteError{text: m.GetCause(), behind: behind}
	}
	return f
}

// remoteError is an error of the other process: its text, and what was behind it that has an
// identity, a fault or a context's end.
type remoteError struct {
	text   string
	behind []error
}

func (e *remoteError) Error() string {
	if e.text == "" && len(e.behind) > 0 {
		return e.behind[0].Error()
	}
	return e.text
}

func (e *remoteError) Unwrap() []error { return e.behind }

func contextError(marker string) error {
	switch marker {
	case canceled:
		return context.Canceled
	case deadlineExceeded:
		return context.DeadlineExceeded
	}
	return nil
}

// bounded shortens a fault that is too large for a trailer, and says so in its text.
func bounded(m *backendv1.Fault) *backendv1.Fault {
	if proto.Size(m) <= maxFault {
		return m
	}
	for _, text := range []*string{&m.Code, &m.Message, &m.Hint, &m.Resource, &m.Origin} {
		*text = clip(*text, maxText)
	}
	if m.GetCause() == "" && m.GetCauseFault() != nil {
		m.Cause = decodeFault(m.GetCauseFault()).Error()
	}
	m.Cause, m.CauseFault = clip(m.GetCause(), maxText), nil

	all, size := m.Problems, 0
	m.Problems = nil
	for i, p := range all {
		if size += proto.Size(p); size > maxFault/2 {
			m.Problems = append(m.Problems, &backendv1.Problem{Message: fmt.Sprintf("%d more problems are not shown", len(all)-i)})
			break
		}
		m.Problems = append(m.Problems, p)
	}
	return m
}

// clip cuts a text to at most so many bytes, between two characters.
func clip(s string, most int) string {
	const mark = " […]"
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len(mark)], "") + mark
}
