package local_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const graphPath = "/microsoft.resourcegraph/resources$"

func inject(t *testing.T, sim *azuresim.Server, faults azuresim.Faults) {
	t.Helper()
	if _, err := sim.Inject(faults); err != nil {
		t.Fatal(err)
	}
}

func TestSubscriptionsThatCannotBeRead(t *testing.T) {
	cases := map[string]struct {
		faults azuresim.Faults
		state  backend.CoverageState
	}{
		"refused": {azuresim.Faults{Deny: []string{subTest}}, backend.CoverageDenied},
		"dropped": {azuresim.Faults{Hide: []string{subTest}}, backend.CoverageDropped},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{})
			b := start(t, settings)
			inject(t, sim, c.faults)
			o := mustScan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryGraph})
			want := whole()
			for _, kind := range []string{kindContainers, kindAssigned, kindResources} {
				want[subTest+" "+kind] = line(subTest, "Test", kind, c.state, 0, -1)
			}
			got := byPlace(o.result.Coverage.Entries)
			if d := diffCoverage(want, got); d != "" {
				t.Errorf("ledger (-want +got):\n%s", d)
			}
			if f := got[subTest+" "+kindResources].Fault; f == nil || f.Code != fault.AzureForbidden || f.Hint == "" {
				t.Errorf("reason = %+v", f)
			}
			if o.result.Complete || o.result.Snapshot.Complete || o.result.Resources != 8 {
				t.Errorf("result = %+v", o.result)
			}
			t.Run("and nothing else", func(t *testing.T) {
				o := scan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryGraph, Filter: backend.Filter{Subscriptions: []string{"Test"}}})
				// The role definitions of the tenant can be read all the same.
				if o.result == nil || o.result.Complete || len(o.result.Coverage.Gaps()) != 3 {
					t.Errorf("result = %+v, fault = %+v", o.result, o.job.Fault)
				}
			})
		})
	}
}

func TestNothingCanBeRead(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	inject(t, sim, azuresim.Faults{Deny: []string{subProd, subTest, subEmpty, subClosed}})
	o := scan(t, b, backend.ScanRequest{})
	if o.job.Fault == nil || o.job.Fault.Code != fault.AzureForbidden {
		t.Fatalf("fault = %+v, result = %+v", o.job.Fault, o.result)
	}
	page, err := b.(backend.SnapshotStore).ListSnapshots(t.Context(), backend.SnapshotFilter{})
	if err != nil || len(page.Snapshots) != 0 {
		t.Errorf("snapshots = %+v, %v", page, err)
	}
	if left := leftovers(t, settings["store_dir"].(string)); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestCredentials(t *testing.T) {
	nowhere := t.TempDir()
	cases := map[string]struct {
		settings backend.Settings // over those of the simulator; nil takes one away
		faults   azuresim.Faults
		want     fault.Code
		says     []string
	}{
		"a wrong secret":      {backend.Settings{"client_secret": "wrong-but-quiet"}, azuresim.Faults{}, fault.AzureAuthRequired, []string{"AADSTS7000215", "correlation id"}},
		"an unknown app":      {backend.Settings{"client_id": "99999999-0000-4000-8000-000000000000"}, azuresim.Faults{}, fault.AzureAuthRequired, []string{"AADSTS700016"}},
		"no secret at all":    {backend.Settings{"client_secret": nil}, azuresim.Faults{}, fault.AzureAuthRequired, []string{"client-secret"}},
		"nothing, and auto":   {backend.Settings{"auth": "auto", "client_secret": nil}, azuresim.Faults{}, fault.AzureAuthRequired, []string{"env", "workload-identity", "az", "azd", "managed-identity"}},
		"the cli, logged out": {backend.Settings{"auth": "cli"}, azuresim.Faults{}, fault.AzureAuthRequired, []string{"az"}},
		"a token that is refused for good": {nil, azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/subscriptions", Status: 401}}},
			fault.AzureAuthRequired, []string{"ExpiredAuthenticationToken"}},
		"a forbidden principal": {nil, azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/subscriptions", Status: 403}}}, fault.AzureForbidden, []string{"AuthorizationFailed", "correlation id"}},
		"Resource Graph refuses the token in mid-scan": {nil, azuresim.Faults{Rules: []azuresim.Fault{{Path: graphPath, Body: "order by", Status: 401}}},
			fault.AzureAuthRequired, []string{"Resource Graph"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{})
			t.Setenv("PATH", nowhere)
			for k, v := range c.settings {
				settings[k] = v
			}
			b := start(t, settings)
			inject(t, sim, c.faults)
			o := scan(t, b, backend.ScanRequest{})
			if o.job.Fault == nil || o.job.Fault.Code != c.want || o.job.Fault.Hint == "" {
				t.Fatalf("fault = %+v", o.job.Fault)
			}
			text := o.job.Fault.Message
			for _, p := range o.job.Fault.Problems {
				text += "\n" + p.Key + ": " + p.Message
				if strings.ContainsAny(p.Message, "\n\r") || p.Message == "" {
					t.Errorf("the reason of %s is no line: %q", p.Key, p.Message)
				}
			}
			for _, part := range c.says {
				if !strings.Contains(text, part) {
					t.Errorf("the fault does not say %q: %s", part, text)
				}
			}
			if strings.Contains(text, "wrong-but-quiet") {
				t.Errorf("the fault shows the secret: %s", text)
			}
			if left := leftovers(t, settings["store_dir"].(string)); left != nil {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestAnExpiredTokenIsReplacedOnce has Azure refuse the first token from some query on, whichever calls use it by then.
func TestAnExpiredTokenIsReplacedOnce(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	var mu sync.Mutex
	expired, queries := "", 0
	through(t, settings, sim, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		token := r.Header.Get("Authorization")
		if strings.HasSuffix(r.URL.Path, "/resources") {
			if queries++; queries == 3 {
				expired = token
			}
		}
		refuse := token == expired && token != ""
		mu.Unlock()
		if !refuse {
			sim.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="https://login.windows.net/", error="invalid_token", error_description="The access token is expired"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"code":"ExpiredAuthenticationToken","message":"The access token is expired"}}`)
	}))
	o := mustScan(t, start(t, settings), backend.ScanRequest{})
	if !o.result.Complete || o.result.Resources != 13 {
		t.Errorf("result = %+v", o.result)
	}
	if n := sim.Count("POST", "/token$"); n != 2 {
		t.Errorf("%d tokens were asked for, want 2", n)
	}
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	cases := map[string]azuresim.Fault{
		"reset":               {Path: graphPath, Body: "project", Reset: true, Times: 1},
		"truncated":           {Path: graphPath, Body: "project", Truncate: true, Times: 1},
		"503":                 {Path: graphPath, Body: "project", Status: 503, Times: 1},
		"500":                 {Path: "^/subscriptions", Status: 500, Times: 1},
		"429 and Retry-After": {Path: graphPath, Body: "project", Status: 429, RetryAfter: 1, Times: 1},
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, settings := simulateQuietly(t, azuresim.Config{})
			b := start(t, settings)
			inject(t, sim, azuresim.Faults{Rules: []azuresim.Fault{f}})
			o := mustScan(t, b, backend.ScanRequest{})
			if d := diffCoverage(whole(), byPlace(o.result.Coverage.Entries)); d != "" {
				t.Errorf("ledger (-want +got):\n%s", d)
			}
			waits := false
			for _, e := range o.events {
				waits = waits || e.Progress != nil && strings.Contains(e.Progress.Message, "throttled, waiting 1 s")
			}
			if f.Status == 429 && !waits {
				t.Error("nobody hears of the wait")
			}
		})
	}
}

func TestTheQuotaOfResourceGraphIsKept(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Quota: 3, QuotaWindow: time.Second})
	b := start(t, settings)
	o := mustScan(t, b, backend.ScanRequest{})
	if d := diffCoverage(whole(), byPlace(o.result.Coverage.Entries)); d != "" {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
	refused := 0
	for _, r := range sim.Requests() {
		if r.Status == 429 {
			refused++
		}
	}
	// The first queries go before anything is known of the quota.
	if refused > 8 {
		t.Errorf("%d of %d requests were refused", refused, sim.TotalRequests())
	}
}

func TestPatienceEnds(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	settings["throttle_patience"], settings["parallelism"] = 2, 1
	b := start(t, settings)
	// The last table alone finds the quota used up.
	inject(t, sim, azuresim.Faults{Rules: []azuresim.Fault{{Path: graphPath, Body: `"deploymentresources `, Status: 429, RetryAfter: 60}}})
	o := mustScan(t, b, backend.ScanRequest{})
	want := whole()
	for id, name := range map[string]string{subProd: "Production", subTest: "Test", subEmpty: "Sandbox", "tenant": "Contoso"} {
		want[id+" deploymentresources"] = line(id, name, "deploymentresources", backend.CoverageThrottled, 0, -1)
	}
	got := byPlace(o.result.Coverage.Entries)
	if d := diffCoverage(want, got); d != "" {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
	if f := got[subProd+" deploymentresources"].Fault; f == nil || f.Code != fault.Throttled || !f.Retryable {
		t.Errorf("reason = %+v", f)
	}
	if o.result.Complete {
		t.Error("the scan says that it is complete")
	}
}

func TestPagesThatAreTooLargeAreHalved(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{MaxPayload: 3000})
	o := mustScan(t, start(t, settings), backend.ScanRequest{})
	if d := diffCoverage(whole(), byPlace(o.result.Coverage.Entries)); d != "" {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
	refused := 0
	for _, r := range sim.Requests() {
		if r.Status == 400 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no page was too large, so this test has shown nothing")
	}
}

func TestCancelInMidScan(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	gate, err := sim.Hold("POST", graphPath, `"resources \| project`)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Release()
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, settings["store_dir"].(string)); len(left) == 0 {
		t.Error("nothing is being written, so this test shows nothing")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ended, err := b.CancelJob(ctx, job.JobID)
	if err != nil || ended.Status != backend.JobCancelled {
		t.Errorf("CancelJob = %+v, %v", ended, err)
	}
	if left := leftovers(t, settings["store_dir"].(string)); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestTwoScansAtOnce(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	first, second := start(t, settings), start(t, settings)
	gate, err := sim.Hold("POST", graphPath, `"authorizationresources \| project`)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, b := range []backend.Backend{first, first, second} {
		job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, job.JobID)
	}
	if err := gate.Wait(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	gate.Release()
	snapshots := map[string]bool{}
	for i, b := range []backend.Backend{first, first, second} {
		o := finish(t, b, ids[i])
		if o.result == nil || !o.result.Complete || o.result.Resources != 13 {
			t.Fatalf("scan %d: %+v, %+v", i, o.result, o.job.Fault)
		}
		snapshots[o.result.Snapshot.ID] = true
	}
	page, err := first.(backend.SnapshotStore).ListSnapshots(t.Context(), backend.SnapshotFilter{})
	if err != nil || len(page.Snapshots) != 3 || len(snapshots) != 3 {
		t.Errorf("%d snapshots with %d ids: %v", len(page.Snapshots), len(snapshots), err)
	}
}

func TestAStoreThatCannotBeWritten(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("modes of folders mean nothing here; the store's own tests cover the rest")
		return
	}
	sim, settings := simulate(t, azuresim.Config{})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	settings["store_dir"] = filepath.Join(file, "below")
	b := start(t, settings)
	o := scan(t, b, backend.ScanRequest{})
	if o.job.Fault == nil || o.job.Fault.Code != fault.ExecutionFailed || !strings.Contains(o.job.Fault.Message, file) || o.job.Fault.Hint == "" {
		t.Errorf("fault = %+v", o.job.Fault)
	}
	if n := sim.Count("POST", graphPath); n != 0 {
		t.Errorf("%d queries were asked before that was noticed", n)
	}
	h := b.CheckHealth(t.Context())
	if h.Healthy || !strings.HasPrefix(h.Message, "snapshot store") {
		t.Errorf("health = %+v", h)
	}
}
