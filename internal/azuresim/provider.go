package azuresim

import (
	"encoding/json"
	"net/http"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// listProviders answers the providers of a subscription or of the tenant, or one of them.
// https://learn.microsoft.com/rest/api/resources/providers/list
func (s *Server) listProviders(w http.ResponseWriter, r *http.Request, c *call) *armError {
	prefix := ""
	if c.lower[0] == "subscriptions" {
		prefix = "/subscriptions/" + c.lower[1]
		if len(c.lower) == 4 {
			provider, ok := s.Tenant().Provider(c.lower[3])
			if !ok {
				return unknownNamespace(c.segments[3])
			}
			writeBody(w, http.StatusOK, providerBody(prefix, provider))
			return nil
		}
	}
	var items []json.RawMessage
	for _, provider := range s.Tenant().Providers() {
		items = append(items, providerBody(prefix, provider))
	}
	return s.writeList(w, r, items)
}

func providerBody(prefix string, provider tenant.Provider) json.RawMessage {
	var names []string
	for _, location := range locations {
		names = append(names, location[1])
	}
	types := []any{}
	for _, t := range provider.Types {
		types = append(types, map[string]any{
			"resourceType": t.Name, "locations": names, "apiVersions": t.Versions,
			"defaultApiVersion": t.Stable(), "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SupportsTags, SupportsLocation",
		})
	}
	return mustJSON(map[string]any{
		"id": prefix + "/providers/" + provider.Namespace, "namespace": provider.Namespace,
		"registrationState": "Registered", "registrationPolicy": "RegistrationRequired", "resourceTypes": types,
	})
}

// serveMetadata answers what clients ask of a cloud that they do not know, without signing in.
// https://learn.microsoft.com/azure-stack/user/authenticate-azure-stack-hub describes the call.
func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	version := r.URL.Query().Get("api-version")
	if version == "" {
		newARMError(http.StatusBadRequest, "MissingApiVersionParameter",
			"The api-version query parameter (?api-version=) is required for all requests.").write(w)
		return
	}
	authentication := map[string]any{
		"loginEndpoint": s.URL(), "audiences": []string{"https://management.core.windows.net/", "https://management.azure.com/"},
		"tenant": "common", "identityProvider": "AAD",
	}
	if version < "2018-05-01" {
		writeJSON(w, http.StatusOK, map[string]any{
			"galleryEndpoint": s.URL(), "graphEndpoint": s.URL(), "portalEndpoint": s.URL(), "authentication": authentication,
		})
		return
	}
	cloud := map[string]any{
		"name": "AzureSimulator", "portal": s.URL(), "authentication": authentication,
		"resourceManager": s.URL(), "graph": s.URL(), "graphAudience": "https://graph.windows.net/",
		"microsoftGraphResourceId": "https://graph.microsoft.com/", "gallery": s.URL(), "batch": "https://batch.core.windows.net/",
		"media": "https://rest.media.azure.net", "vmImageAliasDoc": s.URL() + "/aliases.json",
		"activeDirectoryDataLake": "https://datalake.azure.net/", "sqlManagement": "https://management.core.windows.net:8443/",
		"suffixes": map[string]any{
			"acrLoginServer": "azurecr.io", "keyVaultDns": "vault.azure.net", "storage": "core.windows.net",
			"sqlServerHostname": "database.windows.net", "mhsmDns": "managedhsm.azure.net",
			"azureDataLakeStoreFileSystem": "azuredatalakestore.net", "postgresqlServerEndpoint": "postgres.database.azure.com",
			"mysqlServerEndpoint": "mysql.database.azure.com", "mariadbServerEndpoint": "mariadb.database.azure.com",
			"synapseAnalytics": "dev.azuresynapse.net",
		},
	}
	if version < "2019-05-01" {
		writeJSON(w, http.StatusOK, cloud)
		return
	}
	if version >= "2022-09-01" {
		writeJSON(w, http.StatusOK, cloud)
		return
	}
	writeJSON(w, http.StatusOK, []any{cloud})
}
