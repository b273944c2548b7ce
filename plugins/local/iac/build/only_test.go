package build

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// What is not chosen has to exist; a child that its parent's body holds comes with its parent, and one that stands alone only if it is chosen.
func TestOnlyWhatIsChosen(t *testing.T) {
	vnet, nic, files := network("net", "vnet"), in("web", "Microsoft.Network/networkInterfaces/nic"), storage("web", "files")
	subnet, alone := vnet+"/subnets/web", vnet+"/virtualNetworkPeerings/hub"
	reader := open(t, group(groupID("net"), ""), group(groupID("web"), ""),
		resource(vnet, `"location":"westeurope","properties":{"subnets":[{"name":"web","properties":{"addressPrefix":"10.0.0.0/24"}}]}`),
		resource(subnet, `"properties":{"addressPrefix":"10.0.0.0/24"}`), resource(alone, `"properties":{"allowForwardedTraffic":true}`),
		resource(nic, `"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"`+subnet+`"}}}]}`), account(files))
	for name, c := range map[string]struct {
		only []string
		want []string
		nic  string // what it refers to
	}{
		"all":                        {nil, []string{"files", "hub", "net", "nic", "vnet", "web"}, "<virtual_network_vnet>/subnets/web"},
		"the network":                {[]string{vnet}, []string{"vnet"}, ""},
		"the interface":              {[]string{nic}, []string{"nic"}, "<existing_subnet_web>"},
		"both":                       {[]string{vnet, nic}, []string{"nic", "vnet"}, "<virtual_network_vnet>/subnets/web"},
		"a child that stands alone":  {[]string{alone}, []string{"hub"}, ""},
		"a child without its parent": {[]string{subnet, files}, []string{"files", "web"}, ""},
		"an account and its group":   {[]string{files, groupID("web")}, []string{"files", "web"}, ""},
		"nothing":                    {[]string{}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Split: template.SplitDeployment}
			if c.only != nil {
				o.Only = map[string]bool{}
				for _, id := range c.only {
					o.Only[strings.ToLower(id)] = true
				}
			}
			b := build(t, reader, o)
			if d := cmp.Diff(c.want, b.names()); d != "" {
				t.Errorf("what is made (-want +got):\n%s", d)
			}
			if c.nic != "" && !strings.Contains(b.properties(t, nic), `"`+c.nic+`"`) {
				t.Errorf("the interface is %s", b.properties(t, nic))
			}
		})
	}
}

// A resource waits for what it is told to wait for, though it refers to nothing of it.
func TestAfter(t *testing.T) {
	first, second := storage("web", "first"), storage("web", "second")
	b := build(t, open(t, group(groupID("web"), ""), account(first), account(second)), Options{Split: template.SplitDeployment,
		After: map[string][]string{strings.ToLower(first): {second, storage("web", "none")}}})
	var waits []string
	for _, ref := range b.of(t, first).DependsOn {
		waits = append(waits, ref.Symbol)
	}
	if d := cmp.Diff([]string{"storage_account_second"}, waits); d != "" {
		t.Errorf("what it waits for (-want +got):\n%s", d)
	}
}
