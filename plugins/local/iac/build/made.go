package build

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
)

// made says why a resource is not generated although it could be: Azure makes it together with another, or the service makes it
// by itself. always is whether it must not be generated at all; else it is kept where defaults are wanted. The rules are Azure's behaviour as its
// documentation of each service describes it; docs/generate-iac.md lists them.
func made(h *graph.Head, above *node) (reason report.Reason, always bool) {
	name := strings.ToLower(h.Name)
	if above != nil && above.state == trimmed { // what hangs below something that is not generated
		switch above.reason {
		case report.ManagedGroup, report.MadeByOther, report.Instance, report.BuiltIn, report.CannotCreate, report.DeploymentRecord:
			if h.Type != "microsoft.authorization/roleassignments" && above.reason != report.CannotCreate || above.reason == report.ManagedGroup {
				return above.reason, true
			}
		}
	} // what hangs below a service's default, such as the flow logs of a network watcher, somebody made
	switch h.Type {
	case groupRowType:
		switch {
		case h.Fact != "":
			return report.ManagedGroup, true
		case name == "networkwatcherrg":
			return report.ServiceDefault, false
		}
	case "microsoft.network/networkinterfaces": // of a private endpoint or private link service
		if h.Fact != "" {
			return report.MadeByOther, true
		}
	case "microsoft.compute/disks": // an operating system's disk comes with its machine
		if strings.EqualFold(h.Fact, "FromImage") && h.ManagedBy != "" {
			return report.MadeByOther, true
		}
	case "microsoft.authorization/roledefinitions":
		if strings.EqualFold(h.Fact, "BuiltInRole") {
			return report.BuiltIn, true
		}
	case "microsoft.authorization/policydefinitions", "microsoft.authorization/policysetdefinitions":
		if strings.EqualFold(h.Fact, "BuiltIn") || strings.EqualFold(h.Fact, "Static") {
			return report.BuiltIn, true
		}
	case "microsoft.compute/virtualmachinescalesets/virtualmachines", "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces":
		return report.Instance, true
	case "microsoft.sql/servers/databases", "microsoft.sql/managedinstances/databases":
		if name == "master" {
			return report.MadeByOther, true
		}
	case "microsoft.network/dnszones/soa", "microsoft.network/privatednszones/soa":
		return report.ServiceDefault, true
	case "microsoft.network/dnszones/ns":
		if name == "@" {
			return report.ServiceDefault, true
		}
	case "microsoft.network/networkwatchers":
		if strings.HasPrefix(name, "networkwatcher_") {
			return report.ServiceDefault, false
		}
	case "microsoft.web/sites/hostnamebindings", "microsoft.web/sites/slots/hostnamebindings":
		if strings.Contains(name, ".azurewebsites.") || strings.Contains(name, ".chinacloudsites.") {
			return report.ServiceDefault, true
		}
	case "microsoft.eventhub/namespaces/eventhubs/consumergroups", "microsoft.servicebus/namespaces/topics/subscriptions/rules":
		if name == "$default" {
			return report.ServiceDefault, false
		}
	case "microsoft.eventhub/namespaces/authorizationrules", "microsoft.servicebus/namespaces/authorizationrules", "microsoft.relay/namespaces/authorizationrules", "microsoft.notificationhubs/namespaces/authorizationrules":
		if name == "rootmanagesharedaccesskey" {
			return report.ServiceDefault, false
		}
	case "microsoft.alertsmanagement/smartdetectoralertrules":
		if strings.HasPrefix(name, "failure anomalies - ") {
			return report.ServiceDefault, false
		}
	case "microsoft.insights/actiongroups":
		if name == "application insights smart detection" {
			return report.ServiceDefault, false
		}
	case "microsoft.storage/storageaccounts/blobservices/containers":
		if strings.HasPrefix(name, "$") && name != "$web" && name != "$root" {
			return report.ServiceDefault, true
		}
	case "microsoft.documentdb/databaseaccounts/sqlroledefinitions":
		if strings.HasPrefix(name, "00000000-0000-0000-0000-0000000000") {
			return report.BuiltIn, true
		}
	case "microsoft.resources/deployments", "microsoft.resources/deploymentstacks":
		return report.DeploymentRecord, true
	}
	return report.None, false
}
