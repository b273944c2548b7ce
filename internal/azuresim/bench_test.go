package azuresim

import (
	"fmt"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// pageQuery is what a client asks that wants everything.
const pageQuery = "resources | project id, name, type, tenantId, kind, location, resourceGroup, subscriptionId, managedBy, sku, plan, properties, tags, identity, zones, extendedLocation | order by id asc"

// BenchmarkPage renders pages of a thousand generated rows, without compression and HTTP.
func BenchmarkPage(b *testing.B) {
	t, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 10_000, Subscriptions: 4, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	entry, err := runQuery(t, pageQuery, tenant.Scope{Whole: true, Subscriptions: subscriptionIDs(t)})
	if err != nil {
		b.Fatal(err)
	}
	var body []byte
	page := 0
	for b.Loop() {
		body = appendData(body[:0], entry.result, page*maxRows, (page+1)*maxRows, true)
		page = (page + 1) % 10
	}
	b.SetBytes(int64(len(body)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/maxRows, "ns/row")
	b.ReportMetric(float64(len(body))/maxRows, "B/row")
}

// BenchmarkQuery evaluates the queries of which each page is then cut, by size of the tenant.
func BenchmarkQuery(b *testing.B) {
	for _, resources := range []int{10_000, 100_000, 1_000_000} {
		t, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: 4, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		scope := tenant.Scope{Whole: true, Subscriptions: subscriptionIDs(t)}
		for name, query := range map[string]string{
			"all": pageQuery, "hash": "resources | where isnotempty(subscriptionId) | where hash(tolower(id)) % 25 == 7 | project id, name | order by id asc",
			"by subscription": "resources | summarize count() by subscriptionId",
			"by type":         "resources | summarize rows = count() by type, subscriptionId",
			"type":            "resources | where type =~ 'Microsoft.Compute/disks' | order by id asc",
			"property":        "resources | where properties.provisioningState == 'Succeeded' | count",
		} {
			if resources == 1_000_000 && name == "property" {
				continue // seconds, for nothing that a client asks
			}
			b.Run(fmt.Sprintf("%s/%d", name, resources), func(b *testing.B) {
				if _, err := runQuery(t, query, scope); err != nil { // indexes are made once
					b.Fatal(err)
				}
				for b.Loop() {
					if _, err := runQuery(t, query, scope); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func subscriptionIDs(t *tenant.Tenant) []string {
	var ids []string
	for _, s := range t.Subscriptions {
		ids = append(ids, s.ID)
	}
	return ids
}
