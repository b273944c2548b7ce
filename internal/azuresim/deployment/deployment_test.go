package deployment

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPeriod(t *testing.T) {
	tests := map[time.Duration]string{
		0: "PT0S", 1500 * time.Millisecond: "PT1.5S", 21*time.Second + 58017900*time.Nanosecond: "PT21.0580179S",
		10 * time.Second: "PT10S", 7*time.Minute + 56*time.Second: "PT7M56S", time.Hour + time.Minute: "PT1H1M0S",
	}
	for d, want := range tests {
		if got := period(d); got != want {
			t.Errorf("%v is %s, not %s", d, got, want)
		}
	}
}

// TestDifferences compares what a template sets with what is there.
func TestDifferences(t *testing.T) {
	before := map[string]any{"location": "westeurope", "tags": map[string]any{"A": "1"}, "properties": map[string]any{"kept": int64(1), "size": int64(4), "list": []any{"x"}}}
	after := map[string]any{"location": "westeurope", "tags": map[string]any{"a": "1"}, "properties": map[string]any{"size": int64(8), "list": []any{"x", "y"}, "more": true}}
	want := []any{
		map[string]any{"path": "properties.list", "propertyChangeType": "Modify", "before": []any{"x"}, "after": []any{"x", "y"}, "children": nil},
		map[string]any{"path": "properties.more", "propertyChangeType": "Create", "before": nil, "after": true, "children": nil},
		map[string]any{"path": "properties.size", "propertyChangeType": "Modify", "before": int64(4), "after": int64(8), "children": nil},
	}
	if diff := cmp.Diff(want, differences(before, after, "")); diff != "" {
		t.Error(diff)
	}
}
