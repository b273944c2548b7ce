package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// synthetic makes n resources, each with about 2.8 KB of properties, in no order of their ids.
func synthetic(n int) []Row {
	filler := strings.Repeat("configuration value of a usual length, ", 60)
	rows := make([]Row, n)
	for i := range rows {
		sub := fmt.Sprintf("00000000-0000-0000-0000-%012d", i%20)
		group := fmt.Sprintf("rg-%03d", i%400)
		name := fmt.Sprintf("vm-%07d", i*7919%n)
		rows[i] = Row{
			Table: TableResources,
			ID: "/subscriptions/" + sub + "/resourceGroups/" + group +
				"/providers/Microsoft.Compute/virtualMachines/" + name,
			Name: name, Type: fmt.Sprintf("microsoft.compute/type%02d", i%40), Location: "westeurope",
			ResourceGroup: group, SubscriptionID: sub, TenantID: "11111111-1111-1111-1111-111111111111",
			SKU:   []byte(`{"name":"Standard_D4s_v5","tier":"Standard"}`),
			Tags:  []byte(`{"env":"prod","owner":"platform"}`),
			Zones: []byte(`["1"]`),
			Properties: fmt.Appendf(nil, `{"vmId":"%032x","provisioningState":"Succeeded","notes":[%q,%q]}`,
				i*2654435761, filler, name+filler[:350]),
		}
	}
	return rows
}

// BenchmarkWrite writes a snapshot of 100,000 resources: load is Add alone, the whole adds Finish,
// with indexes, edges, checksum, and everything synced to disk.
func BenchmarkWrite(b *testing.B) {
	rows := synthetic(100_000)
	s, err := OpenStore(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	var load, whole time.Duration
	for b.Loop() {
		began := time.Now()
		w, err := s.NewWriter(b.Context(), Meta{TenantID: "t"})
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < len(rows); i += 1000 {
			if err := w.Add(rows[i : i+1000]); err != nil {
				b.Fatal(err)
			}
		}
		load += time.Since(began)
		snapshot, err := w.Finish(b.Context(), backend.Coverage{Complete: true})
		if err != nil {
			b.Fatal(err)
		}
		whole += time.Since(began)
		b.ReportMetric(float64(snapshot.Size)/float64(len(rows)), "B/row")
		if err := s.Delete(b.Context(), snapshot.ID); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(len(rows)) * float64(b.N)
	b.ReportMetric(n/load.Seconds(), "load-rows/s")
	b.ReportMetric(n/whole.Seconds(), "rows/s")
}

// BenchmarkGet describes a snapshot of 1,000,000 resources in 100 subscriptions, 1,000 types and 50
// locations, which does not read them.
func BenchmarkGet(b *testing.B) {
	s, err := OpenStore(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	w, err := s.NewWriter(b.Context(), Meta{TenantID: "t"})
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]Row, 1000)
	for n := 0; n < 1_000_000; n += len(rows) {
		for i := range rows {
			sub := fmt.Sprintf("%036d", (n+i)%100)
			rows[i] = Row{Table: TableResources, ID: fmt.Sprintf("/subscriptions/%s/resourceGroups/g/providers/n/t/%d", sub, n+i),
				SubscriptionID: sub, Type: fmt.Sprintf("n/t%d", i), Location: fmt.Sprint("l", i%50)}
		}
		if err := w.Add(rows); err != nil {
			b.Fatal(err)
		}
	}
	snapshot, err := w.Finish(b.Context(), backend.Coverage{Complete: true})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if detail, err := s.Get(b.Context(), snapshot.ID); err != nil || len(detail.ByType) != 1000 {
			b.Fatal(len(detail.ByType), err)
		}
	}
}
