package worker

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// TestTheBudgetIsShared by the backends that work with a principal at the same time, and by no other.
func TestTheBudgetIsShared(t *testing.T) {
	type told struct {
		tenant string
		share  float64
	}
	shares := make(chan told, 10)
	begun, hold := make(chan string, 4), map[string]chan struct{}{}
	for _, tenant := range []string{"t1", "t2", "t3"} {
		hold[tenant] = make(chan struct{}, 2)
	}
	b := newBench(t, func(_ context.Context, p *program, job *runner.Job) (backend.Result, error) {
		r := job.Submission().Request
		if _, ok := r.(*backend.SpecGenerationRequest); ok {
			return &backend.SpecGenerationResult{Success: true}, nil
		}
		p.shared = func(share float64) { shares <- told{r.Tenant(), share} }
		begun <- r.Tenant()
		<-hold[r.Tenant()]
		return scanned()
	}, func(p *program) { p.features = append(p.features, backend.FeatureBudget, backend.FeatureInputs) })
	b.options.Budget = jobstest.NewBudget()
	shutdown := b.work()
	first := b.submit(&backend.ScanRequest{TenantID: "t1"})
	<-begun
	alone := b.submit(&backend.ScanRequest{TenantID: "t2"})
	<-begun
	hold["t2"] <- struct{}{}
	b.end(alone)
	b.end(b.submit(&backend.SpecGenerationRequest{TenantID: "t1", Snapshot: "snap"})) // it asks nothing of Azure
	second := b.submit(&backend.ScanRequest{TenantID: "t1"})
	<-begun
	// The second hears of its half before it begins, the first at the same time; who is left hears of the whole.
	if got, want := <-shares, (told{"t1", 0.5}); got != want {
		t.Errorf("the first is told %v", got)
	}
	hold["t1"] <- struct{}{}
	if got, want := <-shares, (told{"t1", 1}); got != want {
		t.Errorf("who is left is told %v", got)
	}
	hold["t1"] <- struct{}{}
	b.end(first)
	b.end(second)
	shutdown()
	if len(shares) > 0 {
		t.Errorf("%v is told beside", <-shares)
	}
}

func TestPrincipal(t *testing.T) {
	schema := json.RawMessage(`{"properties": {"client_id": {"type": "string"}, "client_secret": {"type": "string", "writeOnly": true},
		"proxy": {"type": "object", "properties": {"password": {"writeOnly": true}}}}}`)
	mine := backend.Settings{"client_id": "a", "client_secret": "s1", "proxy": map[string]any{"password": "p1"}}
	is := principal("t1", mine, schema)
	for name, c := range map[string]struct {
		tenant   string
		settings backend.Settings
		schema   json.RawMessage
		same     bool
	}{
		"another secret":  {"t1", backend.Settings{"client_id": "a", "client_secret": "s2", "proxy": map[string]any{"password": "p2"}}, schema, true},
		"no secret":       {"t1", backend.Settings{"client_id": "a"}, schema, true},
		"an unknown":      {"t1", backend.Settings{"client_id": "a", "who": "knows"}, schema, true},
		"another client":  {"t1", backend.Settings{"client_id": "b", "client_secret": "s1"}, schema, false},
		"another tenant":  {"t2", mine, schema, false},
		"without schema":  {"t1", mine, nil, false},
		"one that is bad": {"t1", mine, json.RawMessage(`[`), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := principal(c.tenant, c.settings, c.schema); (got == is) != c.same {
				t.Errorf("%s, not %s", got, is)
			}
		})
	}
}
