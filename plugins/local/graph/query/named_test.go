package query

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

var update = flag.Bool("update", false, "rewrite what the named queries answer")

// Each named query finds in the small tenant what stands in testdata/named, and not what is beside it.
func TestNamedQueries(t *testing.T) {
	cases := []struct {
		name    string
		args    []string
		hits    []string // each is in a row of its own
		misses  []string // are in the tenant, and in no row
		answers string   // the file, if not named as the query
	}{
		{name: "access-of", args: []string{"bob@contoso.com"}, hits: []string{`"group_name":"Team"`, `"group_name":"Loop A"`, `"scope_kind":"management_group"`}, misses: []string{"Gus"}},
		{name: "access-of", args: []string{"00000030-0000-4000-8000-000000000000"}, hits: []string{`"role":"Contributor"`}, misses: []string{"Owner"}, answers: "access-of-application"},
		{name: "access-to", args: []string{"kv-safe"}, hits: []string{`"principal_name":"Ann"`, `"principal_name":"Bob","principal_login":"bob@contoso.com","role":"Owner"`, `"principal_name":"Gus"`, `"principal_name":"Inner"`,
			`"principal_name":"Team"`, `"principal_name":"Builder"`, `"principal_name":"id-used","principal_login":"","role":"Reader","inherited":false`, `"role":"Reader","inherited":true`}, misses: []string{"Loop", "Almighty"}},
		{name: "access-to", args: []string{"/SUBSCRIPTIONS/22222222-0000-0000-0000-000000000002"}, hits: []string{`"principal_name":"Ann"`, `"principal_name":"Gus"`, `"role":"Almighty"`}, misses: []string{"Team", "corp"}, answers: "access-to-subscription"},
		{name: "cross-subscription", hits: []string{"nic-used"}, misses: []string{"vm-one"}},
		{name: "dangling", hits: []string{"storageAccounts/gone"}, misses: []string{"nic-used", "plan-used"}},
		{name: "deleted-principals", hits: []string{"00000009-"}, misses: []string{"00000001-"}},
		{name: "empty-groups", hits: []string{`"name":"Empty"`}, misses: []string{"Web", "Lab"}},
		{name: "expiring-credentials", hits: []string{`"name":"past-key"`, `"name":"old-key"`, `"name":"password"`, `"name":"soon"`}, misses: []string{"late", "lasting", "eternal"}},
		{name: "expiring-credentials", args: []string{"-1"}, hits: []string{`"name":"past-key"`, `"name":"old-key"`}, misses: []string{"soon", "password"}, answers: "expiring-credentials-past"},
		{name: "gaps", hits: []string{"azure_forbidden"}, misses: []string{`"state":"listed"`}},
		{name: "group-cycles", hits: []string{"Loop A", "Loop B"}, misses: []string{"Team", "Inner"}},
		{name: "open-ports", hits: []string{"ssh-all", "rdp-range", "many", "all-ports"}, misses: []string{`"web"`, "inside", "denied", "outbound", "udp", "nsg-shut"}},
		{name: "open-ports", args: []string{"443"}, hits: []string{`"rule":"all-ports"`, `"rule":"web"`}, misses: []string{"ssh-all"}, answers: "open-ports-web"},
		{name: "orphans", hits: []string{"disk-orphan", "nic-orphan", "ip-orphan", "nsg-orphan", "rt-orphan", "plan-orphan"}, misses: []string{"disk-used", "nic-used", "ip-used", "nsg-open", "nsg-shut", "rt-used", "plan-used"}},
		{name: "owners", hits: []string{`"principal_name":"Ann"`, `"principal_name":"Team"`, `"principal_name":"Bob"`, `"principal_name":"Gus"`, `"principal_name":"Inner"`}, misses: []string{"Builder", "Reader"}},
		{name: "powerful-roles", hits: []string{"Almighty"}, misses: []string{"Modest", "Owner"}},
		{name: "privileged-guests", hits: []string{`"role":"Owner"`}, misses: []string{"Bob", "Reader"}},
		{name: "public-containers", hits: []string{`"name":"photos"`, `"name":"files"`}, misses: []string{"secret"}},
		{name: "public-ips", hits: []string{`"attached_to":"nic-used"`, `"name":"ip-orphan"`}, misses: []string{"nic-orphan"}},
		{name: "public-services", hits: []string{`sql-all","type":"microsoft.sql/servers","location":"westeurope","subscription":"production","open_to":"everybody"`, `"open_to":"all of Azure, and firewall rules"`, "kv-open", `"name":"shop"`}, misses: []string{"kv-safe", "sql-shut", "plain-shop"}},
		{name: "public-storage", hits: []string{`"name":"open"`}, misses: []string{"walled", "private"}},
		{name: "unencrypted", hits: []string{"plain-tde", "plain-variable"}, misses: []string{"safe-tde", "safe-variable"}},
		{name: "unprotected-machines", hits: []string{"vm-bare"}, misses: []string{"vm-one"}},
		{name: "untagged", hits: []string{`"name":"Lab"`, "vm-bare"}, misses: []string{`"name":"Empty"`, "vm-one"}},
		{name: "untagged", args: []string{"owner"}, hits: []string{`"name":"Lab"`, "vm-bare", `"name":"Empty"`}, misses: []string{"nic-used", "vm-one"}, answers: "untagged-owner"},
		{name: "unused-identities", hits: []string{"id-unused"}, misses: []string{"id-used"}},
		{name: "vaults-without-purge-protection", hits: []string{"kv-open"}, misses: []string{"kv-safe"}},
		{name: "weak-transport", hits: []string{`"name":"open"`, `"name":"walled"`, `"name":"plain-shop"`, `"name":"sql-azure"`}, misses: []string{"private", `"shop"`, "sql-all", "sql-shut"}},
	}
	r := contoso(t)
	everything, err := os.ReadFile("testdata/tenant.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, c := range cases {
		if c.answers == "" {
			c.answers = c.name
		}
		tested[c.name] = true
		t.Run(c.answers, func(t *testing.T) {
			result, rows, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{Name: c.name, Args: c.args})
			if err != nil {
				t.Fatal(err)
			}
			for _, hit := range c.hits {
				if !slices.ContainsFunc(strings.Split(rows, "\n"), func(row string) bool { return strings.Contains(row, hit) }) {
					t.Errorf("%s is not found", hit)
				}
			}
			if result.RowCount < int64(len(c.hits)) {
				t.Errorf("%d rows", result.RowCount)
			}
			for _, miss := range c.misses {
				if strings.Contains(rows, miss) {
					t.Errorf("%s is found", miss)
				}
				if c.name != "gaps" && !strings.Contains(string(everything), strings.Trim(miss, `"`)) && !strings.HasPrefix(miss, `"name":`) {
					t.Errorf("%s is nowhere in the tenant", miss)
				}
			}
			file := filepath.Join("testdata", "named", c.answers+".ndjson")
			if *update {
				if err := os.WriteFile(file, []byte(rows), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(rows, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, q := range namedQueries() {
		if !tested[q.name] {
			t.Errorf("%s is not tested", q.name)
		}
		if q.summary == "" || !strings.HasSuffix(q.summary, ".") {
			t.Errorf("%s does not say what it tells: %q", q.name, q.summary)
		}
	}
	seen, err := os.ReadDir("testdata/named")
	if err != nil || len(seen) != len(cases) {
		t.Errorf("there are %d files of %d answers, %v", len(seen), len(cases), err)
	}
}

// Every row of every named query has the columns that its result says.
func TestNamedColumns(t *testing.T) {
	r := third(t)
	for _, q := range namedQueries() {
		var args []string
		for _, p := range q.parameters {
			if p.required {
				args = append(args, "x")
			}
		}
		result, rows, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{Name: q.name, Args: args})
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
			continue
		}
		for row := range strings.Lines(rows) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(row), &fields); err != nil || len(fields) != len(result.Columns) {
				t.Errorf("%s: %s: %v", q.name, row, err)
			}
		}
	}
}
