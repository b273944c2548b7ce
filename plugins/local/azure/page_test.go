package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// asked decodes the body of a query.
func asked(t *testing.T, r *http.Request) queryBody {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body queryBody
	if err := json.Unmarshal(content, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

// mostBytes is what a page of numbered may have: less than Azure's, to be quick.
const mostBytes = 1 << 20

// numbered serves n rows with the ids "0", "1", …, row i of size(i) bytes at least; nil is small ones.
func numbered(t *testing.T, n int, size func(int) int, tops *[]int64) azureFunc {
	return func(r *http.Request) (*http.Response, error) {
		o := asked(t, r).Options
		*tops = append(*tops, o.Top)
		from := 0
		if o.SkipToken != "" {
			_, _ = fmt.Sscanf(o.SkipToken, "at-%d", &from)
		}
		to := min(from+int(o.Top), n)
		var rows strings.Builder
		for i := from; i < to; i++ {
			if i > from {
				rows.WriteByte(',')
			}
			fmt.Fprintf(&rows, `{"id":"%d","more":{"a":[1,2]}`, i)
			if size != nil {
				rows.WriteString(`,"text":"` + strings.Repeat("x", size(i)) + `"`)
			}
			rows.WriteByte('}')
		}
		if rows.Len() > mostBytes {
			return respond(400, fmt.Sprintf(`{"error":{"code":"BadRequest","message":"Please provide below info","details":[{"code":"ResponsePayloadTooLarge",`+
				`"message":"Response payload size is %d, and has exceeded the limit of %d. Please consider $top"}]}}`, rows.Len(), mostBytes)), nil
		}
		token := ""
		if to < n {
			token = fmt.Sprintf(`,"$skipToken":"at-%d"`, to)
		}
		return respond(200, fmt.Sprintf(`{"totalRecords":%d,"count":%d,"data":[%s],"facets":[],"resultTruncated":"false"%s}`,
			n, to-from, rows.String(), token)), nil
	}
}

func TestPaging(t *testing.T) {
	each := func(bytes int) func(int) int { return func(int) int { return bytes } }
	cases := map[string]struct {
		rows  int
		size  func(int) int
		limit int64
		want  int
		tops  []int64
	}{
		"nothing":                {0, nil, 0, 0, []int64{1000}},
		"one page":               {10, nil, 0, 10, []int64{1000}},
		"three pages":            {2500, nil, 0, 2500, []int64{1000, 1000, 1000}},
		"exactly two":            {2000, nil, 0, 2000, []int64{1000, 1000}},
		"a limit in a page":      {2500, nil, 7, 7, []int64{7}},
		"a limit in the second":  {2500, nil, 1300, 1300, []int64{1000, 300}},
		"large rows":             {900, each(1875), 0, 900, []int64{1000, 455, 272, 273}},
		"large rows and a limit": {900, each(1875), 600, 600, []int64{600, 300, 300}},
		"rows almost too large":  {2000, each(870), 0, 2000, []int64{1000, 862, 861}},
		"rows of the largest":    {3, each(mostBytes - 100), 0, 3, []int64{1000, 250, 62, 15, 3, 1, 1, 1}},
		"some much larger ones":  {2500, func(i int) int { return 1 + i/1200*(1211/(i+1))*125_000 }, 0, 2500, []int64{1000, 1000, 500, 250, 125, 62, 31, 15, 8, 8, 32, 250, 500, 1000}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var tops []int64
			s := sessionWith(t, Config{}, numbered(t, c.rows, c.size, &tops))
			s.tops.most = mostBytes
			ids, err := read(t.Context(), s, Query{KQL: "resources", Limit: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range ids {
				if id != fmt.Sprint(i) {
					t.Fatalf("row %d is %q", i, id)
				}
			}
			if d := cmp.Diff(c.tops, tops); d != "" || len(ids) != c.want {
				t.Errorf("%d rows, want %d; tops (-want +got):\n%s", len(ids), c.want, d)
			}
		})
	}
}

func TestPagesThatCannotBeFollowed(t *testing.T) {
	cases := map[string]string{
		"cut short without a token":  `{"data":[{"id":"a"}],"resultTruncated":"true"}`,
		"the same token for ever":    `{"data":[{"id":"a"}],"resultTruncated":"false","$skipToken":"x"}`,
		"a row too large for a page": `{"error":{"code":"BadRequest","details":[{"code":"ResponsePayloadTooLarge"}]}}`,
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
				if strings.Contains(body, "error") {
					return respond(400, body), nil
				}
				return respond(200, body), nil
			})
			if _, err := read(t.Context(), s, Query{}); fault.CodeOf(err) != fault.ExecutionFailed {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestColumns(t *testing.T) {
	body := `{"data":[{"id":"a\/b\u00e9\"","tags":{"k":"v\n"},"plan":null,"zones":[],"sku":{},"kind":"","n":12,"twice":1,"twice":2}],"resultTruncated":"false"}`
	s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) { return respond(200, body), nil })
	got := map[string]string{}
	err := Read(t.Context(), s, Query{}, Reader[struct{}]{
		New: func(context.Context) (*Page[struct{}], error) { return &Page[struct{}]{}, nil },
		Set: func(_ *struct{}, c Column) error {
			got[string(c.Name)] = c.Text() + "|" + string(c.JSON())
			return nil
		},
		Take: func(*Page[struct{}]) error { return nil },
	})
	want := map[string]string{"id": `a/bé"|"a\/b\u00e9\""`, "tags": `|{"k":"v\n"}`, "plan": "|", "zones": "|", "sku": "|", "kind": "|", "n": "|12", "twice": "|2"}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("columns (-want +got):\n%s%v", d, err)
	}
}

func TestTheErrorOfATakerEndsTheReading(t *testing.T) {
	var tops []int64
	s := sessionWith(t, Config{}, numbered(t, 2500, nil, &tops))
	full := errors.New("disk full")
	err := Read(t.Context(), s, Query{}, Reader[string]{
		New:  func(context.Context) (*Page[string], error) { return &Page[string]{}, nil },
		Set:  func(*string, Column) error { return nil },
		Take: func(*Page[string]) error { return full },
	})
	if !errors.Is(err, full) || len(tops) != 1 {
		t.Errorf("error = %v after %d pages", err, len(tops))
	}
}

func TestLists(t *testing.T) {
	const base = "https://management.azure.com"
	pages := map[string]string{
		base + "/subscriptions?api-version=2022-12-01":   `{"value":[{"subscriptionId":"1","displayName":"one","state":"Enabled","x":1}],"nextLink":"` + base + `/subscriptions?page=2"}`,
		base + "/subscriptions?page=2":                   `{"value":[],"nextLink":"` + base + `/subscriptions?page=3"}`,
		base + "/subscriptions?page=3":                   `{"value":[{"subscriptionId":"2","displayName":"two","state":"Disabled"}]}`,
		"https://elsewhere.example/subscriptions?page=2": `{"value":[]}`,
		base + "/tenants?api-version=2022-12-01":         `{"value":[],"nextLink":"https://elsewhere.example/subscriptions?page=2"}`,
	}
	calls := 0
	s := sessionWith(t, Config{}, func(r *http.Request) (*http.Response, error) {
		calls++
		return respond(200, pages[r.URL.String()]), nil
	})
	got, err := s.Subscriptions(t.Context())
	want := []Subscription{
		{ID: "1", Name: "one", State: "Enabled", Raw: json.RawMessage(`{"subscriptionId":"1","displayName":"one","state":"Enabled","x":1}`)},
		{ID: "2", Name: "two", State: "Disabled", Raw: json.RawMessage(`{"subscriptionId":"2","displayName":"two","state":"Disabled"}`)},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil || !got[0].Enabled() || got[1].Enabled() {
		t.Errorf("subscriptions (-want +got):\n%s%v", d, err)
	}
	calls = 0
	if _, err := s.Tenants(t.Context()); fault.CodeOf(err) != fault.ExecutionFailed || calls != 1 {
		t.Errorf("a link elsewhere: %v, after %d calls", err, calls)
	}
	pages[base+"/tenants?api-version=2022-12-01"] = `{"value":[],"nextLink":"` + base + `/tenants?api-version=2022-12-01"}`
	if _, err := s.Tenants(t.Context()); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("a link to itself: %v", err)
	}
}
