package extension

import (
	"slices"
	"strings"
)

// withheld are variables that an extension does not get although no rule of secretName names them: what
// leads to a credential of Azure's, and the tokens of CI systems that are exchanged for one.
var withheld = []string{
	"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
	"ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_OIDC_TOKEN_FILE_PATH",
	"IDENTITY_HEADER", "MSI_SECRET", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN",
}

// secretName says whether a variable is by its name a secret of atg's, of Azure's tools or of Terraform's
// azurerm: ATG_API_KEY, AZURE_CLIENT_SECRET, AZURE_STORAGE_CONNECTION_STRING, ARM_OIDC_TOKEN and their kin.
func secretName(key string) bool {
	key = strings.ToUpper(key)
	if strings.HasPrefix(key, "ATG_SECRET_") { // of a specification
		return true
	}
	return slices.ContainsFunc([]string{"ATG_", "AZURE_", "ARM_"}, func(p string) bool { return strings.HasPrefix(key, p) }) &&
		slices.ContainsFunc([]string{"_SECRET", "_PASSWORD", "_TOKEN", "_KEY", "_PAT", "_CONNECTION_STRING"}, func(s string) bool { return strings.HasSuffix(key, s) })
}

// Environment is the environment of the extension of that name: all of environ but the key of the
// service and Azure's secrets, except those that allow names (a * at its end stands for any rest).
// `server` keeps them all. Names compare without regard to case, as Windows has them.
func Environment(name string, allow, environ []string) []string {
	if name == server {
		return slices.Clone(environ)
	}
	var out []string
	for _, variable := range environ {
		key, _, _ := strings.Cut(variable, "=")
		if !secretName(key) && !matches(withheld, key) || matches(allow, key) {
			out = append(out, variable)
		}
	}
	return out
}

func matches(patterns []string, key string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if start, ok := strings.CutSuffix(p, "*"); ok {
			return len(key) >= len(start) && strings.EqualFold(key[:len(start)], start)
		}
		return strings.EqualFold(p, key)
	})
}
