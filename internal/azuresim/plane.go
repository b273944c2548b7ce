package azuresim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/deployment"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// plane is the simulator as deployments see it.
type plane struct {
	s      *Server
	caller *claims
}

var _ deployment.Cloud = plane{}

func (c plane) Now() time.Time { return c.s.config.Now() }

func (c plane) TenantID() string { return c.s.Tenant().ID }

func (c plane) Tenant() map[string]any {
	t := c.s.Tenant()
	return map[string]any{"countryCode": "DE", "displayName": t.Name, "id": "/tenants/" + t.ID, "tenantId": t.ID}
}

func (c plane) Subscription(id string) (map[string]any, bool) {
	s, ok := c.s.Tenant().Subscription(id)
	if !ok {
		return nil, false
	}
	return map[string]any{"id": "/subscriptions/" + s.ID, "subscriptionId": s.ID, "tenantId": c.TenantID(), "displayName": s.Name}, true
}

func (c plane) Group(subscription, name string) (map[string]any, bool) {
	return c.s.lookup("/subscriptions/" + subscription + "/resourceGroups/" + name)
}

func (c plane) ManagementGroup(name string) (map[string]any, bool) {
	g, ok := c.s.Tenant().ManagementGroup(name)
	if !ok {
		return nil, false
	}
	return map[string]any{
		"id": groupID(g.Name), "name": g.Name, "type": "/providers/Microsoft.Management/managementGroups",
		"properties": map[string]any{"displayName": g.DisplayName, "tenantId": c.TenantID()},
	}, true
}

func (c plane) Environment() map[string]any {
	return map[string]any{
		"name": "AzureCloud", "gallery": "https://gallery.azure.com/", "graph": "https://graph.windows.net/", "portal": "https://portal.azure.com",
		"graphAudience": "https://graph.windows.net/", "activeDirectoryDataLake": "https://datalake.azure.net/", "batch": "https://batch.core.windows.net/",
		"media": "https://rest.media.azure.net", "sqlManagement": "https://management.core.windows.net:8443/", "resourceManager": "https://management.azure.com/",
		"vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json",
		"authentication": map[string]any{
			"loginEndpoint": "https://login.microsoftonline.com/", "tenant": "common", "identityProvider": "AAD",
			"audiences": []any{"https://management.core.windows.net/", "https://management.azure.com/"},
		},
		"suffixes": map[string]any{
			"acrLoginServer": ".azurecr.io", "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net", "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
			"azureFrontDoorEndpointSuffix": "azurefd.net", "keyvaultDns": ".vault.azure.net", "sqlServerHostname": ".database.windows.net", "storage": "core.windows.net",
		},
	}
}

func (c plane) Resource(id, version string) (map[string]any, error) {
	if d, ok := c.s.deployments.Find(id); ok {
		return d.Body(), nil
	}
	call := callOf(id, version, c.caller)
	if failure := c.s.checkScope(call, "read"); failure != nil {
		return nil, errors.New(failure.Message)
	}
	t, ok := parseTarget(call)
	if ok {
		if failure := c.s.checkWriteType(t.typ, version); failure != nil {
			return nil, errors.New(failure.Message)
		}
	}
	found, there := c.s.lookup(id)
	switch {
	case there:
		return found, nil
	case ok:
		return nil, &template.Error{Code: "ResourceNotFound", Message: resourceNotFound(t).Message, Target: id}
	}
	return nil, &template.Error{Code: "ResourceNotFound", Message: fmt.Sprintf("The Resource '%s' was not found.", id), Target: id}
}

// List answers the list functions that are common in templates with keys that are made up of the
// resource's id.
func (c plane) List(function, id, version string, _ any) (any, error) {
	resource, err := c.Resource(id, version)
	if err != nil {
		return nil, err
	}
	typ, _ := resource["type"].(string)
	key := func(n string) string {
		return expression.UniqueString([]string{id, n}) + expression.UniqueString([]string{n, id}) + "=="
	}
	name, _ := resource["name"].(string)
	switch lower := strings.ToLower(typ); {
	case function == "listkeys" && lower == "microsoft.storage/storageaccounts":
		keys := []any{}
		for _, n := range []string{"key1", "key2"} {
			keys = append(keys, map[string]any{"keyName": n, "value": key(n), "permissions": "FULL"})
		}
		return map[string]any{"keys": keys}, nil
	case function == "listkeys" && strings.HasSuffix(lower, "/authorizationrules"):
		connection := "Endpoint=sb://simulated/;SharedAccessKeyName=" + name + ";SharedAccessKey="
		return map[string]any{
			"keyName": name, "primaryKey": key("1"), "secondaryKey": key("2"),
			"primaryConnectionString": connection + key("1"), "secondaryConnectionString": connection + key("2"),
		}, nil
	case function == "listkeys" && lower == "microsoft.operationalinsights/workspaces", function == "sharedkeys":
		return map[string]any{"primarySharedKey": key("1"), "secondarySharedKey": key("2")}, nil
	case function == "listkeys" && lower == "microsoft.documentdb/databaseaccounts":
		return map[string]any{"primaryMasterKey": key("1"), "secondaryMasterKey": key("2"), "primaryReadonlyMasterKey": key("3"), "secondaryReadonlyMasterKey": key("4")}, nil
	case function == "listkeys" && lower == "microsoft.cognitiveservices/accounts":
		return map[string]any{"key1": key("1"), "key2": key("2")}, nil
	case function == "listkeys", function == "listadminkeys":
		return map[string]any{"primaryKey": key("1"), "secondaryKey": key("2")}, nil
	case function == "listcredentials":
		return map[string]any{"username": name, "passwords": []any{map[string]any{"name": "password", "value": key("1")}, map[string]any{"name": "password2", "value": key("2")}}}, nil
	}
	return nil, fmt.Errorf("the simulator has no function '%s' of the type '%s'", function, typ)
}

func (c plane) Secret(vault, name, _ string) (string, error) {
	found, ok := c.s.lookup(vault)
	properties, _ := found["properties"].(map[string]any)
	switch {
	case !ok:
		return "", fmt.Errorf("the key vault '%s' of the parameter reference was not found", vault)
	case properties["enabledForTemplateDeployment"] != true:
		return "", fmt.Errorf("the key vault '%s' is not enabled for template deployments", vault)
	}
	id := vault + "/secrets/" + name
	if _, ok := c.s.lookup(id); !ok {
		return "", fmt.Errorf("the secret of the KeyVault parameter '%s' cannot be retrieved from '%s'", name, vault)
	}
	return "simulated-" + expression.UniqueString([]string{strings.ToLower(id)}), nil
}

func (c plane) CheckType(typ, version string, scope template.Scope) error {
	if strings.HasPrefix(strings.ToLower(typ), "microsoft.resources/") {
		return checkOwnType(typ, version, scope)
	}
	if failure := c.s.checkWriteType(typ, version); failure != nil {
		return &template.Error{Code: failure.Code, Message: failure.Message}
	}
	return nil
}

// checkOwnType checks the types of Resource Manager itself.
func checkOwnType(typ, version string, scope template.Scope) error {
	switch strings.ToLower(typ) {
	case "microsoft.resources/resourcegroups":
		if scope.Subscription == "" || scope.Group != "" {
			return &template.Error{Code: "InvalidTemplate", Message: "Deployment template validation failed: 'The template resource of type 'Microsoft.Resources/resourceGroups' cannot be deployed to a " + scope.Kind() + ": it belongs in a deployment to a subscription.'."}
		}
	case "microsoft.resources/deployments":
	default:
		return &template.Error{Code: "InvalidResourceType", Message: fmt.Sprintf("The resource type '%s' could not be found in the namespace 'Microsoft.Resources' for api version '%s'.", strings.SplitN(typ, "/", 2)[1], version)}
	}
	if !versionForm.MatchString(version) {
		return &template.Error{Code: "NoRegisteredProviderFound", Message: unsupportedVersion(strings.SplitN(typ, "/", 2)[1], version, resourcesVersions).Message}
	}
	return nil
}

func (c plane) Put(id, version string, body map[string]any, stop <-chan struct{}) (bool, *deployment.Failure) {
	_, created, failure := c.s.put(callOf(id, version, c.caller), body, origin{caller: c.caller.ObjectID, stop: stop})
	if failure != nil {
		return false, &deployment.Failure{Status: failure.status, Code: failure.Code, Message: failure.Message, Target: id}
	}
	return created, nil
}

func (c plane) Delete(id string) *deployment.Failure {
	if _, failure := c.s.remove(id); failure != nil {
		return &deployment.Failure{Status: failure.status, Code: failure.Code, Message: failure.Message, Target: id}
	}
	return nil
}

func (c plane) InGroup(subscription, group string) []string {
	table := c.s.Tenant().Resources()
	var ids []string
	for _, row := range table.InGroup(subscription, group) {
		id := table.Text(row, 0)
		if t, ok := parseTarget(callOf(id, "", nil)); ok && strings.Count(t.typ, "/") == 1 && strings.Count(strings.ToLower(id), "/providers/") == 1 {
			ids = append(ids, id)
		}
	}
	return ids
}
