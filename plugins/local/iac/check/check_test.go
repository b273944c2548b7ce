package check_test

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
)

func TestWorst(t *testing.T) {
	for name, test := range map[string]struct {
		states []check.State
		want   check.State
	}{
		"nothing was checked":         {nil, check.Passed},
		"all passed":                  {[]check.State{check.Passed, check.Passed}, check.Passed},
		"a skip proves nothing":       {[]check.State{check.Passed, check.Skipped}, check.Skipped},
		"a failure wins over a skip":  {[]check.State{check.Skipped, check.Failed}, check.Failed},
		"a failure wins over passing": {[]check.State{check.Failed, check.Passed}, check.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			var results []check.Result
			for _, state := range test.states {
				results = append(results, check.Result{State: state})
			}
			if got := check.Worst(results); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
