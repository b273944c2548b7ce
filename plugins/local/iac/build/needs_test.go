package build

import (
	"strings"
	"testing"
)

// TestNeededSecrets: each type that Azure makes only with a secret has it as a parameter, unless it takes another way in.
func TestNeededSecrets(t *testing.T) {
	cases := map[string]struct{ id, body, secret string }{
		"PostgreSQL":                     {"Microsoft.DBforPostgreSQL/flexibleServers/x", `"administratorLogin":"u"`, "administratorLoginPassword"},
		"PostgreSQL with Entra ID alone": {"Microsoft.DBforPostgreSQL/flexibleServers/x", `"authConfig":{"activeDirectoryAuth":"Enabled","passwordAuth":"Disabled"}`, ""},
		"MySQL":                          {"Microsoft.DBforMySQL/flexibleServers/x", `"administratorLogin":"u"`, "administratorLoginPassword"},
		"Synapse":                        {"Microsoft.Synapse/workspaces/x", `"sqlAdministratorLogin":"u"`, "sqlAdministratorLoginPassword"},
		"Synapse with Entra ID alone":    {"Microsoft.Synapse/workspaces/x", `"azureADOnlyAuthentication":true`, ""},
		"a managed instance":             {"Microsoft.Sql/managedInstances/x", `"administratorLogin":"u"`, "administratorLoginPassword"},
		"a scale set":                    {"Microsoft.Compute/virtualMachineScaleSets/x", `"virtualMachineProfile":{"osProfile":{"adminUsername":"u"}}`, "adminPassword"},
		"a scale set with keys":          {"Microsoft.Compute/virtualMachineScaleSets/x", `"virtualMachineProfile":{"osProfile":{"adminUsername":"u","linuxConfiguration":{"disablePasswordAuthentication":true}}}`, ""},
		"a tunnel":                       {"Microsoft.Network/connections/x", `"connectionType":"IPsec"`, "sharedKey"},
		"ExpressRoute":                   {"Microsoft.Network/connections/x", `"connectionType":"ExpressRoute"`, ""},
		"a named value that is secret":   {"Microsoft.ApiManagement/service/a/namedValues/x", `"displayName":"x","secret":true`, "value"},
		"a named value of a vault":       {"Microsoft.ApiManagement/service/a/namedValues/x", `"displayName":"x","secret":true,"keyVault":{"secretIdentifier":"https://kv.vault.azure.net/secrets/x"}`, ""},
		"a named value, to be safe":      {"Microsoft.ApiManagement/service/a/namedValues/x", `"displayName":"x","secret":false,"value":"y"`, "value"},
		"an encrypted variable":          {"Microsoft.Automation/automationAccounts/a/variables/x", `"isEncrypted":true`, "value"},
		"a variable":                     {"Microsoft.Automation/automationAccounts/a/variables/x", `"isEncrypted":false,"value":"1"`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := buildRows(t, resource(in("web", c.id), `"location":"westeurope","properties":{`+c.body+`}`)).of(t, in("web", c.id))
			body := bodyOf(r)
			if c.secret == "" {
				if len(r.Secrets) > 0 || strings.Contains(body, "write-only") {
					t.Errorf("it has %s", body)
				}
				return
			}
			if len(r.Secrets) != 1 || !strings.Contains(body, c.secret+":write-only:{"+r.Secrets[0].Name+"}") {
				t.Errorf("it has %s", body)
			}
		})
	}
}

// TestManyNames: what a hostile resource names has no end, and what is counted of it has one.
func TestManyNames(t *testing.T) {
	var all strings.Builder
	for i := range 3 * placesKept {
		all.WriteString(`,"` + strings.Repeat("n", i%7) + itoa(i) + `":null`)
	}
	b := buildRows(t, own("x", `{"a":1`+all.String()+`}`))
	if got := b.properties(t, in("web", ownType+"/x")); got != "{a:1}" {
		t.Errorf("properties are %.100s", got)
	}
	root := &place{}
	for i := range 3 * placesKept {
		root.below("p").below(itoa(i)).counts[0]++
	}
	if n := len(root.below("p").inside); n > placesKept+1 {
		t.Errorf("%d places are kept", n)
	}
	if got := root.below("p").below("[]").below("x").String(); got != "p.*.x" {
		t.Errorf("a place beyond is %s", got)
	}
}
