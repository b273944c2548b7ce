package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBlocks says which blocks of a Markdown file are read: each that is names a tenant.
func TestBlocks(t *testing.T) {
	const here = "tenant: {name: Here}"
	for _, tc := range []struct {
		name, text string
		want       string   // the name that was read
		problems   []string // all of them
	}{
		{"backticks", "```yaml\n" + here + "\n```\n", "Here", nil},
		{"tildes", "~~~ yml\n" + here + "\n~~~\n", "Here", nil},
		{"a longer fence", "`````yaml\n" + here + "\n```\n# ```\n`````\n", "", []string{"3:1: error: this is no YAML: found character that cannot start any token"}},
		{"an end that is longer", "```yaml\n" + here + "\n``````\n", "Here", nil},
		{"JSON", "```json\n{\"tenant\": {\"name\": \"Here\"}}\n```\n", "Here", nil},
		{"JSON with comments", "```jsonc\n{ // one\n  /* two\n */ \"tenant\": {\"name\": \"Here\" /* \"x */}}\n```\n", "Here", nil},
		{"comments keep places", "```jsonc\n{ /* ü */ \"tennant\": {}}\n```\n", "", []string{`2:11: error: there is no member "tennant" in a specification (did you mean tenant?)`}},
		{"upper case", "```YAML\n" + here + "\n```\n", "Here", nil},
		{"attributes", "```yaml {.numbered title=\"a\"}\n" + here + "\n```\n", "Here", nil},
		{"ignored", "```yaml ignore\nkind: Pod\n```\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"ignored among attributes", "```yaml {.x ignore}\nkind: Pod\n```\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"other languages", "```go\npackage x\n```\n```\ntenant: {name: There}\n```\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"CRLF", "# T\r\n\r\n```yaml\r\ntenant:\r\n  name: Here\r\n```\r\n", "Here", nil},
		{"CRLF in JSON", "```json\r\n{\"tenant\":\r\n  {\"nam\": \"x\"}}\r\n```\r\n", "", []string{`3:4: error: there is no member "nam" in tenant (did you mean name?)`}},
		{"CR", "# T\r```yaml\rtenant:\r  nam: x\r```\r", "", []string{`4:3: error: there is no member "nam" in tenant (did you mean name?)`}},
		{"line ends of YAML alone", "```yaml\ntenant: {name: \"a\u2028\u2028\u2028b\", nam: x}\n```\n", "a\u2028\u2028\u2028b", []string{`3:5: error: there is no member "nam" in tenant (did you mean name?)`}},
		{"BOM", "\uFEFF```yaml\n" + here + "\n```\n", "Here", nil},
		{"in a list", "1. First:\n\n   ```yaml\n   tenant:\n     name: Here\n   ```\n2. Then.\n", "Here", nil},
		{"on the line of a list", "- ```yaml\n  tenant:\n    nam: x\n  ```\n", "", []string{`3:5: error: there is no member "nam" in tenant (did you mean name?)`}},
		{"in a list of a list", "- a\n  - b\n\n    ~~~yaml\n    tenant: {nam: x}\n    ~~~\n", "", []string{`5:14: error: there is no member "nam" in tenant (did you mean name?)`}},
		{"in a quote", "> ```yaml\n> tenant:\n>   name: Here\n> ```\n", "Here", nil},
		{"in a quote of a quote", "> > ```yaml\n> > tenant:\n> >   nam: Here\n> > ```\n", "", []string{`3:7: error: there is no member "nam" in tenant (did you mean name?)`}},
		{"a quote ends", "> ```yaml\n> " + here + "\n\ntext\n", "Here", []string{"1:3: error: the block that begins here has no end (end it by a line of the same characters)"}},
		{"a list ends", "- ```yaml\n  " + here + "\ntext\n", "Here", []string{"1:3: error: the block that begins here has no end (end it by a line of the same characters)"}},
		{"indented", "   ```yaml\n   " + here + "\n   ```\n", "Here", nil},
		{"less indented than its fence", "  ```yaml\n" + here + "\n  ```\n", "Here", nil},
		{"code that is indented", "text\n\n    ```yaml\n    kind: Pod\n    ```\n\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"a comment", "<!-- not yet:\n```yaml\nkind: Pod\n```\n-->\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"a comment of one line", "<!-- x -->\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"no fence", "text ```yaml\n\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"backticks behind backticks", "``` a`b\n\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"two documents", "```yaml\ntenant: {name: Here}\n---\ntenant: {tenant_id: 11111111-1111-4111-8111-111111111111}\n```\n", "Here", nil},
		{"an empty block", "```yaml\n```\n```json\n```\n```yaml\n" + here + "\n```\n", "Here", nil},
		{"no last newline", "```yaml\n" + here + "\n```", "Here", nil},
		{"a column behind other characters", "```yaml\ntenant: {\"name\": \"Übung\", nam: x}\n```\n", "Übung", []string{`2:27: error: there is no member "nam" in tenant (did you mean name?)`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, problems := parse(t, tc.text)
			if s.Name != tc.want {
				t.Errorf("it has read %q", s.Name)
			}
			if diff := cmp.Diff(tc.problems, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBlocksTogether: what several blocks say is one specification.
func TestBlocksTogether(t *testing.T) {
	text := yaml("tenant: {name: T}\nsubscriptions: [{name: A, subscription_id: 11111111-1111-4111-8111-111111111111}]") +
		"```json\n" + `{"tenant": {"tenantId": "22222222-2222-4222-8222-222222222222", "displayName": "T"}, "subscriptions": [{"subscriptionName": "a", "resourceGroups": [{"resourceGroupName": "rg", "location": "westeurope", "tags": {"x": "1"}}]}]}` + "\n```\n" +
		yaml("resource_groups:\n  - {name: RG, tags: {y: '2'}}\nresources:\n  - {type: Microsoft.Network/networkSecurityGroups, name: nsg, location: westeurope, resource_group: rg}")
	s, problems := parse(t, text)
	if problems != nil {
		t.Fatal(strings.Join(problems, "\n"))
	}
	if len(s.Subscriptions) != 1 || len(s.Groups) != 1 || len(s.Groups[0].Tags.Fields) != 2 || len(s.Resources) != 1 || s.Resources[0].Group != s.Groups[0] || s.TenantID == "" {
		t.Errorf("%+v %+v", s.Subscriptions, s.Groups)
	}
}
