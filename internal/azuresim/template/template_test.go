package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func asJSON(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestOutputs evaluates templates to an output named o.
func TestOutputs(t *testing.T) {
	group := "/subscriptions/" + subscriptionID + "/resourceGroups/rg"
	inSubscription := Scope{Subscription: subscriptionID}
	tests := map[string]struct {
		scope                            Scope
		members, parameters, typ, output string
		want                             string
	}{
		"parameter":             {inGroup, `"parameters":{"p":{"type":"string"}}`, `{"p":{"value":"x"}}`, "string", "[parameters('P')]", `"x"`},
		"default of another":    {inGroup, `"parameters":{"a":{"type":"string","defaultValue":"[concat(parameters('b'),'!')]"},"b":{"type":"string","defaultValue":"x"}}`, "", "string", "[parameters('a')]", `"x!"`},
		"nullable":              {inGroup, `"parameters":{"a":{"type":"string","nullable":true}}`, "", "string", "[coalesce(parameters('a'),'none')]", `"none"`},
		"utcNow":                {inGroup, `"parameters":{"a":{"type":"string","defaultValue":"[utcNow('yyyy-MM-dd')]"}}`, "", "string", "[parameters('a')]", `"2026-01-02"`},
		"literal in brackets":   {inGroup, `"variables":{"v":"[[x]"}`, "", "string", "[variables('v')]", `"[x]"`},
		"literal parameter":     {inGroup, `"parameters":{"p":{"type":"string"}}`, `{"p":{"value":"[notCalled()]"}}`, "string", "[parameters('p')]", `"[notCalled()]"`},
		"variable of another":   {inGroup, `"variables":{"a":"[variables('b')]","b":{"c":["x","[concat('y','z')]"]}}`, "", "string", "[variables('a').c[1]]", `"yz"`},
		"name of a member":      {inGroup, `"variables":{"a":{"[concat('k','ey')]":1}}`, "", "object", "[variables('a')]", `{"key":1}`},
		"loop of variables":     {inGroup, `"variables":{"copy":[{"name":"v","count":3,"input":"[concat('i',copyIndex('v',1))]"}]}`, "", "array", "[variables('v')]", `["i1","i2","i3"]`},
		"loop within":           {inGroup, `"variables":{"o":{"copy":[{"name":"list","count":2,"input":{"n":"[copyIndex('list')]"}}],"k":1}}`, "", "object", "[variables('o')]", `{"k":1,"list":[{"n":0},{"n":1}]}`},
		"something named copy":  {inGroup, `"variables":{"o":{"copy":["a"]}}`, "", "object", "[variables('o')]", `{"copy":["a"]}`},
		"secure output":         {inGroup, `"variables":{"v":"x"}`, "", "secureString", "[variables('v')]", `null`},
		"user function":         {inGroup, `"functions":[{"namespace":"my","members":{"twice":{"parameters":[{"name":"s","type":"string"}],"output":{"type":"string","value":"[concat(parameters('s'),parameters('s'))]"}}}}]`, "", "string", "[my.twice('ab')]", `"abab"`},
		"resourceId":            {inGroup, "", "", "string", "[resourceId('Microsoft.A/as/bs','x','y')]", `"` + group + `/providers/Microsoft.A/as/x/bs/y"`},
		"resourceId of a group": {inGroup, "", "", "string", "[resourceId('other','Microsoft.A/as','x')]", `"/subscriptions/` + subscriptionID + `/resourceGroups/other/providers/Microsoft.A/as/x"`},
		"resourceId of both":    {inGroup, "", "", "string", "[resourceId('22222222-0000-4000-8000-000000000002','other','Microsoft.A/as','x')]", `"/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups/other/providers/Microsoft.A/as/x"`},
		"resourceId above":      {inSubscription, "", "", "string", "[resourceId('Microsoft.A/as','x')]", `"/subscriptions/` + subscriptionID + `/providers/Microsoft.A/as/x"`},
		"subscriptionResourceId": {inGroup, "", "", "string", "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions','r')]",
			`"/subscriptions/` + subscriptionID + `/providers/Microsoft.Authorization/roleDefinitions/r"`},
		"tenantResourceId": {inGroup, "", "", "string", "[tenantResourceId('Microsoft.A/as','x')]", `"/providers/Microsoft.A/as/x"`},
		"managementGroupResourceId": {Scope{ManagementGroup: "mg"}, "", "", "string", "[managementGroupResourceId('Microsoft.A/as','x')]",
			`"/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.A/as/x"`},
		"extensionResourceId": {inGroup, "", "", "string", "[extensionResourceId(resourceId('Microsoft.A/as','x'),'Microsoft.B/bs','y')]", `"` + group + `/providers/Microsoft.A/as/x/providers/Microsoft.B/bs/y"`},
		"scopes": {inGroup, "", "", "array", "[createArray(subscription().subscriptionId,resourceGroup().location,tenant().tenantId,deployment().name,environment().name)]",
			`["` + subscriptionID + `","westeurope","tenant","d","AzureCloud"]`},
		"deployer":                 {inGroup, "", "", "string", "[deployer().objectId]", `"me"`},
		"location of a deployment": {inSubscription, "", "", "string", "[deployment().location]", `"westeurope"`},
		"reference of another":     {inGroup, "", "", "string", "[reference(resourceId('Microsoft.A/as','there'),'2024-01-01').url]", `"https://there"`},
		"full reference":           {inGroup, "", "", "array", "[createArray(reference(resourceId('Microsoft.A/as','there'),'2024-01-01','Full').identity.principalId,reference(resourceId('Microsoft.A/as','there'),'2024-01-01','full').resourceGroupName)]", `["p","rg"]`},
		"list":                     {inGroup, "", "", "string", "[listKeys(resourceId('Microsoft.A/as','x'),'2024-01-01').function]", `"listkeys"`},
		"Key Vault parameter":      {inGroup, `"parameters":{"p":{"type":"secureString"}}`, `{"p":{"reference":{"keyVault":{"id":"/v"},"secretName":"s"}}}`, "string", "[parameters('p')]", `"from the vault"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			output := asJSON(t, map[string]any{"o": map[string]any{"type": test.typ, "value": test.output}})
			loaded := mustLoad(t, test.scope, test.members+`,"outputs":`+output, test.parameters)
			outputs, err := loaded.Outputs()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, asJSON(t, outputs["o"].(map[string]any)["value"])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// res is a resource of a template.
func res(typ, name, more string) string {
	return `{"type":"` + typ + `","apiVersion":"2024-01-01","name":"` + name + `"` + more + `}`
}

func resources(list ...string) string { return `"resources":[` + strings.Join(list, ",") + `]` }

// TestResources expands resources to their ids with what they depend on.
func TestResources(t *testing.T) {
	tests := map[string]struct {
		scope   Scope
		members string
		want    map[string]string // what each depends on, by the end of the id
	}{
		"order": {inGroup, resources(res("Microsoft.A/as", "x", `,"dependsOn":["[resourceId('Microsoft.A/as','y')]"]`), res("Microsoft.A/as", "y", "")),
			map[string]string{"rg/providers/Microsoft.A/as/x": "y", "rg/providers/Microsoft.A/as/y": ""}},
		"by name and by type": {inGroup, resources(res("Microsoft.A/as", "x", `,"dependsOn":["y","Microsoft.A/as/z"]`), res("Microsoft.A/as", "y", ""), res("Microsoft.A/as", "z", "")),
			map[string]string{"rg/providers/Microsoft.A/as/x": "y z", "rg/providers/Microsoft.A/as/y": "", "rg/providers/Microsoft.A/as/z": ""}},
		"child within": {inGroup, resources(res("Microsoft.A/as", "x", `,"resources":[`+res("bs", "y", `,"dependsOn":["[resourceId('Microsoft.A/as','x')]"]`)+`]`)),
			map[string]string{"rg/providers/Microsoft.A/as/x": "", "rg/providers/Microsoft.A/as/x/bs/y": "x"}},
		"child outside": {inGroup, resources(res("Microsoft.A/as/bs", "x/y", "")), map[string]string{"rg/providers/Microsoft.A/as/x/bs/y": ""}},
		"extension":     {inGroup, resources(res("Microsoft.B/bs", "y", `,"scope":"[resourceId('Microsoft.A/as','x')]"`)), map[string]string{"rg/providers/Microsoft.A/as/x/providers/Microsoft.B/bs/y": ""}},
		"relative scope": {inGroup, resources(res("Microsoft.B/bs", "y", `,"scope":"Microsoft.A/as/x"`)),
			map[string]string{"rg/providers/Microsoft.A/as/x/providers/Microsoft.B/bs/y": ""}},
		"extension of old": {inGroup, resources(res("Microsoft.A/as/providers/bs", "x/Microsoft.B/y", "")), map[string]string{"rg/providers/Microsoft.A/as/x/providers/Microsoft.B/bs/y": ""}},
		"loop": {inGroup, resources(res("Microsoft.A/as", "[concat('x',copyIndex())]", `,"copy":{"name":"l","count":2}`), res("Microsoft.A/as", "y", `,"dependsOn":["l"]`)),
			map[string]string{"rg/providers/Microsoft.A/as/x0": "", "rg/providers/Microsoft.A/as/x1": "", "rg/providers/Microsoft.A/as/y": "x0 x1"}},
		"serial loop": {inGroup, resources(res("Microsoft.A/as", "[concat('x',copyIndex())]", `,"copy":{"name":"l","count":3,"mode":"serial","batchSize":2}`)),
			map[string]string{"rg/providers/Microsoft.A/as/x0": "", "rg/providers/Microsoft.A/as/x1": "", "rg/providers/Microsoft.A/as/x2": "x0 x1"}},
		"reference implies": {inGroup, resources(res("Microsoft.A/as", "x", `,"properties":{"u":"[reference('y').url]","k":"[listKeys(resourceId('Microsoft.A/as','z'),'2024-01-01').k]"}`), res("Microsoft.A/as", "y", ""), res("Microsoft.A/as", "z", "")),
			map[string]string{"rg/providers/Microsoft.A/as/x": "y z", "rg/providers/Microsoft.A/as/y": "", "rg/providers/Microsoft.A/as/z": ""}},
		"versioned reference does not": {inGroup, resources(res("Microsoft.A/as", "x", `,"properties":{"u":"[reference(resourceId('Microsoft.A/as','y'),'2024-01-01').url]"}`), res("Microsoft.A/as", "y", "")),
			map[string]string{"rg/providers/Microsoft.A/as/x": "", "rg/providers/Microsoft.A/as/y": ""}},
		"resource group": {Scope{Subscription: subscriptionID}, resources(res("Microsoft.Resources/resourceGroups", "g", `,"location":"westeurope"`), res("Microsoft.A/as", "x", `,"dependsOn":["[subscriptionResourceId('Microsoft.Resources/resourceGroups','g')]"]`)),
			map[string]string{"/resourceGroups/g": "", "/providers/Microsoft.A/as/x": "g"}},
		"tenant scope": {Scope{ManagementGroup: "mg"}, resources(res("Microsoft.A/as", "x", `,"scope":"/"`), res("Microsoft.A/as", "x", "")),
			map[string]string{"/providers/Microsoft.A/as/x": "", "/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.A/as/x": ""}},
		"symbolic names": {inGroup, `"languageVersion":"2.0","resources":{"one":` + res("Microsoft.A/as", "x", `,"dependsOn":["two"]`) + `,"two":` + res("Microsoft.A/as", "there", `,"existing":true`) + `}`,
			map[string]string{"rg/providers/Microsoft.A/as/x": "there", "rg/providers/Microsoft.A/as/there": ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			loaded := mustLoad(t, test.scope, test.members, "")
			got := map[string]string{}
			for _, r := range loaded.Resources {
				var needs []string
				for _, other := range r.DependsOn {
					needs = append(needs, other.Name)
				}
				got[r.ID] = strings.Join(needs, " ")
			}
			if len(got) != len(test.want) {
				t.Errorf("%v", got)
			}
			for end, needs := range test.want {
				found := false
				for id, has := range got {
					if strings.HasSuffix(id, end) && (!strings.HasPrefix(end, "/") || id == test.scope.ID()+end || id == end) {
						found = true
						if has != needs {
							t.Errorf("%s needs %q", id, has)
						}
					}
				}
				if !found {
					t.Errorf("there is no …%s in %v", end, got)
				}
			}
		})
	}
}

// TestBody has the body that a provider receives.
func TestBody(t *testing.T) {
	loaded := mustLoad(t, inGroup, `"parameters":{"n":{"type":"int","defaultValue":2}},`+resources(res("Microsoft.A/as", "x",
		`,"comments":"c","condition":true,"location":"[resourceGroup().location]","tags":{"[concat('a','b')]":"[[literal]"},"dependsOn":[],
		"properties":{"f":1.50,"big":12345678901234567,"none":null,"u":"[reference(resourceId('Microsoft.A/as','there'),'2024-01-01').url]",
		"copy":[{"name":"disks","count":"[parameters('n')]","input":{"lun":"[copyIndex('disks')]"}}]}`)), "")
	body, err := loaded.Resources[0].Body()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"location":"westeurope","properties":{"big":12345678901234567,"disks":[{"lun":0},{"lun":1}],"f":1.50,"none":null,"u":"https://there"},"tags":{"ab":"[literal]"}}`
	if diff := cmp.Diff(want, asJSON(t, body)); diff != "" {
		t.Error(diff)
	}
	preview := loaded.Resources[0].Preview()
	if got := preview["properties"].(map[string]any)["u"]; got != "[reference(resourceId('Microsoft.A/as','there'),'2024-01-01').url]" {
		t.Errorf("the preview has %v", got)
	}
}

// TestCondition leaves out what is not wanted, and its children.
func TestCondition(t *testing.T) {
	loaded := mustLoad(t, inGroup, `"parameters":{"p":{"type":"bool"}},`+resources(
		res("Microsoft.A/as", "x", `,"condition":"[parameters('p')]","properties":{"u":"[reference('nothing').url]"},"resources":[`+res("bs", "y", "")+`]`),
		res("Microsoft.A/as", "z", `,"dependsOn":["x"]`)), `{"p":{"value":false}}`)
	for i, want := range []bool{false, false, true} {
		if got := loaded.Resources[i].Deployed(); got != want {
			t.Errorf("%s is deployed: %v", loaded.Resources[i].ID, got)
		}
	}
}

// TestParametersShown sees to it that secrets are not.
func TestParametersShown(t *testing.T) {
	loaded := mustLoad(t, inGroup, `"parameters":{"s":{"type":"secureString"},"o":{"type":"secureobject"},"p":{"type":"int"}}`, `{"s":{"value":"hidden"},"o":{"value":{"k":"hidden"}},"P":{"value":3}}`)
	want := `{"o":{"type":"SecureObject"},"p":{"type":"Int","value":3},"s":{"type":"SecureString"}}`
	if diff := cmp.Diff(want, asJSON(t, loaded.Parameters())); diff != "" {
		t.Error(diff)
	}
}
