package build

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
)

// TestMade: what Azure makes by itself is left out, always or unless defaults are wanted.
func TestMade(t *testing.T) {
	t.Parallel()
	const always, byDefault = true, false
	nic := in("web", "Microsoft.Network/networkInterfaces/n")
	scaleSet := in("web", "Microsoft.Compute/virtualMachineScaleSets/s")
	watcher := in("NetworkWatcherRG", "Microsoft.Network/networkWatchers/NetworkWatcher_westeurope")
	managed := group(groupID("mc"), `"managedBy":"`+in("web", "Microsoft.ContainerService/managedClusters/aks")+`"`)
	disk := func(body string) graph.Row {
		return resource(in("web", "Microsoft.Compute/disks/d"), `"location":"westeurope",`+body)
	}
	cases := map[string]struct {
		above  []graph.Row
		row    graph.Row
		reason report.Reason
		always bool
	}{
		"a managed group":                        {row: managed, reason: report.ManagedGroup, always: always},
		"in a managed group":                     {above: []graph.Row{managed}, row: account(storage("mc", "x")), reason: report.ManagedGroup, always: always},
		"a role assignment in a managed group":   {above: []graph.Row{managed}, row: resource(groupID("mc")+"/providers/Microsoft.Authorization/roleAssignments/"+guid(1), `"properties":{}`), reason: report.ManagedGroup, always: always},
		"deep in a managed group":                {above: []graph.Row{managed, account(storage("mc", "x"))}, row: resource(storage("mc", "x")+"/blobServices/default/containers/c", `"properties":{}`), reason: report.ManagedGroup, always: always},
		"the group of network watchers":          {row: group(groupID("NetworkWatcherRG"), ``), reason: report.ServiceDefault, always: byDefault},
		"a network watcher":                      {row: resource(watcher, `"location":"westeurope","properties":{}`), reason: report.ServiceDefault, always: byDefault},
		"a network watcher that somebody made":   {row: resource(in("web", "Microsoft.Network/networkWatchers/mine"), `"location":"westeurope","properties":{}`)},
		"a flow log below a network watcher":     {above: []graph.Row{group(groupID("NetworkWatcherRG"), ``), resource(watcher, `"location":"westeurope","properties":{}`)}, row: resource(watcher+"/flowLogs/f", `"location":"westeurope","properties":{"enabled":true}`)},
		"an interface of a private endpoint":     {row: resource(nic, `"properties":{"privateEndpoint":{"id":"/x"}}`), reason: report.MadeByOther, always: always},
		"an interface of a private link service": {row: resource(nic, `"properties":{"privateLinkService":{"id":"/x"}}`), reason: report.MadeByOther, always: always},
		"an interface of nobody":                 {row: resource(nic, `"properties":{"ipConfigurations":[{"name":"x"}]}`)},
		"a lock on such an interface":            {above: []graph.Row{resource(nic, `"properties":{"privateEndpoint":{"id":"/x"}}`)}, row: resource(nic+"/providers/Microsoft.Authorization/locks/l", `"properties":{"level":"ReadOnly"}`), reason: report.MadeByOther, always: always},
		"a role on such an interface":            {above: []graph.Row{resource(nic, `"properties":{"privateEndpoint":{"id":"/x"}}`)}, row: resource(nic+"/providers/Microsoft.Authorization/roleAssignments/"+guid(1), `"properties":{"principalId":"`+guid(2)+`"}`)},
		"a machine's own disk":                   {row: disk(`"managedBy":"/m","properties":{"creationData":{"createOption":"FromImage"}}`), reason: report.MadeByOther, always: always},
		"a data disk":                            {row: disk(`"managedBy":"/m","properties":{"creationData":{"createOption":"Empty"}}`)},
		"a disk of an image, without a machine":  {row: disk(`"properties":{"creationData":{"createOption":"FromImage"}}`)},
		"a built-in role":                        {row: resource("/providers/Microsoft.Authorization/roleDefinitions/"+guid(1), `"properties":{"type":"BuiltInRole"}`), reason: report.BuiltIn, always: always},
		"a custom role":                          {row: resource("/providers/Microsoft.Authorization/roleDefinitions/"+guid(1), `"properties":{"type":"CustomRole"}`)},
		"a built-in policy":                      {row: resource("/providers/Microsoft.Authorization/policyDefinitions/p", `"properties":{"policyType":"BuiltIn"}`), reason: report.BuiltIn, always: always},
		"a static set of policies":               {row: resource("/providers/Microsoft.Authorization/policySetDefinitions/p", `"properties":{"policyType":"Static"}`), reason: report.BuiltIn, always: always},
		"a policy of one's own":                  {row: resource(inSub1+"/providers/Microsoft.Authorization/policyDefinitions/p", `"properties":{"policyType":"Custom"}`)},
		"an instance of a scale set":             {row: resource(scaleSet+"/virtualMachines/0", `"properties":{}`), reason: report.Instance, always: always},
		"the database master":                    {row: resource(in("web", "Microsoft.Sql/servers/s/databases/master"), `"location":"westeurope","properties":{}`), reason: report.MadeByOther, always: always},
		"another database":                       {row: resource(in("web", "Microsoft.Sql/servers/s/databases/shop"), `"location":"westeurope","properties":{}`)},
		"a zone's start of authority":            {row: resource(in("web", "Microsoft.Network/dnsZones/x.y/SOA/@"), `"properties":{}`), reason: report.ServiceDefault, always: always},
		"a zone's own name servers":              {row: resource(in("web", "Microsoft.Network/dnsZones/x.y/NS/@"), `"properties":{}`), reason: report.ServiceDefault, always: always},
		"a delegation":                           {row: resource(in("web", "Microsoft.Network/dnsZones/x.y/NS/sub"), `"properties":{"TTL":60}`)},
		"an application's own host name":         {row: resource(in("web", "Microsoft.Web/sites/s/hostNameBindings/s.azurewebsites.net"), `"properties":{}`), reason: report.ServiceDefault, always: always},
		"a host name of one's own":               {row: resource(in("web", "Microsoft.Web/sites/s/hostNameBindings/www.x.y"), `"properties":{"siteName":"s"}`)},
		"the default group of consumers":         {row: resource(in("web", "Microsoft.EventHub/namespaces/n/eventhubs/e/consumergroups/$Default"), `"properties":{}`), reason: report.ServiceDefault, always: byDefault},
		"the rule of a namespace":                {row: resource(in("web", "Microsoft.ServiceBus/namespaces/n/AuthorizationRules/RootManageSharedAccessKey"), `"properties":{"rights":["Manage"]}`), reason: report.ServiceDefault, always: byDefault},
		"an alert of Application Insights":       {row: resource(in("web", "Microsoft.AlertsManagement/smartDetectorAlertRules/Failure Anomalies - x"), `"apiVersion":"2021-04-01","location":"global","properties":{}`), reason: report.ServiceDefault, always: byDefault},
		"its group of actions":                   {row: resource(in("web", "Microsoft.Insights/actionGroups/Application Insights Smart Detection"), `"location":"global","properties":{}`), reason: report.ServiceDefault, always: byDefault},
		"a container of logs":                    {row: resource(storage("web", "s")+"/blobServices/default/containers/$logs", `"properties":{}`), reason: report.ServiceDefault, always: always},
		"a website's container":                  {row: resource(storage("web", "s")+"/blobServices/default/containers/$web", `"properties":{"publicAccess":"None"}`)},
		"a role built into Cosmos DB":            {row: resource(in("web", "Microsoft.DocumentDB/databaseAccounts/d/sqlRoleDefinitions/00000000-0000-0000-0000-000000000001"), `"properties":{}`), reason: report.BuiltIn, always: always},
		"a deployment":                           {row: resource(in("web", "Microsoft.Resources/deployments/d"), `"properties":{}`), reason: report.DeploymentRecord, always: always},
		"a type that nobody can make":            {row: resource(in("web", "Microsoft.Advisor/recommendations/r"), `"properties":{"category":"Cost"}`), reason: report.CannotCreate, always: always},
		"a subscription":                         {row: subscription(inSub1), reason: report.Container, always: always},
		"a management group":                     {row: resource("/providers/Microsoft.Management/managementGroups/mg", `"properties":{}`), reason: report.Container, always: always},
		"a part that only says defaults":         {row: resource(storage("web", "s")+"/blobServices/default", `"sku":{"name":"Standard_LRS"},"properties":{"provisioningState":"Succeeded"}`), reason: report.DefaultsOnly, always: byDefault},
		"a part that says something":             {row: resource(storage("web", "s")+"/blobServices/default", `"properties":{"isVersioningEnabled":true}`)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := open(t, append(c.above, c.row)...)
			if got := build(t, r, Options{}).rest[c.row.ID].Reason; got != c.reason {
				t.Errorf("it is left out for %q, want %q", got, c.reason)
			}
			if got := build(t, r, Options{IncludeDefaults: true}).rest[c.row.ID].Reason; (got != report.None) != c.always {
				t.Errorf("with defaults it is left out for %q", got)
			}
		})
	}
}

// TestDefaultsStayBelowWhatSaysSomething: a part that only says defaults is there if something hangs below it.
func TestDefaultsStayBelowWhatSaysSomething(t *testing.T) {
	shop := storage("web", "shop")
	b := buildRows(t, account(shop), resource(shop+"/blobServices/default", `"properties":{}`), resource(shop+"/queueServices/default", `"properties":{}`), resource(shop+"/blobServices/default/containers/c", `"properties":{}`))
	if got := b.rest[shop+"/blobServices/default"].Reason; got != report.None {
		t.Errorf("the blob service is left out for %q", got)
	}
	if got := b.rest[shop+"/queueServices/default"].Reason; got != report.DefaultsOnly {
		t.Errorf("the queue service is left out for %q", got)
	}
}
