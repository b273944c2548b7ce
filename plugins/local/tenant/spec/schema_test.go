package spec_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	yaml3 "go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

var update = flag.Bool("update", false, "write what is expected anew")

const published = "../../../../docs/specification.schema.json"

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	content, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("specification.json", content); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("specification.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPublishedSchema(t *testing.T) {
	made := spec.Schema()
	if *update {
		if err := os.WriteFile(published, made, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(published)
	if err != nil || !bytes.Equal(content, made) {
		t.Errorf("docs/specification.schema.json is not what the format is: go test -run PublishedSchema ./plugins/local/tenant/spec -update (%v)", err)
	}
}

// TestSchemaAgrees: the schema and the parser take and refuse the same forms.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t)
	for _, tc := range []struct {
		text string
		ok   bool
	}{
		{hub, true},
		{"tenant: {tenantId: 11111111-1111-4111-8111-111111111111, displayName: T, subscriptions: [{subscriptionName: A, resourceGroups: [{resourceGroupName: rg, location: westeurope, resources: [{resourceType: Microsoft.Network/networkSecurityGroups, resourceName: nsg, location: westeurope}]}]}]}", true},
		{"tenant: {name: null}", true},
		{"tenant: {nam: x}", false},
		{"tenant: []", false},
		{"tenant: {name: 1}", false},
		{"subscriptions: [{name: A, resource_groups: [{location: westeurope}]}]", false},
		{"resource_groups: [{name: rg, location: westeurope, tags: {a: 1}}]", false},
		{"resource_groups: [{name: rg, location: westeurope, existing: 'yes'}]", false},
		{"resource_groups: [{name: rg, location: westeurope, resources: [{type: Microsoft.Network/networkSecurityGroups, name: null, location: westeurope}]}]", false},
		{"role_assignments: [{principalId: 11111111-1111-4111-8111-111111111111, roleName: Reader, scope: /}]", true},
		{"rbacAssignments: [{principal: 11111111-1111-4111-8111-111111111111, role: Reader}]", false},
		{"resources: [{type: Microsoft.Storage/storageAccounts, name: a, zones: {}}]", false},
		{"managed_identities: [{name: id-a, location: westeurope, resource_group: rg, properties: {}}]", false},
	} {
		var value any
		if err := yaml3.Unmarshal([]byte(tc.text), &value); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		content, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(content); (err == nil) != tc.ok {
			t.Errorf("the schema: %s: %v", tc.text, err)
		}
		if _, problems := parse(t, yaml(tc.text)); (len(problems) == 0) != tc.ok {
			t.Errorf("the parser: %s: %s", tc.text, strings.Join(problems, "\n"))
		}
	}
}

// TestDocumentation: each member and each kind of reference is described, and what is shown as a specification is one.
func TestDocumentation(t *testing.T) {
	content, err := os.ReadFile("../../../../docs/specification.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, name := range spec.Members() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/specification.md does not describe the member %s", name)
		}
	}
	for _, kind := range []string{spec.RefResource, spec.RefResourceGroup, spec.RefSubscription, spec.RefTenant, spec.RefSecret, spec.RefPrincipal, spec.RefClient, spec.RefUser, spec.RefGroup, spec.RefService} {
		if !strings.Contains(text, "${"+kind) {
			t.Errorf("docs/specification.md does not describe ${%s…}", kind)
		}
	}
	if _, problems := parse(t, text); problems != nil {
		t.Errorf("docs/specification.md is itself a specification, with problems:\n%s", strings.Join(problems, "\n"))
	}
	examples, err := filepath.Glob("../../../../examples/specs/*.md")
	if err != nil || !slices.ContainsFunc(examples, func(e string) bool { return strings.Contains(text, "examples/specs/"+filepath.Base(e)) }) {
		t.Errorf("docs/specification.md names none of %v: %v", examples, err)
	}
}
