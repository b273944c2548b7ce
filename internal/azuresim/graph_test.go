package azuresim

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const idQuery = "resources | project id, name | order by id asc"

// pages follows skip tokens to the end and returns the ids on each page.
func (c *caller) pages(body map[string]any) (pages [][]string) {
	c.t.Helper()
	for {
		answer := c.graph(body)
		if answer.status != http.StatusOK {
			c.t.Fatalf("status %d: %s", answer.status, answer.body)
		}
		var page []string
		for _, row := range answer.list("data") {
			page = append(page, row.(map[string]any)["id"].(string))
		}
		pages = append(pages, page)
		token := answer.text("$skipToken")
		if token == "" {
			return pages
		}
		options := map[string]any{"$skipToken": token}
		body = map[string]any{"query": body["query"], "subscriptions": body["subscriptions"], "options": options}
		if body["subscriptions"] == nil {
			delete(body, "subscriptions")
		}
	}
}

func TestPaging(t *testing.T) {
	c := start(t, Config{Tenant: mustSynthetic(t, 2300, 3), Quota: -1})
	tests := map[string]struct {
		query   string
		options map[string]any
		sizes   []int
	}{
		"default size":    {idQuery, nil, []int{1000, 1000, 300}},
		"asked size":      {idQuery, map[string]any{"$top": 900}, []int{900, 900, 500}},
		"from a position": {idQuery, map[string]any{"$top": 1000, "$skip": 1500}, []int{800}},
		"whole pages":     {"resources | project id | where id startswith '/' | order by id asc", map[string]any{"$top": 460}, []int{460, 460, 460, 460, 460}},
		"a part by hash":  {"resources | where hash(tolower(id)) % 2 == 0 | project id | order by id asc", nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pages := c.pages(map[string]any{"query": test.query, "options": test.options})
			var sizes []int
			var all []string
			for _, page := range pages {
				sizes = append(sizes, len(page))
				all = append(all, page...)
			}
			if test.sizes == nil { // about half
				if len(all) < 1000 || len(all) > 1300 {
					t.Errorf("%d rows", len(all))
				}
			} else if diff := cmp.Diff(test.sizes, sizes); diff != "" {
				t.Error(diff)
			}
			if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
				t.Error("the pages overlap or are out of order")
			}
		})
	}
	t.Run("parts by hash are the whole", func(t *testing.T) {
		total := 0
		for k := range 5 {
			for _, page := range c.pages(map[string]any{"query": fmt.Sprintf("resources | where hash(tolower(id)) %% 5 == %d | project id", k)}) {
				total += len(page)
			}
		}
		if total != 2300 {
			t.Errorf("%d rows", total)
		}
	})
}

func TestPagesThatNothingFollows(t *testing.T) {
	c := start(t, Config{Tenant: mustSynthetic(t, 1500, 2), Quota: -1})
	tests := map[string]struct {
		query        string
		total, count float64
		truncated    string
		token        bool
	}{
		"all":              {"resources", 1500, 1000, "false", true},
		"few":              {"resources | where type == 'microsoft.compute/disks'", 180, 180, "false", false},
		"limit":            {"resources | limit 1200", 1200, 1000, "true", false},
		"short limit":      {"resources | take 10", 10, 10, "false", false},
		"top":              {"resources | top 3 by id asc", 3, 3, "false", false},
		"id not projected": {"resources | project name, type", 1500, 1000, "true", false},
		"dynamic alone":    {"resources | project properties", 1500, 1000, "true", false},
		"summary":          {"resources | summarize count() by id", 1500, 1000, "true", false},
		"count":            {"resources | count", 1, 1, "false", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := c.graph(map[string]any{"query": test.query})
			got := []any{answer.get("totalRecords"), answer.get("count"), answer.get("resultTruncated"), answer.get("$skipToken") != nil}
			if diff := cmp.Diff([]any{test.total, test.count, test.truncated, test.token}, got); diff != "" {
				t.Error(diff)
			}
			if float64(len(answer.list("data"))) != test.count {
				t.Errorf("%d rows", len(answer.list("data")))
			}
		})
	}
}

func TestSkipTokensBelongToTheirQuery(t *testing.T) {
	c := start(t, Config{Tenant: mustSynthetic(t, 1500, 2), Quota: -1})
	first := c.graph(map[string]any{"query": idQuery})
	token := first.text("$skipToken")
	subscription := c.server.Tenant().Subscriptions[0].ID
	for name, body := range map[string]map[string]any{
		"other query": {"query": "resources | project id", "options": map[string]any{"$skipToken": token}},
		"other scope": {"query": idQuery, "subscriptions": []string{subscription}, "options": map[string]any{"$skipToken": token}},
		"no token":    {"query": idQuery, "options": map[string]any{"$skipToken": "abc"}},
	} {
		if answer := c.graph(body); answer.status != http.StatusBadRequest || detailCode(answer) != "InvalidSkipToken" {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
	// a subscription that is lost between two pages does not end the paging
	remove, err := c.server.Inject(Faults{Deny: []string{subscription}})
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if answer := c.graph(map[string]any{"query": idQuery, "options": map[string]any{"$skipToken": token}}); answer.status != http.StatusOK {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}

// detailCode is the code of the last detail, where Resource Graph says what is wrong.
func detailCode(a *answer) string {
	details := a.list("error", "details")
	if len(details) == 0 {
		return ""
	}
	code, _ := details[len(details)-1].(map[string]any)["code"].(string)
	return code
}

func TestFormats(t *testing.T) {
	c := start(t, Config{Quota: -1})
	query := "resources | where name == 'kv-contoso-prod' | project name, n = strlen(name), r = 1.5, b = true, tags"
	tags := `{"environment":"prod","application":"security","costCenter":"CC-4711","owner":"platform@contoso.com"}`
	tests := map[string]string{
		"":            `[{"name":"kv-contoso-prod","n":15,"r":1.5,"b":true,"tags":` + tags + `}]`,
		"objectArray": `[{"name":"kv-contoso-prod","n":15,"r":1.5,"b":true,"tags":` + tags + `}]`,
		"table":       `{"columns":[{"name":"name","type":"string"},{"name":"n","type":"integer"},{"name":"r","type":"number"},{"name":"b","type":"boolean"},{"name":"tags","type":"object"}],"rows":[["kv-contoso-prod",15,1.5,true,` + tags + `]]}`,
	}
	for format, want := range tests {
		t.Run(format, func(t *testing.T) {
			body := map[string]any{"query": query}
			if format != "" {
				body["options"] = map[string]any{"resultFormat": format}
			}
			var got struct{ Data json.RawMessage }
			answer := c.graph(body)
			if err := json.Unmarshal(answer.body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got.Data)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	c := start(t, Config{Quota: -1})
	known := c.server.Tenant().Subscriptions[0].ID
	tests := map[string]struct {
		body   map[string]any
		status int
		detail string
	}{
		"no query":         {map[string]any{}, 400, "InvalidQuery"},
		"bad query":        {map[string]any{"query": "resources | where"}, 400, "ParserFailure"},
		"operator":         {map[string]any{"query": "resources | render table"}, 400, "InvalidQueryLanguage"},
		"table":            {map[string]any{"query": "arm"}, 400, "DisallowedLogicalTableName"},
		"two scopes":       {map[string]any{"query": "resources", "subscriptions": []string{known}, "managementGroups": []string{"mg-contoso"}}, 400, "InvalidScope"},
		"scope is no id":   {map[string]any{"query": "resources", "subscriptions": []string{"x"}}, 400, "InvalidSubscriptionId"},
		"unknown scope":    {map[string]any{"query": "resources", "subscriptions": []string{"99999999-0000-4000-8000-000000000009"}}, 403, "AccessDenied"},
		"unknown group":    {map[string]any{"query": "resources", "managementGroups": []string{"none"}}, 403, "AccessDenied"},
		"large top":        {map[string]any{"query": "resources", "options": map[string]any{"$top": 1001}}, 400, "InvalidTop"},
		"no top":           {map[string]any{"query": "resources", "options": map[string]any{"$top": 0}}, 400, "InvalidTop"},
		"negative skip":    {map[string]any{"query": "resources", "options": map[string]any{"$skip": -1}}, 400, "InvalidSkip"},
		"unknown format":   {map[string]any{"query": "resources", "options": map[string]any{"resultFormat": "csv"}}, 400, "InvalidResultFormat"},
		"unknown filter":   {map[string]any{"query": "resources", "options": map[string]any{"authorizationScopeFilter": "All"}}, 400, "InvalidAuthorizationScopeFilter"},
		"facets":           {map[string]any{"query": "resources", "facets": []any{map[string]any{"expression": "type"}}}, 400, "UnsupportedFacets"},
		"top is no number": {map[string]any{"query": "resources", "options": map[string]any{"$top": "many"}}, 400, "InvalidRequestBody"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := c.graph(test.body)
			if answer.status != test.status || detailCode(answer) != test.detail {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			if message := answer.text("error", "message"); !strings.Contains(message, "correlationId = "+answer.header.Get("x-ms-correlation-request-id")+".") {
				t.Errorf("message %q, header %v", message, answer.header)
			}
		})
	}
	wrongVersion := c.send(c.request(http.MethodPost, "/providers/Microsoft.ResourceGraph/resources?api-version=2000-01-01", nil))
	if wrongVersion.status != http.StatusBadRequest || wrongVersion.text("error", "code") != "NoRegisteredProviderFound" {
		t.Errorf("%d %s", wrongVersion.status, wrongVersion.body)
	}
}

func TestScopes(t *testing.T) {
	c := start(t, Config{Quota: -1})
	var ids []string
	for _, s := range c.server.Tenant().Subscriptions {
		ids = append(ids, s.ID)
	}
	if _, err := c.server.Inject(Faults{Deny: ids[:1], Hide: ids[1:2]}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		scope map[string]any
		want  []string // subscriptions seen; nil is a refusal
	}{
		"whole tenant":    {nil, ids[2:]},
		"mixed":           {map[string]any{"subscriptions": []string{ids[0], strings.ToUpper(ids[2])}}, ids[2:3]},
		"denied alone":    {map[string]any{"subscriptions": ids[:1]}, nil},
		"hidden alone":    {map[string]any{"subscriptions": ids[1:2]}, nil},
		"unknown with it": {map[string]any{"subscriptions": []string{"99999999-0000-4000-8000-000000000009", ids[3]}}, ids[3:]},
		"group":           {map[string]any{"managementGroups": []string{"mg-landingzones"}}, ids[2:]},
		"denied group":    {map[string]any{"managementGroups": []string{"mg-platform"}}, nil},
		"no subscription": {map[string]any{"managementGroups": []string{"mg-sandboxes"}}, []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body := map[string]any{"query": "resources | distinct subscriptionId | order by subscriptionId asc"}
			for key, value := range test.scope {
				body[key] = value
			}
			answer := c.graph(body)
			if test.want == nil {
				if answer.status != http.StatusForbidden || answer.text("error", "code") != "AccessDenied" {
					t.Errorf("%d %s", answer.status, answer.body)
				}
				return
			}
			got := []string{}
			for _, row := range answer.list("data") {
				got = append(got, row.(map[string]any)["subscriptionId"].(string))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPayloadCap(t *testing.T) {
	c := start(t, Config{Tenant: mustSynthetic(t, 1000, 1), Quota: -1, MaxPayload: 500_000})
	answer := c.graph(map[string]any{"query": "resources"})
	if answer.status != http.StatusBadRequest || detailCode(answer) != "ResponsePayloadTooLarge" {
		t.Fatalf("%d %.300s", answer.status, answer.body)
	}
	if answer := c.graph(map[string]any{"query": "resources", "options": map[string]any{"$top": 100}}); answer.status != http.StatusOK {
		t.Errorf("a smaller page: %d %.300s", answer.status, answer.body)
	}
}

func TestQuota(t *testing.T) {
	clock := newClock()
	c := start(t, Config{Now: clock.Now})
	ask := func(wantStatus int, remaining, reset string) *answer {
		t.Helper()
		answer := c.graph(map[string]any{"query": "resources | count"})
		got := []string{fmt.Sprint(answer.status), answer.header.Get("x-ms-user-quota-remaining"), answer.header.Get("x-ms-user-quota-resets-after")}
		if diff := cmp.Diff([]string{fmt.Sprint(wantStatus), remaining, reset}, got); diff != "" {
			t.Error(diff)
		}
		return answer
	}
	ask(200, "14", "00:00:05")
	clock.advance(3500 * time.Millisecond)
	for n := 13; n >= 0; n-- {
		ask(200, fmt.Sprint(n), "00:00:02")
	}
	refused := ask(429, "0", "00:00:02")
	if refused.text("error", "code") != "RateLimiting" || detailCode(refused) != "RateLimiting" || refused.header.Get("Retry-After") != "2" {
		t.Errorf("%s, Retry-After %q", refused.body, refused.header.Get("Retry-After"))
	}
	clock.advance(1500 * time.Millisecond)
	ask(200, "14", "00:00:05")
}

func TestHeadersAndCompression(t *testing.T) {
	c := start(t, Config{Quota: -1})
	request := c.graphRequest(map[string]any{"query": "resources"})
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("x-ms-correlation-request-id", "11112222-3333-4444-5555-666677778888")
	answer := c.send(request)
	for name, want := range map[string]string{
		"x-ms-correlation-request-id": "11112222-3333-4444-5555-666677778888",
		"Content-Encoding":            "gzip", "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-cache",
	} {
		if got := answer.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for _, name := range []string{"x-ms-request-id", "x-ms-routing-request-id", "Strict-Transport-Security"} {
		if answer.header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	reader, err := gzip.NewReader(strings.NewReader(string(answer.body)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(plain) {
		t.Errorf("%.200s", plain)
	}
}

func TestProtocols(t *testing.T) {
	c := start(t, Config{})
	for _, http2 := range []bool{true, false} {
		transport := c.client.Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.NextProtos = nil // what the first use of the original has put there
		protocols := &http.Protocols{}
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		transport.Protocols = protocols
		response, err := (&http.Client{Transport: transport}).Do(c.request(http.MethodGet, "/subscriptions?api-version=2022-12-01", nil))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		transport.CloseIdleConnections()
		if (response.ProtoMajor == 2) != http2 {
			t.Errorf("asked for HTTP/2 %v, got %s", http2, response.Proto)
		}
	}
}

func TestSetTenant(t *testing.T) {
	c := start(t, Config{Quota: -1, Tenant: mustSynthetic(t, 10, 1)})
	count := func() any {
		return c.graph(map[string]any{"query": "resources | count"}).list("data")[0].(map[string]any)["Count"]
	}
	if got := count(); got != 10.0 {
		t.Errorf("%v resources", got)
	}
	c.server.SetTenant(mustSynthetic(t, 20, 1))
	if got := count(); got != 20.0 {
		t.Errorf("%v resources", got)
	}
}
