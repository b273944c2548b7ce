package create

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		request backend.TenantCreationRequest
		code    fault.Code
		keys    []string
	}{
		"a plan":                         {backend.TenantCreationRequest{Spec: "spec.md", DryRun: true}, "", nil},
		"a deployment":                   {backend.TenantCreationRequest{Spec: "spec.md", PlanDigest: "d"}, "", nil},
		"a rollback":                     {backend.TenantCreationRequest{Rollback: true, RollbackJob: "4be0643f-1d98", PlanDigest: "d"}, "", nil},
		"no digest and no specification": {backend.TenantCreationRequest{}, fault.InvalidArgument, []string{"spec", "plan_digest"}},
		"a rollback of nothing":          {backend.TenantCreationRequest{Rollback: true, DryRun: true}, fault.InvalidArgument, []string{"rollback_job"}},
		"a rollback of no id":            {backend.TenantCreationRequest{Rollback: true, RollbackJob: "../x", DryRun: true}, fault.InvalidArgument, []string{"rollback_job"}},
		"a job without rollback":         {backend.TenantCreationRequest{Spec: "s", RollbackJob: "x", DryRun: true}, fault.InvalidArgument, []string{"rollback_job"}},
		"no tenant":                      {backend.TenantCreationRequest{Spec: "s", TenantID: "my tenant", DryRun: true}, fault.InvalidArgument, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(&c.request)
			var keys []string
			if f := fault.As(err); f != nil {
				for _, p := range f.Problems {
					keys = append(keys, p.Key)
				}
			}
			if fault.CodeOf(err) != c.code || !slices.Equal(keys, c.keys) {
				t.Errorf("%v with %v, want %s with %v", err, keys, c.code, c.keys)
			}
		})
	}
}

// TestDigestOfPeople: who is to be another one has another digest.
func TestDigestOfPeople(t *testing.T) {
	with := func(name, title string) string {
		p := &person{Principal: &spec.Principal{Name: name, Fields: spec.Value{Kind: template.Map, Fields: []spec.Field{{Name: "job_title", Value: spec.Value{Kind: template.String, Text: title}}}}}}
		return hex.EncodeToString(p.content())
	}
	if alice, again := with("Alice", "Engineer"), with("Alice", "Engineer"); alice != again || alice == with("Alice", "Manager") || alice == with("Bob", "Engineer") {
		t.Error("the digest does not follow from what one is to be")
	}
}

func TestNamesOfDeployments(t *testing.T) {
	for job, want := range map[string]string{
		"4be0643f1d98573b97cdca98a65347dd": "atg-4be0643f1d98-plan",
		"job-AbC_123":                      "atg-abc123-plan",
		"short":                            "atg-short-plan",
	} {
		if got := journalName(job, 1); got != want {
			t.Errorf("%s: %s, want %s", job, got, want)
		}
	}
	if got := journalName("abc", 3); got != "atg-abc-plan-3" {
		t.Errorf("the third is %s", got)
	}
	for _, job := range []string{"", "../x", "a b", "ä"} {
		if key := keyOf(job); key != "" {
			t.Errorf("%q has the key %q", job, key)
		}
	}
	long := stageName("atg-4be0643f1d98-", strings.Repeat("production_west-", 10), "01234567")
	if len(long) > 64 || !strings.HasSuffix(long, "-01234567") || strings.ContainsAny(long, "_ ") {
		t.Errorf("a long name is %s", long)
	}
}

func TestEntriesOfAJournal(t *testing.T) {
	for _, e := range []entry{
		{"/subscriptions/s/resourceGroups/a b", "2021-04-01", 0, false},
		{"/subscriptions/s/resourceGroups/web/providers/Microsoft.Web/sites/x", "2024-01-01-preview", 12, true},
	} {
		got, ok := parseEntry(e.String())
		if d := cmp.Diff(e, got, cmp.AllowUnexported(entry{})); d != "" || !ok {
			t.Errorf("%s (-want +got):\n%s", e, d)
		}
	}
	for _, line := range []string{"", "create", "create x 2021-04-01 /a", "create 1 2021-04-01 a"} {
		if e, ok := parseEntry(line); ok {
			t.Errorf("%q is %+v", line, e)
		}
	}
}

func TestLevels(t *testing.T) {
	all := []info{{needs: []template.Node{2}}, {}, {needs: []template.Node{1, 3}}, {needs: []template.Node{1}}}
	if d := cmp.Diff([]int{3, 0, 2, 1}, levels(all)); d != "" {
		t.Errorf("levels (-want +got):\n%s", d)
	}
}

func TestWhatIsPartOfWhat(t *testing.T) {
	created := map[string]bool{"/subscriptions/s/resourcegroups/web": true, "/subscriptions/s/resourcegroups/web/providers/microsoft.network/virtualnetworks/vnet": true}
	for id, want := range map[string]bool{
		"/subscriptions/s/resourceGroups/web":                                                                                            false,
		"/subscriptions/s/resourceGroups/web/providers/Microsoft.Network/virtualNetworks/vnet":                                           false,
		"/subscriptions/s/resourceGroups/web/providers/Microsoft.Network/virtualNetworks/vnet/subnets/a":                                 true,
		"/subscriptions/s/resourceGroups/web/providers/Microsoft.Network/virtualNetworks/vnet2/subnets/a":                                false,
		"/subscriptions/s/resourceGroups/web/providers/Microsoft.Network/virtualNetworks/vnet/providers/Microsoft.Authorization/locks/l": false, // it has to go first
	} {
		if got := partOf(id, created); got != want {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
}

func TestOperationsPath(t *testing.T) {
	for id, want := range map[string]string{
		"/subscriptions/s/providers/Microsoft.Resources/deployments/d":                                   "/subscriptions/s/providers/Microsoft.Resources/deployments/d/operations",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/d":                  "/subscriptions/s/resourceGroups/g/deployments/d/operations",
		"/providers/Microsoft.Resources/deployments/d":                                                   "/providers/Microsoft.Resources/deployments/d/operations",
		"/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Resources/deployments/d": "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Resources/deployments/d/operations",
	} {
		if got := operationsPath(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestFaultsOfAzure(t *testing.T) {
	inner := &azure.Refusal{Code: "DeploymentFailed", Message: "At least one resource deployment operation failed.", Details: []azure.Refusal{
		{Code: "Conflict", Message: "x", Details: []azure.Refusal{{Code: "QuotaExceeded", Message: "Operation could not be completed\nas it results in exceeding approved cores quota."}}},
	}}
	for name, c := range map[string]struct {
		from *azure.Refusal
		want *fault.Fault
	}{
		"the innermost": {inner, &fault.Fault{Code: fault.ExecutionFailed, Message: "QuotaExceeded: Operation could not be completed as it results in exceeding approved cores quota",
			Hint: "ask for more quota in the portal, or take another region or size", Resource: "/a", Origin: fault.OriginAzure}},
		"no right": {&azure.Refusal{Code: "AuthorizationFailed", Message: "no."}, &fault.Fault{Code: fault.AzureForbidden, Message: "AuthorizationFailed: no",
			Hint: "ask an owner for the role Contributor there; role assignments and locks need Owner", Resource: "/a", Origin: fault.OriginAzure}},
		"nothing": {nil, &fault.Fault{Code: fault.ExecutionFailed, Message: "Azure does not say why", Resource: "/a", Origin: fault.OriginAzure}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, faultOf("/a", c.from), cmpopts.IgnoreFields(fault.Fault{}, "Cause")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestVariablesOfSecrets(t *testing.T) {
	values := map[string]string{"ATG_SECRET_SQL_ADMIN": "s3cret", "ATG_SECRET_WEB_VM_PASSWORD": "of web", "ATG_SECRET_VM_PASSWORD": "of others"}
	r := &run{Creator: &Creator{Getenv: func(name string) string { return values[name] }}}
	for name, c := range map[string]struct {
		unit  string
		p     template.Parameter
		value string
		lacks []string
	}{
		"named by the specification":         {"db", template.Parameter{Name: "x", Placeholder: "${secret:sql-admin}"}, "s3cret", nil},
		"in the middle of a text":            {"db", template.Parameter{Name: "x", Placeholder: "user:${secret:sql.admin}@$${host}"}, "user:s3cret@${host}", nil},
		"one that is missing":                {"db", template.Parameter{Name: "x", Placeholder: "${secret:other}${secret:sql-admin}"}, "", []string{"ATG_SECRET_OTHER"}},
		"one that the type needs":            {"other", template.Parameter{Name: "vm_password"}, "of others", nil},
		"one that a type of this unit needs": {"web", template.Parameter{Name: "vm_password"}, "of web", nil},
		"one that is not given":              {"web", template.Parameter{Name: "sql_password"}, "", []string{"ATG_SECRET_SQL_PASSWORD"}},
	} {
		t.Run(name, func(t *testing.T) {
			value, lacks := r.secretOf(c.unit, &c.p)
			if len(lacks) == 0 && value != c.value || !slices.Equal(lacks, c.lacks) {
				t.Errorf("%q, lacking %v; want %q, lacking %v", value, lacks, c.value, c.lacks)
			}
		})
	}
}
