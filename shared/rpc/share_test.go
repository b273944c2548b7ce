package rpc_test

import (
	"context"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestSetShare(t *testing.T) {
	got := 0.0
	client := dial(t, sharing{set: func(share float64) { got = share }})
	if err := client.SetShare(t.Context(), 0.25); err != nil || got != 0.25 {
		t.Errorf("a share of %g arrived, %v", got, err)
	}
	if err := dial(t, fake{}).SetShare(t.Context(), 0.25); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("without the feature: %v", err)
	}
}

// sharing is a backend with FeatureBudget.
type sharing struct {
	fake
	set func(float64)
}

func (s sharing) SetShare(_ context.Context, share float64) error { s.set(share); return nil }
