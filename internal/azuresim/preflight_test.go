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

// refusedOf are the codes of an error's details, with the last parts of their targets.
func refusedOf(a *answer) []string {
	var all []string
	for _, item := range a.list("error", "details") {
		detail := item.(map[string]any)
		target := fmt.Sprint(detail["target"])
		all = append(all, fmt.Sprint(detail["code"], " ", target[strings.LastIndexByte(target, '/')+1:]))
	}
	slices.Sort(all)
	return all
}

// TestValidateAsCreate has everything that is wrong told at once, and by a validation as by a deployment,
// which does nothing then.
func TestValidateAsCreate(t *testing.T) {
	storage := func(name, more string) string {
		return `{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-05-01","name":"` + name + `"` + more + `}`
	}
	const fine = `,"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}`
	in := func(resources string) string {
		return `"resources":[` + group("rg-a") + `,` + nestedIn("rg-a", "n", `,"dependsOn":["rg-a"]`, `"resources":[`+resources+`]`) + `]`
	}
	for name, test := range map[string]struct {
		members string
		want    []string
		code    string
	}{
		"nothing":                         {in(storage("stfine", fine)), nil, ""},
		"several at once":                 {in(storage("St-Not", fine) + "," + storage("stnokind", `,"location":"westeurope","sku":{"name":"Standard_LRS"}`) + "," + storage("stelsewhere", `,"location":"atlantis","kind":"StorageV2","sku":{"name":"Standard_LRS"}`)), []string{"AccountNameInvalid St-Not", "InvalidRequestContent stnokind", "LocationNotAvailableForResourceType stelsewhere"}, "InvalidTemplateDeployment"},
		"unknown member":                  {in(storage("stfine", fine+`,"colour":"red"`)), nil, "InvalidRequestContent"},
		"identity":                        {in(storage("stfine", fine+`,"identity":{"type":"Sometimes"}`)), []string{"InvalidIdentityType stfine"}, "InvalidTemplateDeployment"},
		"only told later":                 {in(storage("stfine", `,"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"accessTier":"[reference(resourceId('Microsoft.Storage/storageAccounts','stother'),'2023-05-01').accessTier]"}`) + "," + storage("stother", fine)), nil, ""},
		"what it refers to comes with it": {in(`{"type":"Microsoft.Network/networkInterfaces","apiVersion":"2024-05-01","name":"nic","location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"/subscriptions/` + production + `/resourceGroups/rg-a/providers/Microsoft.Network/virtualNetworks/v/subnets/s"}}}]}}`), nil, ""},
		"group that nobody makes":         {`"resources":[` + nestedIn("rg-none", "n", "", `"resources":[`+storage("stfine", fine)+`]`) + `]`, []string{"ResourceGroupNotFound n"}, "InvalidTemplateDeployment"},
		"group elsewhere":                 {`"resources":[` + group("rg-there") + `]`, []string{"InvalidResourceGroupLocation rg-there"}, "InvalidTemplateDeployment"},
		"unknown type":                    {in(`{"type":"Microsoft.Nothing/things","apiVersion":"2023-05-01","name":"x"}`), nil, "InvalidResourceNamespace"},
		"dependency":                      {in(storage("stfine", fine+`,"dependsOn":["no"]`)), nil, "InvalidTemplate"},
		"quota":                           {in(storage("stquota", fine) + "," + storage("stfine", fine)), []string{"QuotaExceeded stquota"}, "InvalidTemplateDeployment"},
		"locked":                          {`"resources":[` + nestedIn("rg-locked", "n", "", `"resources":[`+storage("stfine", fine)+`]`) + `]`, []string{"ScopeLocked stfine"}, "InvalidTemplateDeployment"},
	} {
		t.Run(name, func(t *testing.T) {
			c := deployer(t, Config{})
			for path, body := range map[string]string{
				"rg-there?api-version=2021-04-01": `{"location":"northeurope"}`, "rg-locked?api-version=2021-04-01": `{"location":"westeurope"}`,
			} {
				if made := c.do(http.MethodPut, toSubscription+"/resourceGroups/"+path, body); made.status != http.StatusCreated {
					t.Fatalf("%d %s", made.status, made.body)
				}
			}
			if made := c.do(http.MethodPut, toSubscription+"/resourceGroups/rg-locked/providers/Microsoft.Authorization/locks/l?api-version=2020-05-01", `{"properties":{"level":"ReadOnly"}}`); made.status != http.StatusCreated {
				t.Fatalf("%d %s", made.status, made.body)
			}
			if _, err := c.server.Inject(Faults{Resources: []ResourceFault{{ID: "/stquota$", Kind: "quota", Preflight: true}}}); err != nil {
				t.Fatal(err)
			}
			body := bodyOf("westeurope", test.members, "")
			validated := c.do(http.MethodPost, idOf(toSubscription, "d")+"/validate"+deployVersion, body)
			settings := c.server.Settings()
			settings.ValidateTime = Duration(time.Nanosecond)
			if err := c.server.SetSettings(settings); err != nil {
				t.Fatal(err)
			}
			accepted := c.do(http.MethodPost, idOf(toSubscription, "d")+"/validate"+deployVersion, body)
			later := accepted
			for accepted.status == http.StatusAccepted {
				if later = c.get(accepted.header.Get("Location")); later.status != http.StatusAccepted {
					break
				}
			}
			made := c.do(http.MethodPut, idOf(toSubscription, "d")+deployVersion, body)
			if test.code == "" {
				if validated.status != http.StatusOK || later.status != http.StatusOK || later.text("properties", "provisioningState") != "Succeeded" || made.status != http.StatusCreated {
					t.Errorf("%d %s\n%d %s\n%d %s", validated.status, validated.body, later.status, later.body, made.status, made.body)
				}
				return
			}
			for how, a := range map[string]*answer{"validated": validated, "later": later, "made": made} {
				if d := cmp.Diff(test.want, refusedOf(a)); d != "" || a.status != http.StatusBadRequest || a.text("error", "code") != test.code {
					t.Errorf("%s: %d %s\n%s", how, a.status, a.body, d)
				}
			}
			if accepted.status != http.StatusAccepted && test.want != nil {
				t.Errorf("a validation that takes its time is answered with %d", accepted.status)
			}
		})
	}
}
