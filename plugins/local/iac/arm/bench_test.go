package arm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

const (
	benchStages    = 16
	benchUnits     = 8 // of a stage
	benchResources = 150
)

// large is a template of many stages. Every resource is of about 2 KB, and refers to two others.
func large() *template.Template {
	location := &template.Parameter{Name: "location", Default: "westeurope", HasDefault: true}
	t := template.Template{Split: template.SplitDeployment, Parameters: []*template.Parameter{location, subscription}}
	id := []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}
	for s := range benchStages {
		stage := &template.Stage{Name: fmt.Sprintf("stage-%d", s), Title: "stage",
			Scope: template.Scope{Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: id}}
		for u := range benchUnits {
			name := fmt.Sprintf("rg-%d-%d", s, u)
			unit := &template.Unit{Index: len(t.Units), Name: name, Title: name, Nodes: make([]template.Node, benchResources),
				Scope: template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription, ResourceGroup: templatetest.Lit(name), Group: template.NoNode,
					ID: append(id[:2:2], template.Part{Literal: "/resourceGroups/" + name})}}
			t.Units = append(t.Units, unit)
			stage.Units = append(stage.Units, unit)
		}
		t.Stages = append(t.Stages, stage)
	}
	var rules []template.Value
	for i := range 12 {
		rules = append(rules, templatetest.Map("name", templatetest.Str(fmt.Sprintf("rule-%d", i)), "properties", templatetest.Map(
			"priority", templatetest.Num("100"), "enabled", templatetest.Bool(true), "description", templatetest.Str(strings.Repeat("allow ", 8)))))
	}
	return template.Of(t, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for i := range template.Node(benchResources) {
			at := func(n template.Node) []template.Part {
				return append(u.Scope.ID[:3:3], template.Part{Literal: fmt.Sprintf("/providers/Microsoft.Network/networkSecurityGroups/nsg-%d", n)})
			}
			r := &template.Resource{Node: i, Type: "Microsoft.Network/networkSecurityGroups", APIVersion: "2024-05-01", ParentID: u.Scope.ID,
				Location: []template.Part{{Parameter: location}}, Tags: templatetest.Map("env", templatetest.Str("prod"))}
			r.Name = templatetest.Lit(fmt.Sprintf("nsg-%d", i))
			r.FullName = r.Name
			fields := []template.Field{{Name: "securityRules", Value: templatetest.List(rules...)}}
			for n := max(0, i-2); n < i; n++ {
				ref := &template.Ref{Node: n, Unit: u.Index, ID: at(n)}
				fields = append(fields, template.Field{Name: fmt.Sprintf("peer%d", n), Value: template.Value{Kind: template.String, Text: []template.Part{{Ref: ref}, {Literal: "/rules/a"}}}})
			}
			r.Body = []template.Field{{Name: "properties", Value: template.Value{Kind: template.Map, Fields: fields}}}
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}, func(template.Node) *template.Ref { return nil })
}

func BenchmarkWrite(b *testing.B) {
	t := large()
	var size int64
	for b.Loop() {
		dir := b.TempDir()
		files, err := output.New(dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := arm.Write(b.Context(), t, files, arm.Options{}); err != nil {
			b.Fatal(err)
		}
		size = folderSize(b, dir)
		if err := files.Close(); err != nil {
			b.Fatal(err)
		}
	}
	const resources = benchStages * benchUnits * benchResources
	b.ReportMetric(float64(resources)*float64(b.N)/b.Elapsed().Seconds(), "resources/s")
	b.ReportMetric(float64(size)/resources, "B/resource")
}
