package provision

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

const rg = "/subscriptions/11111111-0000-4000-8000-000000000001/resourceGroups/rg/providers/"

// requestOf is a request for a resource of a type, among others that are there.
func requestOf(t *testing.T, typ, name, body, before string, there ...string) *Request {
	t.Helper()
	read := func(text string) map[string]any {
		if text == "" {
			return nil
		}
		value, err := expression.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return value.(map[string]any)
	}
	return &Request{
		ID: rg + typ + "/" + name, Type: typ, Name: name, TenantID: "tenant", Body: read(body), Before: read(before), Caller: "caller",
		Lookup: func(id string) (map[string]any, bool) {
			for _, other := range there {
				if strings.EqualFold(other, id) {
					return map[string]any{"id": other, "properties": map[string]any{"principalId": "p", "clientId": "c"}}, true
				}
			}
			return nil, false
		},
		Reaches: func(id string) bool { return strings.HasPrefix(id, "/subscriptions/1") },
		Now:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// TestComplete has what becomes of the properties of requests.
func TestComplete(t *testing.T) {
	network := "Microsoft.Network/virtualNetworks"
	subnet := rg + network + "/v/subnets/s"
	tests := map[string]struct {
		typ, name, body, before string
		there                   []string
		want                    string
	}{
		"what the provider sets": {"Microsoft.Compute/snapshots", "s", `{"properties":{"provisioningState":"Failed","diskState":"Reserved","timeCreated":"x","uniqueId":"x","diskSizeGB":4}}`, "", nil,
			`{"diskSizeGB":4,"diskState":"Unattached","provisioningState":"Succeeded","timeCreated":"2026-01-02T03:04:05.0000000Z","uniqueId":"` + expression.GUID("disk", strings.ToLower(rg+"Microsoft.Compute/snapshots/s")) + `"}`},
		"what it keeps": {"Microsoft.Compute/snapshots", "s", `{"properties":{}}`, `{"properties":{"uniqueId":"before","timeCreated":"before","diskState":"Attached"}}`, nil,
			`{"diskState":"Attached","provisioningState":"Succeeded","timeCreated":"before","uniqueId":"before"}`},
		"children get ids": {"Microsoft.Network/routeTables", "r", `{"properties":{"subnets":[{"id":"gone"}],"routes":[{"name":"a","properties":{"nextHopType":"None"}}]}}`, `{"properties":{"resourceGuid":"g"}}`, nil,
			`{"provisioningState":"Succeeded","resourceGuid":"g","routes":[{"id":"` + rg + `Microsoft.Network/routeTables/r/routes/a","name":"a","properties":{"nextHopType":"None","provisioningState":"Succeeded"},"type":"Microsoft.Network/routeTables/routes"}]}`},
		"references within itself": {"Microsoft.Network/loadBalancers", "l", `{"properties":{"rules":[{"properties":{"pool":{"id":"` + rg + `Microsoft.Network/loadBalancers/l/probes/x"}}}]}}`, `{"properties":{"resourceGuid":"g"}}`, nil,
			`{"provisioningState":"Succeeded","resourceGuid":"g","rules":[{"properties":{"pool":{"id":"` + rg + `Microsoft.Network/loadBalancers/l/probes/x"}}}]}`},
		"references that are there": {"Microsoft.Network/networkInterfaces", "n", `{"properties":{"ipConfigurations":[{"properties":{"subnet":{"id":"` + subnet + `"}}}]}}`, `{"properties":{"resourceGuid":"g"}}`, []string{subnet},
			`{"ipConfigurations":[{"properties":{"subnet":{"id":"` + subnet + `"}}}],"provisioningState":"Succeeded","resourceGuid":"g"}`},
		"references out of reach": {"Microsoft.Network/networkInterfaces", "n", `{"properties":{"ipConfigurations":[{"properties":{"subnet":{"id":"` + strings.Replace(subnet, "1", "9", 1) + `"}}}]}}`, `{"properties":{"resourceGuid":"g"}}`, nil,
			`{"ipConfigurations":[{"properties":{"subnet":{"id":"` + strings.Replace(subnet, "1", "9", 1) + `"}}}],"provisioningState":"Succeeded","resourceGuid":"g"}`},
		"a secret variable": {"Microsoft.Automation/automationAccounts/variables", "a/v", `{"properties":{"isEncrypted":true,"value":"hidden"}}`, "", nil, `{"isEncrypted":true}`},
		"a plain variable":  {"Microsoft.Automation/automationAccounts/variables", "a/v", `{"properties":{"isEncrypted":false,"value":"shown"}}`, "", nil, `{"isEncrypted":false,"value":"shown"}`},
		"a role assignment": {"Microsoft.Authorization/roleAssignments", "aaaaaaaa-0000-4000-8000-00000000000a", `{"properties":{"roleDefinitionId":"r","principalId":"p","scope":"ignored"}}`, `{"properties":{"createdOn":"c","createdBy":"b"}}`, nil,
			`{"createdBy":"b","createdOn":"c","principalId":"p","roleDefinitionId":"r","scope":"` + strings.TrimSuffix(rg, "/providers/") + `","updatedBy":"caller","updatedOn":"2026-01-02T03:04:05.0000000Z"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made, refusal := Complete(requestOf(t, test.typ, test.name, test.body, test.before, test.there...))
			if refusal != nil {
				t.Fatal(refusal)
			}
			raw, err := json.Marshal(made["properties"])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(raw)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestIdentity gives a resource the ids of its identities.
func TestIdentity(t *testing.T) {
	user := rg + "Microsoft.ManagedIdentity/userAssignedIdentities/i"
	body := `{"identity":{"type":"SystemAssigned, UserAssigned","userAssignedIdentities":{"` + user + `":{}}}}`
	made, refusal := Complete(requestOf(t, "Microsoft.Web/sites", "site", body, "", user))
	if refusal != nil {
		t.Fatal(refusal)
	}
	want := map[string]any{
		"type": "SystemAssigned, UserAssigned", "principalId": Principal(rg + "microsoft.web/SITES/site"), "tenantId": "tenant",
		"userAssignedIdentities": map[string]any{user: map[string]any{"principalId": "p", "clientId": "c"}},
	}
	if diff := cmp.Diff(any(want), made["identity"]); diff != "" {
		t.Error(diff)
	}
}

// TestRequestIsKept sees to it that a request's body stays as it was sent.
func TestRequestIsKept(t *testing.T) {
	r := requestOf(t, "Microsoft.Network/virtualNetworks", "v", `{"properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/8"]},"provisioningState":"x","subnets":[{"name":"s","properties":{"ipConfigurations":[]}}]}}`, "")
	before, err := json.Marshal(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, refusal := Complete(r); refusal != nil {
		t.Fatal(refusal)
	}
	after, err := json.Marshal(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Error(diff)
	}
}

// TestLenient drops unknown members where that is wanted.
func TestLenient(t *testing.T) {
	r := requestOf(t, "Microsoft.Web/sites", "site", `{"colour":"red"}`, "")
	if _, refusal := Complete(r); refusal == nil || refusal.Code != "InvalidRequestContent" || !refusal.Gateway {
		t.Errorf("%v", refusal)
	}
	r.Lenient = true
	made, refusal := Complete(r)
	if _, ok := made["colour"]; ok || refusal != nil {
		t.Errorf("%v, %v", made, refusal)
	}
}

// TestPreflight has names and regions that are refused before anything is made.
func TestPreflight(t *testing.T) {
	tests := map[string]struct{ typ, name, location, want string }{
		"fine":          {"Microsoft.Storage/storageAccounts", "stfine", "West Europe", ""},
		"no region":     {"Microsoft.Storage/storageAccounts", "stfine", "", ""},
		"name":          {"Microsoft.Storage/storageAccounts", "st-not", "westeurope", "AccountNameInvalid"},
		"name of child": {"Microsoft.KeyVault/vaults/secrets", "kv-a/a_b", "", "BadRequest"},
		"region":        {"Microsoft.Storage/storageAccounts", "stfine", "atlantis", "LocationNotAvailableForResourceType"},
		"characters":    {"Microsoft.Web/connections", "a%b", "westeurope", "InvalidResourceName"},
		"length":        {"Microsoft.Web/connections", strings.Repeat("a", 261), "westeurope", "InvalidResourceName"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, body := "", map[string]any{}
			if test.location != "" {
				body["location"] = test.location
			}
			if refusal := Preflight(&Request{Type: test.typ, Name: test.name, Body: body}, false); refusal != nil {
				code = refusal.Code
			}
			if code != test.want {
				t.Errorf("%q", code)
			}
		})
	}
}

func TestGroupNames(t *testing.T) {
	for name, fine := range map[string]bool{"rg": true, "RG-(1)_x.y": true, "grün": true, "rg.": false, "a b": false, "": false, strings.Repeat("a", 91): false, "a/b": false} {
		if refusal := CheckGroupName(name); (refusal == nil) != fine {
			t.Errorf("%q: %v", name, refusal)
		}
	}
}
