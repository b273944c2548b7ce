package azuresim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// discarded is a response that is measured but not kept.
type discarded struct {
	header http.Header
	status int
	size   int
}

func (d *discarded) Header() http.Header { return d.header }

func (d *discarded) WriteHeader(status int) { d.status = status }

func (d *discarded) Write(b []byte) (int, error) {
	d.size += len(b)
	return len(b), nil
}

// benchServer is a simulator whose handler is called without a network.
func benchServer(b *testing.B, resources, subscriptions int) (*Server, http.Header) {
	b.Helper()
	t, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: subscriptions, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(Config{Tenant: t, NoARMLimits: true, Quota: -1})
	if err != nil {
		b.Fatal(err)
	}
	s.listener = benchListener(b)
	token, err := s.tokens.sign(claims{Audience: "https://management.azure.com", AppID: s.ClientID(), ObjectID: servicePrincipalObject, TenantID: t.ID}, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	return s, http.Header{"Authorization": {"Bearer " + token}}
}

// BenchmarkRequest is the handler's time for one call, by kind and size of the tenant.
func BenchmarkRequest(b *testing.B) {
	for _, size := range []struct{ resources, subscriptions int }{{100_000, 4}, {100_000, 10_001}} {
		s, header := benchServer(b, size.resources, size.subscriptions)
		t := s.Tenant()
		table := t.Resources()
		var storage, account string
		for row := range uint32(table.Len()) {
			if table.Text(row, 2) == "microsoft.storage/storageaccounts" {
				storage = table.Text(row, 0)
				account = table.Text(row, 7)
				if row > uint32(table.Len())/2 {
					break
				}
			}
		}
		query := func(subscriptions []string, text string) string {
			raw, err := json.Marshal(map[string]any{"subscriptions": subscriptions, "query": text})
			if err != nil {
				b.Fatal(err)
			}
			return string(raw)
		}
		ids := subscriptionIDs(t)
		for _, call := range []struct{ name, method, path, body string }{
			{"get", "GET", storage + "?api-version=2023-05-01", ""},
			{"children", "GET", storage + "/blobServices/default/containers?api-version=2023-05-01", ""},
			{"list page", "GET", "/subscriptions/" + account + "/resources?api-version=2021-04-01", ""},
			{"subscriptions", "GET", "/subscriptions?api-version=2022-12-01", ""},
			{"page of tenant", "POST", graphPath, query(nil, "resources | project id | order by id asc")},
			{"page of 300 subscriptions", "POST", graphPath, query(ids[:min(300, len(ids))], "resources | project id | order by id asc")},
		} {
			b.Run(fmt.Sprintf("%s/%d/%d", call.name, size.resources, size.subscriptions), func(b *testing.B) {
				for b.Loop() {
					r := httptest.NewRequestWithContext(b.Context(), call.method, "https://"+s.Address()+call.path, bytes.NewBufferString(call.body))
					r.Header = header
					w := &discarded{header: http.Header{}}
					s.ServeHTTP(w, r)
					if w.status != http.StatusOK && !strings.Contains(call.path, "containers") {
						b.Fatalf("status %d", w.status)
					}
				}
			})
		}
	}
}

// benchListener gives the simulator an address that nobody calls.
func benchListener(b *testing.B) net.Listener {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	return listener
}
