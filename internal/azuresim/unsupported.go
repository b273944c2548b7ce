package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// storageServices are the services of a storage account with what messages call them, and the kinds
// of account that have them.
// https://learn.microsoft.com/azure/storage/common/storage-account-overview
var storageServices = map[string]struct {
	name  string
	kinds []string
}{
	"blobservices":  {"Blob", []string{"storage", "storagev2", "blobstorage", "blockblobstorage"}},
	"fileservices":  {"File", []string{"storage", "storagev2", "filestorage"}},
	"queueservices": {"Queue", []string{"storage", "storagev2"}},
	"tableservices": {"Table", []string{"storage", "storagev2"}},
}

// withoutDiagnostics are types that have no diagnostic settings: some, not all.
// https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/logs-index and …/metrics-index
var withoutDiagnostics = []string{
	"microsoft.automation/automationaccounts/runbooks", "microsoft.compute/availabilitysets", "microsoft.compute/disks", "microsoft.compute/snapshots",
	"microsoft.compute/sshpublickeys", "microsoft.compute/virtualmachines/extensions", "microsoft.insights/actiongroups",
	"microsoft.insights/activitylogalerts", "microsoft.insights/metricalerts", "microsoft.insights/scheduledqueryrules",
	"microsoft.insights/workbooks", "microsoft.managedidentity/userassignedidentities", "microsoft.network/connections",
	"microsoft.network/firewallpolicies", "microsoft.network/localnetworkgateways", "microsoft.network/networkwatchers",
	"microsoft.network/privatednszones/virtualnetworklinks", "microsoft.network/routetables",
	"microsoft.operationsmanagement/solutions", "microsoft.portal/dashboards", "microsoft.web/connections",
}

// checkSupport refuses what a type or a kind of resource does not have, and extensions of resources
// that do not exist.
func (s *Server) checkSupport(t target) *armError {
	typ := strings.ToLower(t.typ)
	if rest, ok := strings.CutPrefix(typ, "microsoft.storage/storageaccounts/"); ok {
		return s.checkStorage(t, rest)
	}
	scope, name := tenant.TypeOf(t.scope)
	if scope == "" || strings.HasPrefix(t.scope, "/providers/") {
		return nil
	}
	if typ == "microsoft.insights/diagnosticsettings" && slices.Contains(withoutDiagnostics, scope) {
		return newARMError(http.StatusBadRequest, "ResourceTypeNotSupported",
			fmt.Sprintf("The resource type '%s' does not support diagnostic settings.", scope))
	}
	of := target{scope: t.scope[:tenant.LastProviders(t.scope)-len("/providers/")], path: t.scope, typ: scope, name: name, group: t.group}
	if s.exists(of) {
		return nil
	}
	return resourceNotFound(of)
}

func (s *Server) checkStorage(t target, rest string) *armError {
	segment, _, _ := strings.Cut(rest, "/")
	service, ok := storageServices[segment]
	if !ok {
		return nil
	}
	at := strings.LastIndex(t.path, "/"+segment)
	row, ok := s.Tenant().Find(t.path[:at])
	if !ok || slices.Contains(service.kinds, strings.ToLower(row.Text("kind"))) {
		return nil // the parent's absence is told elsewhere
	}
	return newARMError(http.StatusBadRequest, "FeatureNotSupportedForAccount",
		fmt.Sprintf("%s is not supported for the account.", service.name))
}
