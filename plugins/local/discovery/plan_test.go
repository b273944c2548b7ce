package discovery

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// scanOf is a scan of n subscriptions, sub-000 and on, before anything is counted.
func scanOf(n int, request *backend.ScanRequest) *scan {
	s := &scope{tenant: azure.Tenant{ID: "t"}}
	for i := range n {
		s.subscriptions = append(s.subscriptions, azure.Subscription{ID: fmt.Sprintf("SUB-%03d", i), State: "Enabled"})
	}
	return &scan{Scanner: &Scanner{Parallelism: 8}, request: request, scope: s, ledger: newLedger(s, request.Filter), resumed: resumed{whole: map[place]bool{}, ranges: map[place]int64{}}}
}

func (s *scan) expect(rows ...int64) {
	for i, n := range rows {
		s.ledger.update(place{fmt.Sprintf("sub-%03d", i), resources}, func(e *entry) { e.expected = n })
	}
}

func TestBatches(t *testing.T) {
	many := make([]int64, 700)
	cases := map[string]struct {
		rows []int64
		want []string // scopes of each unit: first, number
	}{
		"a page alone":           {[]int64{10, 1000, 10}, []string{"sub-000 1", "sub-001 1", "sub-002 1"}},
		"small ones together":    {[]int64{100, 200, 300}, []string{"sub-000 3"}},
		"up to a page":           {[]int64{600, 500, 400}, []string{"sub-000 1", "sub-001 2"}},
		"a large one in ranges":  {[]int64{10, 2500, 10}, []string{"sub-000 1", "sub-001 1", "sub-001 1", "sub-001 1", "sub-002 1"}},
		"an uncounted one alone": {[]int64{10, unknown, 10, 10}, []string{"sub-000 1", "sub-001 1", "sub-002 2"}},
		"so many subscriptions":  {many, []string{"sub-000 300", "sub-300 300", "sub-600 100"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := scanOf(len(c.rows), &backend.ScanRequest{})
			s.expect(c.rows...)
			var got []string
			for _, u := range s.batch(s.ledger.pending(resources, func(*entry) bool { return true }), 1) {
				got = append(got, fmt.Sprintf("%s %d", u.places[0].scope, len(u.places)))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("units (-want +got):\n%s", d)
			}
		})
	}
}

func TestTheLimitIsShared(t *testing.T) {
	cases := map[string]struct {
		limit  int64
		rows   []int64
		want   []int64
		states []backend.CoverageState
	}{
		"in order":         {10, []int64{4, 4, 4}, []int64{4, 4, 2}, []backend.CoverageState{"listed", "listed", "limited"}},
		"used up":          {4, []int64{4, 4, 0}, []int64{4, 0, 0}, []backend.CoverageState{"listed", "limited", "listed"}},
		"an uncounted one": {9, []int64{4, unknown, 4}, []int64{4, 5, 0}, []backend.CoverageState{"listed", "limited", "limited"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := scanOf(len(c.rows), &backend.ScanRequest{})
			s.expect(c.rows...)
			s.ledger.limit(c.limit)
			var got []int64
			for i := range c.rows {
				p := place{fmt.Sprintf("sub-%03d", i), resources}
				s.ledger.update(p, func(e *entry) { e.listed = e.limit })
				got = append(got, s.ledger.get(p).limit)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("limits (-want +got):\n%s", d)
			}
			var states []backend.CoverageState
			for _, e := range s.ledger.coverage().Entries {
				if e.Kind == resources.name {
					states = append(states, e.State)
				}
			}
			if d := cmp.Diff(c.states, states); d != "" {
				t.Errorf("states (-want +got):\n%s", d)
			}
		})
	}
}

func TestNothingRead(t *testing.T) {
	denied := fault.New(fault.AzureForbidden, "no")
	cases := map[string]struct {
		states []backend.CoverageState
		fails  bool
	}{
		"empty":               {nil, false},
		"all refused":         {[]backend.CoverageState{"denied", "dropped"}, true},
		"one read":            {[]backend.CoverageState{"denied", "listed"}, false},
		"refused or closed":   {[]backend.CoverageState{"skipped", "denied"}, true},
		"all closed":          {[]backend.CoverageState{"skipped"}, false},
		"nothing but a limit": {[]backend.CoverageState{"limited"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			coverage := backend.Coverage{Entries: []backend.CoverageEntry{{Scope: restScope, Kind: "dnsresources", State: backend.CoverageListed}}}
			for _, s := range c.states {
				coverage.Entries = append(coverage.Entries, backend.CoverageEntry{Scope: "sub-000", Kind: resources.name, State: s, Fault: denied})
			}
			if f := scanOf(1, &backend.ScanRequest{}).ledger.nothing(coverage); (f != nil) != c.fails {
				t.Errorf("nothing = %v", f)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	f := backend.Filter{
		Subscriptions: []string{"x"}, ResourceGroups: []string{`a'b`, `c\`}, ResourceTypes: []string{"Microsoft.Web/sites"},
		Locations: []string{"West Europe"}, ExcludeTypes: []string{"a/b"}, Tags: map[string]string{"z": "", "a": `q"'\`},
	}
	const what = ` | where type in~ ('Microsoft.Web/sites') | where not(type in~ ('a/b')) | where type !startswith 'a/b/'` +
		` | where location in~ ('WestEurope')` +
		` | where (tags['a'] =~ 'q"\'\\' or tostring(tags) contains '"a":"q\\"\'\\\\"')` +
		` | where (isnotnull(tags['z']) or tostring(tags) contains '"z":')`
	want := map[string]string{
		"policyresources": `policyresources | where isnotempty(subscriptionId) | where type !startswith 'microsoft.policyinsights/'` +
			` | where not(tostring(properties.policyType) in~ ('BuiltIn', 'Static'))` +
			` | where (id contains '/resourcegroups/a\'b/' or id contains '/resourcegroups/c\\/')` + what,
		"resources": `resources | where resourceGroup in~ ('a\'b', 'c\\')` + what,
		"resourcecontainers": `resourcecontainers | where isnotempty(subscriptionId)` +
			` | where (type !~ 'microsoft.resources/subscriptions/resourcegroups' or name in~ ('a\'b', 'c\\'))`,
		"authorizationresources": `authorizationresources | where isnotempty(subscriptionId)` +
			` | where (id contains '/resourcegroups/a\'b/' or id contains '/resourcegroups/c\\/')`,
	}
	got := map[string]string{}
	s := scanOf(1, &backend.ScanRequest{Filter: f})
	for name := range want {
		table := tableNamed(name)
		got[name] = table.where(s.conditions(unit{table: table, places: []place{{"sub-000", table}}, ranges: 1}))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("queries (-want +got):\n%s", d)
	}
	part := s.conditions(unit{table: resources, places: []place{{"sub-000", resources}}, number: 3, ranges: 8})
	if got := part[len(part)-1]; got != "hash(tolower(id)) % 8 == 3" {
		t.Errorf("the condition of a hash range is %s", got)
	}
	if q := resources.rows(nil); !strings.HasPrefix(q, "resources | project id, ") || !strings.HasSuffix(q, " | order by id asc") {
		t.Errorf("rows = %s", q)
	}
}

// FuzzQuote reads what quote wrote as KQL does: the text comes back, and the string ends where it should.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "plain", `it's`, `\`, `\'`, `') or true //`, "é\u00a0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := quote(text)
		var read strings.Builder
		at := 1
		for ; at < len(quoted) && quoted[at] != '\''; at++ {
			if quoted[at] == '\\' {
				at++
			}
			if at < len(quoted) {
				read.WriteByte(quoted[at])
			}
		}
		if quoted[0] != '\'' || at != len(quoted)-1 || read.String() != text {
			t.Errorf("quote(%q) = %s, which reads as %q", text, quoted, read.String())
		}
	})
}

func TestSubscriptionsByName(t *testing.T) {
	visible := []azure.Subscription{{ID: "1", Name: "Shared"}, {ID: "2", Name: "Shared"}, {ID: "3", Name: "Other"}}
	chosen, err := choose(visible, []string{"shared", "3"})
	if err != nil || len(chosen) != 3 {
		t.Errorf("chosen = %v, %v", chosen, err)
	}
	if _, err := choose(nil, []string{"x"}); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(fault.As(err).Hint, "no subscription at all") {
		t.Errorf("none visible: %v", err)
	}
	var many []azure.Subscription
	for i := range 30 {
		many = append(many, azure.Subscription{ID: fmt.Sprint(100 + i), Name: fmt.Sprintf("landing-zone-%d", i)})
	}
	if _, err := choose(many, []string{"something else"}); !strings.Contains(fault.As(err).Hint, "and 20 more") {
		t.Errorf("hint = %q", fault.As(err).Hint)
	}
}
