package biceptest_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
)

// TestRejects: what Bicep rejects is rejected, for its reason.
func TestRejects(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"a string that does not end":           {"var a = 'x", "BCP003"},
		"a string that ends with its line":     {"var a = 'x\n'", "BCP004"},
		"a backslash at the end":               {`var a = 'x\`, "BCP005"},
		"an escaped quote at the end":          {`var a = 'x\'`, "BCP003"},
		"an unknown escape":                    {`var a = '\q'`, "BCP006"},
		"an escaped brace":                     {`var a = '\{'`, "BCP006"},
		"a unicode escape without braces":      {`var a = '\u0041'`, "BCP133"},
		"a unicode escape without digits":      {`var a = '\u{}'`, "BCP133"},
		"a unicode escape of no digits":        {`var a = '\u{xyz}'`, "BCP133"},
		"a unicode escape past the end":        {`var a = '\u{110000}'`, "BCP133"},
		"a surrogate":                          {`var a = '\u{d800}'`, "BCP133"},
		"bytes that are no UTF-8":              {"var a = '\xff'", "UTF-8"},
		"a hole that does not end":             {"var a = '${b'", "BCP103"},
		"an empty hole":                        {"var a = '${}'", "BCP009"},
		"an object in a hole":                  {"var a = '${{}}'", "BCP162"},
		"a long string that does not end":      {"var a = '''x''", "BCP140"},
		"double quotes":                        {`var a = "x"`, "BCP009"},
		"a fraction":                           {"var a = 1.5", "no integer"},
		"an exponent":                          {"var a = 1e3", "no integer"},
		"a number of more than 64 bits":        {"var a = 9223372036854775808", "BCP010"},
		"the smallest number, which has none":  {"var a = -9223372036854775808", "BCP010"},
		"a minus alone":                        {"var a = -", "BCP010"},
		"a comma at the end of a line":         {"var a = {\n  b: 1,\n  c: 2\n}", "BCP238"},
		"a comma before the end of a list":     {"var a = [\n  1,\n]", "BCP238"},
		"no comma on a line":                   {"var a = { b: 1 c: 2 }", "BCP236"},
		"a key twice":                          {"var a = {\n  b: 1\n  'b': 2\n}", "BCP025"},
		"a key that is a keyword":              {"var a = {\n  null: 1\n}", "BCP017"},
		"a key that begins with a digit":       {"var a = {\n  1a: 1\n}", "BCP017"},
		"a key of several lines":               {"var a = {\n  '''b''': 1\n}", "BCP022"},
		"a key without a colon":                {"var a = {\n  b\n}", "BCP018"},
		"a value on the next line":             {"var a = {\n  b:\n    1\n}", "BCP009"},
		"an object that does not end":          {"var a = {\n  b: 1\n", "BCP018"},
		"a list that does not end":             {"var a = [", "BCP018"},
		"two statements on a line":             {"var a = 1 var b = 2", "BCP019"},
		"no statement":                         {"hello", "BCP007"},
		"no name":                              {"var = 1", "BCP017"},
		"a keyword for a name":                 {"var true = 1", "BCP017"},
		"a name that is too long":              {"var " + strings.Repeat("a", 256) + " = 1", "BCP024"},
		"a parameter without a type":           {"param a", "BCP017"},
		"a parameter of an unknown type":       {"param a text", "BCP031"},
		"a secret with a default":              {"@secure()\nparam a string = 'x'", "has a default"},
		"a decorator on the line of another":   {"@secure() param a string", "BCP019"},
		"an unknown decorator":                 {"@allowed([1])\nparam a string", "never written"},
		"a decorator that is no call":          {"@secure\nparam a string", "a call"},
		"a resource without a type":            {"resource a = {}", "BCP068"},
		"a resource whose type has a hole":     {"resource a '${b}' = {}", "BCP032"},
		"a resource without a body":            {"resource a 'A/b@1' = 1", "no body"},
		"a comment that does not end":          {"/* x", "BCP002"},
		"a call that does not end":             {"var a = json('1'", "BCP018"},
		"a property without a name":            {"param b object\nvar a = b.'x'", "BCP017"},
		"a symbol twice":                       {"param a string\nvar a = 1", "BCP028"},
		"a symbol that nobody declares":        {"resource a 'A/b@1' = {\n  name: b\n}", "BCP057"},
		"a symbol in a key that nobody has":    {"resource a 'A/b@1' = {\n  name: 'x'\n  tags: {\n    '${b.id}': 1\n  }\n}", "BCP057"},
		"a symbol that is a namespace":         {"resource az 'A/b@1' = {\n  name: 'x'\n}", "BCP084"},
		"a symbol that is a function":          {"resource json 'A/b@1' = {\n  name: 'x'\n}", "BCP059"},
		"an unknown function":                  {"resource a 'A/b@1' = {\n  name: concat('a')\n}", "BCP057"},
		"an environment variable in a module":  {"resource a 'A/b@1' = {\n  name: readEnvironmentVariable('A')\n}", "BCP057"},
		"a parameter that nobody uses":         {"param a string", "no-unused-params"},
		"a variable that nobody uses":          {"var a = 1", "no-unused-vars"},
		"an existing one that nobody uses":     {"resource a 'A/b@1' existing = {\n  name: 'x'\n}", "no-unused-existing"},
		"a resource that refers to itself":     {"resource a 'A/b@1' = {\n  name: 'x'\n  tags: {\n    b: a.id\n  }\n}", "BCP079"},
		"resources that refer to each other":   {"resource a 'A/b@1' = {\n  name: 'x'\n  tags: {\n    b: b.id\n  }\n}\nresource b 'A/b@1' = {\n  name: 'y'\n  dependsOn: [\n    a\n  ]\n}", "BCP080"},
		"a cycle over three":                   {"resource a 'A/b@1' = {\n  parent: b\n}\nresource b 'A/b@1' = {\n  parent: c\n}\nresource c 'A/b@1' = {\n  parent: a\n}", "a -> b -> c -> a"},
		"a value in a comment":                 {"param a string // = 'x'\nvar b = a", "no-unused-vars"},
		"a value in a comment of several rows": {"/* 1\n2 */ x", "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := biceptest.Parse(test.text)
			if err == nil {
				err = file.Check()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// good is a project that deploys. Each test of TestDeployRejects spoils it in one place.
var good = map[string]string{
	"main.bicep": `targetScope = 'subscription'
param prefix string
param id string = subscription().subscriptionId
@description('a secret')
@secure()
param password string
var long = 'text'
resource group 'Microsoft.Resources/resourceGroups@2021-04-01' = {
  name: '${prefix}rg'
  location: 'x'
}
resource policy 'A.B/policies@1' = {
  name: 'p'
  dependsOn: [
    other
    group
  ]
}
module web 'modules/web.bicep' = {
  scope: group
  name: 'web'
  params: {
    prefix: prefix
    password: password
    id: id
    long: long
  }
}
module other 'modules/other.bicep' = {
  scope: resourceGroup('s2', 'other')
  name: 'other'
  dependsOn: [
    web
  ]
}
`,
	"modules/web.bicep": `param prefix string
@secure()
param password string
param id string
param long string
resource logs 'A.B/logs@1' existing = {
  scope: resourceGroup('far', 'rg')
  name: 'l'
}
resource table 'A.B/logs/tables@1' existing = {
  parent: logs
  name: 't'
}
resource vm 'A.B/vms@1' = {
  name: 'vm'
  tags: {
    a: '${prefix}${table.id}${id}'
    '${prefix}b': [json('1.5'), 1, true, null]
    p: password
    l: long
  }
}
resource child 'A.B/vms/children@1' = {
  parent: vm
  name: 'c'
}
resource lock 'A.B/locks@1' = {
  scope: child
  name: 'k'
}
`,
	"modules/other.bicep": `resource far 'A.B/vms/children@1' = {
  name: 'a/b'
}
resource all 'A.B/policies@1' existing = {
  scope: managementGroup('root')
  name: 'all'
}
resource here 'A.B/policies@1' existing = {
  scope: subscription()
  name: 'here'
}
resource there 'A.B/policies@1' existing = {
  scope: subscription('s3')
  name: 'there'
}
resource top 'A.B/policies@1' existing = {
  scope: tenant()
  name: 'top'
}
resource near 'A.B/policies@1' existing = {
  scope: resourceGroup('near')
  name: 'near'
}
resource x 'A.B/x@1' = {
  name: '''
it's'''
  ids: [
    all.id
    here.id
    there.id
    top.id
    near.id
  ]
}
`,
	"main.bicepparam": "using './main.bicep'\nparam prefix = 'dev-'\nparam password = readEnvironmentVariable('P')\n",
}

func TestDeploy(t *testing.T) {
	got, err := biceptest.Deploy(good, "main", "/subscriptions/s1", map[string]string{"P": "hush"})
	if err != nil {
		t.Fatal(err)
	}
	const web, other = "/subscriptions/s1/resourceGroups/dev-rg", "/subscriptions/s2/resourceGroups/other/providers/A.B/"
	type row struct {
		ID    string
		After int
	}
	var rows []row
	for _, r := range got {
		rows = append(rows, row{r.ID, len(r.After)})
	}
	want := []row{
		{web, 0}, {web + "/providers/A.B/vms/vm", 1}, {web + "/providers/A.B/vms/vm/children/c", 2}, {web + "/providers/A.B/vms/vm/children/c/providers/A.B/locks/k", 3},
		{other + "vms/a/children/b", 4}, {other + "x/it's", 4}, {"/subscriptions/s1/providers/A.B/policies/p", 6},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	tags := map[string]any{"a": "dev-/subscriptions/far/resourceGroups/rg/providers/A.B/logs/l/tables/ts1", "dev-b": []any{json.Number("1.5"), json.Number("1"), true, nil}, "p": "hush", "l": "text"}
	if diff := cmp.Diff(map[string]any{"tags": tags}, got[1].Body); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	ids := []any{"/providers/Microsoft.Management/managementGroups/root/providers/A.B/policies/all", "/subscriptions/s2/providers/A.B/policies/here",
		"/subscriptions/s3/providers/A.B/policies/there", "/providers/A.B/policies/top", "/subscriptions/s2/resourceGroups/near/providers/A.B/policies/near"}
	if diff := cmp.Diff(map[string]any{"ids": ids}, got[5].Body); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDeployRejects(t *testing.T) {
	for name, test := range map[string]struct{ file, old, new, want string }{
		"another file's parameters":                {"main.bicepparam", "./main", "./other", "is for ./other"},
		"a parameter that nobody gives":            {"main.bicepparam", "param prefix = 'dev-'\n", "", "nobody gives prefix"},
		"a parameter that nobody has":              {"main.bicepparam", "param prefix", "param prefixes = 'x'\nparam prefix", "no parameter prefixes"},
		"a parameter of another type":              {"main.bicepparam", "'dev-'", "1", "BCP033"},
		"a variable that is not set":               {"main.bicepparam", "'P'", "'Q'", "BCP338"},
		"a module without a parameter":             {"main.bicep", "    prefix: prefix\n", "    prefixes: prefix\n", "BCP"},
		"a secret for a parameter that is none":    {"modules/web.bicep", "@secure()\n", "", "on one side alone"},
		"a value that is no secret for one":        {"main.bicep", "prefix: prefix\n    password: password", "prefix: password\n    password: prefix", "on one side alone"},
		"a module that is not there":               {"main.bicep", "modules/web", "modules/wep", "there is no modules/wep.bicep"},
		"a module at the scope of its main":        {"main.bicep", "  scope: group\n", "", "scope of web"},
		"a module at another scope":                {"main.bicep", "scope: resourceGroup('s2', 'other')", "scope: subscription('s2')", "BCP134"},
		"a module without a name":                  {"main.bicep", "  name: 'web'\n", "", "name of web"},
		"two modules of one name":                  {"main.bicep", "scope: group\n  name: 'web'", "scope: resourceGroup('s2', 'other')\n  name: 'other'", "there twice"},
		"a module with a long name":                {"main.bicep", "name: 'web'", "name: '" + strings.Repeat("w", 65) + "'", "too long"},
		"a main at another scope":                  {"main.bicep", "targetScope = 'subscription'", "targetScope = 'tenant'", "BCP134"},
		"dependsOn twice":                          {"main.bicep", "    other\n", "    other\n    other\n", "twice"},
		"dependsOn of a parameter":                 {"main.bicep", "    web\n  ]", "    prefix\n  ]", "nothing to wait for"},
		"dependsOn of text":                        {"main.bicep", "    web\n  ]", "    'web'\n  ]", "BCP034"},
		"dependsOn that is no list":                {"main.bicep", "dependsOn: [\n    web\n  ]", "dependsOn: web", "BCP036"},
		"a child of something else":                {"modules/web.bicep", "vms/children@1", "wms/children@1", "BCP170"},
		"a child with all of its name":             {"modules/web.bicep", "name: 'c'", "name: 'vm/c'", "BCP170"},
		"a name with too few segments":             {"modules/other.bicep", "'a/b'", "'b'", "BCP169"},
		"a name with too many":                     {"modules/web.bicep", "name: 'vm'", "name: 'vm/c'", "BCP169"},
		"no name":                                  {"modules/web.bicep", "  name: 'vm'\n", "", "the name"},
		"a child below one that lies elsewhere":    {"modules/web.bicep", "A.B/logs/tables@1' existing", "A.B/logs/tables@1'", "BCP165"},
		"an extension of one that lies elsewhere":  {"modules/web.bicep", "scope: child", "scope: table", "BCP165"},
		"a resource at another scope":              {"modules/web.bicep", "scope: child", "scope: subscription()", "BCP139"},
		"a child with a scope":                     {"modules/web.bicep", "  parent: vm\n", "  parent: vm\n  scope: logs\n", "BCP164"},
		"a parent that is none":                    {"modules/web.bicep", "parent: vm", "parent: prefix", "BCP240"},
		"a scope that is none":                     {"modules/web.bicep", "scope: resourceGroup('far', 'rg')", "scope: resourceGroup('far', 'rg', 'x')", "BCP071"},
		"no version":                               {"modules/web.bicep", "A.B/vms@1", "A.B/vms", "BCP029"},
		"a key of a resource with a hole":          {"modules/web.bicep", "  tags:", "  '${prefix}':", "BCP040"},
		"a property of a resource that is unknown": {"modules/web.bicep", "table.id", "table.size", "nothing that is ever read"},
		"a module as a value":                      {"main.bicep", "location: 'x'", "location: other", "BCP"},
		"a property that an object lacks":          {"main.bicep", "    id: id\n", "    id: id.x\n", "BCP053"},
		"JSON that is none":                        {"modules/web.bicep", "json('1.5')", "json('1.5.')", "BCP186"},
		"a number in text":                         {"main.bicep", "var long = 'text'", "var long = '${json('1.5')}'", "stands in a string"},
		"a scope as a value":                       {"modules/web.bicep", "json('1.5')", "resourceGroup('x')", "no value"},
		"text that does not parse":                 {"modules/web.bicep", "'vm'", "'vm", "modules/web.bicep: line"},
		"a key twice once holes are filled":        {"modules/web.bicep", "    a:", "    'dev-b': 1\n    a:", "there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(good)
			if files[test.file] = strings.Replace(files[test.file], test.old, test.new, 1); files[test.file] == good[test.file] {
				t.Fatal("nothing was spoiled")
			}
			if _, err := biceptest.Deploy(files, "main", "/subscriptions/s1", map[string]string{"P": "hush"}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if _, err := biceptest.Deploy(good, "none", "/", nil); err == nil {
		t.Error("it deployed what is not there")
	}
}

// FuzzParse: whatever it is given, it answers.
func FuzzParse(f *testing.F) {
	for _, files := range []map[string]string{good, answering} {
		for _, text := range files {
			f.Add(text)
		}
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if file, err := biceptest.Parse(text); err == nil {
			_ = file.Check()
		}
	})
}
