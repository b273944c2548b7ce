package biceptest_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
)

// answering is a project whose resources have what Azure answers of others: in their file, in another module's, in an earlier deployment.
var answering = map[string]string{
	"first.bicep": `targetScope = 'subscription'
resource policy 'A.B/policies@1' = {
  name: 'p'
  identity: {
    type: 'SystemAssigned, UserAssigned'
  }
}
`,
	"first.bicepparam": "using './first.bicep'\n",
	"main.bicep": `targetScope = 'subscription'
resource vm 'A.B/vms@1' existing = {
  scope: resourceGroup('one')
  name: 'vm'
}
resource role 'A.B/roles@1' = {
  name: 'main'
  properties: {
    principalId: vm.identity.principalId
  }
  dependsOn: [
    one
  ]
}
module one 'modules/one.bicep' = {
  scope: resourceGroup('one')
  name: 'one'
}
module two 'modules/two.bicep' = {
  scope: resourceGroup('two')
  name: 'two'
  dependsOn: [
    one
  ]
}
`,
	"main.bicepparam": "using './main.bicep'\n",
	"modules/one.bicep": `resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@1' = {
  name: 'id'
}
var client = 'client ${id.properties.clientId}'
resource vm 'A.B/vms@1' = {
  name: 'vm'
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    list: [
      {
        'a-b': client
      }
    ]
  }
}
`,
	"modules/two.bicep": `resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@1' existing = {
  scope: resourceGroup('one')
  name: 'id'
}
resource policy 'A.B/policies@1' existing = {
  scope: subscription()
  name: 'p'
}
resource role 'A.B/roles@1' = {
  name: 'two'
  properties: {
    principalId: id.properties.principalId
    other: policy.identity.principalId
  }
}
`,
}

// deployBoth deploys the first, and what then is deployed by the main.
func deployBoth(files map[string]string) ([]*biceptest.Resource, error) {
	var tenant biceptest.Tenant
	if _, err := tenant.Deploy(files, "first", "/subscriptions/s", nil); err != nil {
		return nil, err
	}
	return tenant.Deploy(files, "main", "/subscriptions/s", nil)
}

func TestAnswers(t *testing.T) {
	got, err := deployBoth(answering)
	if err != nil {
		t.Fatal(err)
	}
	const one = "/subscriptions/s/resourceGroups/one/providers/"
	const id, vm, policy = one + "Microsoft.ManagedIdentity/userAssignedIdentities/id", one + "A.B/vms/vm", "/subscriptions/s/providers/A.B/policies/p"
	bodies, reads := map[string]any{}, map[string][]biceptest.Read{}
	for _, r := range got {
		name := r.File + " " + r.Symbol
		bodies[name] = r.Body["properties"]
		reads[name] = r.Reads
	}
	if diff := cmp.Diff(map[string]any{
		"main.bicep role":        map[string]any{"principalId": biceptest.Answer(vm, "identity.principalId")},
		"modules/one.bicep id":   nil,
		"modules/one.bicep vm":   map[string]any{"list": []any{map[string]any{"a-b": "client " + biceptest.Answer(id, "properties.clientId")}}},
		"modules/two.bicep role": map[string]any{"principalId": biceptest.Answer(id, "properties.principalId"), "other": biceptest.Answer(policy, "identity.principalId")},
	}, bodies); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]biceptest.Read{
		"main.bicep role":        {{Of: vm, APIVersion: "1", Property: "identity.principalId"}},
		"modules/one.bicep id":   nil,
		"modules/one.bicep vm":   {{Of: id, APIVersion: "1", Property: "properties.clientId"}},
		"modules/two.bicep role": {{Of: id, APIVersion: "1", Property: "properties.principalId"}, {Of: policy, APIVersion: "1", Property: "identity.principalId"}},
	}, reads); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnswersThatNobodyGets(t *testing.T) {
	const body, tags = "  properties: {\n    principalId: vm.identity.principalId\n  }", "  tags: {\n    a: vm.identity.principalId\n  }"
	for name, test := range map[string]struct{ file, old, new, want string }{
		"a property that nobody knows":        {"main.bicep", "vm.identity.principalId", "vm.identity.tenantId", "identity.tenantId is nothing that is ever read of vm"},
		"all of it":                           {"main.bicep", "vm.identity.principalId", "vm.identity", "identity is nothing that is ever read of vm"},
		"a symbol that nobody declares":       {"main.bicep", "vm.identity", "wm.identity", "BCP057"},
		"of itself":                           {"modules/one.bicep", "client\n", "vm.identity.principalId\n", "BCP079"},
		"in a circle":                         {"modules/one.bicep", "name: 'id'\n", "name: 'id'\n  properties: vm.identity.principalId\n", "BCP080"},
		"in a name":                           {"main.bicep", "name: 'main'", "name: vm.identity.principalId", "BCP120"},
		"in a scope":                          {"modules/two.bicep", "resourceGroup('one')", "resourceGroup(policy.identity.principalId)", "BCP120"},
		"in tags":                             {"main.bicep", body, tags, "BCP120"},
		"in a key":                            {"main.bicep", "principalId: vm", "'${vm.identity.principalId}': vm", "BCP120"},
		"in the parameters of a module":       {"main.bicep", "name: 'two'\n", "name: 'two'\n  params: {\n    x: vm.identity.principalId\n  }\n", "BCP120"},
		"a main that does not wait":           {"main.bicep", "  dependsOn: [\n    one\n  ]\n}\nmodule one", "}\nmodule one", "nobody has deployed /subscriptions/s/resourceGroups/one"},
		"a module that does not wait":         {"main.bicep", "  name: 'two'\n  dependsOn: [\n    one\n  ]\n", "  name: 'two'\n", "it does not wait for /subscriptions/s/resourceGroups/one"},
		"a resource that nobody deploys":      {"modules/two.bicep", "name: 'p'", "name: 'q'", "nobody has deployed /subscriptions/s/providers/A.B/policies/q"},
		"of another scope":                    {"modules/two.bicep", "  scope: subscription()\n", "", "nobody has deployed /subscriptions/s/resourceGroups/two/providers/A.B/policies/p"},
		"another version":                     {"modules/two.bicep", "policies@1", "policies@2", "is a A.B/policies@1"},
		"a resource without an identity":      {"first.bicep", "'SystemAssigned, UserAssigned'", "'UserAssigned'", "Azure answers no identity.principalId"},
		"a resource that is no identity":      {"modules/two.bicep", "policy.identity", "policy.properties", "Azure answers no properties.principalId"},
		"a resource that nobody has deployed": {"first.bicep", "name: 'p'", "name: 'r'", "nobody has deployed"},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(answering)
			if files[test.file] = strings.Replace(files[test.file], test.old, test.new, 1); files[test.file] == answering[test.file] {
				t.Fatal("nothing was spoiled")
			}
			if _, err := deployBoth(files); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
