package build

import (
	"slices"
	"strings"
	"testing"
)

// TestHiddenSecrets: what Azure never tells and the resource needs is a parameter.
func TestHiddenSecrets(t *testing.T) {
	cases := map[string]struct{ id, body, want string }{
		"a container app's": {in("web", "Microsoft.App/containerApps/a"),
			`"properties":{"configuration":{"secrets":[{"name":"db"},{"name":"kv","keyVaultUrl":"https://v.vault.azure.net/secrets/x"}]}}`,
			`properties:{configuration:{secrets:[{name:"db",value:write-only:{container_app_a_db_value}},{name:"kv",keyVaultUrl:"https://v.vault.azure.net/secrets/x"}]}}`},
		"a registry's password": {in("web", "Microsoft.ContainerInstance/containerGroups/g"),
			`"properties":{"imageRegistryCredentials":[{"server":"x.azurecr.io","username":"u"}]}`,
			`properties:{imageRegistryCredentials:[{server:"x.azurecr.io",username:"u",password:write-only:{container_group_g_password}}]}`},
		"a gateway's certificates, but not those of a vault": {in("web", "Microsoft.Network/applicationGateways/g"),
			`"properties":{"sslCertificates":[{"name":"own","properties":{"publicCertData":"x"}},{"name":"kv","properties":{"keyVaultSecretId":"https://v.vault.azure.net/secrets/x"}}]}`,
			`properties:{sslCertificates:[{name:"own",properties:{data:write-only:{application_gateway_g_own_data},password:write-only:{application_gateway_g_own_password}}},` +
				`{name:"kv",properties:{keyVaultSecretId:"https://v.vault.azure.net/secrets/x"}}]}`},
		"a machine's password, unless it takes keys alone": {in("web", "Microsoft.Compute/virtualMachines/v"),
			`"properties":{"osProfile":{"adminUsername":"u","windowsConfiguration":{"provisionVMAgent":true}}}`,
			`properties:{osProfile:{adminUsername:"u",windowsConfiguration:{provisionVMAgent:true},adminPassword:write-only:{virtual_machine_v_admin_password}}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := buildRows(t, resource(c.id, c.body)).of(t, c.id)
			if got := bodyOf(r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if n := strings.Count(c.want, "write-only:"); len(r.Secrets) != n {
				t.Errorf("%d secrets of %d", len(r.Secrets), n)
			}
		})
	}
}

// TestChosenByAzure: nobody can ask for what Azure chose.
func TestChosenByAzure(t *testing.T) {
	address := in("web", "Microsoft.Network/publicIPAddresses/p")
	cluster := in("web", "Microsoft.ContainerService/managedClusters/k")
	site := in("web", "Microsoft.Web/sites/s")
	b := buildRows(t,
		resource(address, `"properties":{"publicIPAllocationMethod":"Static","ipAddress":"20.1.2.3"}`),
		resource(cluster, `"properties":{"dnsPrefix":"k","nodeResourceGroup":"MC_web_k","identityProfile":{"kubeletidentity":{"resourceId":"`+groupID("MC_web_k")+`/providers/Microsoft.ManagedIdentity/userAssignedIdentities/k-agentpool"}}}`),
		resource(site, `"tags":{"env":"prod","hidden-link: /app-insights-resource-id":"x","hidden-link:`+groupID("web")+`":"Resource","hidden-title":"Shop"},"properties":{"httpsOnly":true}`))
	if got, want := bodyOf(b.of(t, address)), `properties:{publicIPAllocationMethod:"Static"}`; got != want {
		t.Errorf("an address: %s, want %s", got, want)
	}
	if got, want := bodyOf(b.of(t, cluster)), `properties:{dnsPrefix:"k"}`; got != want {
		t.Errorf("a cluster: %s, want %s", got, want)
	}
	if got, want := shown(b.of(t, site).Tags), `{env:"prod",hidden-title:"Shop"}`; got != want {
		t.Errorf("tags: %s, want %s", got, want)
	}
	if !slices.ContainsFunc(b.report.Notes(), func(n string) bool { return strings.Contains(n, "1 web and function apps") }) {
		t.Errorf("nothing says that the code is not there: %q", b.report.Notes())
	}
}
