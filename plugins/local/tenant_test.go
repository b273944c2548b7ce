package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// The tenant of these tests.
const (
	tenantID  = "11111111-2222-4333-8444-555555555555"
	subProd   = "aaaaaaaa-0000-4000-8000-000000000001"
	subTest   = "aaaaaaaa-0000-4000-8000-000000000002"
	subEmpty  = "aaaaaaaa-0000-4000-8000-000000000003"
	subClosed = "aaaaaaaa-0000-4000-8000-000000000004"
)

// lines collects a tenant's rows.
type lines struct{ bytes.Buffer }

func (l *lines) add(table, id, typ, subscription, group string, more map[string]any) {
	row := map[string]any{
		"id": id, "name": id[strings.LastIndexByte(id, '/')+1:], "type": typ, "tenantId": tenantID,
		"subscriptionId": subscription, "resourceGroup": group, "properties": map[string]any{},
	}
	for k, v := range more {
		row[k] = v
	}
	content, err := json.Marshal(map[string]any{"table": table, "row": row})
	if err != nil {
		panic(err)
	}
	l.Write(content)
	l.WriteByte('\n')
}

func (l *lines) subscription(id, name, state string) {
	l.add("resourcecontainers", "/subscriptions/"+id, "microsoft.resources/subscriptions", id, "",
		map[string]any{"name": name, "properties": map[string]any{"state": state, "managementGroupAncestorsChain": []any{map[string]any{"name": "root"}}}})
}

func (l *lines) group(subscription, name string) {
	l.add("resourcecontainers", "/subscriptions/"+subscription+"/resourceGroups/"+name, "microsoft.resources/subscriptions/resourcegroups",
		subscription, name, map[string]any{"location": "westeurope"})
}

func (l *lines) resource(subscription, group, typ, name, location string, tags map[string]string) {
	id := fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", subscription, group, typ, name)
	l.add("resources", id, strings.ToLower(typ), subscription, strings.ToLower(group),
		map[string]any{"location": location, "tags": tags, "properties": map[string]any{"provisioningState": "Succeeded", "note": name}})
}

func (l *lines) assignment(scope, subscription, group, role, principal string) {
	l.add("authorizationresources", scope+"/providers/Microsoft.Authorization/roleAssignments/"+principal, "microsoft.authorization/roleassignments",
		subscription, group, map[string]any{"properties": map[string]any{"scope": scope, "principalId": principal, "principalType": "User",
			"roleDefinitionId": "/providers/Microsoft.Authorization/RoleDefinitions/" + role}})
}

func (l *lines) tenant(t testing.TB) *tenant.Tenant {
	t.Helper()
	made, err := tenant.Load(l, tenantID)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// company is a tenant with two subscriptions in use, an empty one and a disabled one: 13 resources,
// 8 containers, 6 role assignments and 2 role definitions.
func company(t testing.TB) *tenant.Tenant {
	t.Helper()
	return companyLines().tenant(t)
}

func companyLines() *lines {
	l := &lines{}
	l.add("resourcecontainers", "/providers/Microsoft.Management/managementGroups/root", "microsoft.management/managementgroups", "", "",
		map[string]any{"properties": map[string]any{"displayName": "Root", "details": map[string]any{}}})
	l.subscription(subProd, "Production", "Enabled")
	l.subscription(subTest, "Test", "Enabled")
	l.subscription(subEmpty, "Sandbox", "Enabled")
	l.subscription(subClosed, "Old", "Disabled")
	l.group(subProd, "Web")
	l.group(subProd, "data")
	l.group(subTest, "web")
	for i := range 5 {
		l.resource(subProd, "Web", "Microsoft.Compute/virtualMachines", fmt.Sprintf("vm%d", i), "westeurope", map[string]string{"Env": "prod", "n": fmt.Sprint(i)})
	}
	for i := range 3 {
		l.resource(subProd, "data", "Microsoft.Storage/storageAccounts", fmt.Sprintf("st%d", i), "northeurope", nil)
	}
	for i := range 4 {
		l.resource(subTest, "web", "Microsoft.Compute/virtualMachines", fmt.Sprintf("vm%d", i), "westeurope", map[string]string{"env": "test"})
	}
	l.resource(subTest, "web", "Microsoft.Network/virtualNetworks", "net", "westeurope", map[string]string{"owner's": `it's "us" \ them`})
	for _, role := range []string{"acdd72a7-3385-48ef-bd42-f606fba81ae7", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"} {
		l.add("authorizationresources", "/providers/Microsoft.Authorization/RoleDefinitions/"+role, "microsoft.authorization/roledefinitions", "", "",
			map[string]any{"properties": map[string]any{"roleName": "Role " + role[:2], "type": "BuiltInRole"}})
	}
	reader := "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	l.assignment("/providers/Microsoft.Management/managementGroups/root", "", "", reader, "p0")
	l.assignment("", "", "", reader, "p1")
	l.assignment("/subscriptions/"+subProd, subProd, "", reader, "p2")
	l.assignment("/subscriptions/"+subProd+"/resourceGroups/Web", subProd, "web", reader, "p3")
	l.assignment("/subscriptions/"+subProd+"/resourceGroups/Web/providers/Microsoft.Compute/virtualMachines/vm0", subProd, "web", reader, "p4")
	l.assignment("/subscriptions/"+subTest, subTest, "", reader, "p5")
	return l
}
