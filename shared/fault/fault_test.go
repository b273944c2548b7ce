package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestIsComparesCodesAndClasses(t *testing.T) {
	cause := errors.New("connection refused")
	err := fmt.Errorf("submit: %w", fault.New(fault.ServiceUnavailable, "cannot reach it", fault.Because(cause)))

	cases := map[string]struct {
		target error
		want   bool
	}{
		"same code":             {fault.New(fault.ServiceUnavailable, "other text"), true},
		"other code":            {fault.New(fault.Throttled, ""), false},
		"the cause":             {cause, true},
		"its class":             {fault.ErrServiceUnavailable, true},
		"remote class":          {fault.ErrRemoteExecution, true},
		"root class":            {fault.ErrExecution, true},
		"not authentication":    {fault.ErrAuthentication, false},
		"not job not found":     {fault.ErrJobNotFound, false},
		"not cancelled context": {context.Canceled, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := errors.Is(err, c.target); got != c.want {
				t.Errorf("errors.Is(err, %v) = %v, want %v", c.target, got, c.want)
			}
		})
	}
}

func TestAzureFaultsAreOnlyExecutionErrors(t *testing.T) {
	for _, code := range []fault.Code{fault.AzureAuthRequired, fault.AzureForbidden} {
		f := fault.New(code, "x")
		for _, class := range []fault.Class{fault.ErrAuthentication, fault.ErrRemoteExecution} {
			if errors.Is(f, class) {
				t.Errorf("%s matches %q", code, class)
			}
		}
		if !errors.Is(f, fault.ErrExecution) {
			t.Errorf("%s is no execution error", code)
		}
	}
}

func TestOf(t *testing.T) {
	own := fault.New(fault.Conflict, "busy")
	cases := map[string]struct {
		err  error
		want fault.Code
	}{
		"nil":       {nil, ""},
		"a fault":   {fmt.Errorf("x: %w", own), fault.Conflict},
		"deadline":  {fmt.Errorf("x: %w", context.DeadlineExceeded), fault.Timeout},
		"cancelled": {context.Canceled, fault.Interrupted},
		"anything":  {errors.New("boom"), fault.Internal},
		"nil fault": {(*fault.Fault)(nil), fault.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := fault.CodeOf(c.err); got != c.want {
				t.Errorf("CodeOf = %q, want %q", got, c.want)
			}
			if f := fault.Of(c.err); c.want == fault.Timeout && !errors.Is(f, context.DeadlineExceeded) {
				t.Errorf("Of lost %v", c.err)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	want := map[fault.Code]int{
		fault.Internal: 1, fault.ConfigInvalid: 2, fault.Incomplete: 3, fault.AzureAuthRequired: 4,
		fault.BackendCrashed: 5, fault.Cancelled: 6, fault.Integrity: 7, fault.Differences: 8,
		fault.Timeout: 124, fault.Interrupted: 130, "from_the_future": 1,
	}
	for code, n := range want {
		if got := code.ExitCode(); got != n {
			t.Errorf("%s exits %d, want %d", code, got, n)
		}
	}
	if fault.Code("from_the_future").Known() {
		t.Error("an unknown code is known")
	}
	for _, c := range fault.Codes() {
		if !c.Known() || c.ExitCode() == 0 {
			t.Errorf("%s has no exit code", c)
		}
	}
}
