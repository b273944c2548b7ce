package build

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// bodyOf is the body of a resource, as shown.
func bodyOf(r *template.Resource) string { return members(r.Body) }

// TestBodies: what Azure answers becomes what Azure takes.
func TestBodies(t *testing.T) {
	t.Parallel()
	vault := in("web", "Microsoft.KeyVault/vaults/kv")
	cases := map[string]struct {
		id, body  string
		want, all string // all is what stays with IncludeDefaults; empty is the same
	}{
		"read-only and unknown properties are left out": {id: storage("web", "shop"),
			body: `"kind":"StorageV2","sku":{"name":"Standard_LRS","tier":"Standard"},"properties":{"accessTier":"Hot","provisioningState":"Succeeded","primaryEndpoints":{"blob":"x"},"neverHeardOf":1}`,
			want: `kind:"StorageV2",sku:{name:"Standard_LRS"},properties:{accessTier:"Hot"}`},
		"so is what is empty": {id: storage("web", "shop"),
			body: `"kind":"","properties":{"accessTier":null,"customDomain":{},"networkAcls":{"bypass":"None","defaultAction":"Allow","ipRules":[],"virtualNetworkRules":[null]}}`,
			want: `properties:{networkAcls:{bypass:"None",defaultAction:"Allow"}}`,
			all:  `properties:{customDomain:{},networkAcls:{bypass:"None",defaultAction:"Allow",ipRules:[],virtualNetworkRules:[]}}`},
		"names have the case of the schema, and the last of two stays": {id: storage("web", "shop"),
			body: `"properties":{"ACCESSTIER":"Cool","accessTier":"Hot","SupportsHTTPSTrafficOnly":true}`, want: `properties:{accessTier:"Hot",supportsHttpsTrafficOnly:true}`},
		"two spellings of a secret are one": {id: in("web", "Microsoft.Sql/servers/s"),
			body: `"properties":{"administratorLogin":"u","administratorLoginPassword":"hunter2a","AdministratorLoginPassword":"hunter2b"}`,
			want: `properties:{administratorLogin:"u",administratorLoginPassword:write-only:{server_s_administrator_login_password}}`},
		"what stands beside the properties is kept where the type takes it": {id: in("web", "Microsoft.ContainerService/managedClusters/aks"),
			body: `"sku":{"name":"Base"},"eTag":"x","extendedLocation":{"name":"e","type":"EdgeZone"},"properties":{"dnsPrefix":"a"}`,
			want: `sku:{name:"Base"},extendedLocation:{name:"e",type:"EdgeZone"},properties:{dnsPrefix:"a"}`},
		"zones and plan": {id: in("web", "Microsoft.Compute/virtualMachines/vm"),
			body: `"zones":["1"],"plan":{"name":"p","publisher":"q","product":"r"},"properties":{"hardwareProfile":{"vmSize":"B1"}}`,
			want: `plan:{name:"p",publisher:"q",product:"r"},zones:["1"],properties:{hardwareProfile:{vmSize:"B1"}}`},
		"a variant has its own properties": {id: in("web", "Microsoft.DataFactory/factories/f/linkedservices/l"),
			body: `"properties":{"type":"AzureBlobStorage","typeProperties":{"serviceEndpoint":"https://x"},"ofNoVariant":1}`,
			want: `properties:{type:"AzureBlobStorage",typeProperties:{serviceEndpoint:"https://x"},ofNoVariant:1}`},
		"what is free of form is kept whole": {id: in("web", "Microsoft.Logic/workflows/w"),
			body: `"properties":{"definition":{"$schema":"s","empty":{},"none":[],"null":null,"id":"x","provisioningState":"y","triggers":{"t":{"type":"Request"}}}}`,
			want: `properties:{definition:{$schema:"s",empty:{},none:[],null:null,id:"x",provisioningState:"y",triggers:{t:{type:"Request"}}}}`},
		"an unknown type follows general rules": {id: in("web", ownType+"/x"),
			body: `"apiVersion":"2024-01-01","sku":{"name":"S"},"systemData":{"createdBy":"me"},"properties":{"provisioningState":"Succeeded","id":"1","state":"on","size":2,"inner":{"id":"1","state":"on","etag":"x"},"empty":""}`,
			want: `sku:{name:"S"},properties:{size:2,inner:{id:"1",state:"on"}}`, all: `sku:{name:"S"},properties:{size:2,inner:{id:"1",state:"on"},empty:""}`},
		"an address that Azure chose is left out, and one that is fixed stays": {id: in("web", "Microsoft.Network/networkInterfaces/n"),
			body: `"properties":{"ipConfigurations":[{"name":"a","properties":{"privateIPAddress":"10.0.0.4","privateIPAllocationMethod":"Dynamic"}},{"name":"b","properties":{"privateIPAddress":"10.0.0.5","privateIPAllocationMethod":"Static"}}]}`,
			want: `properties:{ipConfigurations:[{name:"a",properties:{privateIPAllocationMethod:"Dynamic"}},{name:"b",properties:{privateIPAddress:"10.0.0.5",privateIPAllocationMethod:"Static"}}]}`},
		"the id of a part is left out, and that of something else beside its name stays": {id: in("web", "Microsoft.Web/connections/c"),
			body: `"properties":{"api":{"name":"azureblob","id":"` + inSub1 + `/providers/Microsoft.Web/locations/westeurope/managedApis/azureblob"},"displayName":"c"}`,
			want: `properties:{api:{name:"azureblob",id:"/subscriptions/{subscription_id}/providers/Microsoft.Web/locations/westeurope/managedApis/azureblob"},displayName:"c"}`},
		"a machine's disk comes with it": {id: in("web", "Microsoft.Compute/virtualMachines/vm"),
			body: `"properties":{"storageProfile":{"osDisk":{"createOption":"FromImage","name":"d","managedDisk":{"id":"` + in("web", "Microsoft.Compute/disks/d") + `","storageAccountType":"Premium_LRS"}}},"osProfile":{"adminUsername":"u","requireGuestProvisionSignal":true,"linuxConfiguration":{"disablePasswordAuthentication":true}}}`,
			want: `properties:{storageProfile:{osDisk:{createOption:"FromImage",name:"d",managedDisk:{storageAccountType:"Premium_LRS"}}},osProfile:{adminUsername:"u",linuxConfiguration:{disablePasswordAuthentication:true}}}`},
		"a vault keeps its properties": {id: vault, body: `"properties":{"tenantId":"` + strings.ToUpper(tenantID) + `","sku":{"family":"A","name":"standard"},"vaultUri":"https://kv.vault.azure.net/","accessPolicies":[]}`,
			want: `properties:{tenantId:"{tenant_id}",sku:{family:"A",name:"standard"},vaultUri:"https://kv.vault.azure.net/"}`,
			all:  `properties:{tenantId:"{tenant_id}",sku:{family:"A",name:"standard"},vaultUri:"https://kv.vault.azure.net/",accessPolicies:[]}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := open(t, resource(c.id, c.body))
			if got := bodyOf(build(t, r, Options{}).of(t, c.id)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if c.all == "" {
				c.all = c.want
			}
			if got := bodyOf(build(t, r, Options{IncludeDefaults: true}).of(t, c.id)); got != c.all {
				t.Errorf("with defaults:\ngot  %s\nwant %s", got, c.all)
			}
		})
	}
}

// TestPropertiesAreCounted: what is left out of a body is told, by type.
func TestPropertiesAreCounted(t *testing.T) {
	b := buildRows(t, resource(storage("web", "a"), `"properties":{"accessTier":null,"provisioningState":"x","neverHeardOf":1}`),
		resource(storage("web", "b"), `"properties":{"provisioningState":"x","networkAcls":{"defaultAction":"Allow","ipRules":[null,{"value":"1.2.3.4"}]}}`))
	var text strings.Builder
	if err := b.report.Write(&text, report.Head{Title: "x", Complete: true}, report.NewTally()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### `Microsoft.Storage/storageAccounts`", "does not take it: `properties.neverHeardOf`", "read-only: `properties.provisioningState`", "null or empty: `properties.accessTier`, `properties.networkAcls.ipRules[]`"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, text.String())
		}
	}
}

// TestKnownTypes: what the schema knows has its version and spelling; what it does not know has those of the snapshot.
func TestKnownTypes(t *testing.T) {
	unknown := resource(in("web", "contoso.OWN/Things/x"), `"apiVersion":"2024-01-01"`)
	without := resource(in("web", "contoso.own/others/x"), ``)
	b := buildRows(t, resource(in("web", "microsoft.storage/STORAGEACCOUNTS/x"), `"apiVersion":"2001-01-01"`), unknown, without)
	r := b.of(t, in("web", "microsoft.storage/STORAGEACCOUNTS/x"))
	if r.Type != "Microsoft.Storage/storageAccounts" || r.APIVersion < "2020" || !r.KnownType {
		t.Errorf("known: %s@%s %v", r.Type, r.APIVersion, r.KnownType)
	}
	if r := b.of(t, unknown.ID); r.Type != "contoso.OWN/Things" || r.APIVersion != "2024-01-01" || r.KnownType {
		t.Errorf("unknown: %s@%s %v", r.Type, r.APIVersion, r.KnownType)
	}
	if got := b.rest[without.ID].Reason; got != report.NoVersion {
		t.Errorf("without a version it is left out for %q", got)
	}
}

// TestTopLevel: name, place, tags and location.
func TestTopLevel(t *testing.T) {
	site := in("web", "Microsoft.Web/sites/shop")
	hub := network("web", "hub")
	lock := hub + "/providers/Microsoft.Authorization/locks/keep"
	all := buildRows(t, group(groupID("web"), `"tags":{"cost":"1"}`),
		resource(site, `"location":"West Europe","tags":{"a":"1","n":null,"odd":5,"link":"`+hub+`"},"properties":{}`),
		resource(site+"/slots/test", `"location":"westeurope","properties":{}`),
		resource(hub, `"location":"westeurope","properties":{"subnets":[]}`),
		resource(lock, `"properties":{"level":"CanNotDelete"}`),
		resource(in("web", "Microsoft.Network/dnsZones/x.y"), `"location":"global","properties":{}`),
	)
	got := map[string]string{}
	for id, r := range all.resources {
		parent := "-"
		if r.Parent != nil {
			parent = r.Parent.Symbol
		}
		got[id[strings.LastIndexByte(id, '/')+1:]] = strings.Join([]string{words(r.Name), words(r.FullName), words(r.Location), shown(r.Tags), parent, words(r.ParentID)}, " | ")
	}
	const sub = "/subscriptions/{subscription_id}"
	const web = sub + "/resourceGroups/{resource_group_prefix}web"
	want := map[string]string{
		"web":  `{resource_group_prefix}web | {resource_group_prefix}web | {location} | {cost:"1"} | - | ` + sub,
		"shop": `shop | shop | {location} | {a:"1",n:"",link:"<virtual_network_hub>"} | - | ` + web,
		"test": `test | shop/test | {location} | null | site_shop | ` + web + `/providers/Microsoft.Web/sites/shop`,
		"hub":  `hub | hub | {location} | null | - | ` + web,
		"keep": `keep | keep |  | null | virtual_network_hub | ` + web + `/providers/Microsoft.Network/virtualNetworks/hub`,
		"x.y":  `x.y | x.y | global | null | - | ` + web,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIdentities: of all spellings, the types and the ids are kept, as references.
func TestIdentities(t *testing.T) {
	t.Parallel()
	id := in("web", "Microsoft.ManagedIdentity/userAssignedIdentities/mi")
	gone := in("gone", "Microsoft.ManagedIdentity/userAssignedIdentities/other")
	users := `"userAssignedIdentities":{"` + strings.ToUpper(id) + `":{"principalId":"p","clientId":"c"},"` + gone + `":null}`
	cases := map[string]struct{ identity, want, ids string }{
		"system":           {`{"type":"SystemAssigned","principalId":"p","tenantId":"t"}`, `{type:"SystemAssigned"}`, ""},
		"another case":     {`{"type":"systemassigned"}`, `{type:"SystemAssigned"}`, ""},
		"user":             {`{"type":"UserAssigned",` + users + `}`, `{type:"UserAssigned",userAssignedIdentities:{` + strings.ToUpper(id) + `:{},` + gone + `:{}}}`, "<user_assigned_identity_mi> <existing_user_assigned_identity_other>"},
		"both":             {`{"type":"SystemAssigned,UserAssigned",` + users + `}`, `{type:"SystemAssigned, UserAssigned",userAssignedIdentities:{` + strings.ToUpper(id) + `:{},` + gone + `:{}}}`, "<user_assigned_identity_mi> <existing_user_assigned_identity_other>"},
		"both, turned":     {`{"type":"UserAssigned, SystemAssigned"}`, `{type:"SystemAssigned, UserAssigned"}`, ""},
		"system with rest": {`{"type":"SystemAssigned",` + users + `}`, `{type:"SystemAssigned"}`, ""},
		"none":             {`{"type":"None"}`, `null`, ""},
		"no type":          {`{"principalId":"p"}`, `null`, ""},
		"no map":           {`["x"]`, `null`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			site := resource(in("web", "Microsoft.Web/sites/shop"), `"identity":`+c.identity)
			r := buildRows(t, site, resource(id, `"location":"westeurope"`)).of(t, site.ID)
			var ids []string
			for _, id := range r.IdentityIDs {
				ids = append(ids, words(id))
			}
			if got := shown(r.Identity); got != c.want || strings.Join(ids, " ") != c.ids {
				t.Errorf("got  %s %v\nwant %s %s", got, ids, c.want, c.ids)
			}
		})
	}
}

// TestTooDeep: what is left out of a body because nothing could read it is told as missing.
func TestTooDeep(t *testing.T) {
	deep := own("deep", `{"a":`+strings.Repeat(`{"a":`, 300)+"1"+strings.Repeat("}", 300)+`,"b":1}`)
	b := buildRows(t, deep, own("flat", `{"a":`+strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)+`}`))
	changes, _ := b.report.Changes()
	if len(changes) != 1 || changes[0].Resource != deep.ID || changes[0].Reason.Class() != report.Omitted {
		t.Errorf("changes are %+v", changes)
	}
	if got := b.properties(t, deep.ID); got != "{b:1}" {
		t.Errorf("properties are %s", got)
	}
}

// TestExtraMembers: what a row has in a column of its own is not taken from its other members as well.
func TestExtraMembers(t *testing.T) {
	row := graph.Row{Table: graph.TableResources, ID: storage("web", "shop"), Type: "Microsoft.Storage/storageAccounts", Location: "westeurope",
		Properties: []byte(`{"accessTier":"Hot"}`), Extra: []byte(`{"location":"x","Properties":{"accessTier":"Cool"},"tags":{},"id":"y","TYPE":"z"}`)}
	if got := bodyOf(buildRows(t, row).of(t, row.ID)); got != `properties:{accessTier:"Hot"}` {
		t.Error(got)
	}
}
