package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// creating is a fake that plans, and deploys what it planned. It keeps the requests that it got.
func creating(plan, done *backend.TenantCreationResult) (*fake, *[]backend.TenantCreationRequest) {
	f, got := newFake(nil), &[]backend.TenantCreationRequest{}
	f.next = newFake(nil)
	f.create = func(_ context.Context, job *runner.Job) (backend.Result, error) {
		r := *job.Submission().Request.(*backend.TenantCreationRequest)
		*got = append(*got, r)
		if r.DryRun {
			return plan, nil
		}
		return done, nil
	}
	f.next.create = f.create
	return f, got
}

func specification(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "contoso.md")
	if err := os.WriteFile(name, []byte("# Contoso"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCreateTenantRequests(t *testing.T) {
	plan := &backend.TenantPlan{Digest: "d1", Changes: []backend.PlannedChange{{Resource: "/subscriptions/s/resourceGroups/web", Type: "Microsoft.Resources/resourceGroups", Action: "create"}}}
	whole := &backend.TenantCreationResult{Success: true, Complete: true, Plan: plan}
	lacking := &backend.TenantCreationResult{Success: true, Plan: plan}
	done := &backend.TenantCreationResult{Success: true, Complete: true, ResourcesCreated: 1}
	half := &backend.TenantCreationResult{ResourcesCreated: 1, ResourcesFailed: 1, Error: "1 resource could not be made", Failures: []backend.ResourceFailed{
		{Resource: "/subscriptions/s/resourceGroups/db", Fault: fault.New(fault.ExecutionFailed, "QuotaExceeded: no", fault.Hint("ask for more"))},
	}}
	for name, c := range map[string]struct {
		args       []string
		plan, done *backend.TenantCreationResult
		want       []backend.TenantCreationRequest
		code       int
		out        []string
	}{
		"the plan alone": {[]string{"SPEC", "--dry-run", "--tenant-id", "t1"}, whole, nil,
			[]backend.TenantCreationRequest{{TenantID: "t1", Spec: specInput, DryRun: true}}, 0, []string{"Plan", "+ /subscriptions/s/resourceGroups/web", "1 to create"}},
		"a plan that lacks something": {[]string{"SPEC", "--dry-run"}, lacking, nil, []backend.TenantCreationRequest{{Spec: specInput, DryRun: true}}, 3, []string{"1 to create"}},
		"plan and deployment": {[]string{"SPEC", "--yes"}, whole, done,
			[]backend.TenantCreationRequest{{Spec: specInput, DryRun: true}, {Spec: specInput, PlanDigest: "d1"}}, 0, []string{"done", "created  1"}},
		"a deployment of what can be made": {[]string{"SPEC", "--yes"}, lacking, done,
			[]backend.TenantCreationRequest{{Spec: specInput, DryRun: true}, {Spec: specInput, PlanDigest: "d1"}}, 0, []string{"done"}},
		"a failure": {[]string{"SPEC", "--yes"}, whole, half,
			[]backend.TenantCreationRequest{{Spec: specInput, DryRun: true}, {Spec: specInput, PlanDigest: "d1"}}, 6, []string{"failed in part", "QuotaExceeded: no", "hint: ask for more"}},
		"identities": {[]string{"SPEC", "--dry-run", "--create-identities"}, whole, nil, []backend.TenantCreationRequest{{Spec: specInput, DryRun: true, CreateIdentities: true}}, 0, nil},
		"rollback": {[]string{"--rollback", "j1", "--yes"}, whole, done,
			[]backend.TenantCreationRequest{{DryRun: true, Rollback: true, RollbackJob: "j1"}, {PlanDigest: "d1", Rollback: true, RollbackJob: "j1"}}, 0, nil},
		"no plan":                     {[]string{"SPEC", "--yes"}, done, nil, []backend.TenantCreationRequest{{Spec: specInput, DryRun: true}}, 1, nil},
		"rollback, nobody to ask":     {[]string{"--rollback", "j1"}, nil, nil, nil, 2, nil},
		"rollback of a specification": {[]string{"SPEC", "--rollback", "j1"}, nil, nil, nil, 2, nil},
		"rollback of identities":      {[]string{"--rollback", "j1", "--create-identities"}, nil, nil, nil, 2, nil},
		"nothing":                     {nil, nil, nil, nil, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, got := creating(c.plan, c.done)
			args := []string{"create-tenant"}
			for _, a := range c.args {
				if a == "SPEC" {
					a = specification(t)
				}
				args = append(args, a)
			}
			r := atg(t, t.Context(), f, nil, args...)
			if d := cmp.Diff(c.want, append([]backend.TenantCreationRequest(nil), *got...)); d != "" || r.code != c.code {
				t.Errorf("exit %d, want %d: %s; requests (-want +got):\n%s", r.code, c.code, r.err, d)
			}
			for _, w := range c.out {
				if !strings.Contains(r.out, w) {
					t.Errorf("%q does not say %q", r.out, w)
				}
			}
		})
	}
}
