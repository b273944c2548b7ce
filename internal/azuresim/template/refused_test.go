package template

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func many(n int, of func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = of(i)
	}
	return strings.Join(list, ",")
}

// TestRefusedTemplates has what Azure refuses before anything is created.
func TestRefusedTemplates(t *testing.T) {
	inSubscription := Scope{Subscription: subscriptionID}
	parameter := func(definition string) string { return `"parameters":{"p":{` + definition + `}}` }
	output := func(value string) string { return `"outputs":{"o":{"type":"string","value":"` + value + `"}}` }
	tests := map[string]struct {
		scope               Scope
		members, parameters string
		code, want          string
	}{
		"unknown member":          {inGroup, `"resource":[]`, "", "InvalidRequestContent", "Could not find member 'resource' on object of type 'Template'"},
		"language version":        {inGroup, `"languageVersion":"9"`, "", "InvalidTemplate", "language version '9' is not recognized"},
		"symbols without version": {inGroup, `"resources":{"a":` + res("Microsoft.A/as", "x", "") + `}`, "", "InvalidRequestContent", "into an array of resources"},
		"parameter not given":     {inGroup, parameter(`"type":"string"`), "", "InvalidTemplate", "The value for the template parameter 'p' is not provided"},
		"parameter is null":       {inGroup, parameter(`"type":"string"`), `{"p":{"value":null}}`, "InvalidTemplate", "The value for the template parameter 'p' is not provided"},
		"parameter unknown":       {inGroup, parameter(`"type":"string","defaultValue":""`), `{"q":{"value":1}}`, "InvalidTemplate", "The template parameters 'q' in the parameters file are not valid"},
		"parameter of no type":    {inGroup, parameter(`"type":"text"`), "", "InvalidTemplate", "its type 'text' is none of"},
		"parameter of wrong type": {inGroup, parameter(`"type":"string"`), `{"p":{"value":5}}`, "InvalidTemplate", "Expected 'String'. Actual 'Integer'"},
		"default of wrong type":   {inGroup, parameter(`"type":"int","defaultValue":"x"`), "", "InvalidTemplate", "Expected 'Int'. Actual 'String'"},
		"parameter not allowed":   {inGroup, parameter(`"type":"string","allowedValues":["a","b"]`), `{"p":{"value":"c"}}`, "InvalidTemplate", "The parameter value is not part of the allowed value(s): 'a,b'"},
		"secret not allowed":      {inGroup, parameter(`"type":"secureString","allowedValues":["a"]`), `{"p":{"value":"hidden"}}`, "InvalidTemplate", "The provided value '***'"},
		"parameter too small":     {inGroup, parameter(`"type":"int","minValue":2`), `{"p":{"value":1}}`, "InvalidTemplate", "the minimum is '2'"},
		"parameter too long":      {inGroup, parameter(`"type":"string","maxLength":2`), `{"p":{"value":"abc"}}`, "InvalidTemplate", "it is '3', the maximum is '2'"},
		"parameter of a member":   {inGroup, parameter(`"type":"string"`), `{"p":{"values":1}}`, "InvalidRequestContent", "Could not find member 'values'"},
		"secret into a string":    {inGroup, parameter(`"type":"string"`), `{"p":{"reference":{"keyVault":{"id":"/v"},"secretName":"s"}}}`, "InvalidTemplate", "its type 'String' is not secure"},
		"no such secret":          {inGroup, parameter(`"type":"securestring"`), `{"p":{"reference":{"keyVault":{"id":"/v"},"secretName":"none"}}}`, "KeyVaultParameterReferenceNotFound", "no such secret"},
		"parameters in a circle":  {inGroup, `"parameters":{"a":{"type":"string","defaultValue":"[parameters('b')]"},"b":{"type":"string","defaultValue":"[parameters('a')]"}}`, "", "InvalidTemplate", "depends on itself"},
		"variables in a circle":   {inGroup, `"variables":{"a":"[variables('b')]","b":"[variables('a')]"}`, "", "InvalidTemplate", "circular dependencies detected"},
		"no such parameter":       {inGroup, output("[parameters('x')]"), "", "InvalidTemplate", "the template parameter 'x' is not found"},
		"no such variable":        {inGroup, output("[variables('x')]"), "", "InvalidTemplate", "the template variable 'x' is not found"},
		"no such function":        {inGroup, output("[nothing()]"), "", "InvalidTemplate", "the template function 'nothing' is not valid"},
		"no such user function":   {inGroup, output("[my.nothing()]"), "", "InvalidTemplate", "the template function 'my.nothing' is not valid"},
		"zones":                   {inGroup, output("[first(pickZones('Microsoft.A','as','westeurope'))]"), "", "InvalidTemplate", "the simulator does not have the template function 'pickzones'"},
		"own type":                {inGroup, `"definitions":{"t":{"type":"string"}},"parameters":{"p":{"$ref":"#/definitions/t"}}`, "", "InvalidTemplate", "has a type of the template's own"},
		"bad syntax":              {inGroup, output("[concat('a'"), "", "", ""},
		"bad syntax in brackets":  {inGroup, output("[concat('a']"), "", "InvalidTemplate", "',' or ')' is expected"},
		"reference in a variable": {inGroup, `"variables":{"v":"[reference('x')]"}`, "", "InvalidTemplate", "'reference' is not expected at this location"},
		"reference in a name":     {inGroup, resources(res("Microsoft.A/as", "[reference('x').n]", "")), "", "InvalidTemplate", "'reference' is not expected at this location"},
		"reference in a sku":      {inGroup, resources(res("Microsoft.A/as", "x", `,"sku":{"name":"[reference('y').n]"}`)), "", "InvalidTemplate", "'reference' is not expected at this location"},
		"reference in a condition": {inGroup, resources(res("Microsoft.A/as", "x", `,"condition":"[reference('y').n]"`)), "", "InvalidTemplate",
			"'reference' is not expected at this location"},
		"utcNow outside of defaults": {inGroup, output("[utcNow()]"), "", "InvalidTemplate", "'utcnow' is not expected at this location"},
		"resourceGroup above":        {inSubscription, output("[resourceGroup().name]"), "", "InvalidTemplate", "'resourceGroup' is not supported in a deployment to a subscription"},
		"subscription above":         {Scope{}, output("[subscription().id]"), "", "InvalidTemplate", "'subscription' is not supported in a deployment to a tenant"},
		"resourceId of few names":    {inGroup, output("[resourceId('Microsoft.A/as/bs','x')]"), "", "InvalidTemplate", "the type 'Microsoft.A/as/bs' requires '2' resource name argument(s), not '1'"},
		"resourceId of no name":      {inGroup, output("[resourceId('Microsoft.A/as','')]"), "", "InvalidTemplate", "is empty"},
		"output without type":        {inGroup, `"outputs":{"o":{"value":1}}`, "", "InvalidTemplate", "it needs a type"},
		"unknown member of resource": {inGroup, resources(res("Microsoft.A/as", "x", `,"etag":"1"`)), "", "InvalidRequestContent", "Could not find member 'etag' on object of type 'TemplateResource'"},
		"no version":                 {inGroup, `"resources":[{"type":"Microsoft.A/as","name":"x"}]`, "", "InvalidRequestContent", "Required property 'apiVersion' not found"},
		"no name":                    {inGroup, `"resources":[{"type":"Microsoft.A/as","apiVersion":"2024-01-01"}]`, "", "InvalidRequestContent", "Required property 'name' not found"},
		"too few segments":           {inGroup, resources(res("Microsoft.A/as/bs", "x", "")), "", "InvalidTemplate", "'x' for type 'Microsoft.A/as/bs' has incorrect segment lengths"},
		"too many segments":          {inGroup, resources(res("Microsoft.A/as", "x/y", "")), "", "InvalidTemplate", "has incorrect segment lengths"},
		"child with a full type":     {inGroup, resources(res("Microsoft.A/as", "x", `,"resources":[`+res("Microsoft.A/as/bs", "x/y", "")+`]`)), "", "InvalidTemplate", ""},
		"unknown type":               {inGroup, resources(res("Microsoft.None/as", "x", "")), "", "InvalidResourceNamespace", "Microsoft.None"},
		"defined twice":              {inGroup, resources(res("Microsoft.A/as", "x", ""), res("Microsoft.A/as", "X", "")), "", "InvalidTemplate", "is defined multiple times in a template"},
		"depends on nothing":         {inGroup, resources(res("Microsoft.A/as", "x", `,"dependsOn":["[resourceId('Microsoft.A/as','y')]"]`)), "", "InvalidTemplate", "/Microsoft.A/as/y' is not defined in the template"},
		"depends on a name of two":   {inGroup, resources(res("Microsoft.A/as", "x", ""), res("Microsoft.A/bs", "x", ""), res("Microsoft.A/as", "z", `,"dependsOn":["x"]`)), "", "InvalidTemplate", "'x' is defined multiple times"},
		"depends on no string":       {inGroup, resources(res("Microsoft.A/as", "x", `,"dependsOn":[1]`)), "", "InvalidTemplate", "that is no string"},
		"depends on itself":          {inGroup, resources(res("Microsoft.A/as", "x", `,"dependsOn":["x"]`)), "", "InvalidTemplate", "Circular dependency detected on resource"},
		"circle": {inGroup, resources(res("Microsoft.A/as", "x", `,"dependsOn":["y"]`), res("Microsoft.A/as", "y", `,"dependsOn":["z"]`), res("Microsoft.A/as", "z", `,"dependsOn":["x"]`)), "",
			"InvalidTemplate", "Circular dependency detected on resource"},
		"circle by reference": {inGroup, resources(res("Microsoft.A/as", "x", `,"properties":{"u":"[reference('y').u]"}`), res("Microsoft.A/as", "y", `,"dependsOn":["x"]`)), "", "InvalidTemplate", "Circular dependency"},
		"reference to itself": {inGroup, resources(res("Microsoft.A/as", "x", `,"properties":{"u":"[list(resourceId('Microsoft.A/as','x'),'2024-01-01').u]"}`)), "", "InvalidTemplate", "Circular dependency"},
		"condition of a text": {inGroup, resources(res("Microsoft.A/as", "x", `,"condition":"yes"`)), "", "InvalidTemplate", "its condition must be a boolean"},
		"scope elsewhere":     {inGroup, resources(res("Microsoft.A/as", "x", `,"scope":"/subscriptions/`+subscriptionID+`/resourceGroups/other/providers/Microsoft.B/bs/y"`)), "", "InvalidTemplate", "is not within the resource group"},
		"loop without end":    {inGroup, resources(res("Microsoft.A/as", "[concat('x',copyIndex())]", `,"copy":{"name":"l","count":801}`)), "", "InvalidTemplate", "must be an integer from 0 to 800"},
		"loop of a text":      {inGroup, resources(res("Microsoft.A/as", "x", `,"copy":{"name":"l","count":"two"}`)), "", "InvalidTemplate", "the copy count 'two' is not valid"},
		"loop of one name":    {inGroup, resources(res("Microsoft.A/as", "x", `,"copy":{"name":"l","count":2}`)), "", "InvalidTemplate", "is defined multiple times"},
		"copyIndex alone":     {inGroup, resources(res("Microsoft.A/as", "[concat('x',copyIndex())]", "")), "", "InvalidTemplate", "there is no loop"},
		"loop in a child": {inGroup, resources(res("Microsoft.A/as", "x", `,"resources":[`+res("bs", "y", `,"copy":{"name":"l","count":2}`)+`]`)), "", "InvalidTemplate",
			"is a child within another and has a copy loop"},
		"too many resources":  {inGroup, resources(many(801, func(i int) string { return res("Microsoft.A/as", fmt.Sprint("x", i), "") })), "", "InvalidTemplate", "template resources limit exceeded. Limit: '800'"},
		"too many parameters": {inGroup, `"parameters":{` + many(257, func(i int) string { return fmt.Sprintf(`"p%d":{"type":"int","defaultValue":1}`, i) }) + `}`, "", "InvalidTemplate", "template parameters limit exceeded. Limit: '256'"},
		"too many variables":  {inGroup, `"variables":{` + many(513, func(i int) string { return fmt.Sprintf(`"v%d":1`, i) }) + `}`, "", "InvalidTemplate", "template variables limit exceeded"},
		"too many outputs":    {inGroup, `"outputs":{` + many(65, func(i int) string { return fmt.Sprintf(`"o%d":{"type":"int","value":1}`, i) }) + `}`, "", "InvalidTemplate", "output parameters limit exceeded. Limit: '64'"},
		"too long expression": {inGroup, `"variables":{"v":"['` + strings.Repeat("a", 24576) + `']"}`, "", "InvalidTemplate", "length limit exceeded. Limit: '24576'"},
		"too large":           {inGroup, `"variables":{"v":"` + strings.Repeat("a", 4<<20) + `"}`, "", "RequestContentTooLarge", "'4194304' bytes"},
		"resource too large":  {inGroup, resources(res("Microsoft.A/as", "x", `,"properties":{"v":"`+strings.Repeat("a", 1<<20)+`"}`)), "", "InvalidTemplate", "exceeds the limit of '1048576' bytes"},
		"loops in loops":      {inGroup, `"variables":{"copy":[{"name":"a","count":800,"input":{"copy":[{"name":"b","count":800,"input":{"copy":[{"name":"c","count":800,"input":1}]}}]}}]}`, "", "InvalidTemplate", "more than '500000' steps"},
		"doubled variables": {inGroup, `"variables":{"v0":"abcdefgh",` + many(40, func(i int) string {
			return fmt.Sprintf(`"v%d":"[concat(variables('v%d'),variables('v%d'))]"`, i+1, i, i)
		}) + `}`, "", "InvalidTemplate", "makes a value of more than '4194304'"},
		"endless function": {inGroup, `"functions":[{"namespace":"my","members":{"f":{"parameters":[{"name":"n","type":"int"}],"output":{"type":"int","value":"[my.f(parameters('n'))]"}}}}],"outputs":{"o":{"type":"int","value":"[my.f(1)]"}}`, "",
			"InvalidTemplate", "functions call each other without end"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.scope, test.members, test.parameters)
			if test.code == "" {
				if err != nil { // an open bracket that none closes is a text
					t.Fatal(err)
				}
				return
			}
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Code != test.code || !strings.Contains(refusal.Message, test.want) {
				t.Errorf("%.400v", err)
			}
		})
	}
}

func TestHead(t *testing.T) {
	tests := map[string]struct{ template, code, want string }{
		"no schema":      {`{"contentVersion":"1.0.0.0","resources":[]}`, "InvalidRequestContent", "Required property '$schema'"},
		"no version":     {`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","resources":[]}`, "InvalidRequestContent", "Required property 'contentVersion'"},
		"bad version":    {`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1","resources":[]}`, "InvalidTemplate", "content version '1' is not valid"},
		"no resources":   {`{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0"}`, "InvalidRequestContent", "Required property 'resources'"},
		"another schema": {`{"$schema":"https://example.org/x.json","contentVersion":"1.0.0.0","resources":[]}`, "InvalidTemplate", "Template schema 'https://example.org/x.json' is not supported"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(Deployment{Name: "d", Scope: inGroup, Mode: "Incremental", Template: decode(t, test.template)}, fakeHost{})
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Code != test.code || !strings.Contains(refusal.Message, test.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
