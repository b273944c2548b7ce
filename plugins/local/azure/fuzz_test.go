package azure

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// shapes are the forms of the pages of Azure's APIs.
var shapes = []shape{shapeGraph, shapeList, shapeDirectory, shapeOne}

// FuzzPage: whatever Resource Graph, Resource Manager or Microsoft Graph sends as a page, its rows are JSON objects that stand in it, one
// after the other, and the columns are theirs; or it is refused as not being as documented.
func FuzzPage(f *testing.F) {
	for i, page := range []string{
		`{"totalRecords":2,"count":2,"data":[{"id":"/a","tags":{},"n":1},{"id":"\u002fb","properties":{"a":[1,{"b":null}]}}],"facets":[],"resultTruncated":"false","$skipToken":"x"}`,
		`{"value":[{"id":"/a","name":""}],"nextLink":"https://management.azure.com/next"}`,
		`{"@odata.count":1,"@odata.nextLink":"https://graph.microsoft.com/x","value":[{"id":"u","a":"\ud83d\ude00"}]}`,
		`{"id":"/a","id":"/b"}`,
		`[{"id":"/a"}, {}]`, `{"value":null}`, `{"value":{}}`, `{"data":[1]}`, `{"value":[{}],"value":[{"a":1}]}`, "{\"data\":[{\"\\ud800\":\"\xff\"}]}", `{"error":{"code":"x"}}`, `{} {}`,
		strings.Repeat(`{"value":[`, 5000), `{"totalRecords":1e400,"data":[]}`,
	} {
		f.Add(uint(i), []byte(page))
	}
	f.Fuzz(func(t *testing.T, n uint, content []byte) {
		form := shapes[n%uint(len(shapes))]
		type row struct{ columns []Column }
		page := Page[row]{}
		around, err := page.read(bytes.NewReader(content), form, func(r *row, c Column) error {
			r.columns = append(r.columns, c)
			if text := c.Text(); c.Value.Kind() != '"' && text != "" || !c.Value.IsValid(jsontext.AllowDuplicateNames(true)) {
				t.Fatalf("%q = %q", c.Name, text)
			}
			_, _ = c.Int()
			_ = c.JSON()
			return nil
		})
		if err != nil {
			if !errors.Is(err, errForm) {
				t.Fatal(err)
			}
			return
		}
		if !around.rows {
			t.Fatal("a page without rows is taken")
		}
		last := int64(0)
		for i, r := range page.Rows {
			raw := page.Raw(i)
			if page.raw[i].from < last || page.raw[i].to > int64(len(content)) || len(raw) < 2 || raw[0] != '{' || raw[len(raw)-1] != '}' {
				t.Fatalf("row %d stands at %+v", i, page.raw[i])
			}
			last = page.raw[i].to
			again := 0
			if err := Members(raw, func(c Column) error {
				if !bytes.Equal(c.Name, r.columns[again].Name) || !bytes.Equal(c.Value, r.columns[again].Value) {
					t.Errorf("column %d is %q: %q, not %q: %q", again, r.columns[again].Name, r.columns[again].Value, c.Name, c.Value)
				}
				again++
				return nil
			}); err != nil || again != len(r.columns) {
				t.Errorf("row %d: %q: %v", i, raw, err)
			}
		}
	})
}

// FuzzBatch: whatever answers a batch of Microsoft Graph's, each question has one answer, or the batch is refused.
func FuzzBatch(f *testing.F) {
	for _, answer := range []string{
		`{"responses":[{"id":"0","status":200,"headers":{"Retry-After":"1"},"body":{"value":[{"id":"a"}],"@odata.nextLink":"https://graph.microsoft.com/n"}},{"id":"1","status":403,"body":{"error":{"code":"Authorization_RequestDenied","message":"no"}}}]}`,
		`{"responses":[{"id":"1","status":429,"headers":{"Retry-After":"NaN"}},{"id":"0","status":200,"body":{"value":[]}}]}`,
		`{"responses":[{"id":"0","status":200,"body":{}},{"id":"0","status":200,"body":{}}]}`, `{"responses":[{"id":7,"status":"x"}]}`, `{"responses":null}`, `[]`,
		`{"responses":[{"id":"0","status":200},{"id":"1","status":200,"headers":[],"body":null}]}`,
	} {
		f.Add([]byte(answer))
	}
	queries := []DirectoryQuery{{Path: "/users", Permission: PermissionUsers}, {Path: "/groups/x", One: true, Permission: PermissionGroups}}
	f.Fuzz(func(t *testing.T, content []byte) {
		of := map[*struct{}]int{}
		b := batch[struct{}]{session: sessionWith(t, Config{}, nil), queries: queries, top: "1", open: []int{0, 1}, reader: BatchReader[struct{}]{
			Reader: Reader[struct{}]{Set: func(*struct{}, Column) error { return nil }},
			Of:     func(row *struct{}, query int) { of[row] = query },
		}}
		var page Page[struct{}]
		answers, err := b.take(&page, bytes.NewReader(content))
		if err != nil {
			if !errors.Is(err, errForm) {
				t.Fatal(err)
			}
			return
		}
		if len(answers) != 2 || answers[0].query == answers[1].query {
			t.Fatalf("%+v", answers)
		}
		for _, a := range answers {
			if a.fail != nil && fault.CodeOf(a.fail.fault()) == "" {
				t.Errorf("a refusal without a code: %+v", a.fail)
			}
		}
		for i := range page.Rows {
			if !json.Valid(page.Raw(i)) {
				t.Errorf("row %d is %q", i, page.Raw(i))
			}
		}
	})
}

// FuzzRefusal: whatever Azure refuses with, the fault has a code and one printable line of bounded length, asks for no negative wait, and
// an api-version that it names goes nowhere in an address but into its place.
func FuzzRefusal(f *testing.F) {
	f.Add(400, "5", "00:00:07", []byte(`{"error":{"code":"BadRequest","message":"Please provide below info","details":[{"code":"NoRegisteredProviderFound","message":"The supported api-versions are '2023-01-01, 2022-09-01'."}]}}`))
	f.Add(429, "Wed, 21 Oct 2026 07:28:00 GMT", "NaN:0:0", []byte(`{"code":"x","message":"`+strings.Repeat("long ", 400)+`"}`))
	f.Add(403, "-1", "0:-1:0", []byte("\x1b[2J<html>\u202e"))
	f.Add(409, "99999999999999999999", "1e6:1e6:1e6", []byte(`{"error":{"code":"`+strings.Repeat("é", 400)+`","details":[{"code":"x","message":"supported versions are '2020-01-01&x=y#'"}]}}`))
	f.Add(0, "", "::", []byte(`{"error":`+strings.Repeat(`{"details":[`, 3000)))
	s := sessionWith(f, Config{}, nil)
	f.Fuzz(func(t *testing.T, status int, after, resets string, content []byte) {
		header := http.Header{"Retry-After": {after}, "Date": {"Wed, 21 Oct 2026 07:00:00 GMT"}, http.CanonicalHeaderKey(headerQuotaResets): {resets}, "X-Ms-Correlation-Request-Id": {after}}
		failed := failedWith(status, header, content)
		failed.call = &call{api: apiARM, on: "/x"}
		if failed.wait < 0 {
			t.Errorf("a wait of %s for %q, %q", failed.wait, after, resets)
		}
		got := failed.fault()
		if !got.Code.Known() || len(got.Message) > 2000 || !utf8.ValidString(got.Message) || strings.ContainsFunc(got.Message, unicode.IsControl) {
			t.Errorf("%q", got.Message)
		}
		if version := newest(failed.versions); version != "" {
			u, err := url.Parse(s.address("/subscriptions/s", version, nil))
			if err != nil || u.Path != "/subscriptions/s" || u.Fragment != "" || len(u.Query()) != 1 || u.Query().Get("api-version") != version {
				t.Errorf("%q became %s", version, u)
			}
		}
	})
}

// FuzzLink: a link to the next page is followed to Azure's own endpoint and nowhere else, for the token goes with it.
func FuzzLink(f *testing.F) {
	const endpoint = "https://management.azure.com"
	for _, link := range []string{
		endpoint + "/next?a=b", "https://management.azure.com@evil.example/", "https://management.azure.com.evil.example/", "//evil.example", "HTTPS://MANAGEMENT.AZURE.COM/x", "https://management.azure.com:443/x",
		"https:management.azure.com/x", "https://evil.example\\@management.azure.com/", "http://management.azure.com/", "https://management.azure.com\x00.evil.example/",
	} {
		f.Add(link)
	}
	f.Fuzz(func(t *testing.T, link string) {
		next, err := follow(apiARM, endpoint, "/x", link)
		if err != nil || next == "" {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, next, nil)
		if err != nil {
			return // it goes nowhere
		}
		if r.URL.Scheme != "https" || !strings.EqualFold(r.URL.Host, "management.azure.com") || r.URL.User != nil {
			t.Errorf("%q leads to %s", link, r.URL)
		}
	})
}
