package relate

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheTableIsDocumented(t *testing.T) {
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../../../docs/relationships.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{Generic, "CONTAINS", "HAS_ROLE", "MEMBER_OF", "HAS_ACCESS_POLICY", "USES_IDENTITY", "INSTANCE_OF"}
	for _, r := range all.paths {
		if r.kind != none {
			kinds = append(kinds, r.kind)
		}
	}
	for _, z := range all.zones {
		kinds = append(kinds, z.kind)
	}
	slices.Sort(kinds)
	var documented []string
	for line := range strings.Lines(string(document)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			if name, _, _ = strings.Cut(name, "`"); name == strings.ToUpper(name) {
				documented = append(documented, name)
			}
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(slices.Compact(kinds), documented); diff != "" {
		t.Errorf("kinds of the rules, and of the document:\n%s", diff)
	}
	if len(all.paths) < 80 || len(all.zones) < 20 {
		t.Errorf("the table has %d paths and %d zones", len(all.paths), len(all.zones))
	}
}

// A line that an earlier one hides is a mistake.
func TestEveryRuleIsReached(t *testing.T) {
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range all.paths {
		path := strings.Replace(r.path, "..", "properties.x.", 1)
		for _, before := range all.paths[:i] {
			if before.resource == r.resource && before.fits(r.resource, path) {
				t.Errorf("%q %q is hidden by %q %q", r.resource, r.path, before.resource, before.path)
			}
		}
	}
}

func TestMalformedTables(t *testing.T) {
	for _, table := range []string{"a b", "a b c d", "host a b", "host a b c d"} {
		if _, err := parse(table); err == nil {
			t.Errorf("%q parses", table)
		}
	}
}

func TestARMID(t *testing.T) {
	cases := map[string]string{
		"/subscriptions/s":  "/subscriptions/s",
		"/SUBSCRIPTIONS/s/": "/SUBSCRIPTIONS/s",
		"/providers/n/t/r":  "/providers/n/t/r",
		"/providers/n/t":    "",
		"https://management.azure.com/subscriptions/s/providers/n/t/r?api-version=1": "/subscriptions/s/providers/n/t/r",
		"https://example.com/subscriptions/s":                                        "",
		"/subscriptions/s#x":                                                         "/subscriptions/s",
		"/subscriptions/{subscriptionId}":                                            "",
		"/subscriptions//resourceGroups/g":                                           "",
		"/subscriptions/" + strings.Repeat("a", maxID):                               "",
		"subscriptions/s":                                                            "",
		"":                                                                           "",
	}
	for text, want := range cases {
		if got, _ := armID(text); got != want {
			t.Errorf("armID(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTypeOf(t *testing.T) {
	for id, want := range map[string]string{
		"/subscriptions/s":                     "microsoft.resources/subscriptions",
		"/subscriptions/s/resourceGroups/g":    "microsoft.resources/subscriptions/resourcegroups",
		"/subscriptions/s/providers/N/T/r/C/c": "n/t/c",
		"/x/providers/a/b/c/providers/D/E/f":   "d/e",
		"/providers/n":                         "n",
		"nonsense":                             "",
	} {
		if got := TypeOf(id); got != want {
			t.Errorf("TypeOf(%q) = %q, want %q", id, got, want)
		}
	}
}

func FuzzReferences(f *testing.F) {
	f.Add([]byte(`{"id":"/subscriptions/s/x/y","a":[{"b":"https://x.vault.azure.net"}],"c":"@Microsoft.KeyVault(VaultName=a)"}`))
	f.Add([]byte(`{"accessPolicies":[{"objectId":"aaaaaaaa-0000-4000-8000-000000000000","permissions":{"keys":["get"]}}]}`))
	f.Add([]byte(`{"\u0069d":"\/subscriptions\/s",`))
	finder, err := NewFinder()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, r := range finder.References(&Subject{Key: "/subscriptions/s", Type: typeVault, Properties: document, Identity: document, Tags: document}) {
			if r.Target == "" || r.Kind == "" || len(r.Path) > maxPath+len("…") {
				t.Errorf("%+v", r)
			}
		}
	})
}
