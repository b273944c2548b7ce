// Package fault has the one error type that crosses every boundary of atg: between rooms, between
// processes (a gRPC trailer), between machines (an HTTP problem), and to the terminal.
//
// Whoever detects a fault writes its message and its hint; only the host prints them. Identity is
// the code: errors.Is(err, fault.New(fault.JobNotFound, "")) holds for any fault with that code.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Fault is an error with an identity and a way out.
type Fault struct {
	Code      Code      `json:"code"`                // what it is, permanently
	Message   string    `json:"message"`             // what happened, to what; one sentence, no final period
	Hint      string    `json:"hint,omitempty"`      // what to do next, for whoever can act
	Retryable bool      `json:"retryable,omitempty"` // the same call may succeed later, unchanged
	Resource  string    `json:"resource,omitempty"`  // what it happened to: an ARM id, a job id, a path
	Origin    Origin    `json:"origin,omitempty"`    // who detected it: host, backend, service, azure
	Problems  []Problem `json:"problems,omitempty"`  // every single problem of an input, at once
	Cause     error     `json:"-"`                   // crosses a process boundary as text
}

// Problem is one of several things wrong with an input.
type Problem struct {
	Key     string `json:"key,omitempty"`    // the setting or property, dotted: backends.local.settings.cloud
	Message string `json:"message"`          // what is wrong with it
	Hint    string `json:"hint,omitempty"`   // the nearest known name, the accepted values
	Line    int    `json:"line,omitempty"`   // in a file, from 1; 0 is unknown
	Column  int    `json:"column,omitempty"` // in a file, from 1; 0 is unknown
}

// Option completes a fault in New.
type Option func(*Fault)

// New makes a fault. Options add what is known beyond code and message.
func New(code Code, message string, options ...Option) *Fault {
	f := &Fault{Code: code, Message: message}
	for _, o := range options {
		o(f)
	}
	return f
}

// Newf is New with a formatted message and no options.
func Newf(code Code, format string, args ...any) *Fault {
	return New(code, fmt.Sprintf(format, args...))
}

// Hint says what to do next.
func Hint(format string, args ...any) Option {
	return func(f *Fault) { f.Hint = fmt.Sprintf(format, args...) }
}

// Because wraps the error that led to the fault.
func Because(cause error) Option { return func(f *Fault) { f.Cause = cause } }

// On names what it happened to.
func On(resource string) Option { return func(f *Fault) { f.Resource = resource } }

// From names the part that detected it.
func From(origin Origin) Option { return func(f *Fault) { f.Origin = origin } }

// Retryable says that the same call may succeed later.
func Retryable() Option { return func(f *Fault) { f.Retryable = true } }

// Problems lists every single problem of an input.
func Problems(problems ...Problem) Option {
	return func(f *Fault) { f.Problems = append(f.Problems, problems...) }
}

// Error is the message and, where there is one, the cause.
func (f *Fault) Error() string {
	if f.Cause == nil {
		return f.Message
	}
	return f.Message + ": " + f.Cause.Error()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Is compares codes with another fault, and classes with an error class (see Class).
func (f *Fault) Is(target error) bool {
	switch t := target.(type) {
	case *Fault:
		return f.Code == t.Code
	case Class:
		return t.holds(f.Code)
	}
	return false
}

// As returns the outermost fault in err's chain, or nil.
func As(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// Of returns err as a fault: the one in its chain, or a new one. Cancellation and deadlines keep
// their meaning (Interrupted, Timeout) and still match context.Canceled and context.DeadlineExceeded;
// anything else is Internal. Of(nil) is nil.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := err.(*Fault); ok && f == nil { //nolint:errorlint // a nil *Fault in an error is a defect, not a success
		return New(Internal, "an error without content")
	}
	if f := As(err); f != nil {
		return f
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return New(Timeout, "the time for this is over", Because(err))
	case errors.Is(err, context.Canceled):
		return New(Interrupted, "interrupted", Because(err))
	}
	return New(Internal, "unexpected error", Because(err))
}

// CodeOf is the code of Of(err), and empty for nil.
func CodeOf(err error) Code {
	if f := Of(err); f != nil {
		return f.Code
	}
	return ""
}
