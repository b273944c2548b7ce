package azuresim

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	allIDs       = "resources | project id | order by id asc"
	groupsOfProd = "/subscriptions/" + production + "/resourcegroups?api-version=2021-04-01"
)

func (c *caller) inject(faults Faults) {
	c.t.Helper()
	remove, err := c.server.Inject(faults)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(remove)
}

// ids reads all pages of a query.
func (c *caller) ids(query string, top int) (ids []string, totals []float64) {
	c.t.Helper()
	options := map[string]any{"$top": top}
	for {
		answer := c.graph(map[string]any{"query": query, "options": options})
		if answer.status != http.StatusOK {
			c.t.Fatalf("status %d: %s", answer.status, answer.body)
		}
		for _, row := range answer.list("data") {
			ids = append(ids, row.(map[string]any)["id"].(string))
		}
		totals = append(totals, answer.get("totalRecords").(float64))
		token := answer.text("$skipToken")
		if token == "" {
			return ids, totals
		}
		options["$skipToken"] = token
	}
}

func TestSpoiledBodies(t *testing.T) {
	c := start(t, Config{})
	whole := c.get(groupsOfProd).body
	for name, test := range map[string]struct {
		fault Fault
		check func(t *testing.T, body []byte)
	}{
		"cut": {Fault{Cut: true}, func(t *testing.T, body []byte) {
			if len(body) != len(whole)/2 || json.Valid(body) {
				t.Errorf("%d of %d bytes, valid JSON: %v", len(body), len(whole), json.Valid(body))
			}
		}},
		"garbled": {Fault{Garble: true}, func(t *testing.T, body []byte) {
			if len(body) != len(whole) || json.Valid(body) {
				t.Errorf("%d of %d bytes, valid JSON: %v", len(body), len(whole), json.Valid(body))
			}
		}},
		"slow": {Fault{BytesPerSecond: len(whole) * 10}, func(t *testing.T, body []byte) {
			if diff := cmp.Diff(string(whole), string(body)); diff != "" {
				t.Error(diff)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			test.fault.Path = "/resourcegroups$"
			c.inject(Faults{Rules: []Fault{test.fault}})
			began := time.Now()
			request := c.request(http.MethodGet, groupsOfProd, nil)
			request.Header.Set("Accept-Encoding", "identity")
			answer := c.send(request)
			test.check(t, answer.body)
			if took := time.Since(began); test.fault.BytesPerSecond > 0 && took < 100*time.Millisecond {
				t.Errorf("a body of a tenth of a second took %v", took)
			}
		})
	}
	t.Run("slow, then broken", func(t *testing.T) {
		c.t = t
		c.inject(Faults{Rules: []Fault{{BytesPerSecond: 1 << 20}, {Truncate: true}}})
		response, err := c.client.Do(c.request(http.MethodGet, groupsOfProd, nil))
		if err == nil {
			_, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if err == nil {
			t.Error("the answer came whole")
		}
	})
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	strikes := func(seed uint64) string {
		c := start(t, Config{})
		c.inject(Faults{Seed: seed, Rules: []Fault{{Path: "resourcegroups", Status: 503, Probability: 0.5}}})
		var pattern strings.Builder
		for range 40 {
			if c.get(groupsOfProd).status == http.StatusServiceUnavailable {
				pattern.WriteByte('x')
			} else {
				pattern.WriteByte('.')
			}
		}
		return pattern.String()
	}
	first, again, other := strikes(1), strikes(1), strikes(2)
	if first != again || first == other || !strings.Contains(first, "x") || !strings.Contains(first, ".") {
		t.Errorf("seed 1: %s and %s, seed 2: %s", first, again, other)
	}
}

func TestSwitches(t *testing.T) {
	c := start(t, Config{Quota: -1})
	plain, _ := c.ids(allIDs, 50)
	t.Run("no Resource Graph", func(t *testing.T) {
		c.t = t
		c.inject(Faults{NoResourceGraph: true})
		answer := c.graph(map[string]any{"query": allIDs})
		if answer.status != http.StatusNotFound || answer.text("error", "code") != "InvalidResourceNamespace" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("no table", func(t *testing.T) {
		c.t = t
		c.inject(Faults{NoTables: []string{"PolicyResources"}})
		answer := c.graph(map[string]any{"query": "policyresources | count"})
		if answer.status != http.StatusBadRequest || !strings.Contains(string(answer.body), "DisallowedLogicalTableName") {
			t.Errorf("%d %s", answer.status, answer.body)
		}
		if answer := c.graph(map[string]any{"query": "resources | count"}); answer.status != http.StatusOK {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("duplicate rows", func(t *testing.T) {
		c.t = t
		c.inject(Faults{DuplicateRows: true})
		got, totals := c.ids(allIDs, 50)
		if len(got) <= len(plain) || totals[0] != float64(len(plain)) {
			t.Errorf("%d rows, said to be %v, of %d", len(got), totals[0], len(plain))
		}
		if diff := cmp.Diff(plain, slices.Compact(got)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("mixed case", func(t *testing.T) {
		c.t = t
		c.inject(Faults{MixedCase: true})
		got, _ := c.ids(allIDs, 50)
		if slices.Equal(plain, got) {
			t.Error("all ids have the same case")
		}
		for i := range got {
			if !strings.EqualFold(got[i], plain[i]) {
				t.Errorf("%s has become %s", plain[i], got[i])
			}
		}
	})
	t.Run("after all", func(t *testing.T) {
		c.t = t
		if got, _ := c.ids(allIDs, 50); !slices.Equal(plain, got) {
			t.Error("the switches have left something behind")
		}
	})
}

// TestChangingSets pages through sets that change, and compares what a client that holds its own
// place has seen with what the simulator says that it has done.
func TestChangingSets(t *testing.T) {
	const seed = 11
	for name, config := range map[string]Config{"memory": {Quota: -1}, "synthetic": {Quota: -1, Tenant: mustSynthetic(t, 400, 2)}} {
		t.Run(name, func(t *testing.T) {
			c := start(t, config)
			before, _ := c.ids(allIDs, 1000)
			c.inject(Faults{Seed: seed, Changes: []Change{{Path: "resourcegraph", Every: 2, Add: 3, Delete: 2}}})
			_, totals := c.ids(allIDs, 30)
			c.server.ClearFaults()
			changed := c.server.Changed()
			if len(changed.Added) == 0 || len(changed.Added)*2 != len(changed.Deleted)*3 {
				t.Errorf("seed %d: added %d, deleted %d", seed, len(changed.Added), len(changed.Deleted))
			}
			want := slices.DeleteFunc(append(before, changed.Added...), func(id string) bool { return slices.Contains(changed.Deleted, id) })
			slices.Sort(want)
			after, _ := c.ids(allIDs, 1000)
			if diff := cmp.Diff(want, after); diff != "" {
				t.Errorf("seed %d (-want +got):\n%s", seed, diff)
			}
			if last := totals[len(totals)-1]; last == totals[0] {
				t.Errorf("totalRecords has stayed at %v", last)
			}
		})
	}
	t.Run("of a table that cannot change", func(t *testing.T) {
		c := start(t, Config{})
		if _, err := c.server.Inject(Faults{Changes: []Change{{Table: "resourcecontainers", Add: 1}}}); err == nil {
			t.Error("accepted")
		}
	})
}

func TestSettings(t *testing.T) {
	clock := newClock()
	c := start(t, Config{Control: true, Now: clock.Now})
	put := func(body string) *answer {
		return c.send(c.request(http.MethodPut, "/_sim/settings", []byte(body)))
	}
	t.Run("quota", func(t *testing.T) {
		c.t = t
		put(`{"quota": 2, "quota_window": "1m"}`)
		var statuses []int
		for range 3 {
			statuses = append(statuses, c.graph(map[string]any{"query": "resources | count"}).status)
		}
		if diff := cmp.Diff([]int{200, 200, 429}, statuses); diff != "" {
			t.Error(diff)
		}
		put(`{"quota": -1}`)
		if answer := c.graph(map[string]any{"query": "resources | count"}); answer.status != http.StatusOK || answer.header.Get("x-ms-user-quota-remaining") != "" {
			t.Errorf("%d %v", answer.status, answer.header)
		}
	})
	t.Run("buckets", func(t *testing.T) {
		c.t = t
		put(`{"arm_bucket": 2, "arm_rate": 0.5}`)
		var statuses []int
		for range 3 {
			statuses = append(statuses, c.get("/subscriptions/"+production+"?api-version=2022-12-01").status)
		}
		if diff := cmp.Diff([]int{200, 200, 429}, statuses); diff != "" {
			t.Error(diff)
		}
		put(`{"arm_limits": false}`)
		if answer := c.get(groupsOfProd); answer.status != http.StatusOK {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("what is kept, and what is wrong", func(t *testing.T) {
		c.t = t
		want := c.server.Settings()
		want.LatencySpread = Duration(time.Millisecond)
		if answer := put(`{"latency_spread": "1ms"}`); answer.text("latency_spread") != "1ms" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
		for _, wrong := range []string{`{"latency": 5}`, `{"latency": "-1s"}`, `{"quotas": 1}`, `{"arm_rate": 0}`} {
			if answer := put(wrong); answer.status != http.StatusBadRequest {
				t.Errorf("%s: %d", wrong, answer.status)
			}
		}
		if diff := cmp.Diff(want, c.server.Settings()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("token lifetime", func(t *testing.T) {
		c.t = t
		put(`{"token_lifetime": "2s"}`)
		c.signIn()
		if answer := c.get(groupsOfProd); answer.status != http.StatusOK {
			t.Errorf("%d %s", answer.status, answer.body)
		}
		clock.advance(2 * time.Second)
		answer := c.get(groupsOfProd)
		if challenge := answer.header.Get("WWW-Authenticate"); answer.text("error", "code") != "ExpiredAuthenticationToken" || !strings.Contains(challenge, "invalid_token") || strings.Contains(challenge, "claims=") {
			t.Errorf("%d %s %s", answer.status, answer.body, challenge)
		}
	})
}

// TestRegions opens a connection for each call: each reaches the next region, with buckets of its own.
func TestRegions(t *testing.T) {
	server := startServer(t, Config{Regions: []string{"westeurope", "northeurope"}, ARMBucket: 1, ARMRate: 0.001})
	c := &caller{t: t, server: server, client: server.HTTPClient()}
	c.client.Transport.(*http.Transport).DisableKeepAlives = true
	c.signIn()
	seen := map[string][]int{}
	for range 4 {
		answer := c.get(groupsOfProd)
		region, _, _ := strings.Cut(answer.header.Get("x-ms-routing-request-id"), ":")
		seen[region] = append(seen[region], answer.status)
	}
	if diff := cmp.Diff(map[string][]int{"WESTEUROPE": {200, 429}, "NORTHEUROPE": {200, 429}}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestThrottlingOfAProvider(t *testing.T) {
	c := start(t, Config{})
	c.inject(Faults{Rules: []Fault{{Path: "/providers/microsoft.keyvault/", Status: 429, RetryAfter: 7, Cause: "service"}}})
	answer := c.get("/subscriptions/" + production + "/providers/Microsoft.KeyVault/vaults?api-version=2024-11-01")
	if answer.status != 429 || answer.header.Get("x-ms-failure-cause") != "service" || answer.header.Get("Retry-After") != "7" || answer.header.Get("x-ms-ratelimit-remaining-subscription-reads") != "" {
		t.Errorf("%d %v", answer.status, answer.header)
	}
}
