package armschema

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// tenant are 150 types of 50 namespaces, those with the most types first: what a large tenant has. They are whole
// families, the largest definitions among them.
func tenant(tb testing.TB) []string {
	tb.Helper()
	families := map[string][]string{}
	for _, name := range Names() {
		namespace, _, _ := strings.Cut(name, "/")
		families[namespace] = append(families[namespace], name)
	}
	var namespaces []string
	for namespace := range families {
		namespaces = append(namespaces, namespace)
	}
	slices.SortFunc(namespaces, func(a, b string) int {
		if d := len(families[b]) - len(families[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var all []string
	for _, namespace := range namespaces[:50] {
		all = append(all, families[namespace][:min(3, len(families[namespace]))]...)
	}
	all = append(all, "Microsoft.Compute/virtualMachines", "Microsoft.Network/virtualNetworks", "Microsoft.DataFactory/factories/pipelines",
		"Microsoft.Web/sites", "Microsoft.Network/applicationGateways", "Microsoft.ContainerService/managedClusters")
	if len(all) < 150 {
		tb.Fatalf("%d types", len(all))
	}
	return all
}

// BenchmarkLoadTenant is the first use of a tenant's types in a process: at most 20 ms.
func BenchmarkLoadTenant(b *testing.B) {
	names := tenant(b)
	for b.Loop() {
		x := newIndex()
		for _, name := range names {
			if _, ok := x.lookup(name); !ok {
				b.Fatal(name)
			}
		}
	}
	b.ReportMetric(float64(len(names)), "types")
	b.ReportMetric(float64(Size()), "embedded-bytes")
}

// BenchmarkLoadAll decodes everything.
func BenchmarkLoadAll(b *testing.B) {
	names := Names()
	for b.Loop() {
		x := newIndex()
		for _, name := range names {
			x.lookup(name)
		}
	}
	b.ReportMetric(float64(len(names)), "types")
}

func TestLookupAtOnce(t *testing.T) {
	x, names := newIndex(), tenant(t)
	var wait sync.WaitGroup
	found := make([][]*Type, 4)
	for i := range found {
		wait.Go(func() {
			for _, name := range names {
				typ, ok := x.lookup(strings.ToUpper(name))
				if !ok {
					t.Errorf("%s is unknown", name)
					return
				}
				found[i] = append(found[i], typ)
				if p, ok := typ.Body.Property("properties"); ok {
					p.Schema.Variant("Custom")
				}
			}
		})
	}
	wait.Wait()
	for _, other := range found[1:] {
		if !slices.Equal(found[0], other) {
			t.Error("a type was decoded twice")
		}
	}
}

func TestAllOfTheFileIsUsed(t *testing.T) {
	x := newIndex()
	for _, name := range x.names {
		if _, ok := x.lookup(name); !ok {
			t.Errorf("%s is unknown", name)
		}
	}
	for i, s := range x.defs {
		if s == nil {
			t.Fatalf("definition %d is never referred to", i)
		}
	}
}
