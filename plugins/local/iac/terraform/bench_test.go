package terraform_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
)

// BenchmarkWrite writes resources of about 2 KB, made before, by resource group and all in one.
func BenchmarkWrite(b *testing.B) {
	for _, split := range []string{template.SplitGroup, template.SplitNone} {
		b.Run(split, func(b *testing.B) {
			const resources, perUnit = 20_000, 200
			tmpl := large(split, resources, perUnit)
			b.ReportAllocs()
			var bytes int64
			for b.Loop() {
				b.StopTimer()
				dir := b.TempDir()
				b.StartTimer()
				files, err := output.New(dir, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := terraform.Write(b.Context(), tmpl, files, terraform.Options{Import: true}); err != nil {
					b.Fatal(err)
				}
				files.Close()
				b.StopTimer()
				bytes = 0
				for _, content := range tree(b, dir) {
					bytes += int64(len(content))
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(resources*b.N)/b.Elapsed().Seconds(), "resources/s")
			b.ReportMetric(float64(bytes)/resources, "B/resource")
		})
	}
}

// large is a template of resources that are all alike.
func large(split string, resources, perUnit int) *template.Template {
	subscription := &template.Parameter{Name: "subscription_id", Description: "Subscription", Default: "s", HasDefault: true}
	id := []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}, {Literal: "/resourceGroups/rg"}}
	if split == template.SplitNone {
		perUnit = resources
	}
	t := template.Template{Source: template.Source{TenantName: "Large", Complete: true}, Parameters: []*template.Parameter{subscription}, Split: split}
	for n := range resources {
		if n%perUnit == 0 {
			t.Units = append(t.Units, &template.Unit{Index: n / perUnit, Name: fmt.Sprintf("rg-%d", n/perUnit), Title: "group"})
		}
		u := t.Units[len(t.Units)-1]
		u.Nodes = append(u.Nodes, template.Node(n))
	}
	ref := func(n template.Node) *template.Ref {
		return &template.Ref{Node: n, Unit: int(n) / perUnit, Symbol: fmt.Sprintf("virtual_machine_vm_%d", n)}
	}
	properties := templatetest.Map(
		"hardwareProfile", templatetest.Map("vmSize", templatetest.Str("Standard_D2s_v5")),
		"osProfile", templatetest.Map("computerName", templatetest.Str("vm"), "linuxConfiguration", templatetest.Map("disablePasswordAuthentication", templatetest.Bool(true), "ssh", templatetest.Map("publicKeys", templatetest.List(templatetest.Map("path", templatetest.Str("/home/azureuser/.ssh/authorized_keys"), "keyData", templatetest.Str("ssh-rsa "+strings.Repeat("AAAAB3NzaC1yc2E", 25))))))),
		"storageProfile", templatetest.Map(
			"imageReference", templatetest.Map("publisher", templatetest.Str("Canonical"), "offer", templatetest.Str("ubuntu"), "sku", templatetest.Str("22_04-lts"), "version", templatetest.Str("latest")),
			"osDisk", templatetest.Map("createOption", templatetest.Str("FromImage"), "caching", templatetest.Str("ReadWrite"), "diskSizeGB", templatetest.Num("128")),
			"dataDisks", templatetest.List(templatetest.Map("lun", templatetest.Num("0"), "createOption", templatetest.Str("Empty")), templatetest.Map("lun", templatetest.Num("1"), "createOption", templatetest.Str("Empty")))),
	)
	return template.Of(t, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			other := n
			if n > 0 {
				other = n * 7 / 8
			}
			r := &template.Resource{
				Node: n, Symbol: ref(n).Symbol, ID: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm", Type: fmt.Sprintf("Microsoft.Type%d/things", n%30), APIVersion: "2024-07-01", KnownType: true,
				Name: templatetest.Lit("vm"), ParentID: id, Location: templatetest.Lit("westeurope"),
				Scope: template.Scope{Kind: template.ScopeSubscription},
				Tags:  templatetest.Map("env", templatetest.Str("production"), "cost-center", templatetest.Str("1234"), "owner", templatetest.Str("somebody@contoso.com")),
				Body: []template.Field{
					{Name: "zones", Value: templatetest.List(templatetest.Str("1"))}, {Name: "properties", Value: properties},
					{Name: "networkProfile", Value: templatetest.Map("networkInterfaces", templatetest.List(templatetest.Map("id", template.Value{Kind: template.String, Text: []template.Part{{Ref: ref(other)}, {Literal: "/ipConfigurations/ipconfig1"}}})))},
				},
			}
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}, ref)
}
