package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const rowsOfResources = "resources | project"

// TestRowsThatComeTwice has rows of one page come again on later ones.
func TestRowsThatComeTwice(t *testing.T) {
	again := map[string]func(first, last json.RawMessage) json.RawMessage{
		"the last of the page before": func(_, last json.RawMessage) json.RawMessage { return last },
		"the first of all":            func(first, _ json.RawMessage) json.RawMessage { return first },
		"in capitals": func(first, _ json.RawMessage) json.RawMessage {
			return bytes.Replace(first, []byte(`/subscriptions/`+subProd), []byte(`/SUBSCRIPTIONS/`+strings.ToUpper(subProd)), 1)
		},
	}
	for name, pick := range again {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			first, last, repeated := map[string]json.RawMessage{}, map[string]json.RawMessage{}, 0
			sim, settings := simulate(t, azuresim.Config{MaxPayload: 3000})
			between(t, settings, sim, func(query string, rows []json.RawMessage) []json.RawMessage {
				if !strings.HasPrefix(query, rowsOfResources) || len(rows) == 0 {
					return rows
				}
				mu.Lock()
				defer mu.Unlock()
				if first[query] == nil {
					first[query] = rows[0]
				} else {
					rows = append([]json.RawMessage{pick(first[query], last[query])}, rows...)
					repeated++
				}
				last[query] = rows[len(rows)-1]
				return rows
			})
			o := mustScan(t, start(t, settings), backend.ScanRequest{})
			if repeated == 0 {
				t.Error("nothing came twice, so that this shows nothing")
			}
			if o.result.Resources != 13 || !o.result.Complete {
				t.Errorf("%d resources, gaps %+v", o.result.Resources, o.result.Coverage.Gaps())
			}
		})
	}
}

// TestIDsInMixedCase has Azure spell the ids of one thing in many ways.
func TestIDsInMixedCase(t *testing.T) {
	l := companyLines()
	upper := "/SUBSCRIPTIONS/" + strings.ToUpper(subProd) + "/RESOURCEGROUPS/WEB/PROVIDERS/MICROSOFT.SQL/SERVERS/SRV"
	mixed := "/subscriptions/" + subProd + "/resourcegroups/wEb/providers/microsoft.Sql/Servers/sRv/firewallRules/Rule"
	l.add("resources", upper, "microsoft.sql/servers", strings.ToUpper(subProd), "WEB", nil)
	l.add("arm", mixed, "Microsoft.Sql/servers/firewallRules", subProd, "web", nil)
	_, settings := simulate(t, azuresim.Config{Tenant: l.tenant(t)})
	o := mustScan(t, start(t, settings), backend.ScanRequest{Depth: backend.DepthChildren})
	if !o.result.Complete || o.result.Resources != 15 {
		t.Errorf("%d resources, gaps %+v", o.result.Resources, o.result.Coverage.Gaps())
	}
	group := "/subscriptions/" + subProd + "/resourcegroups/web"
	want := map[string]string{strings.ToLower(upper): group, strings.ToLower(mixed): strings.ToLower(upper)}
	got := query(t, settings, o, `SELECT target_key, source_key FROM relationships WHERE kind = 'CONTAINS' AND target_key LIKE '%/microsoft.sql/%'`)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what contains them (-want +got):\n%s", d)
	}
	if _, ok := query(t, settings, o, `SELECT id, type FROM resources`)[upper]; !ok {
		t.Error("the id is not spelt as Azure does")
	}
}

// TestNamesAndPropertiesOfAnyKind scans what Azure's naming rules forbid too.
func TestNamesAndPropertiesOfAnyKind(t *testing.T) {
	names := []string{
		`it's "quoted"`, "line\nbreak\r\n", "😀 ünï ٠", "100%", "%2F%00", "a#b?c&d=e", `back\slash\n`, "tab\t", "<script>&amp;", "two  spaces ", "null", "');drop--", "\u2028\u202e", "+",
	}
	l := companyLines()
	want := map[string]string{}
	large := strings.Repeat("0123456789abcdef", 2<<20/16)
	for i, name := range names {
		id := "/subscriptions/" + subTest + "/resourceGroups/web/providers/Microsoft.Sql/servers/" + name
		l.add("resources", id, "microsoft.sql/servers", subTest, "web", map[string]any{"properties": map[string]any{"note": name, "large": large[:(2<<20)/(i+1)]}})
		l.add("arm", id+"/firewallRules/"+name, "Microsoft.Sql/servers/firewallRules", subTest, "web", map[string]any{"properties": map[string]any{"note": name}})
		want[id], want[id+"/firewallRules/"+name] = name, name
	}
	_, settings := simulate(t, azuresim.Config{Tenant: l.tenant(t)})
	o := mustScan(t, start(t, settings), backend.ScanRequest{Depth: backend.DepthChildren})
	if !o.result.Complete || o.result.Resources != int64(13+2*len(names)) {
		t.Errorf("%d resources, gaps %+v", o.result.Resources, o.result.Coverage.Gaps())
	}
	for _, text := range []string{
		`SELECT id, name FROM resources WHERE type LIKE 'microsoft.sql/%'`,
		`SELECT id, json_extract(properties, '$.note') FROM resources WHERE type LIKE 'microsoft.sql/%'`,
	} {
		if d := cmp.Diff(want, query(t, settings, o, text)); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
	sizes := query(t, settings, o, `SELECT max(length(json_extract(properties, '$.large'))), '' FROM resources`)
	if _, ok := sizes[fmt.Sprint(2<<20)]; !ok {
		t.Errorf("the largest property has %v bytes", sizes)
	}
}

// TestATokenThatExpiresDuringAWait has the clock jump by more than a token lasts while a query is held.
func TestATokenThatExpiresDuringAWait(t *testing.T) {
	var ahead atomic.Int64
	sim, settings := simulate(t, azuresim.Config{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	b := start(t, settings)
	gate, err := sim.Hold("POST", graphPath, `"resources \| project`)
	if err != nil {
		t.Fatal(err)
	}
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{Depth: backend.DepthResources}})
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(2 * time.Hour))
	gate.Release()
	o := finish(t, b, job.JobID)
	if o.result == nil || !o.result.Complete || o.result.Resources != 13 {
		t.Fatalf("result = %+v, fault = %+v", o.result, o.job.Fault)
	}
	if n := sim.Count("POST", "/token$"); n < 2 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// TestASetThatChangesBetweenPages adds and removes resources while pages are read, to another number of them, which Azure's
// answers tell, or to the same, which they do not. What stays is in the snapshot, or the ledger says that rows may be missing.
func TestASetThatChangesBetweenPages(t *testing.T) {
	const stays, comesAndGoes = 60, 40
	for name, c := range map[string]struct {
		changes int
		size    int    // that it always has; 0 is any
		seed    uint64 // 0 is any
	}{"once": {1, 0, 0}, "a few times": {4, 0, 0}, "again and again": {comesAndGoes, 0, 0},
		"until as many were read as are there": {comesAndGoes, 0, 17460222741910119606},
		"once, as many":                        {1, 20, 0}, "a few times, as many": {4, 20, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := c.seed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			sizes := random.Perm(comesAndGoes + 1)
			company := func(change int) *tenant.Tenant {
				l := companyLines()
				for i := range stays {
					l.resource(subTest, "web", "Microsoft.Compute/virtualMachines", fmt.Sprintf("m%02d-stays", i), "westeurope", nil)
				}
				size := c.size
				if size == 0 {
					size = sizes[change]
				}
				for _, i := range random.Perm(comesAndGoes)[:size] {
					l.resource(subTest, "web", "Microsoft.Compute/virtualMachines", fmt.Sprintf("m%02d-goes", i), "westeurope", nil)
				}
				return l.tenant(t)
			}
			sim, settings := simulateQuietly(t, azuresim.Config{Tenant: company(0), MaxPayload: 12_000})
			var mu sync.Mutex
			changes, pages := 0, 0
			through(t, settings, sim, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(content))
				mu.Lock()
				if bytes.Contains(content, []byte(`"`+rowsOfResources)) {
					if pages++; changes < c.changes && random.IntN(2) == 0 {
						changes++
						sim.SetTenant(company(changes))
					}
				}
				mu.Unlock()
				sim.ServeHTTP(w, r)
			}))
			o := mustScan(t, start(t, settings), backend.ScanRequest{})
			found := query(t, settings, o, `SELECT name, type FROM resources`)
			missing := 0
			for i := range stays {
				if _, ok := found[fmt.Sprintf("m%02d-stays", i)]; !ok {
					missing++
				}
			}
			gaps := o.result.Coverage.Gaps()
			if missing > 0 && len(gaps) == 0 {
				t.Errorf("%d resources that stayed are missing, and the ledger does not say so", missing)
			}
			if twice := query(t, settings, o, `SELECT id_key, count(*) FROM resources GROUP BY id_key HAVING count(*) > 1`); len(twice) > 0 {
				t.Errorf("twice there are %v", twice)
			}
			t.Logf("%d of %d missing, %d gaps, %d pages", missing, stays, len(gaps), pages)
		})
	}
}

// TestManySubscriptions scans more subscriptions than one query should name, with an account of each: with 10,001 of them, which
// make bench scans, the result has 4 MB.
func TestManySubscriptions(t *testing.T) {
	const subscriptions, most = 1001, 8 << 20 // bytes of an event
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 1000, Subscriptions: subscriptions, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	_, settings := simulate(t, azuresim.Config{Tenant: made, NoARMLimits: true})
	o := mustScan(t, start(t, settings), backend.ScanRequest{})
	if o.result.Subscriptions != subscriptions || !o.result.Complete || o.result.Resources < 1000 {
		t.Errorf("%d subscriptions, %d resources, %d gaps", o.result.Subscriptions, o.result.Resources, len(o.result.Coverage.Gaps()))
	}
	content, err := json.Marshal(o.result)
	if err != nil {
		t.Fatal(err)
	}
	if len(content)*10_001/subscriptions > most {
		t.Errorf("the result has %d bytes, so that one of 10,001 subscriptions would be larger than an event may be", len(content))
	}
}
