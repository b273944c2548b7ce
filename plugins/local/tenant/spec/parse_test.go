package spec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// parse parses a specification, and answers its problems as lines.
func parse(t testing.TB, text string) (*spec.Spec, []string) {
	t.Helper()
	s, problems, err := spec.Parse(t.Context(), strings.NewReader(text), spec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return s, lines
}

// yaml is a document of one block of YAML.
func yaml(text string) string { return "# T\n\n```yaml\n" + text + "\n```\n" }

// hub is a specification without problems.
const hub = `subscriptions:
  - name: Production
    subscription_id: 11111111-1111-4111-8111-111111111111
    resource_groups:
      - name: rg-hub
        location: westeurope
        tags: {env: prod}
        resources:
          - type: Microsoft.Network/virtualNetworks
            name: vnet-hub
            location: westeurope
            properties:
              addressSpace: {addressPrefixes: [10.0.0.0/16]}
              subnets:
                - name: web
                  properties: {addressPrefix: 10.0.0.0/24, networkSecurityGroup: {id: "${resource:nsg-web}"}}
          - type: Microsoft.Network/networkSecurityGroups
            name: nsg-web
            location: westeurope
            properties: {}
          - type: Microsoft.Network/networkInterfaces
            name: nic
            location: westeurope
            properties:
              ipConfigurations:
                - name: ip
                  properties: {subnet: {id: "${resource:rg-hub/Microsoft.Network/virtualNetworks/vnet-hub/subnets/web}"}}`

func TestNothingWrong(t *testing.T) {
	s, problems := parse(t, yaml(hub))
	if diff := cmp.Diff([]string(nil), problems); diff != "" {
		t.Error(diff)
	}
	if len(s.Resources) != 3 || len(s.Groups) != 1 || len(s.Subscriptions) != 1 {
		t.Errorf("%d resources, %d groups, %d subscriptions", len(s.Resources), len(s.Groups), len(s.Subscriptions))
	}
}
