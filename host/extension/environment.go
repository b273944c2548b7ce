package extension

import (
	"slices"
	"strings"
)

// withheld are the variables that an extension does not get: the key of the service, and what signs in
// to Azure. A name that ends in * stands for all that begin so.
var withheld = []string{
	"ATG_API_KEY",
	"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE",
	"ARM_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PASSWORD", "ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH", "ARM_ACCESS_KEY",
	"ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH", "ARM_OIDC_REQUEST_TOKEN", "ARM_SAS_TOKEN",
	"IDENTITY_HEADER", "MSI_SECRET", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN",
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
		if !matches(withheld, key) || matches(allow, key) {
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
