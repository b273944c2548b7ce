package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

const deployVersion = "?api-version=2025-04-01"

// deployer is a simulator of Contoso's empty subscriptions, without limits and waits.
func deployer(t *testing.T, config Config) *caller {
	t.Helper()
	contoso, err := tenant.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	if config.Tenant, err = contoso.Emptied(); err != nil {
		t.Fatal(err)
	}
	config.NoARMLimits, config.Quota, config.RetryAfter = true, -1, -1
	return start(t, config)
}

// templateOf is a template with the given members.
func templateOf(members string) string {
	return `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",` + members + `}`
}

// bodyOf is the request of a deployment of a template.
func bodyOf(location, members, more string) string {
	text := `{"properties":{"mode":"Incremental","template":` + templateOf(members) + more + `}`
	if location != "" {
		text += `,"location":"` + location + `"`
	}
	return text + `}`
}

func idOf(scope, name string) string {
	return scope + "/providers/Microsoft.Resources/deployments/" + name
}

// finish polls the operation of a deployment until it has ended.
func (c *caller) finish(begun *answer) *answer {
	c.t.Helper()
	link := begun.header.Get("Azure-AsyncOperation")
	if begun.status >= 300 || link == "" {
		c.t.Fatalf("%d %s", begun.status, begun.body)
	}
	for c.t.Context().Err() == nil {
		poll := c.get(link)
		if status := poll.text("status"); !slices.Contains([]string{"Accepted", "Running"}, status) {
			return poll
		}
	}
	c.t.Fatal("the deployment does not end")
	return nil
}

// deploy runs a deployment to its end, and returns what a read shows then.
func (c *caller) deploy(scope, name, body string) *answer {
	c.t.Helper()
	c.finish(c.do(http.MethodPut, idOf(scope, name)+deployVersion, body))
	return c.get(idOf(scope, name) + deployVersion)
}

const toSubscription = "/subscriptions/" + production

func group(name string) string {
	return `{"type":"Microsoft.Resources/resourceGroups","apiVersion":"2021-04-01","name":"` + name + `","location":"westeurope"}`
}

func diskIn(name, more string) string {
	return `{"type":"Microsoft.Compute/disks","apiVersion":"2024-03-02","name":"` + name + `","location":"westeurope","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4}` + more + `}`
}

func nestedIn(group, name, more, members string) string {
	return `{"type":"Microsoft.Resources/deployments","apiVersion":"2022-09-01","name":"` + name + `","resourceGroup":"` + group + `"` + more +
		`,"properties":{"mode":"Incremental","expressionEvaluationOptions":{"scope":"inner"},"template":` + templateOf(members) + `}}`
}

// operationsOf are the targets of a deployment's operations by state, and what they tell.
func (c *caller) operationsOf(path string) map[string]string {
	c.t.Helper()
	states := map[string]string{}
	for _, item := range c.get(path + deployVersion).list("value") {
		properties := item.(map[string]any)["properties"].(map[string]any)
		name := fmt.Sprint(properties["provisioningOperation"])
		if target, ok := properties["targetResource"].(map[string]any); ok {
			name += " " + fmt.Sprint(target["resourceName"])
		}
		states[name] = fmt.Sprintf("%v %v", properties["provisioningState"], properties["statusCode"])
	}
	return states
}

// TestDeployment deploys a group and what is in it, and looks at everything that tells of it.
func TestDeployment(t *testing.T) {
	c := deployer(t, Config{})
	body := bodyOf("westeurope", `"parameters":{"size":{"type":"int","defaultValue":4},"secret":{"type":"secureString"}},"resources":[`+
		nestedIn("rg-a", "inside", `,"dependsOn":["[subscriptionResourceId('Microsoft.Resources/resourceGroups','rg-a')]"]`,
			`"resources":[`+diskIn("d2", `,"dependsOn":["[resourceId('Microsoft.Compute/disks','d1')]"]`)+`,`+diskIn("d1", "")+`],"outputs":{"unique":{"type":"string","value":"[reference('d1').uniqueId]"}}`)+
		`,`+group("rg-a")+`],"outputs":{"unique":{"type":"string","value":"[reference('inside').outputs.unique.value]"}}`, `,"parameters":{"secret":{"value":"HIDDEN"}}`)
	begun := c.do(http.MethodPut, idOf(toSubscription, "first")+deployVersion, body)
	if begun.status != http.StatusCreated || begun.text("properties", "provisioningState") != "Accepted" || begun.header.Get("Retry-After") == "" {
		t.Fatalf("%d %s", begun.status, begun.body)
	}
	if end := c.finish(begun); end.text("status") != "Succeeded" {
		t.Fatalf("%s", end.body)
	}
	done := c.get(idOf(toSubscription, "first") + deployVersion)
	if strings.Contains(string(done.body), "HIDDEN") || done.text("properties", "parameters", "secret", "type") != "SecureString" {
		t.Errorf("the secret is shown: %s", done.body)
	}
	disk := c.get(toSubscription + "/resourceGroups/rg-a/providers/Microsoft.Compute/disks/d1?api-version=2024-03-02")
	if unique := done.text("properties", "outputs", "unique", "value"); unique == "" || unique != disk.text("properties", "uniqueId") {
		t.Errorf("the output is %q", unique)
	}
	if done.text("properties", "correlationId") == "" || !strings.HasPrefix(done.text("properties", "duration"), "PT") || len(done.list("properties", "outputResources")) != 2 {
		t.Errorf("%s", done.body)
	}
	want := map[string]string{"Create rg-a": "Succeeded Created", "Create inside": "Succeeded OK", "EvaluateDeploymentOutput": "Succeeded OK"}
	if diff := cmp.Diff(want, c.operationsOf(idOf(toSubscription, "first")+"/operations")); diff != "" {
		t.Error(diff)
	}
	inGroup := toSubscription + "/resourceGroups/rg-a"
	want = map[string]string{"Create d1": "Succeeded Created", "Create d2": "Succeeded Created", "EvaluateDeploymentOutput": "Succeeded OK"}
	for _, path := range []string{idOf(inGroup, "inside") + "/operations", inGroup + "/deployments/inside/operations"} {
		if diff := cmp.Diff(want, c.operationsOf(path)); diff != "" {
			t.Error(path, diff)
		}
	}
	one := c.get(idOf(inGroup, "inside") + "/operations" + deployVersion).list("value")[0].(map[string]any)["id"].(string)
	if op := c.get(one + deployVersion); op.text("id") != one {
		t.Errorf("%d %s", op.status, op.body)
	}
	if nested := c.get(idOf(inGroup, "inside") + deployVersion); nested.text("properties", "correlationId") != done.text("properties", "correlationId") {
		t.Errorf("the nested deployment has another correlation id: %s", nested.body)
	}
	if rows := c.graph(map[string]any{"query": "resources | where type == 'microsoft.compute/disks' | project id"}); len(rows.list("data")) != 2 {
		t.Errorf("%s", rows.body)
	}
	if exported := c.do(http.MethodPost, idOf(toSubscription, "first")+"/exportTemplate"+deployVersion, ""); len(exported.list("template", "resources")) != 2 {
		t.Errorf("%d %s", exported.status, exported.body)
	}
	if again := c.do(http.MethodPut, idOf(toSubscription, "first")+deployVersion, body); again.status != http.StatusOK || c.finish(again).text("status") != "Succeeded" {
		t.Errorf("%d %s", again.status, again.body)
	}
}

// TestDeploymentScopes deploys to each scope, and finds the deployments there.
func TestDeploymentScopes(t *testing.T) {
	c := deployer(t, Config{})
	c.deploy(toSubscription, "g", bodyOf("westeurope", `"resources":[`+group("rg-a")+`]`, ""))
	assignment := func(n int) string {
		return fmt.Sprintf(`{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"aaaaaaaa-0000-4000-8000-00000000000%d","properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":%q}}`, n, userObject)
	}
	for n, scope := range []string{"", "/providers/Microsoft.Management/managementGroups/mg-contoso", toSubscription, toSubscription + "/resourceGroups/rg-a"} {
		location := "westeurope"
		if n == 3 {
			location = ""
		}
		if done := c.deploy(scope, "same-name", bodyOf(location, `"resources":[`+assignment(n)+`]`, "")); done.text("properties", "provisioningState") != "Succeeded" || done.text("id") != idOf(scope, "same-name") {
			t.Errorf("%s: %d %s", scope, done.status, done.body)
		}
		id := fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-00000000000%d", scope, n)
		if made := c.get(id + "?api-version=2022-04-01"); made.text("id") != id {
			t.Errorf("%d %s", made.status, made.body)
		}
		listed := c.get(scope + "/providers/Microsoft.Resources/deployments/" + deployVersion)
		if first := listed.list("value"); len(first) == 0 || first[0].(map[string]any)["name"] != "same-name" {
			t.Errorf("%s: %s", scope, listed.body)
		}
		if head := c.do(http.MethodHead, idOf(scope, "same-name")+deployVersion, ""); head.status != http.StatusNoContent {
			t.Errorf("HEAD answered %d", head.status)
		}
	}
}

// TestFailedDeployment has a resource that fails; what needs it is not tried, and the rest is made.
func TestFailedDeployment(t *testing.T) {
	c := deployer(t, Config{})
	if _, err := c.server.Inject(Faults{Resources: []ResourceFault{{ID: "/disks/d1$", Kind: "quota", Times: 1}}}); err != nil {
		t.Fatal(err)
	}
	body := bodyOf("westeurope", `"resources":[`+group("rg-a")+`,`+nestedIn("rg-a", "inside", `,"dependsOn":["rg-a"]`,
		`"resources":[`+diskIn("d1", "")+`,`+diskIn("d2", `,"dependsOn":["d1"]`)+`,`+diskIn("d3", "")+`]`)+`]`, "")
	failed := c.finish(c.do(http.MethodPut, idOf(toSubscription, "f")+deployVersion, body))
	var status struct {
		Status string
		Error  struct {
			Code, Target string
			Details      []struct {
				Code    string
				Details []struct {
					Code    string
					Details []struct{ Code, Target, Message string }
				}
			}
		}
	}
	if err := json.Unmarshal(failed.body, &status); err != nil {
		t.Fatal(err)
	}
	if status.Status != "Failed" || status.Error.Code != "DeploymentFailed" || len(status.Error.Details) != 1 || status.Error.Details[0].Code != "ResourceDeploymentFailure" ||
		status.Error.Details[0].Details[0].Code != "DeploymentFailed" || status.Error.Details[0].Details[0].Details[0].Code != "QuotaExceeded" {
		t.Fatalf("%s", failed.body)
	}
	if leaf := status.Error.Details[0].Details[0].Details[0]; !strings.HasSuffix(leaf.Target, "/disks/d1") || !strings.Contains(leaf.Message, "exceeding approved Total Regional Cores quota") {
		t.Errorf("%+v", leaf)
	}
	want := map[string]string{"Create d1": "Failed Conflict", "Create d3": "Succeeded Created"}
	if diff := cmp.Diff(want, c.operationsOf(idOf(toSubscription+"/resourceGroups/rg-a", "inside")+"/operations")); diff != "" {
		t.Error(diff)
	}
	if again := c.deploy(toSubscription, "f", body); again.text("properties", "provisioningState") != "Succeeded" {
		t.Errorf("the second try: %s", again.body)
	}
	listed := c.get(toSubscription + "/providers/Microsoft.Resources/deployments/" + deployVersion + "&$filter=provisioningState%20eq%20'Failed'")
	if n := len(listed.list("value")); n != 0 {
		t.Errorf("%d deployments have failed", n)
	}
}

func TestDeploymentsRefused(t *testing.T) {
	c := deployer(t, Config{})
	c.deploy(toSubscription, "there", bodyOf("westeurope", `"resources":[`+group("rg-a")+`]`, ""))
	inGroup := toSubscription + "/resourceGroups/rg-a"
	none := `"resources":[]`
	tests := map[string]struct {
		path, body, code, message string
		status                    int
	}{
		"another location":  {idOf(toSubscription, "there") + deployVersion, bodyOf("northeurope", none, ""), "InvalidDeploymentLocation", "Invalid deployment location 'northeurope'. The deployment 'there' already exists in location 'westeurope'.", 409},
		"no location":       {idOf(toSubscription, "x") + deployVersion, bodyOf("", none, ""), "LocationRequired", "", 400},
		"unknown location":  {idOf(toSubscription, "x") + deployVersion, bodyOf("atlantis", none, ""), "LocationNotAvailableForDeployment", "", 400},
		"location in group": {idOf(inGroup, "x") + deployVersion, bodyOf("westeurope", none, ""), "InvalidDeployment", "not allowed for 'x' at resource group scope", 400},
		"name":              {idOf(inGroup, "a+b") + deployVersion, bodyOf("", none, ""), "InvalidDeploymentName", "", 400},
		"no group":          {idOf(toSubscription+"/resourceGroups/none", "x") + deployVersion, bodyOf("", none, ""), "ResourceGroupNotFound", "", 404},
		"no management group": {idOf("/providers/Microsoft.Management/managementGroups/none", "x") + deployVersion, bodyOf("westeurope", none, ""),
			"NotFound", "", 404},
		"no mode":           {idOf(inGroup, "x") + deployVersion, `{"properties":{"template":` + templateOf(none) + `}}`, "InvalidRequestContent", "'mode'", 400},
		"complete above":    {idOf(toSubscription, "x") + deployVersion, strings.Replace(bodyOf("westeurope", none, ""), "Incremental", "Complete", 1), "InvalidDeployment", "Complete", 400},
		"no template":       {idOf(inGroup, "x") + deployVersion, `{"properties":{"mode":"Incremental"}}`, "InvalidDeployment", "", 400},
		"template as text":  {idOf(inGroup, "x") + deployVersion, `{"properties":{"mode":"Incremental","template":"{}"}}`, "InvalidDeployment", "", 400},
		"a link":            {idOf(inGroup, "x") + deployVersion, `{"properties":{"mode":"Incremental","templateLink":{"uri":"https://x"}}}`, "InvalidTemplateLink", "", 400},
		"unknown member":    {idOf(inGroup, "x") + deployVersion, `{"properties":{"mode":"Incremental","templates":{}}}`, "InvalidRequestContent", "'templates'", 400},
		"no properties":     {idOf(inGroup, "x") + deployVersion, `{}`, "InvalidRequestContent", "'properties'", 400},
		"bad template":      {idOf(inGroup, "x") + deployVersion, bodyOf("", `"resources":[`+diskIn("d", `,"dependsOn":["e"]`)+`]`, ""), "InvalidTemplate", "'e' is not defined in the template", 400},
		"unknown type":      {idOf(inGroup, "x") + deployVersion, bodyOf("", `"resources":[{"type":"Microsoft.Compute/nones","apiVersion":"2024-03-02","name":"x"}]`, ""), "InvalidResourceType", "'nones'", 400},
		"unknown version":   {idOf(inGroup, "x") + deployVersion, bodyOf("", `"resources":[{"type":"Microsoft.Compute/disks","apiVersion":"2999-03-02","name":"x"}]`, ""), "NoRegisteredProviderFound", "The supported api-versions are '", 400},
		"group in a group":  {idOf(inGroup, "x") + deployVersion, bodyOf("", `"resources":[`+group("rg-b")+`]`, ""), "InvalidTemplate", "cannot be deployed to a resource group", 400},
		"too old a version": {idOf("/providers/Microsoft.Management/managementGroups/mg-contoso", "x") + "?api-version=2018-05-01", bodyOf("westeurope", none, ""), "NoRegisteredProviderFound", "", 400},
		"too large":         {idOf(inGroup, "x") + deployVersion, bodyOf("", `"variables":{"v":"`+strings.Repeat("a", 4<<20)+`"},`+none, ""), "RequestContentTooLarge", "", 413},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refused := c.do(http.MethodPut, test.path, test.body)
			if refused.status != test.status || refused.text("error", "code") != test.code || !strings.Contains(refused.text("error", "message"), test.message) {
				t.Errorf("%d %.400s", refused.status, refused.body)
			}
			if refused := c.get(idOf(inGroup, "x") + deployVersion); refused.text("error", "code") != "DeploymentNotFound" {
				t.Errorf("the deployment is there: %.400s", refused.body)
			}
		})
	}
}
