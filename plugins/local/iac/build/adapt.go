package build

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// adapt mends the properties of a few types by hand, where what Azure tells is taken by its schema and refused, or without
// sense, in a deployment.
func (m *maker) adapt(p *template.Value) {
	m.drop(p, "extended") // Resource Graph's own
	m.dropHeldElsewhere(p)
	switch m.typ.lower {
	case "microsoft.network/virtualnetworks/virtualnetworkpeerings":
		for _, name := range []string{"peeringState", "peeringSyncLevel", "remoteVirtualNetworkAddressSpace", "remoteAddressSpace", "remoteBgpCommunities", "resourceGuid"} {
			m.drop(p, name)
		}
	case "microsoft.compute/virtualmachines":
		m.machine(p)
	case "microsoft.compute/disks": // which disks take what they can do as a wish, and which have it of their size
		if sku := strings.ToLower(string(m.row.SKU)); !strings.Contains(sku, "ultrassd") && !strings.Contains(sku, "premiumv2") {
			for _, name := range []string{"diskIOPSReadWrite", "diskMBpsReadWrite", "diskIOPSReadOnly", "diskMBpsReadOnly"} {
				m.drop(p, name)
			}
		}
	case "microsoft.network/publicipaddresses":
		m.drop(p, "ipAddress") // nobody can choose one
		if dns := field(p, "dnsSettings"); dns != nil {
			m.drop(dns, "fqdn") // made of the label and the region
		}
	case "microsoft.network/bastionhosts":
		m.drop(p, "dnsName")
	case "microsoft.web/sites", "microsoft.web/sites/slots":
		for _, name := range []string{"name", "hostNameSslStates", "state"} { // the names of the hosts follow from the site's
			m.drop(p, name)
		}
	case "microsoft.authorization/roleassignments":
		m.drop(p, "scope")
	case "microsoft.containerservice/managedclusters":
		m.drop(p, "nodeResourceGroup") // named by Azure, and not to be the same twice
		if profile := path(p, "identityProfile", "kubeletidentity"); profile != nil && strings.Contains(said(profile, "resourceId"), "/resourcegroups/mc_") {
			m.drop(p, "identityProfile") // made in that group
		}
	}
	if arrays := m.b.inParent[m.at]; m.survey && len(arrays) > 0 {
		m.arrays = map[arrayItem]bool{}
		for _, child := range arrays {
			array := m.b.types[m.b.nodes[child.node].typ].array
			if a := field(p, array); a != nil {
				for i := range a.Items {
					if name := field(&a.Items[i], "name"); name != nil {
						if text, ok := plain(name); ok {
							m.arrays[arrayItem{array, hashName(text)}] = true
						}
					}
				}
			}
		}
	}
}

// dropHeldElsewhere drops the items of a parent that are rows of their own, and resources of their own if they are generated.
func (m *maker) dropHeldElsewhere(p *template.Value) {
	if m.typ.lower != "microsoft.network/virtualnetworks" {
		return
	}
	peerings := field(p, "virtualNetworkPeerings")
	if peerings == nil || len(peerings.Items) == 0 {
		return
	}
	below := strings.ToLower(m.row.ID) + "/virtualnetworkpeerings/"
	kept := peerings.Items[:0]
	for i := range peerings.Items {
		if name := field(&peerings.Items[i], "name"); name != nil {
			if text, ok := plain(name); ok {
				if _, found := m.b.find(below + strings.ToLower(text)); found {
					m.count(m.root.below("properties").below("virtualNetworkPeerings").below("[]"), report.ReadOnlyProperty)
					continue
				}
			}
		}
		kept = append(kept, peerings.Items[i])
	}
	peerings.Items = kept
}

// machine takes out of a virtual machine what follows from its image.
func (m *maker) machine(p *template.Value) {
	if os := field(p, "osProfile"); os != nil {
		m.drop(os, "requireGuestProvisionSignal")
	}
	disk := path(p, "storageProfile", "osDisk")
	if disk == nil {
		return
	}
	if create := field(disk, "createOption"); create != nil {
		if how, _ := plain(create); strings.EqualFold(how, "FromImage") {
			if managed := field(disk, "managedDisk"); managed != nil {
				m.drop(managed, "id") // the disk comes with the machine
			}
		}
	}
}

// path is a value below a map; nil is none.
func path(v *template.Value, names ...string) *template.Value {
	for _, name := range names {
		if v = field(v, name); v == nil || v.Kind != template.Map {
			return nil
		}
	}
	return v
}

// drop takes a member out.
func (m *maker) drop(v *template.Value, name string) {
	for i := range v.Fields {
		if strings.EqualFold(v.Fields[i].Name, name) {
			v.Fields = append(v.Fields[:i], v.Fields[i+1:]...)
			m.count(m.root.below("properties").below(name), report.ReadOnlyProperty)
			return
		}
	}
}

// need is a secret without which Azure creates no resource of a type, and which it never tells.
type need struct {
	path   []string // below properties
	unless func(p *template.Value) bool
}

// needs are they, by type. Sources: the REST reference of each type.
var needs = map[string]need{
	"microsoft.compute/virtualmachines":                 {[]string{"osProfile", "adminPassword"}, noPassword("osProfile")},
	"microsoft.compute/virtualmachinescalesets":         {[]string{"virtualMachineProfile", "osProfile", "adminPassword"}, noPassword("virtualMachineProfile", "osProfile")},
	"microsoft.sql/servers":                             {[]string{"administratorLoginPassword"}, onlyEntra},
	"microsoft.sql/managedinstances":                    {[]string{"administratorLoginPassword"}, onlyEntra},
	"microsoft.dbforpostgresql/flexibleservers":         {[]string{"administratorLoginPassword"}, passwordDisabled},
	"microsoft.dbformysql/flexibleservers":              {[]string{"administratorLoginPassword"}, never},
	"microsoft.synapse/workspaces":                      {[]string{"sqlAdministratorLoginPassword"}, entraOnlySynapse},
	"microsoft.keyvault/vaults/secrets":                 {[]string{"value"}, never},
	"microsoft.network/connections":                     {[]string{"sharedKey"}, notIPsec},
	"microsoft.apimanagement/service/namedvalues":       {[]string{"value"}, notSecretValue},
	"microsoft.automation/automationaccounts/variables": {[]string{"value"}, notEncrypted},
}

func never(*template.Value) bool { return false }

// truth is a member that is true.
func truth(v *template.Value, name string) bool {
	f := field(v, name)
	return f != nil && f.Kind == template.Bool && f.Bool
}

func said(v *template.Value, name string) string {
	if f := field(v, name); f != nil {
		text, _ := plain(f)
		return strings.ToLower(text)
	}
	return ""
}

// noPassword says that a machine takes no password: it has no profile (a disk was attached), or takes keys alone.
func noPassword(at ...string) func(*template.Value) bool {
	return func(p *template.Value) bool {
		profile := path(p, at...)
		if profile == nil {
			return true
		}
		linux := field(profile, "linuxConfiguration")
		return linux != nil && truth(linux, "disablePasswordAuthentication")
	}
}

func onlyEntra(p *template.Value) bool {
	admins := field(p, "administrators")
	return admins != nil && truth(admins, "azureADOnlyAuthentication")
}

func entraOnlySynapse(p *template.Value) bool { return truth(p, "azureADOnlyAuthentication") }

func passwordDisabled(p *template.Value) bool {
	auth := field(p, "authConfig")
	return auth != nil && said(auth, "passwordAuth") == "disabled"
}

func notIPsec(p *template.Value) bool {
	kind := said(p, "connectionType")
	return kind != "ipsec" && kind != "vnet2vnet"
}

func notSecretValue(p *template.Value) bool {
	return !truth(p, "secret") || field(p, "keyVault") != nil
}

func notEncrypted(p *template.Value) bool { return !truth(p, "isEncrypted") }

// needed adds the secrets without which Azure would refuse the resource.
func (m *maker) needed(body []template.Field) []template.Field {
	at := slices.IndexFunc(body, func(f template.Field) bool { return f.Name == "properties" })
	if at >= 0 {
		m.neededItems(&body[at].Value)
	}
	n, ok := needs[m.typ.lower]
	if !ok {
		return body
	}
	if at < 0 {
		if m.typ.lower != "microsoft.keyvault/vaults/secrets" {
			return body
		}
		body = append(body, template.Field{Name: "properties", Value: template.Value{Kind: template.Map}})
		at = len(body) - 1
	}
	properties := &body[at].Value
	if n.unless(properties) {
		return body
	}
	last := n.path[len(n.path)-1]
	into := path(properties, n.path[:len(n.path)-1]...)
	if into == nil || field(into, last) != nil {
		return body
	}
	spot := m.root.below("properties")
	for _, name := range n.path {
		spot = spot.below(name)
	}
	p := m.secret(where{path: spot, name: last}, report.MissingSecret)
	into.Fields = append(into.Fields, template.Field{Name: last, Value: template.Value{Kind: template.String, Text: []template.Part{{Parameter: p}}, WriteOnly: true}})
	return body
}
