package local_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// between puts a server between the backend and the simulator's Resource Manager, which may change
// the rows of an answer to a query.
func between(t *testing.T, settings backend.Settings, sim *azuresim.Server, change func(query string, rows []json.RawMessage) []json.RawMessage) {
	t.Helper()
	through(t, settings, sim, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(content))
		r.Header.Del("Accept-Encoding")
		answer := httptest.NewRecorder()
		sim.ServeHTTP(answer, r)
		var asked struct{ Query string }
		body := answer.Body.Bytes()
		if json.Unmarshal(content, &asked) == nil && asked.Query != "" && answer.Code == http.StatusOK {
			var page map[string]json.RawMessage
			var rows []json.RawMessage
			if err := json.Unmarshal(body, &page); err != nil {
				t.Error(err)
			}
			if err := json.Unmarshal(page["data"], &rows); err != nil {
				t.Error(err)
			}
			page["data"], _ = json.Marshal(change(asked.Query, rows))
			body, _ = json.Marshal(page)
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	}))
}

func TestRowsThatGoMissing(t *testing.T) {
	calls := 0
	cases := map[string]struct {
		change func(query string, rows []json.RawMessage) []json.RawMessage
		prod   backend.CoverageEntry
		code   fault.Code
	}{
		"once": {func(query string, rows []json.RawMessage) []json.RawMessage {
			if strings.HasPrefix(query, rowsOfResources) {
				if calls++; calls == 1 {
					return rows[1:]
				}
			}
			return rows
		}, line(subProd, "Production", kindResources, backend.CoverageListed, 8, 8), ""},
		"always one": {func(query string, rows []json.RawMessage) []json.RawMessage {
			if strings.HasPrefix(query, rowsOfResources) && strings.Contains(string(rows[0]), subProd) {
				return rows[1:]
			}
			return rows
		}, line(subProd, "Production", kindResources, backend.CoverageFailed, 7, 8), fault.ExecutionFailed},
		"always all": {func(query string, rows []json.RawMessage) []json.RawMessage {
			if !strings.HasPrefix(query, rowsOfResources) {
				return rows
			}
			kept := []json.RawMessage{}
			for _, r := range rows {
				if !strings.Contains(string(r), subProd) {
					kept = append(kept, r)
				}
			}
			return kept
		}, line(subProd, "Production", kindResources, backend.CoverageDropped, 0, 8), fault.AzureForbidden},
		"a row twice": {func(query string, rows []json.RawMessage) []json.RawMessage {
			if strings.HasPrefix(query, rowsOfResources) {
				return append([]json.RawMessage{rows[0]}, rows...)
			}
			return rows
		}, line(subProd, "Production", kindResources, backend.CoverageListed, 8, 8), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{})
			calls = 0
			between(t, settings, sim, c.change)
			o := mustScan(t, start(t, settings), backend.ScanRequest{})
			want := whole()
			want[subProd+" "+kindResources] = c.prod
			got := byPlace(o.result.Coverage.Entries)
			if d := diffCoverage(want, got); d != "" {
				t.Errorf("ledger (-want +got):\n%s", d)
			}
			if f := got[subProd+" "+kindResources].Fault; (f != nil || c.code != "") && (f == nil || f.Code != c.code) {
				t.Errorf("reason = %+v, want %q", f, c.code)
			}
			if o.result.Complete != (c.code == "") || o.result.Resources != 5+c.prod.Listed {
				t.Errorf("complete = %v, %d resources", o.result.Complete, o.result.Resources)
			}
		})
	}
}

func TestWhatIsDeletedMeanwhileIsNoGap(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
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
	sim.SetTenant(withoutStorage(t))
	gate.Release()
	o := finish(t, b, job.JobID)
	if o.result == nil {
		t.Fatalf("fault = %+v", o.job.Fault)
	}
	want := line(subProd, "Production", kindResources, backend.CoverageListed, 5, 5)
	got := byPlace(o.result.Coverage.Entries)
	if d := diffCoverage(map[string]backend.CoverageEntry{"x": want}, map[string]backend.CoverageEntry{"x": got[subProd+" "+kindResources]}); d != "" || !o.result.Complete {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
}

// withoutStorage is the company without its storage accounts.
func withoutStorage(t *testing.T) *tenant.Tenant {
	l := &lines{}
	for _, row := range strings.SplitAfter(companyLines().String(), "\n") {
		if !strings.Contains(row, "storageaccounts") {
			l.WriteString(row)
		}
	}
	return l.tenant(t)
}
