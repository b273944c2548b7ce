package build

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestReferences: a resource of an unknown type says "to": what becomes of it, and for what it waits.
func TestReferences(t *testing.T) {
	t.Parallel()
	hub := network("net", "hub")
	shop := storage("web", "shop")
	endpoint := in("web", "Microsoft.Network/networkInterfaces/endpoint")
	rows := []graph.Row{
		group(groupID("web"), ``), group(groupID("net"), ``), subscription(inSub1),
		resource(hub, `"location":"westeurope","properties":{"subnets":[{"name":"web","id":"`+hub+`/subnets/web","properties":{"addressPrefix":"10.0.0.0/24"}}]}`),
		resource(hub+"/subnets/web", `"properties":{"addressPrefix":"10.0.0.0/24"}`),
		account(shop), resource(shop+"/blobServices/default", `"properties":{}`),
		resource(endpoint, `"properties":{"privateEndpoint":{"id":"/x"}}`),
		resource("/providers/Microsoft.Authorization/roleDefinitions/"+guid(1), `"properties":{"type":"BuiltInRole"}`),
	}
	const sub = "/subscriptions/{subscription_id}"
	const web = sub + "/resourceGroups/{resource_group_prefix}web"
	cases := map[string]struct {
		to, want string
		after    string // the symbols of what it waits for, beside its group
	}{
		"the id":                                      {shop, `"<storage_account_shop>"`, "storage_account_shop"},
		"the id in another case":                      {strings.ToUpper(shop), `"<storage_account_shop>"`, "storage_account_shop"},
		"a part of its body":                          {hub + "/subnets/web", `"<virtual_network_hub>/subnets/web"`, "virtual_network_hub"},
		"a part that is nowhere":                      {hub + "/subnets/none", `"<virtual_network_hub>/subnets/none"`, "virtual_network_hub"},
		"a child that only says defaults":             {shop + "/blobServices/default", `"<storage_account_shop>/blobServices/default"`, "storage_account_shop"},
		"below a child that only says defaults":       {shop + "/blobServices/default/containers/x", `"<storage_account_shop>/blobServices/default/containers/x"`, "storage_account_shop"},
		"what Azure makes":                            {endpoint, `"` + web + `/providers/Microsoft.Network/networkInterfaces/endpoint"`, ""},
		"what is not there":                           {network("net", "other"), `"<existing_virtual_network_other>"`, ""},
		"what is not there, below":                    {network("net", "other") + "/subnets/x", `"<existing_subnet_x>"`, ""},
		"what is not there, of an unknown type":       {in("web", "Contoso.Own/others/x"), `"` + web + `/providers/Contoso.Own/others/x"`, ""},
		"in a group that is not there":                {in("gone", "Microsoft.Network/virtualNetworks/x"), `"<existing_virtual_network_x>"`, ""},
		"in another subscription":                     {inSub2 + "/resourceGroups/x/providers/Microsoft.Network/virtualNetworks/y", `"<existing_virtual_network_y>"`, ""},
		"a group":                                     {groupID("net"), `"<resource_group_net>"`, "resource_group_net"},
		"its own group":                               {groupID("web"), `"<resource_group_web>"`, ""},
		"a group that is not there":                   {groupID("gone"), `"` + sub + `/resourceGroups/gone"`, ""},
		"a subscription":                              {inSub1, `"` + sub + `"`, ""},
		"another subscription":                        {inSub2, `"` + inSub2 + `"`, ""},
		"a built-in role":                             {inSub1 + "/providers/Microsoft.Authorization/roleDefinitions/" + guid(1), `"` + sub + `/providers/Microsoft.Authorization/roleDefinitions/` + guid(1) + `"`, ""},
		"an image of the platform":                    {inSub1 + "/providers/Microsoft.Compute/locations/westeurope/publishers/x", `"` + sub + `/providers/Microsoft.Compute/locations/{location}/publishers/x"`, ""},
		"a policy of the tenant":                      {"/providers/Microsoft.Authorization/policyDefinitions/x", `"/providers/Microsoft.Authorization/policyDefinitions/x"`, ""},
		"a management group":                          {"/providers/Microsoft.Management/managementGroups/mg", `"/providers/Microsoft.Management/managementGroups/mg"`, ""},
		"itself":                                      {in("web", ownType+"/from"), `"` + web + `/providers/` + ownType + `/from"`, ""},
		"a part of itself":                            {in("web", ownType+"/from/parts/x"), `"` + web + `/providers/` + ownType + `/from/parts/x"`, ""},
		"in the middle of text":                       {"see https://x" + shop + "?y", `"see https://x` + web + `/providers/Microsoft.Storage/storageAccounts/shop?y"`, ""},
		"a subscription in the middle":                {"kv-" + sub1 + ".x", `"kv-{subscription_id}.x"`, ""},
		"the tenant":                                  {strings.ToUpper(tenantID), `"{tenant_id}"`, ""},
		"a subscription and the tenant, and again":    {sub1 + tenantID + sub1, `"{subscription_id}{tenant_id}{subscription_id}"`, ""},
		"another GUID":                                {guid(7), `"` + guid(7) + `"`, ""},
		"a GUID with one digit more in front":         {"1" + sub1, `"1{subscription_id}"`, ""},
		"a name that only begins like an existing id": {shop + "2", `"<existing_storage_account_shop2>"`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			from := own("from", `{"to":"`+c.to+`"}`)
			b := buildRows(t, append([]graph.Row{from}, rows...)...)
			if got := b.properties(t, from.ID); got != "{to:"+c.want+"}" {
				t.Errorf("got %s, want %s", got, c.want)
			}
			var after []string
			n := b.of(t, from.ID).Node
			for _, to := range b.b.after(n) {
				if symbol := b.Ref(to).Symbol; symbol != "resource_group_web" {
					after = append(after, symbol)
				}
			}
			if got := strings.Join(after, " "); got != c.after {
				t.Errorf("it waits for %q, want %q", got, c.after)
			}
		})
	}
}

// TestReferencesInText: JSON in a string, and settings.
func TestReferencesInText(t *testing.T) {
	flow := in("web", "Microsoft.Logic/workflows/flow")
	shop := storage("web", "shop")
	b := buildRows(t, group(groupID("web"), ``), account(shop), resource(flow, `"location":"westeurope","properties":{"definition":{"text":"{\"id\":\"`+shop+`\",\"n\":1}","id":"`+shop+`"}}`))
	want := `{definition:{text:"{"id":"/subscriptions/{subscription_id}/resourceGroups/{resource_group_prefix}web/providers/Microsoft.Storage/storageAccounts/shop","n":1}",id:"<storage_account_shop>"}}`
	if got := b.properties(t, flow); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestOwnParts: what refers to a part of the same resource stays text, and waits for nothing.
func TestOwnParts(t *testing.T) {
	lb := in("web", "Microsoft.Network/loadBalancers/lb")
	b := buildRows(t, resource(lb, `"location":"westeurope","properties":{"frontendIPConfigurations":[{"name":"f","id":"`+lb+`/frontendIPConfigurations/f","properties":{"privateIPAllocationMethod":"Dynamic"}}],
		"loadBalancingRules":[{"name":"r","id":"`+lb+`/loadBalancingRules/r","properties":{"frontendPort":80,"protocol":"Tcp","frontendIPConfiguration":{"id":"`+strings.ToUpper(lb)+`/frontendIPConfigurations/f"}}}]}`))
	got := b.properties(t, lb)
	if strings.Count(got, "id:") != 1 || !strings.Contains(strings.ToLower(got), `id:"/subscriptions/{subscription_id}/resourcegroups/web/providers/microsoft.network/loadbalancers/lb/frontendipconfigurations/f"`) {
		t.Error(got)
	}
}

// TestPrincipals: who names the identity of a generated resource refers to it; other GUIDs stay.
func TestPrincipals(t *testing.T) {
	site, mi := in("web", "Microsoft.Web/sites/shop"), in("web", "Microsoft.ManagedIdentity/userAssignedIdentities/mi")
	assignment := func(n int, principal string) graph.Row {
		return resource(groupID("web")+"/providers/Microsoft.Authorization/roleAssignments/"+guid(n), `"properties":{"principalId":"`+principal+`","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/`+guid(9)+`"}`)
	}
	rows := []graph.Row{
		group(groupID("web"), ``), resource(site, `"location":"westeurope","identity":{"type":"SystemAssigned","principalId":"`+guid(1)+`"},"properties":{}`),
		resource(mi, `"location":"westeurope","properties":{"principalId":"`+guid(2)+`","clientId":"`+guid(3)+`"}`),
		assignment(11, guid(1)), assignment(12, strings.ToUpper(guid(2))), assignment(13, guid(8)),
		own("setting", `{"clientId":"`+guid(3)+`"}`),
		resource(in("web", "Microsoft.Web/sites/former"), `"location":"westeurope","identity":{"type":"UserAssigned","principalId":"`+guid(8)+`"},"properties":{}`),           // has none any more
		resource(in("web", "Microsoft.Network/routeTables/none"), `"location":"westeurope","identity":{"type":"SystemAssigned","principalId":"`+guid(8)+`"},"properties":{}`), // takes none
	}
	want := map[string]string{"11": "identity.principalId of site_shop", "12": "properties.principalId of user_assigned_identity_mi", "13": "", "setting": "properties.clientId of user_assigned_identity_mi"}
	for _, split := range splits {
		b := build(t, open(t, rows...), Options{Split: split})
		got := map[string]string{}
		for id, r := range b.resources {
			name := strings.TrimPrefix(id[strings.LastIndexByte(id, '/')+1:], "00000000-0000-4000-8000-0000000000")
			if _, ok := want[name]; !ok {
				continue
			}
			got[name] = ""
			for _, f := range r.Body[len(r.Body)-1].Value.Fields {
				if ref := f.Value.Text[0].Ref; ref != nil && ref.Property != "" {
					got[name] = ref.Property + " of " + ref.Symbol
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", split, diff)
		}
	}
}

// TestParents: a child hangs below its parent, generated or not, and an extension below its target.
func TestParents(t *testing.T) {
	zone := in("web", "Microsoft.Network/dnsZones/x.y")
	hub := network("web", "hub")
	const lock = "/providers/Microsoft.Authorization/locks/keep"
	rows := []graph.Row{
		resource(zone+"/A/www", `"properties":{"TTL":60}`), // its zone is not in the snapshot
		resource(storage("web", "gone")+lock, `"properties":{"level":"ReadOnly"}`),
		resource(hub, `"location":"westeurope","properties":{"subnets":[{"name":"in"}]}`), resource(hub+"/subnets/in", `"properties":{"addressPrefix":"10.0.0.0/24"}`),
		resource(hub+"/subnets/out", `"properties":{"addressPrefix":"10.0.1.0/24"}`),
		resource(hub+"/subnets/in"+lock, `"properties":{"level":"ReadOnly"}`), resource(hub+"/subnets/out"+lock, `"properties":{"level":"ReadOnly"}`),
		resource(inSub1+lock, `"properties":{"level":"ReadOnly"}`), resource(groupID("web")+lock, `"properties":{"level":"ReadOnly"}`),
		resource("/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/policyAssignments/p", `"properties":{"displayName":"x"}`),
		resource("/providers/Microsoft.Authorization/roleAssignments/"+guid(1), `"properties":{"principalId":"`+guid(2)+`"}`),
	}
	b := buildRows(t, rows...)
	if got := b.rest[hub+"/subnets/in"].Reason; got != report.PartOfParent {
		t.Errorf("the subnet in the body is left out for %q", got)
	}
	got := map[string]string{}
	for id, r := range b.resources {
		what := [...]string{"scope", "child", "extension"}[r.ParentKind]
		if r.Parent != nil {
			what += " of " + words([]template.Part{{Ref: r.Parent}})
		}
		for _, d := range r.DependsOn {
			what += ", after " + d.Symbol
		}
		got[strings.NewReplacer(inSub1, "", "/resourceGroups/web/providers/", "…").Replace(id)] = what
	}
	want := map[string]string{
		"…Microsoft.Network/dnsZones/x.y/A/www": "child of <existing_dns_zone_x_y>", "…Microsoft.Storage/storageAccounts/gone" + lock: "extension of <existing_storage_account_gone>",
		"…Microsoft.Network/virtualNetworks/hub": "scope", "…Microsoft.Network/virtualNetworks/hub/subnets/out": "child of <virtual_network_hub>",
		"…Microsoft.Network/virtualNetworks/hub/subnets/in" + lock: "extension, after virtual_network_hub", "…Microsoft.Network/virtualNetworks/hub/subnets/out" + lock: "extension of <subnet_hub_out>",
		lock: "scope", "…Microsoft.Authorization/locks/keep": "scope",
		"/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/policyAssignments/p": "scope", "/providers/Microsoft.Authorization/roleAssignments/" + guid(1): "scope",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPeerings stand alone, for two networks that are peers would each have to be there first. Those that only the body tells stay in it.
func TestPeerings(t *testing.T) {
	a, z := network("web", "a"), network("web", "z")
	peering := func(to string) string {
		return `{"allowVirtualNetworkAccess":true,"peeringState":"Connected","remoteVirtualNetwork":{"id":"` + to + `"}}`
	}
	rows := []graph.Row{
		resource(a, `"location":"westeurope","properties":{"virtualNetworkPeerings":[{"name":"to-z","id":"`+a+`/virtualNetworkPeerings/to-z","properties":`+peering(z)+`}]}`),
		resource(z, `"location":"westeurope","properties":{"virtualNetworkPeerings":[{"name":"TO-A","properties":`+peering(a)+`}]}`),
		resource(a+"/virtualNetworkPeerings/to-z", `"properties":`+peering(z)), resource(z+"/virtualNetworkPeerings/to-a", `"properties":`+peering(a)),
	}
	b := buildRows(t, rows...)
	if got := b.properties(t, a) + b.properties(t, z); got != "" {
		t.Errorf("the networks have %s", got)
	}
	if got := b.properties(t, a+"/virtualNetworkPeerings/to-z"); got != `{allowVirtualNetworkAccess:true,remoteVirtualNetwork:{id:"<virtual_network_z>"}}` {
		t.Errorf("the peering has %s", got)
	}
	partly := buildRows(t, rows[0], rows[1], rows[2])
	if got := partly.properties(t, a) + partly.properties(t, z); got != `{virtualNetworkPeerings:[{name:"TO-A",properties:{allowVirtualNetworkAccess:true,remoteVirtualNetwork:{id:"<virtual_network_a>"}}}]}` {
		t.Errorf("of one that is no row: %s", got)
	}
}

// TestChildrenOfBodies: a child that its parent's body holds is not generated again; one that the body does not have is.
func TestChildrenOfBodies(t *testing.T) {
	hub := network("web", "hub")
	child := func(name string) graph.Row {
		return resource(hub+"/subnets/"+name, `"properties":{"addressPrefix":"10.0.0.0/24"}`)
	}
	parent := resource(hub, `"location":"westeurope","properties":{"subnets":[{"name":"A"},{"name":"b"}]}`)
	broken := parent
	broken.Properties = []byte(`{"subnets":[`)
	for name, c := range map[string]struct {
		parent graph.Row
		filter backend.Filter
		want   string
		inBody int64
	}{
		"two in the body, one not": {parent: parent, want: "c hub", inBody: 2},
		"the parent is unreadable": {parent: broken, want: "a b c"},
		"the parent is excluded":   {parent: parent, filter: backend.Filter{ResourceTypes: []string{"microsoft.network/virtualnetworks/subnets"}}, want: "c hub", inBody: 2},
		"the children are not":     {parent: parent, filter: backend.Filter{ExcludeTypes: []string{"microsoft.network/virtualnetworks/subnets"}}, want: "hub"},
		"the parent's location":    {parent: parent, filter: backend.Filter{Locations: []string{"West Europe"}}, want: "c hub", inBody: 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := build(t, open(t, c.parent, child("a"), child("b"), child("c")), Options{Filter: c.filter})
			if got := strings.Join(b.names(), " "); got != c.want || b.InBody != c.inBody {
				t.Errorf("generated are %q, and %d in bodies", got, b.InBody)
			}
		})
	}
}

// TestNoAnswersWhereAzureTakesNone: a tag and what stands beside the properties keep the id of an identity as it was.
func TestNoAnswersWhereAzureTakesNone(t *testing.T) {
	mi := in("web", "Microsoft.ManagedIdentity/userAssignedIdentities/mi")
	tagged := in("web", "Microsoft.Web/sites/tagged")
	b := buildRows(t, resource(mi, `"location":"westeurope","properties":{"principalId":"`+guid(2)+`"}`),
		resource(tagged, `"kind":"`+guid(2)+`","tags":{"owner":"`+guid(2)+`"},"properties":{"httpsOnly":true}`))
	r := b.of(t, tagged)
	if got, want := shown(r.Tags)+bodyOf(r), `{owner:"`+guid(2)+`"}kind:"`+guid(2)+`",properties:{httpsOnly:true}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
