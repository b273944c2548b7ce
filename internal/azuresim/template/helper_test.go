package template

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

const subscriptionID = "11111111-0000-4000-8000-000000000001"

var inGroup = Scope{Subscription: subscriptionID, Group: "rg"}

// fakeHost is an Azure of a few resources, which knows all types but Microsoft.None.
type fakeHost struct{ resources map[string]map[string]any }

func (fakeHost) TenantID() string       { return "tenant" }
func (fakeHost) Tenant() map[string]any { return map[string]any{"tenantId": "tenant"} }
func (fakeHost) Subscription(id string) (map[string]any, bool) {
	return map[string]any{"subscriptionId": id}, true
}
func (fakeHost) Group(_, name string) (map[string]any, bool) {
	return map[string]any{"name": name, "location": "westeurope"}, true
}
func (fakeHost) ManagementGroup(name string) (map[string]any, bool) {
	return map[string]any{"name": name}, true
}
func (fakeHost) Environment() map[string]any { return map[string]any{"name": "AzureCloud"} }

func (h fakeHost) Resource(id, _ string) (map[string]any, error) {
	if found, ok := h.resources[strings.ToLower(id)]; ok {
		return found, nil
	}
	return nil, &Error{Code: "ResourceNotFound", Message: "The Resource '" + id + "' was not found."}
}

func (h fakeHost) List(function, id, _ string, _ any) (any, error) {
	return map[string]any{"function": function, "id": id}, nil
}

func (fakeHost) Secret(_, name, _ string) (string, error) {
	if name == "none" {
		return "", errors.New("there is no such secret")
	}
	return "from the vault", nil
}

func (fakeHost) CheckType(typ, _ string, _ Scope) error {
	if strings.HasPrefix(typ, "Microsoft.None/") {
		return &Error{Code: "InvalidResourceNamespace", Message: "The resource namespace 'Microsoft.None' is invalid."}
	}
	return nil
}

// decode reads JSON written in a test, in which single quotes of expressions can stand as they are.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	value, err := expression.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value.(map[string]any)
}

// deploymentOf is a deployment of a template whose members besides the head are given.
func deploymentOf(t *testing.T, scope Scope, members, parameters string) Deployment {
	t.Helper()
	schema := "2019-04-01/deploymentTemplate"
	if !strings.Contains(members, `"resources"`) {
		members += `,"resources":[]`
	}
	text := `{"$schema":"https://schema.management.azure.com/schemas/` + schema + `.json#","contentVersion":"1.0.0.0",` + strings.TrimPrefix(members, ",") + `}`
	d := Deployment{Name: "d", Scope: scope, Mode: "Incremental", Template: decode(t, text), Unique: "u", Deployer: map[string]any{"objectId": "me"}, Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if scope.Group == "" {
		d.Location = "westeurope"
	}
	if parameters != "" {
		d.Parameters = decode(t, parameters)
	}
	return d
}

func load(t *testing.T, scope Scope, members, parameters string) (*Template, error) {
	t.Helper()
	return Load(deploymentOf(t, scope, members, parameters), fakeHost{resources: map[string]map[string]any{
		"/subscriptions/" + subscriptionID + "/resourcegroups/rg/providers/microsoft.a/as/there": {
			"id":       "/subscriptions/" + subscriptionID + "/resourceGroups/rg/providers/Microsoft.A/as/there",
			"location": "westeurope", "properties": map[string]any{"url": "https://there"}, "identity": map[string]any{"principalId": "p"},
		},
	}})
}

func mustLoad(t *testing.T, scope Scope, members, parameters string) *Template {
	t.Helper()
	loaded, err := load(t, scope, members, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}
