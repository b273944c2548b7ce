package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// listOf is what came of some queries: the ids of each, and the codes of those that failed.
type listOf struct {
	IDs    map[int][]string
	Failed map[int]fault.Code
}

type idOf struct {
	id    string
	query int
}

// readIDs reads the ids of some lists.
func readIDs(ctx context.Context, s *Session, queries []DirectoryQuery) (listOf, error) {
	var page Page[idOf]
	got := listOf{map[int][]string{}, map[int]fault.Code{}}
	err := ReadBatch(ctx, s, queries, BatchReader[idOf]{
		Of:     func(o *idOf, query int) { o.query = query },
		Failed: func(query int, err error) error { got.Failed[query] = fault.CodeOf(err); return nil },
		Reader: Reader[idOf]{
			New: func(context.Context) (*Page[idOf], error) { return &page, nil },
			Set: func(o *idOf, c Column) error {
				if string(c.Name) == "id" {
					o.id = c.Text()
				}
				return nil
			},
			Take: func(p *Page[idOf]) error {
				for i, o := range p.Rows {
					if !strings.Contains(string(p.Raw(i)), o.id) {
						return fmt.Errorf("%s stands in %s", o.id, p.Raw(i))
					}
					got.IDs[o.query] = append(got.IDs[o.query], o.id)
				}
				return nil
			},
		},
	})
	return got, err
}

func membersOf(n int) []DirectoryQuery {
	var queries []DirectoryQuery
	for i := range n {
		queries = append(queries, DirectoryQuery{Path: fmt.Sprintf("/groups/%d/members", i), Select: []string{"id"}, Permission: PermissionGroups})
	}
	return queries
}

// graphCloud is a configuration with a Microsoft Graph.
var graphCloud = Config{Cloud: CloudCustom, Endpoints: Endpoints{ResourceManager: "https://arm.test", AuthorityHost: "https://login.test", Graph: "https://graph.test"}}

// batchServer answers batches query by query, the last first. answer answers an item with a status, headers and a body.
func batchServer(t *testing.T, answer func(path string, attempt int) (status int, header, body string)) (azureFunc, *[][]string) {
	attempts, batches := map[string]int{}, [][]string{}
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/v1.0/$batch" {
			attempts[r.URL.String()]++
			status, _, body := answer(r.URL.RequestURI(), attempts[r.URL.String()])
			return respond(status, body), nil
		}
		var in struct{ Requests []item }
		content, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(content, &in); err != nil {
			t.Errorf("the batch %s: %v", content, err)
		}
		var out, asked []string
		for _, i := range in.Requests {
			path, _, _ := strings.Cut(i.URL, "?")
			attempts[path]++
			asked = append(asked, path)
			status, header, body := answer(path, attempts[path])
			out = append(out, fmt.Sprintf(`{"body":%s,"id":%q,"status":%d,"headers":{%s}}`, body, i.ID, status, header))
		}
		batches = append(batches, asked)
		slices.Reverse(out)
		return respond(200, `{"responses":[`+strings.Join(out, ",")+`]}`), nil
	}, &batches
}

const refusedBody = `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`

func value(ids ...string) string {
	var objects []string
	for _, id := range ids {
		objects = append(objects, fmt.Sprintf(`{"@odata.type":"#microsoft.graph.user","id":%q}`, id))
	}
	return `"value":[` + strings.Join(objects, ",") + `]`
}

func TestABatch(t *testing.T) {
	cases := map[string]struct {
		answer  func(path string, attempt int) (int, string, string)
		queries int
		want    listOf
		batches int
		takes   time.Duration
	}{
		"more than one call has room for": {
			func(path string, _ int) (int, string, string) { return 200, "", "{" + value("of "+path) + "}" }, 45,
			listOf{IDs: func() map[int][]string {
				all := map[int][]string{}
				for i := range 45 {
					all[i] = []string{fmt.Sprintf("of /groups/%d/members", i)}
				}
				return all
			}()}, 3, 0,
		},
		"further pages": {
			func(path string, _ int) (int, string, string) {
				switch path {
				case "/groups/0/members":
					return 200, "", `{"@odata.nextLink":"https://graph.test/v1.0/next?$skiptoken=a%2Fb",` + value("a") + "}"
				case "/v1.0/next?$skiptoken=a%2Fb":
					return 200, "", `{` + value("b") + `,"@odata.nextLink":"https://graph.test/v1.0/last"}`
				}
				return 200, "", "{" + value("c") + "}"
			}, 1, listOf{IDs: map[int][]string{0: {"a", "b", "c"}}}, 1, 0,
		},
		"a throttled item waits as long as it is told, and alone": {
			func(path string, attempt int) (int, string, string) {
				if path == "/groups/1/members" && attempt == 1 {
					return 429, `"Retry-After":"7"`, `{"error":{"code":"TooManyRequests","message":"slow down"}}`
				}
				return 200, "", "{" + value(path) + "}"
			}, 2, listOf{IDs: map[int][]string{0: {"/groups/0/members"}, 1: {"/groups/1/members"}}}, 2, 7 * time.Second,
		},
		"a refused item and one that is gone leave the others alone": {
			func(path string, _ int) (int, string, string) {
				switch path {
				case "/groups/0/members":
					return 403, "", refusedBody
				case "/groups/1/members":
					return 404, "", `{"error":{"code":"Request_ResourceNotFound","message":"gone"}}`
				}
				return 200, "", "{" + value("x") + "}"
			}, 3, listOf{IDs: map[int][]string{2: {"x"}}, Failed: map[int]fault.Code{0: fault.AzureForbidden, 1: fault.ExecutionFailed}}, 1, 0,
		},
		"an item that fails for good is given up": {
			func(string, int) (int, string, string) { return 503, `"Retry-After":"1"`, `"no object"` }, 1,
			listOf{Failed: map[int]fault.Code{0: fault.ServiceUnavailable}}, maxFailures, (maxFailures - 1) * time.Second,
		},
		"a link that leads elsewhere is not followed": {
			func(string, int) (int, string, string) {
				return 200, "", `{"@odata.nextLink":"https://evil.test/v1.0/next",` + value("a") + "}"
			}, 1, listOf{IDs: map[int][]string{0: {"a"}}, Failed: map[int]fault.Code{0: fault.ExecutionFailed}}, 1, 0,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				azure, batches := batchServer(t, c.answer)
				began := time.Now()
				got, err := readIDs(t.Context(), sessionWith(t, graphCloud, azure), membersOf(c.queries))
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range []*listOf{&c.want, &got} {
					if m.IDs == nil {
						m.IDs = map[int][]string{}
					}
					if m.Failed == nil {
						m.Failed = map[int]fault.Code{}
					}
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if len(*batches) != c.batches {
					t.Errorf("%d batches: %q", len(*batches), *batches)
				}
				if took := time.Since(began); took != c.takes {
					t.Errorf("it took %s instead of %s", took, c.takes)
				}
			})
		})
	}
}

func TestABatchThatIsNone(t *testing.T) {
	for name, body := range map[string]string{
		"an answer is missing":      `{"responses":[{"id":"0","status":200,"body":{"value":[]}}]}`,
		"an answer to nothing":      `{"responses":[{"id":"0","status":200,"body":{"value":[]}},{"id":"7","status":200,"body":{"value":[]}}]}`,
		"two answers to one":        `{"responses":[{"id":"0","status":200,"body":{"value":[]}},{"id":"0","status":200,"body":{"value":[]}}]}`,
		"no id":                     `{"responses":[{"status":200,"body":{"value":[]}},{"id":"1","status":200,"body":{"value":[]}}]}`,
		"a body that is no list":    `{"responses":[{"id":"0","status":200,"body":{"value":7}},{"id":"1","status":200,"body":{"value":[]}}]}`,
		"a good answer without one": `{"responses":[{"id":"0","status":200},{"id":"1","status":200,"body":{"value":[]}}]}`,
		"something else":            `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sessionWith(t, graphCloud, func(*http.Request) (*http.Response, error) { return respond(200, body), nil })
				got, err := readIDs(t.Context(), s, membersOf(2))
				if fault.CodeOf(err) != fault.ServiceUnavailable || !strings.Contains(err.Error(), "Microsoft Graph") {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}

// TestDirectoryCalls looks at what is sent.
func TestDirectoryCalls(t *testing.T) {
	var sent []*http.Request
	s := sessionWith(t, graphCloud, func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r)
		return respond(200, `{"@odata.count":12,`+value("a")+`}`), nil
	})
	ctx := WithTrace(t.Context(), &Trace{CorrelationID: "11111111-2222-4333-8444-555555555555"})
	reader := Reader[string]{
		New: func(context.Context) (*Page[string], error) { return new(Page[string]), nil },
		Set: func(*string, Column) error { return nil }, Take: func(*Page[string]) error { return nil },
	}
	if err := ReadDirectory(ctx, s, DirectoryQuery{Path: "/groups/x/members/microsoft.graph.servicePrincipal", Select: []string{"id", "appId"}, Cast: true}, reader); err != nil {
		t.Fatal(err)
	}
	if err := ReadObjects(ctx, s, []string{"u", "v"}, []string{"id"}, reader); err != nil {
		t.Fatal(err)
	}
	if n, err := s.CountDirectory(ctx, "/users", PermissionUsers); n != 12 || err != nil {
		t.Errorf("count = %d, %v", n, err)
	}
	want := []struct {
		method, path string
		query        url.Values
		eventual     string
	}{
		{"GET", "/v1.0/groups/x/members/microsoft.graph.servicePrincipal", url.Values{"$select": {"id,appId"}, "$top": {"999"}, "$count": {"true"}}, "eventual"},
		{"POST", "/v1.0/directoryObjects/getByIds", url.Values{"$select": {"id"}}, ""},
		{"GET", "/v1.0/users", url.Values{"$select": {"id"}, "$top": {"1"}, "$count": {"true"}}, "eventual"},
	}
	for i, r := range sent {
		if d := cmp.Diff(want[i].query, r.URL.Query()); r.Method != want[i].method || r.URL.Path != want[i].path || d != "" || r.Host != "graph.test" {
			t.Errorf("sent %s %s (-want +got):\n%s", r.Method, r.URL, d)
		}
		if r.Header.Get("ConsistencyLevel") != want[i].eventual || r.Header.Get("client-request-id") == "" {
			t.Errorf("%s has the header %v", r.URL, r.Header)
		}
	}
}

// TestTheDirectoryIsNearlyExhausted eases off by itself, and says so.
func TestTheDirectoryIsNearlyExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := []string{"0.79", "0.95", "1.3"}
		s := sessionWith(t, graphCloud, func(*http.Request) (*http.Response, error) {
			now := used[0]
			used = used[1:]
			return respond(200, "{"+value()+"}", headerDirectoryUsed, now), nil
		})
		var waits []time.Duration
		ctx := WithTrace(t.Context(), &Trace{Waiting: func(w Wait) {
			if w.Reason != reasonDirectory {
				t.Errorf("it waits because %s", w.Reason)
			}
			waits = append(waits, w.For.Round(100*time.Millisecond))
		}})
		for len(used) > 0 {
			if _, err := s.CountDirectory(ctx, "/users", ""); err != nil {
				t.Fatal(err)
			}
		}
		used = []string{"0"}
		if _, err := s.CountDirectory(ctx, "/users", ""); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]time.Duration{1500 * time.Millisecond, 5 * time.Second}, waits); d != "" {
			t.Errorf("waits (-want +got):\n%s", d)
		}
	})
}

// TestObjectsWithoutAChoiceOfProperties asks once with one, and then never again.
func TestObjectsWithoutAChoiceOfProperties(t *testing.T) {
	var asked []string
	s := sessionWith(t, graphCloud, func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.RequestURI())
		if r.URL.RawQuery != "" {
			return respond(400, `{"error":{"code":"Request_BadRequest","message":"the query option is not available"}}`), nil
		}
		return respond(200, "{"+value("a", "b")+"}"), nil
	})
	var got []string
	for range 2 {
		if err := ReadObjects(t.Context(), s, []string{"a", "b"}, []string{"id", "displayName"}, intoIDs(&got)); err != nil {
			t.Fatal(err)
		}
	}
	const path = "/v1.0/directoryObjects/getByIds"
	if d := cmp.Diff([]string{path + "?$select=id,displayName", path, path}, asked); d != "" || len(got) != 4 {
		t.Errorf("got %v, asked (-want +got):\n%s", got, d)
	}
}

// TestAMissingPermissionIsNamed reads what may not be read.
func TestAMissingPermissionIsNamed(t *testing.T) {
	s := sessionWith(t, graphCloud, func(*http.Request) (*http.Response, error) {
		return respond(403, refusedBody, "request-id", "9d3f"), nil
	})
	_, err := s.CountDirectory(t.Context(), "/users", PermissionUsers)
	f := fault.As(err)
	if f == nil || f.Code != fault.AzureForbidden || f.Resource != "/users" || !strings.Contains(f.Message, "the permission User.Read.All is missing") ||
		!strings.Contains(f.Message, "9d3f") || !strings.Contains(f.Hint, "User.Read.All") {
		t.Errorf("fault = %+v", f)
	}
}

// TestEachAPIHasItsOwnToken refuses that of one, which must not be taken for the other's.
func TestEachAPIHasItsOwnToken(t *testing.T) {
	refused := map[string]int{}
	s := sessionWith(t, graphCloud, func(r *http.Request) (*http.Response, error) {
		token := r.Header.Get("Authorization")
		if refused[r.Host] == 0 {
			refused[r.Host]++
			return respond(401, `{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}`), nil
		}
		if token == "" {
			t.Errorf("%s was asked without a token", r.URL)
		}
		return respond(200, `{"@odata.count":1,"value":[]}`), nil
	})
	if _, err := s.CountDirectory(t.Context(), "/users", ""); err != nil {
		t.Error(err)
	}
	if _, err := s.Tenants(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.CountDirectory(t.Context(), "/users", ""); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(map[string]int{"graph.test": 1, "arm.test": 1}, refused); d != "" {
		t.Error(d)
	}
}
