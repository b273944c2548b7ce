package azuresim

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// TestTenThousandAndOneSubscriptions lists more subscriptions than a query over a tenant covers.
func TestTenThousandAndOneSubscriptions(t *testing.T) {
	c := start(t, Config{Tenant: mustSynthetic(t, 1000, 10_001), Quota: -1, NoARMLimits: true})
	var ids []string
	pages := 0
	for next := "/subscriptions?api-version=2022-12-01"; next != ""; pages++ {
		answer := c.get(next)
		for _, item := range answer.list("value") {
			ids = append(ids, item.(map[string]any)["subscriptionId"].(string))
		}
		next = answer.text("nextLink")
	}
	if len(ids) != 10_001 || pages != 11 {
		t.Fatalf("%d subscriptions on %d pages", len(ids), pages)
	}
	count := func(subscriptions []string) (rows float64, limited bool) {
		body := map[string]any{"query": "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id | order by id asc"}
		if subscriptions != nil {
			body["subscriptions"] = subscriptions
		}
		answer := c.graph(body)
		if answer.status != http.StatusOK {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
		return answer.get("totalRecords").(float64), answer.header.Get("x-ms-tenant-subscription-limit-hit") == "true"
	}
	if rows, limited := count(nil); rows != 10_000 || !limited {
		t.Errorf("the tenant has %v, limited: %v", rows, limited)
	}
	total := 0.0
	for from := 0; from < len(ids); from += 300 {
		rows, limited := count(ids[from:min(from+300, len(ids))])
		if limited {
			t.Error("a query that names its subscriptions is limited")
		}
		total += rows
	}
	if total != 10_001 {
		t.Errorf("%v in queries of 300", total)
	}
}

// TestQueryCacheIsBounded keeps as many queries and rows as it may, the latest of them.
func TestQueryCacheIsBounded(t *testing.T) {
	made := mustSynthetic(t, 1000, 1)
	scope := tenant.Scope{Whole: true, Subscriptions: []string{made.Subscriptions[0].ID}}
	entry, err := runQuery(made, "resources", scope)
	if err != nil {
		t.Fatal(err)
	}
	cache := newQueryCache()
	evaluated := 0
	get := func(key int) {
		if _, err := cache.get(made, fmt.Sprint(key), func() (*queryEntry, error) {
			evaluated++
			if key%3 == 0 {
				return nil, &kql.Error{}
			}
			return entry, nil
		}); (err != nil) != (key%3 == 0) {
			t.Fatal(err)
		}
	}
	for key := range 2 * maxCachedQueries {
		get(key)
		get(key)
	}
	if evaluated != 2*maxCachedQueries {
		t.Errorf("%d evaluations of %d queries", evaluated, 2*maxCachedQueries)
	}
	if n := cache.order.Len(); n != maxCachedQueries || len(cache.entries) != n {
		t.Errorf("%d queries are kept, %d by key", n, len(cache.entries))
	}
	rows := 0
	for element := cache.order.Front(); element != nil; element = element.Next() {
		rows += element.Value.(*cachedQuery).rows
	}
	if rows != cache.rows || rows == 0 {
		t.Errorf("%d rows, counted as %d", rows, cache.rows)
	}
	big, err := runQuery(made, "resources", scope)
	if err != nil {
		t.Fatal(err)
	}
	cache.rows += maxCachedRows // as if others held them
	if _, err := cache.get(made, "big", func() (*queryEntry, error) { return big, nil }); err != nil || cache.order.Len() != 1 {
		t.Errorf("%d queries are kept beside one that is too many: %v", cache.order.Len(), err)
	}
}
