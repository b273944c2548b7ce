package bicep_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// large is a template of many resources, of about 2 KB of Bicep each, that make no text of their own while they are read.
func large(units, resources int) *template.Template {
	subscription := template.Scope{Kind: template.ScopeSubscription, Subscription: ours[0], Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: ours[0]}}}
	stage := &template.Stage{Name: "production", Title: "production", Scope: subscription}
	tpl := template.Template{Source: template.Source{TenantID: tenant.Default, Complete: true}, Parameters: []*template.Parameter{location, ours[0]}, Split: template.SplitDeployment, Stages: []*template.Stage{stage}}
	for i := range units {
		name := fmt.Sprintf("rg-%d", i)
		u := &template.Unit{Index: i, Name: name, Title: name, Scope: template.Scope{Kind: template.ScopeResourceGroup, Subscription: ours[0], ResourceGroup: templatetest.Lit(name), Group: template.NoNode,
			ID: append(subscription.ID[:2:2], template.Part{Literal: "/resourceGroups/" + name})}}
		for n := range resources {
			u.Nodes = append(u.Nodes, template.Node(i*resources+n))
		}
		tpl.Units, stage.Units = append(tpl.Units, u), append(stage.Units, u)
	}
	ref := func(n template.Node) *template.Ref {
		return &template.Ref{Node: n, Unit: int(n) / resources, Symbol: fmt.Sprintf("virtual_machine_vm_%d", n)}
	}
	var properties []any
	for i := range 24 {
		properties = append(properties, fmt.Sprintf("property%d", i), templatetest.Map("name", templatetest.Str("it's a value of some length"), "enabled", templatetest.Bool(true), "count", templatetest.Num("17")))
	}
	body := templatetest.Map(properties...)
	return template.Of(tpl, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for i, n := range u.Nodes {
			r := &template.Resource{Node: n, Symbol: ref(n).Symbol, Type: "Microsoft.Compute/virtualMachines", APIVersion: "2024-07-01", Name: templatetest.Lit(ref(n).Symbol), Scope: u.Scope,
				ParentID: u.Scope.ID, Location: []template.Part{{Parameter: location}}, Body: []template.Field{{Name: "properties", Value: body}}}
			if i > 0 {
				r.Tags = template.Value{Kind: template.Map, Fields: []template.Field{{Name: "before", Value: template.Value{Kind: template.String, Text: []template.Part{{Ref: ref(n - 1)}, {Literal: "/nics/0"}}}}}}
			}
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}, ref)
}

func BenchmarkWrite(b *testing.B) {
	const units, resources = 50, 400
	tpl := large(units, resources)
	b.ReportAllocs()
	bytes, n := 0, 0
	for b.Loop() {
		dir := b.TempDir()
		files, err := output.New(dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := bicep.Write(b.Context(), tpl, files, bicep.Options{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		info, err := os.Stat(filepath.Join(dir, "modules", "rg-7.bicep"))
		if err != nil {
			b.Fatal(err)
		}
		bytes, n = int(info.Size()), n+1
		files.Close()
		os.RemoveAll(dir)
		b.StartTimer()
	}
	b.ReportMetric(float64(units*resources*n)/b.Elapsed().Seconds(), "resources/s")
	b.ReportMetric(float64(bytes)/resources, "B/resource")
}

// TestMemory writes ten times as much with hardly more memory: what is kept is a unit's text and a few words for each resource.
func TestMemory(t *testing.T) {
	peak := func(units int) uint64 {
		tpl := large(units, 200)
		files, err := output.New(t.TempDir(), func(string) output.Scanner { return &sampler{} })
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		highest.Store(0)
		if err := bicep.Write(t.Context(), tpl, files, bicep.Options{}); err != nil {
			t.Fatal(err)
		}
		return max(highest.Load(), before.HeapAlloc) - before.HeapAlloc
	}
	small, big := peak(4), peak(40)
	if big > 2*small+4<<20 {
		t.Errorf("%d bytes for ten times as much, %d before", big, small)
	}
}

// sampler notes how much memory is in use when a file has been written, after what nobody needs is gone.
type sampler struct{}

var highest atomic.Uint64

func (*sampler) Write(p []byte) (int, error) { return len(p), nil }

func (*sampler) Found() []string {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	for seen := highest.Load(); now.HeapAlloc > seen && !highest.CompareAndSwap(seen, now.HeapAlloc); seen = highest.Load() {
	}
	return nil
}
