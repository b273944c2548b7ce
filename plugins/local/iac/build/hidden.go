package build

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// itemNeed are secrets that the items of a list need and that Azure never tells.
type itemNeed struct {
	list    []string // below properties
	below   string   // where in an item they are; empty is the item itself
	secrets []string
	unless  []string // a member with which an item needs none
}

// itemNeeds are they, by type. Sources: the REST reference of each type.
var itemNeeds = map[string][]itemNeed{
	"microsoft.app/containerapps":                 {{list: []string{"configuration", "secrets"}, secrets: []string{"value"}, unless: []string{"keyVaultUrl"}}},
	"microsoft.app/jobs":                          {{list: []string{"configuration", "secrets"}, secrets: []string{"value"}, unless: []string{"keyVaultUrl"}}},
	"microsoft.containerinstance/containergroups": {{list: []string{"imageRegistryCredentials"}, secrets: []string{"password"}, unless: []string{"identity"}}},
	"microsoft.network/applicationgateways": {
		{list: []string{"sslCertificates"}, below: "properties", secrets: []string{"data", "password"}, unless: []string{"keyVaultSecretId"}},
		{list: []string{"trustedRootCertificates"}, below: "properties", secrets: []string{"data"}, unless: []string{"keyVaultSecretId", "data"}},
	},
}

// neededItems adds such secrets to the items of a type's lists.
func (m *maker) neededItems(properties *template.Value) {
	for _, n := range itemNeeds[m.typ.lower] {
		above := path(properties, n.list[:len(n.list)-1]...)
		if above == nil {
			continue
		}
		last := n.list[len(n.list)-1]
		list := field(above, last)
		if list == nil {
			continue
		}
		spot := m.root.below("properties")
		for _, name := range n.list {
			spot = spot.below(name)
		}
		spot = spot.below("[]")
		for i := range list.Items {
			item := &list.Items[i]
			name := said(item, "name")
			if into := item; n.below != "" {
				if item = field(into, n.below); item == nil {
					into.Fields = append(into.Fields, template.Field{Name: n.below, Value: template.Value{Kind: template.Map}})
					item = &into.Fields[len(into.Fields)-1].Value
				}
			}
			if item.Kind == template.Map && !hasOne(item, n.unless) {
				m.addSecrets(item, n.secrets, name, spot)
			}
		}
	}
}

func hasOne(v *template.Value, names []string) bool {
	for _, name := range names {
		if f := field(v, name); f != nil && f.Kind != template.Null {
			return true
		}
	}
	return false
}

// addSecrets adds the parameters of secrets to an item.
func (m *maker) addSecrets(item *template.Value, names []string, itemName string, spot *place) {
	for _, name := range names {
		if field(item, name) != nil {
			continue
		}
		p := m.secret(where{path: spot.below(name), name: strings.Trim(itemName+"_"+name, "_")}, report.MissingSecret)
		item.Fields = append(item.Fields, template.Field{Name: name, Value: template.Value{Kind: template.String, Text: []template.Part{{Parameter: p}}, WriteOnly: true}})
	}
}

// contents are what resources hold that is no configuration, by type: Resource Manager does not tell it.
var contents = map[string]string{
	"microsoft.automation/automationaccounts/runbooks": "the scripts of %d runbooks",
	"microsoft.web/sites":                              "the code, and the settings and connection strings, of %d web and function apps",
	"microsoft.web/sites/slots":                        "the code, and the settings and connection strings, of %d slots",
	"microsoft.compute/virtualmachines/extensions":     "the protected settings of %d extensions of virtual machines",
	"microsoft.keyvault/vaults/keys":                   "the material of %d keys",
	"microsoft.sql/servers/databases":                  "the data of %d SQL databases",
}

// noteContents says what is not there because no scan can have it.
func (b *builder) noteContents() {
	counts := map[string]int{}
	for _, at := range b.generated {
		if words, ok := contents[b.types[b.nodes[at].typ].lower]; ok {
			counts[words]++
		}
	}
	var all []string
	for _, words := range byCount(counts) {
		all = append(all, fmt.Sprintf(words, counts[words]))
	}
	if len(all) > 0 {
		b.report.Note("Azure's management API does not tell what resources hold, so that it is not here: " + strings.Join(all, ", ") + ".")
	}
}
