//go:build unix

package launch_test

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/launch"
)

// BenchmarkStartDescribeStop is a cold start of a backend without the host's own start.
func BenchmarkStartDescribeStop(b *testing.B) {
	s := spec(b, "good")
	for b.Loop() {
		p, err := launch.Start(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Backend().Describe(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := p.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
