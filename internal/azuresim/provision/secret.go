package provision

import "strings"

// secretNames are members, in lower case and at any depth, that providers take and never answer.
var secretNames = map[string]bool{
	"adminpassword": true, "administratorloginpassword": true, "protectedsettings": true, "sharedkey": true, "customdata": true, "password": true,
	"clientsecret": true, "serviceprincipalsecret": true, "storageaccountkey": true, "accountkey": true, "sastoken": true, "rootpassword": true,
	"authorizationkey": true, "pfxblob": true, "privatekey": true, "vpnsharedkey": true, "radiusserversecret": true, "protectedparameters": true,
	"windowsadminpassword": true, "primarykey": true, "secondarykey": true,
}

// secretsOf are the paths of secrets whose names mean something else elsewhere.
var secretsOf = map[string][]string{
	"microsoft.keyvault/vaults/secrets":                   {"value"},
	"microsoft.app/containerapps":                         {"configuration.secrets.*.value"},
	"microsoft.app/jobs":                                  {"configuration.secrets.*.value"},
	"microsoft.containerinstance/containergroups":         {"containers.*.properties.environmentVariables.*.secureValue", "imageRegistryCredentials.*.password"},
	"microsoft.sql/servers/databases/extensions":          {"storageKey"},
	"microsoft.network/virtualnetworkgateways":            {"vpnClientConfiguration.radiusServerSecret"},
	"microsoft.automation/automationaccounts/connections": {"fieldDefinitionValues"},
}

// withoutSecrets are properties without what the provider keeps to itself.
func withoutSecrets(r *Request, properties map[string]any) map[string]any {
	typ := strings.ToLower(r.Type)
	kept, _ := withoutNames(properties).(map[string]any)
	for _, path := range secretsOf[typ] {
		drop(kept, strings.Split(path, "."))
	}
	encrypted := typ == "microsoft.automation/automationaccounts/variables" && at(kept, "isEncrypted") == true
	if named := typ == "microsoft.apimanagement/service/namedvalues" && at(kept, "secret") == true; encrypted || named {
		drop(kept, []string{"value"})
	}
	return kept
}

func withoutNames(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, item := range v {
			if _, isObject := item.(map[string]any); secretNames[strings.ToLower(name)] && (!isObject || strings.EqualFold(name, "protectedSettings")) {
				continue
			}
			kept[name] = withoutNames(item)
		}
		return kept
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = withoutNames(v[i])
		}
		return list
	}
	return value
}
