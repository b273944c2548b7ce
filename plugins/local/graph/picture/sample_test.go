package picture

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// sample makes a tenant of about so many resources, the same for the same numbers: groups of a hundred resources with what such groups
// have, lines between them, and identities.
func sample(resources, subscriptions int) *Graph {
	random := rand.New(rand.NewPCG(7, uint64(resources)))
	g := &Graph{Head: Head{TenantID: "c0175050-0000-4000-8000-0000000000c0", TenantName: "Contoso", Snapshot: "20260102-030405006-abcdef", Scanned: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	add := func(n Node) int32 {
		g.Nodes = append(g.Nodes, n)
		return int32(len(g.Nodes) - 1)
	}
	link := func(from, to int32, kind, detail string) {
		g.Edges = append(g.Edges, Edge{Source: from, Target: to, Kind: kind, Detail: detail})
	}
	root := add(Node{Kind: KindManagementGroup, ID: "/providers/Microsoft.Management/managementGroups/root", Name: "Tenant Root Group", Type: "microsoft.management/managementgroups", Parent: -1})
	var above []int32
	for _, name := range []string{"Platform", "Landing zones", "Sandboxes"} {
		above = append(above, add(Node{Kind: KindManagementGroup, ID: "/providers/Microsoft.Management/managementGroups/" + name, Name: name, Type: "microsoft.management/managementgroups", Parent: root}))
		link(root, above[len(above)-1], contains, "")
	}
	var people []int32
	for i := range 10 + resources/50 {
		typ := []string{"user", "group", "service_principal", "managed_identity", "application"}[i%5]
		people = append(people, add(Node{Kind: KindIdentity, ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Name: fmt.Sprintf("%s-%03d", typ, i), Type: typ, Parent: -1}))
	}
	types := []string{
		"microsoft.network/virtualnetworks", "microsoft.compute/virtualmachines", "microsoft.network/networkinterfaces", "microsoft.compute/disks", "microsoft.network/networksecuritygroups",
		"microsoft.storage/storageaccounts", "microsoft.keyvault/vaults", "microsoft.web/sites", "microsoft.web/serverfarms", "microsoft.sql/servers", "microsoft.sql/servers/databases",
		"microsoft.insights/components", "microsoft.operationalinsights/workspaces", "microsoft.servicebus/namespaces", "microsoft.managedidentity/userassignedidentities",
		"microsoft.network/privateendpoints", "microsoft.network/publicipaddresses", "microsoft.compute/virtualmachines/extensions", "microsoft.containerservice/managedclusters", "microsoft.contoso/widgets",
	}
	places := []string{"westeurope", "northeurope", "eastus"}
	var groups [][]int32
	for s := range subscriptions {
		sub := fmt.Sprintf("c0175050-0000-4000-8000-%012d", s)
		at := add(Node{Kind: KindSubscription, ID: "/subscriptions/" + sub, Name: fmt.Sprintf("contoso-%02d", s), Type: "microsoft.resources/subscriptions", Subscription: sub, Parent: above[s%3]})
		link(people[s%len(people)], at, "HAS_ROLE", "Owner")
		for left, number := resources/subscriptions, 0; left > 0; number++ {
			size := min(left, 8+random.IntN(120))
			left -= size
			name := fmt.Sprintf("rg-%s-%02d", []string{"web", "data", "network", "batch", "shop"}[random.IntN(5)], number)
			id := "/subscriptions/" + sub + "/resourceGroups/" + name
			rg := add(Node{Kind: KindResourceGroup, ID: id, Name: name, Type: "microsoft.resources/subscriptions/resourcegroups", Location: places[number%3], ResourceGroup: name, Subscription: sub, Parent: -1})
			link(at, rg, "CONTAINS", "")
			link(people[random.IntN(len(people))], rg, "HAS_ROLE", []string{"Reader", "Contributor"}[number%2])
			var members []int32
			for i := range size {
				typ := types[int(float64(len(types))*random.Float64()*random.Float64())]
				n := add(Node{Kind: KindResource, ID: fmt.Sprintf("%s/providers/%s/r%d", id, typ, i), Name: fmt.Sprintf("%s-%03d", lookOf(typ).letters, i), Type: typ,
					Location: places[number%3], ResourceGroup: name, Subscription: sub, Parent: -1, Tags: []Tag{{"env", []string{"prod", "test"}[number%2]}, {"owner", fmt.Sprintf("team-%d", number%9)}}})
				link(rg, n, "CONTAINS", "")
				if i > 0 && i%3 != 0 {
					link(n, members[random.IntN(i)], []string{"CONNECTED_TO", "USES", "SENDS_LOGS_TO"}[i%3], fmt.Sprintf("properties.ref%d", i%4))
				}
				members = append(members, n)
			}
			if len(groups) > 0 {
				other := groups[random.IntN(len(groups))]
				link(members[0], other[0], "PEERED_WITH", "")
			}
			groups = append(groups, members)
		}
	}
	gone := add(Node{Kind: KindResource, ID: "/subscriptions/0000/resourceGroups/gone/providers/microsoft.storage/storageaccounts/gone", Name: "gone", Type: "microsoft.storage/storageaccounts", ResourceGroup: "gone", Subscription: "0000", Parent: -1, Missing: true})
	if len(groups) > 0 {
		link(groups[0][0], gone, "USES", "properties.storage")
	}
	return g
}

// sampleDetails are details for a sample.
func sampleDetails(g *Graph) Details {
	return func(yield func(Detail) error) error {
		for i := range g.Nodes {
			if err := yield(Detail{Node: int32(i), Fields: [][2]string{{"sku", "Standard_LRS"}, {"provisioned", fmt.Sprint(i)}, {"adminPassword", "(secret)"}}}); err != nil {
				return err
			}
		}
		return nil
	}
}
