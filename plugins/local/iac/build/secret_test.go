package build

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// TestSecrets: a secret becomes a parameter without a value, and what only looks like one stays.
func TestSecrets(t *testing.T) {
	t.Parallel()
	site, machine := in("web", "Microsoft.Web/sites/shop"), in("web", "Microsoft.Compute/virtualMachines/vm")
	settings := func(pairs string) string { return `"properties":{"siteConfig":{"appSettings":[` + pairs + `]}}` }
	const prefix = `properties:{siteConfig:{appSettings:[`
	cases := map[string]struct{ id, body, want string }{
		"a setting by its name":      {site, settings(`{"name":"DB_PASSWORD","value":"hunter2"}`), prefix + `{name:"DB_PASSWORD",value:"{site_shop_db_password}"}]}}`},
		"a setting that ends in key": {site, settings(`{"name":"STRIPE_KEY","value":"12345678"},{"name":"SHORT_KEY","value":"1234"}`), prefix + `{name:"STRIPE_KEY",value:"{site_shop_stripe_key}"},{name:"SHORT_KEY",value:"1234"}]}}`},
		"a setting by its form":      {site, settings(`{"name":"QUEUE","value":"Endpoint=sb://x/;SharedAccessKey=abcdefghijklmnopqrstuvwxyz0123456789"}`), prefix + `{name:"QUEUE",value:"{site_shop_queue}"}]}}`},
		"a reference to Key Vault": {site, settings(`{"name":"DB_PASSWORD","value":"@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)"}`),
			prefix + `{name:"DB_PASSWORD",value:"@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)"}]}}`},
		"a harmless setting":                  {site, settings(`{"name":"WEBSITE_RUN_FROM_PACKAGE","value":"1"},{"name":"TOKEN_STORE","value":"on"}`), prefix + `{name:"WEBSITE_RUN_FROM_PACKAGE",value:"1"},{name:"TOKEN_STORE",value:"on"}]}}`},
		"a secret that is on":                 {site, settings(`{"name":"USE_PASSWORD","value":"true"},{"name":"NO_PASSWORD","value":""}`), prefix + `{name:"USE_PASSWORD",value:"true"},{name:"NO_PASSWORD",value:""}]}}`},
		"a masked one":                        {site, settings(`{"name":"ANY","value":"********"}`), prefix + `{name:"ANY",value:"{site_shop_any}"}]}}`},
		"a tag":                               {site, `"tags":{"token":"abc","owner":"me","cs":"AccountKey=abcdefghijklmnopqrstuv"}`, `token:"{site_shop_token}",owner:"me",cs:"{site_shop_cs}"`},
		"in a list":                           {in("web", ownType+"/x"), `"apiVersion":"1","properties":{"secrets":["a1","b2"],"hosts":["c3"]}`, `properties:{secrets:["{thing_x_secrets}","{thing_x_secrets_HASH}"],hosts:["c3"]}`},
		"in text":                             {in("web", ownType+"/x"), `"apiVersion":"1","properties":{"script":"curl https://u:pass@host/x"}`, `properties:{script:"{thing_x_script}"}`},
		"a key of a name and value":           {in("web", ownType+"/x"), `"apiVersion":"1","properties":{"env":[{"key":"API_TOKEN","value":"abc"}],"value":"abc"}`, `properties:{env:[{key:"API_TOKEN",value:"{thing_x_api_token}"}],value:"abc"}`},
		"a password that Azure does not tell": {machine, `"properties":{"osProfile":{"adminUsername":"u"}}`, `properties:{osProfile:{adminUsername:"u",adminPassword:write-only:{virtual_machine_vm_admin_password}}}`},
		"none with keys alone": {machine, `"properties":{"osProfile":{"adminUsername":"u","linuxConfiguration":{"disablePasswordAuthentication":true,"ssh":{"publicKeys":[{"path":"/p","keyData":"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me"}]}}}}`,
			`properties:{osProfile:{adminUsername:"u",linuxConfiguration:{disablePasswordAuthentication:true,ssh:{publicKeys:[{path:"/p",keyData:"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me"}]}}}}`},
		"none with an attached disk":  {machine, `"properties":{"hardwareProfile":{"vmSize":"B1"}}`, `properties:{hardwareProfile:{vmSize:"B1"}}`},
		"one that it does tell":       {machine, `"properties":{"osProfile":{"adminUsername":"u","adminPassword":"hunter2","customData":"aGk="}}`, `properties:{osProfile:{adminUsername:"u",adminPassword:write-only:{virtual_machine_vm_admin_password},customData:write-only:{virtual_machine_vm_custom_data}}}`},
		"one that it tells as empty":  {machine, `"properties":{"osProfile":{"adminUsername":"u","adminPassword":""}}`, `properties:{osProfile:{adminUsername:"u",adminPassword:write-only:{virtual_machine_vm_admin_password}}}`},
		"one that it tells as null":   {in("web", "Microsoft.Sql/servers/s"), `"properties":{"administratorLogin":"u","administratorLoginPassword":null}`, `properties:{administratorLogin:"u",administratorLoginPassword:write-only:{server_s_administrator_login_password}}`},
		"a server with Entra ID only": {in("web", "Microsoft.Sql/servers/s"), `"properties":{"administrators":{"azureADOnlyAuthentication":true}}`, `properties:{administrators:{azureADOnlyAuthentication:true}}`},
		"a vault's secret":            {in("web", "Microsoft.KeyVault/vaults/kv/secrets/s"), ``, `properties:{value:write-only:{secret_kv_s_value}}`},
		"KQL":                         {in("web", ownType+"/x"), `"apiVersion":"1","properties":{"query":"T | where a == 'b' and token == c"}`, `properties:{query:"T | where a == 'b' and token == c"}`},
		"a certificate's thumbprint":  {in("web", ownType+"/x"), `"apiVersion":"1","properties":{"thumbprint":"A9F5C1E0B7D2A9F5C1E0B7D2A9F5C1E0B7D2A9F5","keyVaultSecretId":"https://kv.vault.azure.net/secrets/c"}`, `properties:{thumbprint:"A9F5C1E0B7D2A9F5C1E0B7D2A9F5C1E0B7D2A9F5",keyVaultSecretId:"https://kv.vault.azure.net/secrets/c"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := buildRows(t, resource(c.id, c.body)).of(t, c.id)
			got := members(r.Tags.Fields) + bodyOf(r)
			if before, behind, found := strings.Cut(c.want, "HASH"); found && strings.HasPrefix(got, before) && strings.HasSuffix(got, behind) {
				return
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSecretsAreTold: each secret is reported with its reason, and where it stands.
func TestSecretsAreTold(t *testing.T) {
	id := in("web", "Microsoft.Compute/virtualMachines/vm")
	b := buildRows(t, resource(id, `"tags":{"token":"abc"},"properties":{"osProfile":{"adminUsername":"u","secrets":[]},"userData":"*****"}`))
	changes, _ := b.report.Changes()
	got := ""
	for _, e := range changes {
		if e.Resource != id || e.Type != "Microsoft.Compute/virtualMachines" {
			t.Errorf("%+v", e)
		}
		got += e.Property + ": " + e.Detail + " (" + e.Reason.String() + ")\n"
	}
	want := "properties.osProfile.adminPassword: virtual_machine_vm_admin_password (" + report.MissingSecret.String() + ")\n" +
		"properties.userData: virtual_machine_vm_user_data (" + report.MaskedSecret.String() + ")\n" + "tags.token: virtual_machine_vm_token (" + report.SecretProperty.String() + ")\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if notes := strings.Join(b.report.Notes(), "\n"); !strings.Contains(notes, "3 secrets are parameters") {
		t.Errorf("notes: %s", notes)
	}
}

// TestNoSecretIsLeft: in random snapshots, nothing in a template looks like a secret.
func TestNoSecretIsLeft(t *testing.T) {
	var rows []graph.Row
	for i, s := range []string{
		"AccountKey=abcdefghijklmnopqrstuvwxyz", "https://x/?sv=1&sig=abcdefghijklmnopqrstuvwxyz0123456789", "Server=x;Password=hunter2;", "amqp://u:hunter2@h", "-----BEGIN PRIVATE KEY-----", "AKIAIOSFODNN7EXAMPLE",
	} {
		for j, properties := range []string{`{"a":"%s"}`, `{"a":["x","%s"]}`, `{"a":[[{"b":"%s"}]]}`, `{"name":"n","value":"%s"}`, `{"a":"/subscriptions/x/%s"}`, `{"id":"%s"}`, `{"a":"text before %s and behind"}`} {
			row := own(string(rune('a'+i))+string(rune('a'+j)), strings.Replace(properties, "%s", s, 1))
			row.Tags = []byte(`{"t":"` + s + `"}`)
			rows = append(rows, row)
		}
	}
	b := build(t, open(t, rows...), Options{Split: template.SplitNone})
	for id, r := range b.resources {
		if kind, found := secrets.Looks(members(r.Tags.Fields) + bodyOf(r)); found {
			t.Errorf("%s still has %s: %s", id, kind, bodyOf(r))
		}
	}
	if len(b.resources) != len(rows) {
		t.Errorf("%d of %d are generated", len(b.resources), len(rows))
	}
}
