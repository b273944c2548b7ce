package azure

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkRead reads full pages of rows of about 1.2 KB, without a network.
func BenchmarkRead(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"totalRecords":1000,"count":1000,"data":[`)
	for i := range maxTop {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"id":"/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-%[1]d/providers/Microsoft.Storage/storageAccounts/st%[1]d",`+
			`"name":"st%[1]d","type":"microsoft.storage/storageaccounts","location":"westeurope","tags":{"env":"prod","owner":"team-%[1]d"},"sku":{"name":"Standard_LRS"},"properties":{"text":%[2]q}}`, i, strings.Repeat("x", 800))
	}
	body.WriteString(`],"facets":[],"resultTruncated":"false"}`)
	s := sessionWith(b, Config{}, func(*http.Request) (*http.Response, error) { return respond(200, body.String()), nil })
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if ids, err := read(b.Context(), s, Query{KQL: "resources"}); err != nil || len(ids) != maxTop {
			b.Fatal(len(ids), err)
		}
	}
	b.ReportMetric(float64(b.N*maxTop)/b.Elapsed().Seconds(), "rows/s")
}
