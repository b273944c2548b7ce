package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// worldwide are types whose names are a part of a host's name, and so have to be unique in the whole of their cloud.
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules calls their scope global.
var worldwide = map[string]string{
	"microsoft.storage/storageaccounts": "storage accounts", "microsoft.keyvault/vaults": "key vaults", "microsoft.web/sites": "web and function apps",
	"microsoft.containerregistry/registries": "container registries", "microsoft.sql/servers": "SQL servers", "microsoft.documentdb/databaseaccounts": "Cosmos DB accounts",
	"microsoft.servicebus/namespaces": "Service Bus namespaces", "microsoft.eventhub/namespaces": "Event Hubs namespaces", "microsoft.cache/redis": "caches",
	"microsoft.dbforpostgresql/flexibleservers": "PostgreSQL servers", "microsoft.dbformysql/flexibleservers": "MySQL servers", "microsoft.apimanagement/service": "API Management services",
	"microsoft.search/searchservices": "search services", "microsoft.appconfiguration/configurationstores": "App Configuration stores", "microsoft.datafactory/factories": "data factories",
	"microsoft.cognitiveservices/accounts": "Azure AI services", "microsoft.signalrservice/signalr": "SignalR services",
}

// notes tells what whoever deploys the code should know.
func (b *builder) notes() {
	retargeted := b.o.Target.TenantID != "" || b.o.Target.SubscriptionID != "" || b.o.Target.GroupPrefix != "" || b.o.Target.Location != ""
	names, unknown := map[string]int{}, map[string]int{}
	secrets, assignments := 0, 0
	for _, at := range b.generated {
		n := &b.nodes[at]
		t := &b.types[n.typ]
		if words, ok := worldwide[t.lower]; ok {
			names[words]++
		}
		if t.schema == nil {
			unknown[t.name]++
		}
		if t.lower == "microsoft.authorization/roleassignments" {
			assignments++
		}
		secrets += int(b.measures[at].secret)
	}
	if retargeted && len(names) > 0 {
		b.report.Note("Names that have to be unique in the whole of Azure are those of the source: change them where the source still has them (" + listed(names) + ").")
	}
	if len(unknown) > 0 {
		b.report.Note("The schema of this atg does not know some types; general rules told what can be written, and nothing checks them (" + listed(unknown) + ").")
	}
	if secrets > 0 {
		b.report.Note(fmt.Sprintf("%d secrets are parameters without a value: they have to be given before anything can be deployed.", secrets))
	}
	b.noteContents()
	if len(b.readOnly) > 0 && b.o.Split != template.SplitDeployment {
		b.report.Note(fmt.Sprintf("A lock of the level ReadOnly that is there before what it locks stops it, so deploy such locks last (%d).", len(b.readOnly)))
	}
	if assignments > 0 && b.o.Target.TenantID != "" && !strings.EqualFold(b.o.Target.TenantID, b.r.Snapshot().TenantID) {
		b.report.Note(fmt.Sprintf("%d role assignments name users, groups and applications of the source's tenant, which the target does not have: replace their principalId.", assignments))
	}
	if len(b.broken) > 0 {
		b.report.Note(fmt.Sprintf("%d references are part of cycles, and nothing waits for them: deploy a second time if the first fails there.", len(b.broken)))
	}
	if b.foreign.Load() {
		b.report.Note("Some references to resources that are not generated lead to the source's subscription: they begin with existing_ in the code.")
	}
}

// listed are the keys with their counts: 3 key vaults, 2 caches.
func listed(counts map[string]int) string {
	var words []string
	for _, k := range byCount(counts) {
		words = append(words, fmt.Sprintf("%d %s", counts[k], k))
	}
	if len(words) > 12 {
		words = append(slices.Clone(words[:12]), fmt.Sprintf("and %d more kinds", len(words)-12))
	}
	return strings.Join(words, ", ")
}
