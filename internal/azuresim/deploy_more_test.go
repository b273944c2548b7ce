package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestActiveDeployment holds a deployment up, so that it is active; then cancels it.
func TestActiveDeployment(t *testing.T) {
	c := deployer(t, Config{})
	c.deploy(toSubscription, "g", bodyOf("westeurope", `"resources":[`+group("rg-a")+`]`, ""))
	remove, err := c.server.Inject(Faults{Resources: []ResourceFault{{Type: "microsoft.compute/disks", Takes: Duration(time.Hour)}}})
	if err != nil {
		t.Fatal(err)
	}
	inGroup := toSubscription + "/resourceGroups/rg-a"
	body := bodyOf("", `"resources":[`+diskIn("d", "")+`]`, "")
	begun := c.do(http.MethodPut, idOf(inGroup, "slow")+deployVersion, body)
	for len(c.operationsOf(idOf(inGroup, "slow")+"/operations")) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the write does not begin")
		}
	}
	if status := c.get(begun.header.Get("Azure-AsyncOperation")); status.text("status") != "Running" || status.header.Get("Retry-After") == "" {
		t.Errorf("%s", status.body)
	}
	if twice := c.do(http.MethodPut, idOf(inGroup, "slow")+deployVersion, body); twice.status != http.StatusConflict || twice.text("error", "code") != "DeploymentActive" {
		t.Errorf("%d %s", twice.status, twice.body)
	}
	if gone := c.do(http.MethodDelete, idOf(inGroup, "slow")+deployVersion, ""); gone.status != http.StatusConflict {
		t.Errorf("%d %s", gone.status, gone.body)
	}
	if stopped := c.do(http.MethodPost, idOf(inGroup, "slow")+"/cancel"+deployVersion, ""); stopped.status != http.StatusNoContent {
		t.Errorf("%d %s", stopped.status, stopped.body)
	}
	if end := c.finish(begun); end.text("status") != "Canceled" {
		t.Errorf("%s", end.body)
	}
	if again := c.do(http.MethodPost, idOf(inGroup, "slow")+"/cancel"+deployVersion, ""); again.status != http.StatusConflict {
		t.Errorf("cancelled again: %d", again.status)
	}
	remove()
	if done := c.deploy(inGroup, "slow", body); done.text("properties", "provisioningState") != "Succeeded" {
		t.Errorf("%s", done.body)
	}
	if gone := c.do(http.MethodDelete, idOf(inGroup, "slow")+deployVersion, ""); gone.status != http.StatusAccepted {
		t.Errorf("%d %s", gone.status, gone.body)
	} else if poll := c.get(gone.header.Get("Location")); poll.status != http.StatusOK {
		t.Errorf("%d", poll.status)
	}
	if gone := c.do(http.MethodDelete, idOf(inGroup, "slow")+deployVersion, ""); gone.status != http.StatusNoContent {
		t.Errorf("deleted again: %d", gone.status)
	}
}

// TestComplete deletes what the template does not have.
func TestComplete(t *testing.T) {
	c := deployer(t, Config{})
	c.deploy(toSubscription, "g", bodyOf("westeurope", `"resources":[`+group("rg-a")+`]`, ""))
	inGroup := toSubscription + "/resourceGroups/rg-a"
	c.deploy(inGroup, "two", bodyOf("", `"resources":[`+diskIn("d1", "")+`,`+diskIn("d2", "")+`]`, ""))
	body := strings.Replace(bodyOf("", `"resources":[`+diskIn("d1", "")+`]`, ""), "Incremental", "Complete", 1)
	preview := c.do(http.MethodPost, idOf(inGroup, "one")+"/whatIf"+deployVersion, body)
	if preview.status != http.StatusAccepted {
		t.Fatalf("%d %s", preview.status, preview.body)
	}
	if diff := cmp.Diff([]string{"NoChange d1", "Delete d2"}, changesOf(c.get(preview.header.Get("Location")))); diff != "" {
		t.Error(diff)
	}
	if done := c.deploy(inGroup, "one", body); done.text("properties", "provisioningState") != "Succeeded" {
		t.Fatalf("%s", done.body)
	}
	if n := len(c.get(inGroup + "/resources?api-version=2021-04-01").list("value")); n != 1 {
		t.Errorf("%d resources are left", n)
	}
}

// changesOf are the changes of a preview, with the ends of their ids.
func changesOf(result *answer) []string {
	var list []string
	for _, item := range result.list("properties", "changes") {
		change := item.(map[string]any)
		id := fmt.Sprint(change["resourceId"])
		list = append(list, fmt.Sprint(change["changeType"], " ", id[strings.LastIndexByte(id, '/')+1:]))
	}
	return list
}

// TestPreview looks at what would change, and sees to it that nothing does.
func TestPreview(t *testing.T) {
	c := deployer(t, Config{})
	c.deploy(toSubscription, "g", bodyOf("westeurope", `"resources":[`+group("rg-a")+`,`+nestedIn("rg-a", "n", `,"dependsOn":["rg-a"]`, `"resources":[`+diskIn("d1", "")+`]`)+`]`, ""))
	inGroup := toSubscription + "/resourceGroups/rg-a"
	body := bodyOf("", `"resources":[`+strings.Replace(diskIn("d1", ""), `"diskSizeGB":4`, `"diskSizeGB":8`, 1)+`,`+diskIn("d2", "")+`]`, "")
	result := c.get(c.do(http.MethodPost, idOf(inGroup, "p")+"/whatIf"+deployVersion, body).header.Get("Location"))
	if diff := cmp.Diff([]string{"Modify d1", "Create d2"}, changesOf(result)); diff != "" {
		t.Errorf("%s\n%s", diff, result.body)
	}
	delta := result.list("properties", "changes")[0].(map[string]any)["delta"].([]any)
	want := []any{map[string]any{"path": "properties.diskSizeGB", "propertyChangeType": "Modify", "before": 4.0, "after": 8.0, "children": nil}}
	if diff := cmp.Diff(want, delta); diff != "" {
		t.Error(diff)
	}
	if n := len(c.get(inGroup + "/resources?api-version=2021-04-01").list("value")); n != 1 {
		t.Errorf("%d resources are there", n)
	}
	above := c.get(c.do(http.MethodPost, idOf(toSubscription, "p")+"/whatIf"+deployVersion, bodyOf("westeurope", `"resources":[`+group("rg-b")+`,`+nestedIn("rg-b", "n", "", `"resources":[`+diskIn("d", "")+`]`)+`]`, "")).header.Get("Location"))
	if diff := cmp.Diff([]string{"Create rg-b", "Create d"}, changesOf(above)); diff != "" {
		t.Errorf("%s\n%s", diff, above.body)
	}
	bad := c.get(c.do(http.MethodPost, idOf(inGroup, "p")+"/whatIf"+deployVersion, bodyOf("", `"resources":[`+diskIn("d", `,"dependsOn":["e"]`)+`]`, "")).header.Get("Location"))
	if bad.text("status") != "Failed" || bad.text("error", "code") != "InvalidTemplate" {
		t.Errorf("%s", bad.body)
	}
}

// TestValidate checks without deploying.
func TestValidate(t *testing.T) {
	c := deployer(t, Config{})
	body := bodyOf("westeurope", `"resources":[`+group("rg-a")+`]`, "")
	valid := c.do(http.MethodPost, idOf(toSubscription, "v")+"/validate"+deployVersion, body)
	if valid.status != http.StatusOK || valid.text("properties", "provisioningState") != "Succeeded" || len(valid.list("properties", "validatedResources")) != 1 {
		t.Errorf("%d %s", valid.status, valid.body)
	}
	if bad := c.do(http.MethodPost, idOf(toSubscription, "v")+"/validate"+deployVersion, bodyOf("westeurope", `"resources":[`+diskIn("d", `,"dependsOn":["e"]`)+`]`, "")); bad.status != http.StatusBadRequest || bad.text("error", "code") != "InvalidTemplate" {
		t.Errorf("%d %s", bad.status, bad.body)
	}
	if found := c.get(idOf(toSubscription, "v") + deployVersion); found.text("error", "code") != "DeploymentNotFound" {
		t.Errorf("%d %s", found.status, found.body)
	}
}

// TestOrder deploys a chain and things beside it, of which all must be made after what they need.
func TestOrder(t *testing.T) {
	c := deployer(t, Config{})
	c.deploy(toSubscription, "g", bodyOf("westeurope", `"resources":[`+group("rg-a")+`]`, ""))
	var list []string
	for i := 40; i > 0; i-- { // written the wrong way round
		more := ""
		if i > 1 {
			more = fmt.Sprintf(`,"dependsOn":["d%d"]`, i/2)
		}
		list = append(list, diskIn(fmt.Sprint("d", i), more))
	}
	inGroup := toSubscription + "/resourceGroups/rg-a"
	if done := c.deploy(inGroup, "o", bodyOf("", `"resources":[`+strings.Join(list, ",")+`]`, "")); done.text("properties", "provisioningState") != "Succeeded" {
		t.Fatalf("%s", done.body)
	}
	made := map[string]int{} // the operations come the newest first
	for n, item := range c.get(idOf(inGroup, "o") + "/operations" + deployVersion).list("value") {
		target := item.(map[string]any)["properties"].(map[string]any)["targetResource"]
		if target != nil {
			made[target.(map[string]any)["resourceName"].(string)] = -n
		}
	}
	for i := 2; i <= 40; i++ {
		if made[fmt.Sprint("d", i)] < made[fmt.Sprint("d", i/2)] {
			t.Errorf("d%d was begun before d%d", i, i/2)
		}
	}
}

// TestHistory keeps as many deployments as Azure.
func TestHistory(t *testing.T) {
	c := deployer(t, Config{})
	body := bodyOf("westeurope", `"resources":[]`, "")
	count := func() int {
		n := 0
		for next := toSubscription + "/providers/Microsoft.Resources/deployments/" + deployVersion; next != ""; {
			listed := c.get(next)
			n += len(listed.list("value"))
			next = listed.text("nextLink")
		}
		return n
	}
	for i := range 701 {
		c.finish(c.do(http.MethodPut, idOf(toSubscription, fmt.Sprint("d", i))+deployVersion, body))
	}
	if n := count(); n != 600 {
		t.Errorf("%d deployments are kept", n)
	}
	settings := c.server.Settings()
	settings.KeepHistory = true
	if err := c.server.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		c.finish(c.do(http.MethodPut, idOf(toSubscription, fmt.Sprint("e", i))+deployVersion, body))
	}
	if full := c.do(http.MethodPut, idOf(toSubscription, "f")+deployVersion, body); full.status != http.StatusConflict || full.text("error", "code") != "DeploymentQuotaExceeded" || count() != 800 {
		t.Errorf("%d %s", full.status, full.body)
	}
	if same := c.do(http.MethodPut, idOf(toSubscription, "e0")+deployVersion, body); same.status != http.StatusOK {
		t.Errorf("one that is there: %d", same.status)
	}
}

// TestResourceFaults strikes writes by their kind, and leaves alone what they do not name.
func TestResourceFaults(t *testing.T) {
	codes := map[string]string{"quota": "QuotaExceeded", "sku": "SkuNotAvailable", "conflict": "AnotherOperationInProgress", "fail": "ResourceDeploymentFailure"}
	for kind, code := range codes {
		c := writer(t, Config{})
		if _, err := c.server.Inject(Faults{Resources: []ResourceFault{{ID: "disks/d", Kind: kind, After: 1, Times: 1}}}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 3 {
			got = append(got, c.do(http.MethodPut, writeTo+"Microsoft.Compute/disks/d?api-version=2024-03-02", diskBody).text("error", "code"))
		}
		if diff := cmp.Diff([]string{"", code, ""}, got); diff != "" {
			t.Error(kind, diff)
		}
		if other := c.do(http.MethodPut, writeTo+"Microsoft.Compute/disks/e?api-version=2024-03-02", diskBody); other.status != http.StatusCreated {
			t.Errorf("%d %s", other.status, other.body)
		}
	}
	c := writer(t, Config{})
	for _, wrong := range []ResourceFault{{}, {Kind: "no"}, {ID: "(", Kind: "fail"}} {
		if _, err := c.server.Inject(Faults{Resources: []ResourceFault{wrong}}); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
	own := ResourceFault{Status: http.StatusTeapot, Code: "Own", Message: "as told"}
	if _, err := c.server.Inject(Faults{Resources: []ResourceFault{own}}); err != nil {
		t.Fatal(err)
	}
	if struck := c.do(http.MethodPut, writeTo+"Microsoft.Compute/disks/d?api-version=2024-03-02", diskBody); struck.status != http.StatusTeapot || struck.text("error", "code") != "Own" || struck.header.Get("x-ms-failure-cause") != "service" {
		t.Errorf("%d %s", struck.status, struck.body)
	}
	c.server.ClearFaults()
	if made := c.do(http.MethodPut, writeTo+"Microsoft.Compute/disks/d?api-version=2024-03-02", diskBody); made.status != http.StatusCreated {
		t.Errorf("%d %s", made.status, made.body)
	}
}

// TestByproducts has what providers make of themselves.
func TestByproducts(t *testing.T) {
	c := writer(t, Config{})
	put := func(path, body string) {
		t.Helper()
		if made := c.do(http.MethodPut, writeTo+path, body); made.status != http.StatusCreated {
			t.Fatalf("%d %s", made.status, made.body)
		}
	}
	put("Microsoft.Storage/storageAccounts/stnew?api-version=2023-05-01", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}}`)
	put("Microsoft.Storage/storageAccounts/stnew/blobServices/default/containers/c?api-version=2023-05-01", `{"properties":{}}`)
	put("Microsoft.Compute/virtualMachines/m?api-version=2024-07-01", `{"location":"westeurope","properties":{"storageProfile":{"osDisk":{"name":"os","createOption":"FromImage"},"dataDisks":[{"name":"kept","createOption":"Attach"},{"name":"data","createOption":"Empty"}]}}}`)
	put("Microsoft.Compute/virtualMachineScaleSets/s?api-version=2024-07-01", `{"location":"westeurope","sku":{"name":"x","capacity":2}}`)
	var names []string
	for _, item := range c.get(writeGroup + "/resources?api-version=2021-04-01").list("value") {
		names = append(names, item.(map[string]any)["name"].(string))
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"data", "m", "os", "s", "stnew"}, names); diff != "" {
		t.Error(diff)
	}
	if n := len(c.get(writeTo + "Microsoft.Compute/virtualMachineScaleSets/s/virtualMachines?api-version=2024-07-01").list("value")); n != 2 {
		t.Errorf("the scale set has %d machines", n)
	}
}

// TestPreflight refuses what can be told before anything is made, and makes nothing.
func TestPreflight(t *testing.T) {
	c := deployer(t, Config{})
	body := bodyOf("westeurope", `"resources":[`+group("rg-a")+`,`+nestedIn("rg-a", "n", `,"dependsOn":["rg-a"]`,
		`"resources":[`+diskIn("d1", "")+`,{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-05-01","name":"Not-Valid","location":"westeurope"}]`)+`]`, "")
	refused := c.do(http.MethodPut, idOf(toSubscription, "p")+deployVersion, body)
	details := refused.list("error", "details")
	if refused.status != http.StatusBadRequest || refused.text("error", "code") != "InvalidTemplateDeployment" || len(details) != 1 || details[0].(map[string]any)["code"] != "AccountNameInvalid" {
		t.Errorf("%d %s", refused.status, refused.body)
	}
	if found := c.get(toSubscription + "/resourceGroups/rg-a?api-version=2021-04-01"); found.status != http.StatusNotFound {
		t.Errorf("%d %s", found.status, found.body)
	}
}

// TestGraphDelay shows writes in Resource Graph later than in Resource Manager.
func TestGraphDelay(t *testing.T) {
	clock := newClock()
	c := writer(t, Config{Now: clock.Now, Quota: -1})
	settings := c.server.Settings()
	settings.GraphDelay = Duration(time.Minute)
	if err := c.server.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	seen := func() int {
		return len(c.graph(map[string]any{"query": "resources | where resourceGroup == 'rg-new' | project id"}).list("data"))
	}
	clock.advance(time.Minute)
	for i := range 2 {
		c.do(http.MethodPut, fmt.Sprintf("%sMicrosoft.Compute/disks/d%d?api-version=2024-03-02", writeTo, i), diskBody)
		clock.advance(40 * time.Second)
	}
	if n := len(c.get(writeGroup + "/resources?api-version=2021-04-01").list("value")); n != 2 {
		t.Errorf("Resource Manager shows %d", n)
	}
	if n := seen(); n != 1 {
		t.Errorf("80 s after the first and 40 s after the second, Resource Graph shows %d", n)
	}
	clock.advance(30 * time.Second)
	if n := seen(); n != 2 {
		t.Errorf("at the end, Resource Graph shows %d", n)
	}
}

// TestRegister answers for a provider that is registered.
func TestRegister(t *testing.T) {
	c := start(t, Config{})
	if made := c.do(http.MethodPost, toSubscription+"/providers/Microsoft.Compute/register?api-version=2021-04-01", ""); made.text("registrationState") != "Registered" {
		t.Errorf("%d %s", made.status, made.body)
	}
	if made := c.do(http.MethodPost, toSubscription+"/providers/Microsoft.None/register?api-version=2021-04-01", ""); made.text("error", "code") != "InvalidResourceNamespace" {
		t.Errorf("%d %s", made.status, made.body)
	}
}
