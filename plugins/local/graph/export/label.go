package export

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// rootLabel is what every node is called in Neo4j.
const rootLabel = "AzureNode"

// kindLabels are what nodes are called in Neo4j besides, by kind.
var kindLabels = map[graph.NodeKind][]string{
	graph.NodeTenant: {"Tenant"}, graph.NodeManagementGroup: {"ManagementGroup"}, graph.NodeSubscription: {"Subscription"},
	graph.NodeResourceGroup: {"ResourceGroup"}, graph.NodeResource: {"Resource"}, graph.NodeRoleDefinition: {"RoleDefinition"}, graph.NodeHost: {"Host"},
	graph.NodeIdentity: {"Identity"}, graph.NodeKind(graph.KindUser): {"Identity", "User"}, graph.NodeKind(graph.KindGroup): {"Identity", "Group"},
	graph.NodeKind(graph.KindServicePrincipal): {"Identity", "ServicePrincipal"}, graph.NodeKind(graph.KindManagedIdentity): {"Identity", "ServicePrincipal", "ManagedIdentity"},
	graph.NodeKind(graph.KindApplication): {"Identity", "Application"}, graph.NodeKind(graph.KindDevice): {"Identity", "Device"}, graph.NodeKind(graph.KindOtherIdentity): {"Identity"},
}

// labels are those of a node: AzureNode, those of its kind, and of a resource its type with _ for every . / and -.
func labels(kind graph.NodeKind, typ string) []string {
	all := append([]string{rootLabel}, kindLabels[kind]...)
	if kind == graph.NodeResource && typ != "" {
		all = append(all, identifier(strings.ToLower(typ)))
	}
	return all
}

// longestIdentifier is how many characters of a name stay.
const longestIdentifier = 200

// identifier makes a name that needs no quotes: it comes from Azure, and could hold anything. Letters, digits and _ stay.
func identifier(name string) string {
	made := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if made = made[:min(len(made), longestIdentifier)]; made == "" || made[0] >= '0' && made[0] <= '9' {
		made = "_" + made
	}
	return made
}
