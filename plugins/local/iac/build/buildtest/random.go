package buildtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// shapes are types of resources of a group that random snapshots have, with the properties that may lead to others: %s is an id.
var shapes = []struct{ path, properties string }{
	{"Microsoft.Storage/storageAccounts/%s", `{"accessTier":"Hot","linked":"%s","primaryEndpoints":{"blob":"x"}}`},
	{"Microsoft.Network/virtualNetworks/%s", `{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","id":"%s","properties":{"addressPrefix":"10.0.0.0/24","routeTable":{"id":"%s"}}}]}`},
	{"Microsoft.Network/networkInterfaces/%s", `{"ipConfigurations":[{"name":"c","properties":{"subnet":{"id":"%s/subnets/a"},"publicIPAddress":{"id":"%s"}}}]}`},
	{"Microsoft.Compute/virtualMachines/%s", `{"osProfile":{"adminUsername":"u"},"networkProfile":{"networkInterfaces":[{"id":"%s"}]},"availabilitySet":{"id":"%s"}}`},
	{"Microsoft.Web/sites/%s", `{"serverFarmId":"%s","siteConfig":{"appSettings":[{"name":"DB_PASSWORD","value":"hunter2hunter2"},{"name":"TO","value":"see %s now"}]}}`},
	{"Contoso.Own/things/%s", `{"to":["%s",{"and":"%s"}],"password":"x1","empty":[],"nothing":null}`},
	{"Microsoft.ManagedIdentity/userAssignedIdentities/%s", `{}`},
}

// children are what random snapshots have below some of their resources.
var children = []string{
	"Microsoft.Storage/storageAccounts/blobServices/default", "Microsoft.Network/virtualNetworks/subnets/a", "Microsoft.Network/virtualNetworks/subnets/elsewhere",
	"Microsoft.Network/virtualNetworks/virtualNetworkPeerings/p", "Microsoft.Web/sites/config/web", "Contoso.Own/things/parts/x",
}

// Random are the rows of a snapshot made at random: the same seed gives the same ones. It has all that makes order hard: references
// in every direction, across groups, subscriptions and levels, to what is there, to what is not and to what is outside of groups.
func Random(seed uint64) []graph.Row {
	r := rand.New(rand.NewPCG(seed, 7))
	var ids, scopes []string
	var rows []graph.Row
	for _, sub := range []string{"/subscriptions/" + Sub1, "/subscriptions/" + Sub2} {
		rows = append(rows, Subscription(sub))
		scopes = append(scopes, sub)
		for range 1 + r.IntN(4) {
			id := sub + "/resourceGroups/" + pick(r, "web", "db", "Hub", "web-scope", "production", "x_y", "1", "Übung")
			scopes = append(scopes, id)
			if r.IntN(5) > 0 && !slices.ContainsFunc(rows, func(row graph.Row) bool { return row.ID == id }) { // else the group is not in the snapshot
				rows = append(rows, Group(id, `"tags":{"to":"`+id+`"}`))
			}
		}
	}
	scopes = append(scopes, "/providers/Microsoft.Management/managementGroups/mg")
	for range 1 + r.IntN(40) {
		s := shapes[r.IntN(len(shapes))]
		scope := scopes[r.IntN(len(scopes))]
		if !strings.Contains(scope, "/resourceGroups/") {
			continue
		}
		ids = append(ids, scope+"/providers/"+fmt.Sprintf(s.path, pick(r, "a", "A_", "b", "shop", "vm-1", "vm_1", "é", "with space", "9", "${x}", "[x]", "it's", "%{y}")+fmt.Sprint(r.IntN(3))))
	}
	for _, id := range ids {
		for _, c := range children {
			if strings.HasPrefix(c, TypeOf(id)+"/") && r.IntN(2) == 0 {
				ids = append(ids, id+c[len(TypeOf(id)):])
			}
		}
	}
	for range r.IntN(12) { // extensions of anything
		to := pick(r, append(ids, scopes...)...)
		ids = append(ids, to+"/providers/"+pick(r, "Microsoft.Authorization/locks/keep", "Microsoft.Insights/diagnosticSettings/all", "Microsoft.Authorization/roleAssignments/"+GUID(r.IntN(9))))
	}
	known := append([]string{inGroup("gone", "Microsoft.Network/routeTables/missing"), inGroup("web", "Microsoft.Network/publicIPAddresses/missing")}, append(ids, scopes...)...)
	to := func() string {
		id := known[r.IntN(len(known))]
		if r.IntN(4) == 0 {
			return strings.ToUpper(id)
		}
		return id
	}
	there := map[string]bool{}
	for _, row := range rows {
		there[strings.ToLower(row.ID)] = true
	}
	for _, id := range ids {
		if !there[strings.ToLower(id)] { // of two rows with one id, the last one would stay
			rows = append(rows, randomRow(r, id, to))
		}
		there[strings.ToLower(id)] = true
	}
	return rows
}

// randomRow is a row that leads to others.
func randomRow(r *rand.Rand, id string, to func() string) graph.Row {
	properties := fmt.Sprintf(`{"scopes":["%s"],"level":"CanNotDelete","workspaceId":"%s","remoteVirtualNetwork":{"id":"%s"},"addressPrefix":"10.0.0.0/24","principalId":"%s"}`, to(), to(), to(), GUID(r.IntN(6)))
	for _, s := range shapes {
		if strings.HasPrefix(s.path, TypeOf(id)+"/") {
			properties = s.properties
			for strings.Contains(properties, "%s") {
				properties = strings.Replace(properties, "%s", to(), 1)
			}
		}
	}
	body := `"location":"` + pick(r, "westeurope", "West US", "global") + `","properties":` + properties
	switch r.IntN(4) {
	case 0:
		body += `,"identity":{"type":"SystemAssigned","principalId":"` + GUID(r.IntN(6)) + `"}`
	case 1:
		body += `,"identity":{"type":"SystemAssigned, UserAssigned","principalId":"` + GUID(r.IntN(6)) + `","userAssignedIdentities":{"` + to() + `":{}}}`
	}
	if r.IntN(3) == 0 {
		body += `,"tags":{"owner":"` + to() + `","token":"t1"}`
	}
	return Resource(id, body)
}

// GUID is one of a number.
func GUID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// inGroup is the id of a resource of a group of the first subscription.
func inGroup(group, path string) string {
	return "/subscriptions/" + Sub1 + "/resourceGroups/" + group + "/providers/" + path
}
