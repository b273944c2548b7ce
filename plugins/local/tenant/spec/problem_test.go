package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// group is a specification of one resource group, whose resources follow.
func group(resources string) string {
	return yaml("resource_groups:\n  - name: rg\n    location: westeurope\n    resources:\n" + resources)
}

// account is a storage account; more are members of it, and of its properties.
func account(members, properties string) string {
	text := "      - type: Microsoft.Storage/storageAccounts\n        name: stweb\n        location: westeurope\n        kind: StorageV2\n        sku: {name: Standard_LRS}\n"
	for _, m := range strings.Split(members, "\n") {
		if m != "" {
			text += "        " + m + "\n"
		}
	}
	if properties != "" {
		text += "        properties: {" + properties + "}\n"
	}
	return group(text)
}

func TestProblems(t *testing.T) {
	const rest = "        location: westeurope\n        kind: StorageV2\n        sku: {name: Standard_LRS}\n"
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"nothing is wrong", account("", "accessTier: Hot"), nil},
		{"no block", "# T\n", []string{"1:1: error: the specification has no block of JSON or YAML (put the structure between ```yaml and ```, or ```json and ```)"}},
		{"no end", "```yaml\ntenant: {name: T}\n", []string{"1:1: error: the block that begins here has no end (end it by a line of the same characters)"}},
		{"no object", yaml("- 1"), []string{"4:1: error: a block has to be an object, and is a list"}},
		{"an unknown member", yaml("tennant: {name: T}"), []string{`4:1: error: there is no member "tennant" in a specification (did you mean tenant?)`}},
		{"an unknown block", yaml("apiVersion: v1"), []string{"4:1: error: there is no member \"apiVersion\" in a specification (a block that is no part of the specification has the word ignore behind its language: ```yaml ignore)"}},
		{"an unknown member below", account("locations: x", ""), []string{`13:9: error: there is no member "locations" in resource_groups[0].resources[0] (did you mean location?)`}},
		{"a wrong type", yaml("tenant: {name: 12}"), []string{"4:16: error: tenant.name has to be text, and is a number (put it between quotes)"}},
		{"a list that is none", yaml("subscriptions: {name: A}"), []string{"4:16: error: subscriptions has to be a list, and is an object"}},
		{"missing", group("      - type: Microsoft.Storage/storageAccounts\n" + rest), []string{`8:9: error: the member "name" is missing in resource_groups[0].resources[0]`}},
		{"twice in YAML", yaml("tenant: {name: A}\ntenant: {name: B}"), []string{`5:1: error: "tenant" is there twice; the first one is in line 4`}},
		{"twice in JSON", "```json\n{\"tenant\": {\"name\": \"A\",\n  \"name\": \"B\"}}\n```\n", []string{`3:3: error: "name" is there twice; the first one is in line 2`}},
		{"twice under two names", yaml("tenant: {tenant_id: 11111111-1111-4111-8111-111111111111, tenantId: 11111111-1111-4111-8111-111111111111}"), []string{`4:59: error: "tenantId" is "tenant_id" once more, which is in line 4`}},
		{"no YAML", yaml("tenant: {name: [}"), []string{"4:1: error: this is no YAML: did not find expected node content"}},
		{"a tab", yaml("tenant:\n\tname: A"), []string{"5:1: error: this is no YAML: found character that cannot start any token"}},
		{"no JSON", "```json\n{\"tenant\": {\"name\": \"A\",}}\n```\n", []string{"2:25: error: this is no JSON: invalid character ',' at start of value (JSON has no comma behind the last member)"}},
		{"JSON with a comment", "```json\n{ // a\n}\n```\n", []string{"2:3: error: this is no JSON: invalid character '/' at start of value (only blocks of jsonc have comments)"}},
		{"JSON that ends", "```json\n{\"tenant\":\n```\n", []string{"3:1: error: this is no JSON: it ends too early"}},
		{"more than one value", "```json\n{}\n{}\n```\n", []string{"3:1: error: the block goes on behind its value (put one object into a block, or begin another block)"}},
		{"a resource twice", account("", "") + account("", ""), []string{"23:15: error: the resource Microsoft.Storage/storageAccounts stweb is there twice; the first one is in line 8"}},
		{"two names", yaml("tenant: {name: A}") + yaml("tenant: {name: B}"), []string{`9:16: error: tenant.name is "B" here, and "A" in line 4`}},
		{"two regions", yaml("resource_groups: [{name: rg, location: westeurope}, {name: RG, location: eastus}]"), []string{`4:74: error: resource group default/rg location is "eastus" here, and "westeurope" in line 4`}},
		{"two tags", yaml("resource_groups: [{name: rg, location: westeurope, tags: {a: b}}, {name: rg, tags: {a: c}}]"), []string{`4:85: error: the tag a of the resource group default/rg is "c" here, and "b" in line 4`}},
		{"an unknown resource", account("tags: {to: '${resource:stwep}'}", ""), []string{`13:20: error: tags.to: there is no resource "stwep" (did you mean stweb?)`}},
		{"an unknown subnet", yaml(hub + "\n                - name: b\n                  properties: {subnet: {id: \"${resource:rg-hub/Microsoft.Network/virtualNetworks/vnet-hub/subnets/db}\"}}"), []string{"32:45: error: properties.ipConfigurations[1].properties.subnet.id: there is no resource rg-hub/Microsoft.Network/virtualNetworks/vnet-hub/subnets/db (did you mean rg-hub/Microsoft.Network/virtualNetworks/vnet-hub?)"}},
		{"an unknown kind of reference", account("tags: {to: '${resuorce:x}'}", ""), []string{"13:20: error: tags.to: ${resuorce} is no reference (did you mean resource? Or write $${ for ${ that is no reference)"}},
		{"a reference that does not end", account("tags: {to: '${resource:x'}", ""), []string{"13:20: error: tags.to: a reference that begins here does not end (write $${ for ${ that is no reference)"}},
		{"a literal that looks like one", account("tags: {to: '$${resource:x} and $5'}", ""), nil},
		{"an unknown subscription", account("tags: {to: '${subscription:Prod}'}", ""), []string{`13:20: error: tags.to: there is no subscription "Prod"`}},
		{"an unknown group", account("tags: {to: '${resource_group:rgg}'}", ""), []string{"13:20: error: tags.to: there is no resource group rgg (did you mean rg?)"}},
		{"an identity that is none", account("tags: {to: '${principal_id:stweb}'}", ""), []string{"13:20: error: tags.to: the resource stweb has no identity"}},
		{"a circle", group("      - type: Contoso.Own/things\n        name: a\n        api_version: '2024-01-01'\n        properties: {to: '${resource:b}'}\n      - type: Contoso.Own/things\n        name: b\n        api_version: '2024-01-01'\n        properties: {to: '${resource:a}'}"),
			[]string{"12:9: error: resources refer to each other in a circle: a → b → a (write one of the references as an id: /subscriptions/${subscription:NAME}/resourceGroups/…; nothing waits for it)"}},
		{"an unknown type", group("      - type: Microsoft.Storage/storageAccount\n        name: stweb\n" + rest), []string{"8:15: error: the type Microsoft.Storage/storageAccount is not known (did you mean Microsoft.Storage/storageAccounts?)"}},
		{"a type of one's own", group("      - type: Contoso.Own/things\n        name: a\n        api_version: '2024-01-01'\n        properties: {anything: 1}"), nil},
		{"a type without a version", group("      - type: Fabrikam.Unheard/widgets\n        name: a"), []string{"8:15: error: the type Fabrikam.Unheard/widgets is not known (if Azure has it, add its api_version)"}},
		{"no type", group("      - type: storage\n        name: a"), []string{`8:15: error: "storage" is no type: types are written as Microsoft.Network/virtualNetworks`}},
		{"an unknown property", account("", "accesTier: Hot"), []string{"13:22: error: a Microsoft.Storage/storageAccounts has no property properties.accesTier (did you mean accessTier?)"}},
		{"a read-only property", account("", "provisioningState: Succeeded"), []string{"13:22: error: properties.provisioningState of a Microsoft.Storage/storageAccounts is read-only: Azure sets it (leave it out)"}},
		{"a value that is near", account("", "accessTier: Hott"), []string{`13:34: warning: "Hott" is not known as a value of properties.accessTier (did you mean Hot?)`}},
		{"an object for text", account("", "accessTier: {a: b}"), []string{"13:34: warning: properties.accessTier of a Microsoft.Storage/storageAccounts is text, and here it is an object"}},
		{"a name that is too long", group("      - type: Microsoft.Storage/storageAccounts\n        name: st-web\n" + rest), []string{`9:15: error: Azure takes no Microsoft.Storage/storageAccounts called "st-web": it has to be of lower-case letters and digits`}},
		{"a group's name", yaml("resource_groups: [{name: rg., location: westeurope}]"), []string{"4:19: error: Azure takes no resource group called \"rg.\": it has to be of letters, digits, '_', '.', '-', '(' and ')', not ending in '.'"}},
		{"a group without a region", yaml("resource_groups: [{name: rg}]"), []string{"4:19: error: the resource group rg has no location (add it, as location: westeurope; or existing: true)"}},
		{"no region", yaml("resource_groups: [{name: rg, location: west/europe}]"), []string{`4:19: error: "west/europe" is no region: they are written as westeurope`}},
		{"a misspelt region", yaml("resource_groups: [{name: rg, location: westeurop}]"), []string{`4:19: warning: the region "westeurop" is not known (did you mean westeurope?)`}},
		{"no GUID", yaml("subscriptions: [{name: A, subscription_id: 123-abc}]"), []string{`4:17: error: subscription_id: "123-abc" is no GUID (it has the form 00000000-0000-0000-0000-000000000000)`}},
		{"a name with too few parts", group("      - type: Microsoft.Storage/storageAccounts/blobServices\n        name: default"), []string{`9:15: error: the type Microsoft.Storage/storageAccounts/blobServices needs a name of 2 parts, and "default" has 1 (the name of a child has the names above it: vnet-hub/web)`}},
		{"a secret", account("tags: {password: hunter2hunter2}", ""), []string{"13:26: error: tags.password would be a secret, and a specification holds none (write ${secret:NAME}; whoever deploys gives the value)"}},
		{"a secret's placeholder", account("tags: {password: '${secret:db}'}", ""), nil},
		{"a secret without a name", account("tags: {password: '${secret:a b}'}", ""), []string{`13:26: error: tags.password: "a b" cannot be the name of a secret (take letters, digits, '_', '-' and '.', at most 200)`}},
		{"an unknown role", yaml("role_assignments: [{principal: 11111111-1111-4111-8111-111111111111, role: Raeder, scope: /}]"), []string{`4:76: error: the role "Raeder" is not known (did you mean Reader?)`}},
		{"no principal", yaml("role_assignments: [{principal: Alice, role: Reader, scope: /}]"), []string{`4:32: error: "Alice" is no principal (write ${principal_id:NAME}, ${user:NAME}, ${group:NAME}, ${service_principal:NAME}, or an object id)`}},
		{"a role assignment among resources", group("      - type: Microsoft.Authorization/roleAssignments\n        name: 11111111-1111-4111-8111-111111111111"), []string{"8:15: error: role assignments stand among role_assignments, not among resources"}},
		{"which subscription", yaml("subscriptions: [{name: A}, {name: B}]\nresource_groups: [{name: rg, location: westeurope}]"), []string{"5:19: error: it does not say in which of the 2 subscriptions it is (add the member subscription)"}},
		{"an unknown place", yaml("subscriptions: [{name: Alpha}, {name: Beta}]\nresource_groups: [{name: rg, location: westeurope, subscription: Alpa}]"), []string{`5:66: error: there is no subscription "Alpa" (did you mean Alpha?)`}},
		{"the end of a relationship", yaml("relationships: [{source: x, target: y, type: USES}]"), []string{
			`4:17: error: nothing here has the id "x" (write ${resource:NAME}, or the id that a resource here has)`, `4:17: error: nothing here has the id "y" (write ${resource:NAME}, or the id that a resource here has)`}},
		{"a version that is none", account("api_version: latest", ""), []string{`13:22: error: "latest" is no api-version: they are written as 2024-01-01`}},
		{"what is not used", yaml("tenant: {name: T, pim_assignments: [{a: b}]}"), []string{"4:19: warning: nothing is made of pim_assignments"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, got := parse(t, tc.text)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n%s", diff, tc.text)
			}
		})
	}
}
