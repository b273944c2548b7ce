package picture

import "strings"

// category is what a type is for, in broad strokes. It decides the colour, and the order within a group.
type category uint8

// The categories, in the order of the legend.
const (
	compute category = iota
	network
	storage
	data
	web
	integration
	identity
	security
	monitoring
	other
)

var categoryNames = [...]string{"Compute", "Network", "Storage", "Data", "Web", "Integration", "Identity", "Security", "Monitoring", "Other"}

// look is how a type is drawn: its category, a few letters, and its size from 1 (what belongs to something else) to 5 (what others are built round).
type look struct {
	category category
	letters  string
	size     uint8
}

// looks are those of types that are often met, in lower case. Of others the namespace decides.
var looks = map[string]look{
	"microsoft.management/managementgroups":                     {other, "MG", 4},
	"microsoft.resources/subscriptions":                         {other, "Sub", 4},
	"microsoft.resources/subscriptions/resourcegroups":          {other, "RG", 3},
	"microsoft.compute/virtualmachines":                         {compute, "VM", 4},
	"microsoft.compute/virtualmachines/extensions":              {compute, "Ext", 1},
	"microsoft.compute/virtualmachinescalesets":                 {compute, "VMSS", 4},
	"microsoft.compute/virtualmachinescalesets/virtualmachines": {compute, "VM", 2},
	"microsoft.compute/disks":                                   {compute, "Disk", 2},
	"microsoft.compute/snapshots":                               {compute, "Snap", 1},
	"microsoft.compute/images":                                  {compute, "Img", 1},
	"microsoft.compute/galleries":                               {compute, "Gal", 2},
	"microsoft.containerservice/managedclusters":                {compute, "AKS", 5},
	"microsoft.containerservice/managedclusters/agentpools":     {compute, "Pool", 2},
	"microsoft.containerregistry/registries":                    {compute, "ACR", 4},
	"microsoft.containerinstance/containergroups":               {compute, "ACI", 3},
	"microsoft.app/containerapps":                               {compute, "App", 3},
	"microsoft.app/managedenvironments":                         {compute, "Env", 4},
	"microsoft.batch/batchaccounts":                             {compute, "Bat", 3},
	"microsoft.network/virtualnetworks":                         {network, "VNet", 5},
	"microsoft.network/virtualnetworks/subnets":                 {network, "Sn", 2},
	"microsoft.network/virtualnetworks/virtualnetworkpeerings":  {network, "Peer", 1},
	"microsoft.network/networkinterfaces":                       {network, "NIC", 2},
	"microsoft.network/networksecuritygroups":                   {network, "NSG", 3},
	"microsoft.network/applicationsecuritygroups":               {network, "ASG", 2},
	"microsoft.network/publicipaddresses":                       {network, "IP", 2},
	"microsoft.network/publicipprefixes":                        {network, "IP/", 2},
	"microsoft.network/routetables":                             {network, "RT", 2},
	"microsoft.network/loadbalancers":                           {network, "LB", 4},
	"microsoft.network/applicationgateways":                     {network, "AGW", 4},
	"microsoft.network/azurefirewalls":                          {network, "FW", 5},
	"microsoft.network/firewallpolicies":                        {network, "FWP", 3},
	"microsoft.network/bastionhosts":                            {network, "Bas", 3},
	"microsoft.network/natgateways":                             {network, "NAT", 3},
	"microsoft.network/virtualnetworkgateways":                  {network, "VPN", 4},
	"microsoft.network/localnetworkgateways":                    {network, "LGW", 2},
	"microsoft.network/connections":                             {network, "Con", 2},
	"microsoft.network/expressroutecircuits":                    {network, "ER", 4},
	"microsoft.network/privateendpoints":                        {network, "PE", 2},
	"microsoft.network/privatelinkservices":                     {network, "PLS", 3},
	"microsoft.network/privatednszones":                         {network, "DNS", 3},
	"microsoft.network/privatednszones/virtualnetworklinks":     {network, "Lnk", 1},
	"microsoft.network/dnszones":                                {network, "DNS", 3},
	"microsoft.network/networkwatchers":                         {monitoring, "NW", 2},
	"microsoft.network/frontdoors":                              {network, "AFD", 4},
	"microsoft.network/trafficmanagerprofiles":                  {network, "TM", 3},
	"microsoft.network/virtualwans":                             {network, "WAN", 5},
	"microsoft.network/virtualhubs":                             {network, "Hub", 5},
	"microsoft.network/networkmanagers":                         {network, "NM", 3},
	"microsoft.network/ddosprotectionplans":                     {security, "DDoS", 3},
	"microsoft.network/frontdoorwebapplicationfirewallpolicies": {security, "WAF", 3},
	"microsoft.storage/storageaccounts":                         {storage, "St", 4},
	"microsoft.netapp/netappaccounts":                           {storage, "ANF", 4},
	"microsoft.recoveryservices/vaults":                         {storage, "RSV", 4},
	"microsoft.dataprotection/backupvaults":                     {storage, "BV", 3},
	"microsoft.sql/servers":                                     {data, "SQL", 4},
	"microsoft.sql/servers/databases":                           {data, "DB", 3},
	"microsoft.sql/managedinstances":                            {data, "SQL", 4},
	"microsoft.documentdb/databaseaccounts":                     {data, "Cos", 4},
	"microsoft.dbforpostgresql/flexibleservers":                 {data, "PG", 4},
	"microsoft.dbformysql/flexibleservers":                      {data, "My", 4},
	"microsoft.cache/redis":                                     {data, "Red", 3},
	"microsoft.synapse/workspaces":                              {data, "Syn", 4},
	"microsoft.databricks/workspaces":                           {data, "DBX", 4},
	"microsoft.datafactory/factories":                           {data, "ADF", 4},
	"microsoft.kusto/clusters":                                  {data, "ADX", 4},
	"microsoft.machinelearningservices/workspaces":              {data, "ML", 4},
	"microsoft.cognitiveservices/accounts":                      {data, "AI", 4},
	"microsoft.search/searchservices":                           {data, "Srch", 3},
	"microsoft.purview/accounts":                                {data, "Pur", 3},
	"microsoft.web/sites":                                       {web, "Web", 4},
	"microsoft.web/sites/slots":                                 {web, "Slot", 2},
	"microsoft.web/serverfarms":                                 {web, "Plan", 3},
	"microsoft.web/staticsites":                                 {web, "SWA", 3},
	"microsoft.cdn/profiles":                                    {web, "CDN", 3},
	"microsoft.signalrservice/signalr":                          {web, "SigR", 3},
	"microsoft.apimanagement/service":                           {integration, "APIM", 4},
	"microsoft.servicebus/namespaces":                           {integration, "SB", 4},
	"microsoft.eventhub/namespaces":                             {integration, "EH", 4},
	"microsoft.eventgrid/topics":                                {integration, "EG", 3},
	"microsoft.logic/workflows":                                 {integration, "LA", 3},
	"microsoft.automation/automationaccounts":                   {integration, "Aut", 3},
	"microsoft.appconfiguration/configurationstores":            {integration, "Cfg", 3},
	"microsoft.managedidentity/userassignedidentities":          {identity, "MI", 3},
	"microsoft.keyvault/vaults":                                 {security, "KV", 4},
	"microsoft.keyvault/managedhsms":                            {security, "HSM", 4},
	"microsoft.authorization/roleassignments":                   {security, "RA", 1},
	"microsoft.authorization/roledefinitions":                   {security, "Role", 1},
	"microsoft.authorization/locks":                             {security, "Lock", 1},
	"microsoft.authorization/policyassignments":                 {security, "Pol", 1},
	"microsoft.authorization/policydefinitions":                 {security, "Pol", 1},
	"microsoft.authorization/policysetdefinitions":              {security, "Pol", 2},
	"microsoft.insights/components":                             {monitoring, "AppI", 3},
	"microsoft.insights/actiongroups":                           {monitoring, "AG", 2},
	"microsoft.insights/diagnosticsettings":                     {monitoring, "Diag", 1},
	"microsoft.operationalinsights/workspaces":                  {monitoring, "Log", 4},
	"tenant":            {other, "T", 5},
	"host":              {other, "Host", 2},
	"user":              {identity, "U", 3},
	"group":             {identity, "G", 4},
	"service_principal": {identity, "SP", 3},
	"managed_identity":  {identity, "MI", 3},
	"application":       {identity, "App", 3},
	"device":            {identity, "Dev", 2},
	"identity":          {identity, "?", 2},
}

// namespaces are the categories of types that looks does not have.
var namespaces = map[string]category{
	"microsoft.compute": compute, "microsoft.containerservice": compute, "microsoft.containerregistry": compute, "microsoft.containerinstance": compute,
	"microsoft.app": compute, "microsoft.batch": compute, "microsoft.desktopvirtualization": compute, "microsoft.hybridcompute": compute, "microsoft.kubernetes": compute,
	"microsoft.virtualmachineimages": compute, "microsoft.avs": compute, "microsoft.azurestackhci": compute, "microsoft.kubernetesconfiguration": compute, "microsoft.servicefabric": compute,
	"microsoft.network": network, "microsoft.storage": storage, "microsoft.netapp": storage, "microsoft.recoveryservices": storage, "microsoft.dataprotection": storage,
	"microsoft.storagesync": storage, "microsoft.elasticsan": storage, "microsoft.storagecache": storage,
	"microsoft.sql": data, "microsoft.documentdb": data, "microsoft.dbforpostgresql": data, "microsoft.dbformysql": data, "microsoft.dbformariadb": data,
	"microsoft.cache": data, "microsoft.synapse": data, "microsoft.databricks": data, "microsoft.datafactory": data, "microsoft.kusto": data, "microsoft.fabric": data,
	"microsoft.machinelearningservices": data, "microsoft.cognitiveservices": data, "microsoft.search": data, "microsoft.purview": data, "microsoft.hdinsight": data,
	"microsoft.streamanalytics": data, "microsoft.powerbidedicated": data, "microsoft.analysisservices": data, "microsoft.sqlvirtualmachine": data,
	"microsoft.web": web, "microsoft.cdn": web, "microsoft.signalrservice": web, "microsoft.certificateregistration": web, "microsoft.domainregistration": web, "microsoft.communication": web,
	"microsoft.apimanagement": integration, "microsoft.servicebus": integration, "microsoft.eventhub": integration, "microsoft.eventgrid": integration, "microsoft.logic": integration,
	"microsoft.automation": integration, "microsoft.appconfiguration": integration, "microsoft.relay": integration, "microsoft.notificationhubs": integration, "microsoft.devices": integration,
	"microsoft.managedidentity": identity, "microsoft.aad": identity, "microsoft.azureactivedirectory": identity,
	"microsoft.keyvault": security, "microsoft.authorization": security, "microsoft.security": security, "microsoft.securityinsights": security, "microsoft.attestation": security,
	"microsoft.insights": monitoring, "microsoft.operationalinsights": monitoring, "microsoft.operationsmanagement": monitoring, "microsoft.alertsmanagement": monitoring,
	"microsoft.monitor": monitoring, "microsoft.dashboard": monitoring, "microsoft.portal": monitoring,
}

// lookOf is how a type in lower case is drawn.
func lookOf(typ string) look {
	if l, ok := looks[typ]; ok {
		return l
	}
	namespace, rest, arm := strings.Cut(typ, "/")
	if !arm {
		return look{identity, initials(typ), 3} // a kind of identity
	}
	l := look{category: other, size: 2}
	if c, ok := namespaces[namespace]; ok {
		l.category = c
	}
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		l.size, rest = 1, rest[i+1:] // a child: what it belongs to is what one looks for
	}
	l.letters = initials(rest)
	return l
}

// initials are the first letters of a type, where it has no agreed abbreviation.
func initials(name string) string {
	letters := []rune(name)
	if len(letters) > 3 {
		letters = letters[:3]
	}
	if len(letters) > 0 && letters[0] >= 'a' && letters[0] <= 'z' {
		letters[0] -= 'a' - 'A'
	}
	return string(letters)
}
