package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const base = "https://management.azure.com"

// pages answers GETs by their URL, with 404 for what it has not.
type pages map[string]string

func (p pages) answer(r *http.Request) (*http.Response, error) {
	if body, ok := p[r.URL.String()]; ok && r.Method == http.MethodGet {
		return respond(200, body), nil
	}
	return respond(404, fmt.Sprintf(`{"error":{"code":"ResourceNotFound","message":"There is no %s"}}`, r.URL)), nil
}

// named keeps the names of rows and what Azure sent.
type named struct{ name, raw string }

func reader(rows *[]named, totals *[]int64) Reader[named] {
	var page Page[named]
	return Reader[named]{
		New: func(context.Context) (*Page[named], error) { return &page, nil },
		Set: func(n *named, c Column) error {
			if string(c.Name) == "name" {
				n.name = c.Text()
			}
			return nil
		},
		Take: func(p *Page[named]) error {
			for i, row := range p.Rows {
				row.raw = string(p.Raw(i))
				*rows = append(*rows, row)
			}
			*totals = append(*totals, p.Total)
			return nil
		},
	}
}

func TestReadList(t *testing.T) {
	const first = base + "/subscriptions/s/x?%24filter=a%20eq%20%27b%27&api-version=1"
	rows := func(names ...string) (rows []named) {
		for _, name := range names {
			rows = append(rows, named{name, `{"name":"` + name + `"}`})
		}
		return rows
	}
	cases := map[string]struct {
		pages pages
		want  []named
		code  fault.Code
		says  string
	}{
		"no item":          {pages{first: `{"value":[]}`}, nil, "", ""},
		"one page":         {pages{first: `{"value":[{"name":"a"},{"name":"b"}]}`}, rows("a", "b"), "", ""},
		"as Azure sent it": {pages{first: `{ "nextLink" : null, "value" : [ {"b" : [1, {"c":"\u00e9"}], "name":"a" } , {"name":"b"}]}`}, []named{{"a", `{"b" : [1, {"c":"\u00e9"}], "name":"a" }`}, {"b", `{"name":"b"}`}}, "", ""},
		"no envelope":      {pages{first: `[{"name":"a"}]`}, rows("a"), "", ""},
		"null":             {pages{first: `{"value":null}`}, nil, "", ""},
		"pages, one of them empty": {pages{first: `{"value":[{"name":"a"}],"nextLink":"` + base + `/2?y=%2F"}`, base + "/2?y=%2F": `{"value":[],"nextLink":"` + base + `/3"}`,
			base + "/3": `{"value":[{"name":"b"}],"nextLink":""}`}, rows("a", "b"), "", ""},
		"a link elsewhere": {pages{first: `{"value":[{"name":"a"}],"nextLink":"https://management.azure.com.evil.example/2"}`}, rows("a"), fault.ExecutionFailed, "links to a page elsewhere"},
		"a link in clear":  {pages{first: `{"value":[{"name":"a"}],"nextLink":"http://management.azure.com/2"}`}, rows("a"), fault.ExecutionFailed, "links to a page elsewhere"},
		"a loop": {pages{first: `{"value":[],"nextLink":"` + base + `/2"}`, base + "/2": `{"value":[],"nextLink":"` + base + `/3"}`, base + "/3": `{"value":[],"nextLink":"` + base + `/2"}`},
			nil, fault.ExecutionFailed, "the same page again"},
		"something else":      {pages{first: `{"id":"x","properties":{}}`}, nil, fault.ExecutionFailed, "something that is no list"},
		"a page that is gone": {pages{first: `{"value":[{"name":"a"}],"nextLink":"` + base + `/2"}`}, rows("a"), fault.ExecutionFailed, "ResourceNotFound: There is no " + base + "/2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := sessionWith(t, Config{}, c.pages.answer)
			var got []named
			var totals []int64
			err := ReadList(t.Context(), s, List{"/subscriptions/s/x", "1", url.Values{"$filter": {"a eq 'b'"}}}, reader(&got, &totals))
			if d := cmp.Diff(c.want, got, cmp.AllowUnexported(named{})); d != "" || fault.CodeOf(err) != c.code {
				t.Fatalf("error = %v, rows (-want +got):\n%s", err, d)
			}
			if f := fault.As(err); f != nil && (!strings.Contains(f.Message, c.says) || f.Resource != "/subscriptions/s/x") {
				t.Errorf("fault = %+v", f)
			}
		})
	}
}

func TestReadOne(t *testing.T) {
	const id = "/subscriptions/s/resourceGroups/G g/providers/Microsoft.Web/sites/ä"
	body := `{"id":"` + id + `", "name":"ä","properties":{}}`
	s := sessionWith(t, Config{}, pages{base + "/subscriptions/s/resourceGroups/G%20g/providers/Microsoft.Web/sites/%C3%A4?api-version=2": body}.answer)
	var got []named
	var totals []int64
	if err := ReadOne(t.Context(), s, id, "2", reader(&got, &totals)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]named{{"ä", body}}, got, cmp.AllowUnexported(named{})); d != "" || !cmp.Equal(totals, []int64{-1}) {
		t.Errorf("totals %v, rows (-want +got):\n%s", totals, d)
	}
	if err := ReadOne(t.Context(), s, id+"x", "2", reader(&got, &totals)); !IsNotFound(err) || fault.As(err).Resource != id+"x" {
		t.Errorf("error = %v", err)
	}
}

func TestRowsOfAQueryAreKeptAsSent(t *testing.T) {
	s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
		return respond(200, `{"totalRecords": 7,"data": [ {"name":"a", "b":{"c": [{}]}} ,{"name":"b"}],"resultTruncated":"false"}`), nil
	})
	var got []named
	var totals []int64
	if err := Read(t.Context(), s, Query{}, reader(&got, &totals)); err != nil {
		t.Fatal(err)
	}
	want := []named{{"a", `{"name":"a", "b":{"c": [{}]}}`}, {"b", `{"name":"b"}`}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(named{})); d != "" || !cmp.Equal(totals, []int64{7}) {
		t.Errorf("totals %v, rows (-want +got):\n%s", totals, d)
	}
}

// versioned answers like a resource provider that supports some api-versions.
func versioned(status int, message string, supported ...string) (azureFunc, *[]string) {
	asked := new([]string)
	return func(r *http.Request) (*http.Response, error) {
		version := r.URL.Query().Get("api-version")
		*asked = append(*asked, version)
		for _, v := range supported {
			if v == version {
				return respond(200, `{"value":[{"name":"a"}]}`), nil
			}
		}
		body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": map[int]string{400: "NoRegisteredProviderFound", 404: "InvalidResourceType"}[status], "message": message}})
		return respond(status, string(body)), nil
	}, asked
}

func TestVersionsAreMended(t *testing.T) {
	many := "2023-01-01"
	for year := 1900; year < 2000; year++ { // longer than any message that is shown
		many += fmt.Sprintf(", %d-01-01", year)
	}
	const registered = "No registered resource provider found for location 'westeurope' and API version '1' for type 'x'. The supported api-versions are '%s'. The supported locations are 'westeurope, eastus'."
	const found = "The resource type 'x' could not be found in the namespace 'Microsoft.Y' for api version '1'. The supported api-versions are '%s'."
	cases := map[string]struct {
		status    int
		message   string
		supported []string
		asked     []string // by two lists of one type and one of another
		works     bool
	}{
		"the newest stable one":       {400, fmt.Sprintf(registered, "2024-01-01-preview, 2023-01-01, 2022-01-01"), []string{"2023-01-01"}, []string{"1", "2023-01-01", "2023-01-01", "1", "2023-01-01"}, true},
		"else the newest":             {404, fmt.Sprintf(found, "2021-01-01-preview,2024-01-01-preview"), []string{"2024-01-01-preview"}, []string{"1", "2024-01-01-preview", "2024-01-01-preview", "1", "2024-01-01-preview"}, true},
		"of many":                     {400, fmt.Sprintf(registered, many), []string{"2023-01-01"}, []string{"1", "2023-01-01", "2023-01-01", "1", "2023-01-01"}, true},
		"that does not do either":     {404, fmt.Sprintf(found, "2023-01-01"), nil, []string{"1", "2023-01-01", "1", "1", "2023-01-01"}, false},
		"or not in this region":       {400, fmt.Sprintf(registered, "2023-01-01"), nil, []string{"1", "2023-01-01", "1", "2023-01-01", "1", "2023-01-01"}, false},
		"the same":                    {400, fmt.Sprintf(registered, "1"), nil, []string{"1", "1", "1"}, false},
		"no version that would do":    {404, "The resource type 'x' could not be found in the namespace 'Microsoft.Y'", nil, []string{"1", "1", "1"}, false},
		"one that need not be mended": {400, "", []string{"1"}, []string{"1", "1", "1"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			azure, asked := versioned(c.status, c.message, c.supported...)
			s := sessionWith(t, Config{}, azure)
			for _, path := range []string{"/subscriptions/1/providers/Microsoft.Y/a/b/x", "/subscriptions/2/providers/microsoft.y/A/c/X", "/subscriptions/1/providers/Microsoft.Y/x"} {
				var rows []named
				var totals []int64
				err := ReadList(t.Context(), s, List{Path: path, Version: "1"}, reader(&rows, &totals))
				if (err == nil) != c.works || (len(rows) == 1) != c.works || !c.works && !IsUnsupported(err) {
					t.Errorf("%s: %d rows, %v", path, len(rows), err)
				}
			}
			if d := cmp.Diff(c.asked, *asked); d != "" {
				t.Errorf("asked versions (-want +got):\n%s", d)
			}
		})
	}
}

func TestProviders(t *testing.T) {
	s := sessionWith(t, Config{}, pages{base + "/subscriptions/s/providers?api-version=2021-04-01": `{"value":[
		{"namespace":"Microsoft.Web","registrationState":"Registered","resourceTypes":[
			{"resourceType":"sites","apiVersions":["2025-01-01-preview","2024-04-01","2023-12-01"]},
			{"resourceType":"sites/slots","apiVersions":["2025-01-01-preview","2025-02-01-beta"]},{"resourceType":"none","apiVersions":[]}]},
		{"namespace":"microsoft.insights","resourceTypes":[{"resourceType":"diagnosticSettings","apiVersions":["2016-09-01","2021-05-01-preview"]}]}]}`}.answer)
	p, err := s.Providers(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	for typ, want := range map[string]string{"MICROSOFT.WEB/Sites": "2024-04-01", "microsoft.web/sites/slots": "2025-02-01-beta",
		"Microsoft.Insights/diagnosticSettings": "2016-09-01", "microsoft.web/none": "", "microsoft.web/other": ""} {
		if got, ok := p.Version(typ); got != want || ok != (want != "") {
			t.Errorf("Version(%q) = %q, %v", typ, got, ok)
		}
	}
}

func TestTypeOfPath(t *testing.T) {
	for path, want := range map[string]string{
		"/subscriptions/s/resourceGroups":                                                                  "subscriptions/s/resourcegroups",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a/slots":                          "microsoft.web/sites/slots",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a/slots/b":                        "microsoft.web/sites/slots",
		"/providers/Microsoft.Management/managementGroups":                                                 "microsoft.management/managementgroups",
		"/subscriptions/s/providers/Microsoft.Web/sites/a/providers/Microsoft.Insights/diagnosticSettings": "microsoft.insights/diagnosticsettings",
		"/subscriptions/s/providers":                                                                       "subscriptions/s/providers",
	} {
		if got := typeOfPath(path); got != want {
			t.Errorf("typeOfPath(%q) = %q", path, got)
		}
	}
}
