package azuresim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

const (
	writeGroup = "/subscriptions/" + production + "/resourceGroups/rg-new"
	writeTo    = writeGroup + "/providers/"
)

func (c *caller) do(method, path, body string) *answer {
	c.t.Helper()
	return c.send(c.request(method, path, []byte(body)))
}

// writer starts a simulator with a resource group to write into.
func writer(t *testing.T, config Config) *caller {
	t.Helper()
	c := start(t, config)
	if made := c.do(http.MethodPut, writeGroup+"?api-version=2021-04-01", `{"location":"West Europe","tags":{"a":"b"}}`); made.status != http.StatusCreated || made.text("location") != "westeurope" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	return c
}

const diskBody = `{"location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4}}`

// TestWrittenResource follows a resource from its creation to its end, wherever it can be seen.
func TestWrittenResource(t *testing.T) {
	c := writer(t, Config{Quota: -1})
	path := writeTo + "Microsoft.Compute/disks/d?api-version=2026-03-02" // a version that no list has
	if made := c.do(http.MethodPut, path, diskBody); made.status != http.StatusCreated || made.text("properties", "provisioningState") != "Succeeded" || made.text("id") != writeTo+"Microsoft.Compute/disks/d" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	first := c.get(path)
	again := c.do(http.MethodPut, strings.Replace(path, "disks/d", "disks/D", 1), strings.Replace(diskBody, "4", "8", 1))
	if again.status != http.StatusOK || again.get("properties", "diskSizeGB") != 8.0 || again.text("name") != "d" || again.text("properties", "uniqueId") != first.text("properties", "uniqueId") {
		t.Errorf("%d %s", again.status, again.body)
	}
	seen := func() int {
		rows := c.graph(map[string]any{"query": "resources | where resourceGroup == 'rg-new' | project id, properties"})
		listed := c.get(writeGroup + "/resources?api-version=2021-04-01")
		if len(rows.list("data")) != len(listed.list("value")) {
			t.Errorf("%s\n%s", rows.body, listed.body)
		}
		return len(listed.list("value"))
	}
	if n := seen(); n != 1 {
		t.Errorf("%d resources are seen", n)
	}
	if gone := c.do(http.MethodDelete, path, ""); gone.status != http.StatusOK {
		t.Errorf("%d %s", gone.status, gone.body)
	}
	if gone := c.do(http.MethodDelete, path, ""); gone.status != http.StatusNoContent {
		t.Errorf("deleted again: %d", gone.status)
	}
	if n := seen(); n != 0 {
		t.Errorf("%d resources are seen", n)
	}
}

func TestWrittenGroup(t *testing.T) {
	clock := newClock()
	c := writer(t, Config{Now: clock.Now, NoARMLimits: true})
	settings := c.server.Settings()
	settings.DeleteTime = Duration(time.Minute)
	if err := c.server.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	group := writeGroup + "?api-version=2021-04-01"
	if moved := c.do(http.MethodPut, group, `{"location":"northeurope"}`); moved.status != http.StatusConflict || moved.text("error", "code") != "InvalidResourceGroupLocation" {
		t.Errorf("%d %s", moved.status, moved.body)
	}
	if tagged := c.do(http.MethodPatch, group, `{"tags":{"x":"y"}}`); tagged.status != http.StatusOK || tagged.text("tags", "x") != "y" || tagged.text("tags", "a") != "" {
		t.Errorf("%d %s", tagged.status, tagged.body)
	}
	c.do(http.MethodPut, writeTo+"Microsoft.Compute/disks/d?api-version=2024-03-02", diskBody)
	gone := c.do(http.MethodDelete, group, "")
	if gone.status != http.StatusAccepted || gone.header.Get("Location") == "" {
		t.Fatalf("%d %s", gone.status, gone.body)
	}
	if poll := c.get(gone.header.Get("Location")); poll.status != http.StatusAccepted || poll.header.Get("Location") == "" {
		t.Errorf("too soon: %d", poll.status)
	}
	clock.advance(time.Minute)
	if poll := c.get(gone.header.Get("Location")); poll.status != http.StatusOK {
		t.Errorf("at its end: %d", poll.status)
	}
	if found := c.get(group); found.text("error", "code") != "ResourceGroupNotFound" {
		t.Errorf("%d %s", found.status, found.body)
	}
}

func TestWritesRefused(t *testing.T) {
	c := writer(t, Config{})
	network := writeTo + "Microsoft.Network/virtualNetworks/v?api-version=2024-05-01"
	if made := c.do(http.MethodPut, network, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"s","properties":{"addressPrefix":"10.0.0.0/24"}}]}}`); made.status != http.StatusCreated {
		t.Fatalf("%d %s", made.status, made.body)
	}
	tests := map[string]struct {
		path, body, code, message string
		status                    int
	}{
		"no version":         {writeTo + "Microsoft.Compute/disks/d", diskBody, "MissingApiVersionParameter", "", 400},
		"future version":     {writeTo + "Microsoft.Compute/disks/d?api-version=2999-01-01", diskBody, "NoRegisteredProviderFound", "The supported api-versions are '", 400},
		"no namespace":       {writeTo + "Microsoft.None/as/d?api-version=2024-03-02", diskBody, "InvalidResourceNamespace", "", 404},
		"no type":            {writeTo + "Microsoft.Compute/nones/d?api-version=2024-03-02", diskBody, "InvalidResourceType", "", 404},
		"no subscription":    {"/subscriptions/99999999-0000-4000-8000-000000000009/resourceGroups/x?api-version=2021-04-01", `{"location":"westeurope"}`, "SubscriptionNotFound", "", 404},
		"no group":           {"/subscriptions/" + production + "/resourceGroups/none/providers/Microsoft.Compute/disks/d?api-version=2024-03-02", diskBody, "ResourceGroupNotFound", "", 404},
		"no parent":          {writeTo + "Microsoft.Sql/servers/none/databases/d?api-version=2021-11-01", `{"location":"westeurope"}`, "ParentResourceNotFound", "Parent resource 'none' not found", 404},
		"no target":          {writeTo + "Microsoft.Compute/disks/none/providers/Microsoft.Authorization/locks/l?api-version=2020-05-01", `{"properties":{"level":"ReadOnly"}}`, "ResourceNotFound", "", 404},
		"no JSON":            {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{`, "InvalidRequestContent", "", 400},
		"unknown member":     {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{"location":"westeurope","colour":"red"}`, "InvalidRequestContent", "Could not find member 'colour'", 400},
		"no location":        {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{"properties":{}}`, "LocationRequired", "", 400},
		"unknown location":   {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{"location":"atlantis"}`, "LocationNotAvailableForResourceType", "'atlantis'", 400},
		"required member":    {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{"location":"westeurope","properties":{}}`, "InvalidRequestContent", "'properties.creationData.createOption'", 400},
		"storage name":       {writeTo + "Microsoft.Storage/storageAccounts/Not-Valid?api-version=2023-05-01", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}}`, "AccountNameInvalid", "Not-Valid is not a valid storage account name", 400},
		"vault name":         {writeTo + "Microsoft.KeyVault/vaults/1vault?api-version=2023-07-01", `{"location":"westeurope","properties":{"tenantId":"x","sku":{"name":"standard"}}}`, "VaultNameNotValid", "", 400},
		"assignment name":    {writeGroup + "/providers/Microsoft.Authorization/roleAssignments/reader?api-version=2022-04-01", `{"properties":{"roleDefinitionId":"r","principalId":"p"}}`, "InvalidRoleAssignmentId", "", 400},
		"tag":                {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{"location":"westeurope","tags":{"a<b":"c"}}`, "InvalidTagNameCharacters", "", 400},
		"tag of a number":    {writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02", `{"location":"westeurope","tags":{"a":1}}`, "InvalidRequestContent", "must be a string", 400},
		"moved":              {network, `{"location":"northeurope","properties":{"addressSpace":{}}}`, "InvalidResourceLocation", "already exists in location 'westeurope' in resource group 'rg-new'", 409},
		"missing reference":  {writeTo + "Microsoft.Network/networkInterfaces/n?api-version=2024-05-01", `{"location":"westeurope","properties":{"ipConfigurations":[{"name":"i","properties":{"subnet":{"id":"` + writeTo + `Microsoft.Network/virtualNetworks/v/subnets/none"}}}]}}`, "InvalidResourceReference", "/subnets/none referenced by resource", 400},
		"identity of no one": {writeTo + "Microsoft.Compute/virtualMachines/m?api-version=2024-07-01", `{"location":"westeurope","identity":{"type":"UserAssigned","userAssignedIdentities":{"` + writeTo + `Microsoft.ManagedIdentity/userAssignedIdentities/none":{}}}}`, "FailedIdentityOperation", "", 400},
		"identity of a kind": {writeTo + "Microsoft.Compute/virtualMachines/m?api-version=2024-07-01", `{"location":"westeurope","identity":{"type":"Someone"}}`, "InvalidIdentityType", "", 400},
		"group name":         {"/subscriptions/" + production + "/resourceGroups/rg.?api-version=2021-04-01", `{"location":"westeurope"}`, "InvalidResourceGroup", "", 400},
		"group location":     {"/subscriptions/" + production + "/resourceGroups/rg-x?api-version=2021-04-01", `{}`, "LocationRequired", "", 400},
		"server login":       {writeTo + "Microsoft.Sql/servers/srv?api-version=2021-11-01", `{"location":"westeurope","properties":{"administratorLogin":"me"}}`, "InvalidParameterValue", "administratorLoginPassword", 400},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refused := c.do(http.MethodPut, test.path, test.body)
			if refused.status != test.status || refused.text("error", "code") != test.code || !strings.Contains(refused.text("error", "message"), test.message) {
				t.Errorf("%d %s", refused.status, refused.body)
			}
		})
	}
}

// TestStrictVersions takes only listed versions.
func TestStrictVersions(t *testing.T) {
	c := writer(t, Config{StrictVersions: true})
	if refused := c.do(http.MethodPut, writeTo+"Microsoft.Compute/disks/d?api-version=2026-03-02", diskBody); refused.text("error", "code") != "NoRegisteredProviderFound" {
		t.Errorf("%d %s", refused.status, refused.body)
	}
}

// TestSecretsAreNotAnswered writes secrets of several types, of which none may ever come back.
func TestSecretsAreNotAnswered(t *testing.T) {
	c := writer(t, Config{Quota: -1})
	vault := `{"location":"westeurope","properties":{"tenantId":"` + tenant.ContosoID + `","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`
	writes := []struct{ path, body string }{
		{"Microsoft.KeyVault/vaults/kv-new?api-version=2023-07-01", vault},
		{"Microsoft.KeyVault/vaults/kv-new/secrets/s?api-version=2023-07-01", `{"properties":{"value":"HIDDEN"}}`},
		{"Microsoft.Compute/virtualMachines/m?api-version=2024-07-01", `{"location":"westeurope","properties":{"osProfile":{"adminPassword":"HIDDEN","customData":"HIDDEN","adminUsername":"me"}}}`},
		{"Microsoft.Compute/virtualMachines/m/extensions/e?api-version=2024-07-01", `{"location":"westeurope","properties":{"publisher":"p","type":"t","typeHandlerVersion":"1.0","protectedSettings":{"key":"HIDDEN"}}}`},
		{"Microsoft.Sql/servers/srv?api-version=2021-11-01", `{"location":"westeurope","properties":{"administratorLogin":"me","administratorLoginPassword":"HIDDEN"}}`},
		{"Microsoft.Network/connections/x?api-version=2024-05-01", `{"location":"westeurope","properties":{"connectionType":"IPsec","sharedKey":"HIDDEN"}}`},
		{"Microsoft.App/containerApps/a?api-version=2024-03-01", `{"location":"westeurope","properties":{"configuration":{"secrets":[{"name":"n","value":"HIDDEN"}]}}}`},
	}
	for _, w := range writes {
		made := c.do(http.MethodPut, writeTo+w.path, w.body)
		if made.status != http.StatusCreated || strings.Contains(string(made.body), "HIDDEN") {
			t.Errorf("%d %s", made.status, made.body)
		}
		if read := c.get(writeTo + w.path); read.status != http.StatusOK || strings.Contains(string(read.body), "HIDDEN") {
			t.Errorf("%d %s", read.status, read.body)
		}
	}
	if rows := c.graph(map[string]any{"query": "resources | where resourceGroup == 'rg-new'"}); len(rows.list("data")) < 5 || strings.Contains(string(rows.body), "HIDDEN") {
		t.Errorf("%s", rows.body)
	}
}

// TestLocks deletes and writes under locks.
func TestLocks(t *testing.T) {
	c := writer(t, Config{})
	disk := writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02"
	c.do(http.MethodPut, disk, diskBody)
	lock := func(scope, level string) string {
		t.Helper()
		path := scope + "/providers/Microsoft.Authorization/locks/l?api-version=2020-05-01"
		if made := c.do(http.MethodPut, path, `{"properties":{"level":"`+level+`"}}`); made.status != http.StatusCreated {
			t.Fatalf("%d %s", made.status, made.body)
		}
		return path
	}
	expect := func(what string, got *answer, code string) {
		t.Helper()
		if code == "" && got.status >= 300 || code != "" && (got.status != http.StatusConflict || got.text("error", "code") != code) {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	held := lock(writeTo+"Microsoft.Compute/disks/d", "CanNotDelete")
	expect("write under CanNotDelete", c.do(http.MethodPut, disk, diskBody), "")
	expect("delete under CanNotDelete", c.do(http.MethodDelete, disk, ""), "ScopeLocked")
	expect("delete of the group around", c.do(http.MethodDelete, writeGroup+"?api-version=2021-04-01", ""), "ScopeLocked")
	expect("delete of the lock", c.do(http.MethodDelete, held, ""), "")
	expect("delete without it", c.do(http.MethodDelete, disk, ""), "")
	held = lock(writeGroup, "ReadOnly")
	expect("write under ReadOnly", c.do(http.MethodPut, disk, diskBody), "ScopeLocked")
	c.do(http.MethodDelete, held, "")
	expect("write without it", c.do(http.MethodPut, disk, diskBody), "")
}

// TestRoleAssignments are there once for a principal, a role and a scope.
func TestRoleAssignments(t *testing.T) {
	c := writer(t, Config{})
	path := func(name string) string {
		return writeGroup + "/providers/Microsoft.Authorization/roleAssignments/" + name + "?api-version=2022-04-01"
	}
	body := func(principal string) string {
		return `{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"` + principal + `"}}`
	}
	one, two := "aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b"
	if made := c.do(http.MethodPut, path(one), body(userObject)); made.status != http.StatusCreated || made.text("properties", "scope") != writeGroup || made.text("properties", "principalType") != "User" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if again := c.do(http.MethodPut, path(one), body(userObject)); again.status != http.StatusOK {
		t.Errorf("%d %s", again.status, again.body)
	}
	if twice := c.do(http.MethodPut, path(two), body(userObject)); twice.status != http.StatusConflict || twice.text("error", "code") != "RoleAssignmentExists" {
		t.Errorf("%d %s", twice.status, twice.body)
	}
	if changed := c.do(http.MethodPut, path(one), body(servicePrincipalObject)); changed.text("error", "code") != "RoleAssignmentUpdateNotPermitted" {
		t.Errorf("%d %s", changed.status, changed.body)
	}
	c.do(http.MethodDelete, path(one), "")
	if made := c.do(http.MethodPut, path(two), body(userObject)); made.status != http.StatusCreated {
		t.Errorf("%d %s", made.status, made.body)
	}
}

// TestEmbedded writes children that stand within their parent.
func TestEmbedded(t *testing.T) {
	c := writer(t, Config{})
	network := writeTo + "Microsoft.Network/virtualNetworks/v"
	version := "?api-version=2024-05-01"
	c.do(http.MethodPut, network+version, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"}}]}}`)
	if made := c.do(http.MethodPut, network+"/subnets/b"+version, `{"properties":{"addressPrefix":"10.0.1.0/24"}}`); made.status != http.StatusCreated || made.text("properties", "addressPrefix") != "10.0.1.0/24" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if n := len(c.get(network+version).list("properties", "subnets")); n != 2 {
		t.Errorf("the network has %d subnets", n)
	}
	// written without subnets, it keeps them; written with some, it has those
	c.do(http.MethodPut, network+version, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/8"]}}}`)
	if n := len(c.get(network+version).list("properties", "subnets")); n != 2 {
		t.Errorf("the network has %d subnets", n)
	}
	if gone := c.do(http.MethodDelete, network+"/subnets/a"+version, ""); gone.status != http.StatusOK {
		t.Errorf("%d %s", gone.status, gone.body)
	}
	if found := c.get(network + "/subnets/a" + version); found.status != http.StatusNotFound {
		t.Errorf("%d %s", found.status, found.body)
	}
	c.do(http.MethodPut, network+version, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/8"]},"subnets":[]}}`)
	if n := len(c.get(network+version).list("properties", "subnets")); n != 0 {
		t.Errorf("the network has %d subnets", n)
	}
}

// TestWriteBuckets has the buckets of writes and of deletes, which reads do not empty.
func TestWriteBuckets(t *testing.T) {
	clock := newClock()
	c := writer(t, Config{Now: clock.Now, WriteBucket: 3, WriteRate: 1})
	disk := writeTo + "Microsoft.Compute/disks/d?api-version=2024-03-02"
	first := c.do(http.MethodPut, disk, diskBody)
	if left := first.header.Get("x-ms-ratelimit-remaining-subscription-writes"); left != "1" || first.header.Get("x-ms-ratelimit-remaining-subscription-global-writes") == "" {
		t.Errorf("%q writes are left", left)
	}
	c.do(http.MethodPut, disk, diskBody)
	refused := c.do(http.MethodPut, disk, diskBody)
	if refused.status != http.StatusTooManyRequests || refused.header.Get("Retry-After") != "1" || !strings.Contains(refused.text("error", "message"), "Number of 'write' requests") {
		t.Errorf("%d %s", refused.status, refused.body)
	}
	if gone := c.do(http.MethodDelete, disk, ""); gone.status != http.StatusOK || gone.header.Get("x-ms-ratelimit-remaining-subscription-deletes") != "2" {
		t.Errorf("%d, %q deletes are left", gone.status, gone.header.Get("x-ms-ratelimit-remaining-subscription-deletes"))
	}
	clock.advance(time.Second)
	if again := c.do(http.MethodPut, disk, diskBody); again.status != http.StatusCreated {
		t.Errorf("%d %s", again.status, again.body)
	}
}
