package arm_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/armtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func field(name string, v template.Value) template.Field {
	return template.Field{Name: name, Value: v}
}

func named(id string, fields ...template.Field) *template.Resource {
	r := properties(fields...)
	r.ID = id
	return r
}

// many are resources with a property.
func many(n int, f template.Field) []*template.Resource {
	var all []*template.Resource
	for range n {
		all = append(all, properties(f))
	}
	return all
}

func secretParts(from, to int) template.Value {
	v := template.Value{Kind: template.String}
	for i := from; i < to; i++ {
		v.Text = append(v.Text, template.Part{Parameter: &template.Parameter{Name: fmt.Sprintf("secret_%d", i), Secret: true}})
	}
	return v
}

func TestLimits(t *testing.T) {
	for name, test := range map[string]struct {
		template *template.Template
		want     string
	}{
		"a resource of more than 1 MB": {one(named("/subscriptions/1/big", field("x", templatetest.Str(strings.Repeat("x", 1<<20))))), "the resource /subscriptions/1/big is over 1 MB in an ARM template"},
		"a nested deployment of more than 1 MB": {
			one(many(3, field("x", templatetest.Str(strings.Repeat("x", 400<<10))))...), "resource group rg is over 1 MB in an ARM template"},
		"more resources than fit":  {one(many(801, field("x", templatetest.Str("x")))...), "resource group rg would have 801 resources, and Azure takes 800"},
		"more parameters than fit": {one(properties(field("x", secretParts(0, 257)))), "resource group rg would have 257 parameters, and Azure takes 256"},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := output.New(t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = files.Close() }()
			err = arm.Write(t.Context(), test.template, files, arm.Options{})
			if !errors.Is(err, fault.New(fault.ExecutionFailed, "")) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if names := files.Names(); len(names) > 0 {
				t.Errorf("written all the same: %v", names)
			}
		})
	}
}

func TestAStageOverFourMegabytesIsAFault(t *testing.T) {
	tmpl := large()
	all := &template.Stage{Name: "all", Title: "everything", Scope: tmpl.Stages[0].Scope}
	for _, s := range tmpl.Stages {
		all.Units = append(all.Units, s.Units...)
	}
	tmpl.Stages = []*template.Stage{all}
	files, err := output.New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	if err := arm.Write(t.Context(), tmpl, files, arm.Options{}); err == nil || !strings.Contains(err.Error(), "the template of everything is over 4 MB") {
		t.Errorf("got %v", err)
	}
}

// What fits only without spaces and line breaks is written without them.
func TestATemplateCloseToALimitIsCompact(t *testing.T) {
	list := template.Value{Kind: template.List}
	for range 60_000 {
		list.Items = append(list.Items, templatetest.Num("1"))
	}
	tmpl := one(many(3, field("x", list))...)
	_, files := write(t, tmpl)
	text := files["azuredeploy.json"]
	if strings.Contains(text, "\n  ") || !strings.Contains(text, "\n{\"type\":\"Contoso.Strange/things\"") {
		t.Errorf("it is not compact, or resources share a line: %.200s", text)
	}
	verify(t, tmpl, files)
}

func TestTooManySecretsBecomeMembersOfOneParameter(t *testing.T) {
	sample := one(properties(field("x", secretParts(0, 150))))
	other := one(properties(field("x", secretParts(0, 150))))
	first, second := sample.Units[0], other.Units[0]
	second.Index, second.Name, second.Title = 1, "rg-2", "resource group rg-2"
	second.Scope.ResourceGroup = templatetest.Lit("rg-2")
	second.Scope.ID = append(second.Scope.ID[:2:2], template.Part{Literal: "/resourceGroups/rg-2"})
	sample.Units = append(sample.Units, second)
	sample.Stages[0].Units = sample.Units
	tmpl := template.Of(*sample, func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		from := sample
		if u != first {
			from = other
		}
		return from.Each(ctx, u, func(r *template.Resource) error {
			r.ParentID = u.Scope.ID
			return yield(r)
		})
	}, func(template.Node) *template.Ref { return nil })
	_, files := write(t, tmpl)
	verify(t, tmpl, files)
	if text := files["azuredeploy.json"]; !strings.Contains(text, `"type": "secureObject"`) {
		t.Error("there is no secureObject")
	}
	if script := files["deploy.sh"]; !strings.Contains(script, "grouped_from_environment 'rg_2_secret_0' ATG_SECRET_RG_2_SECRET_0\n") {
		t.Error("the script does not know the secret of the second unit")
	}
}

func TestTheSameBytesWhateverTheProcessors(t *testing.T) {
	for seed := range uint64(20) {
		var want map[string]string
		for _, processors := range []int{1, 2, 7} {
			previous := runtime.GOMAXPROCS(processors)
			_, got := write(t, armtest.Random(seed, 0))
			runtime.GOMAXPROCS(previous)
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d with %d processors:\n%s", seed, processors, diff)
			}
		}
	}
}

// Azure's values may be nested as deep as they like; writing them takes no stack.
func TestDepth(t *testing.T) {
	const depth = 150_000
	v := templatetest.Str("[end]")
	for i := range depth {
		if i%2 == 0 {
			v = templatetest.List(v)
		} else {
			v = templatetest.Map("a", v)
		}
	}
	tmpl := one(properties(field("x", v)))
	_, files := write(t, tmpl)
	text := files["azuredeploy.json"]
	if !strings.Contains(text, `"[[end]"`) || strings.Count(text, "{") != strings.Count(text, "}") || strings.Count(text, `{"a":[`) < depth/2-1 {
		t.Errorf("%d bytes, %d lists", len(text), strings.Count(text, `{"a":[`))
	}
}

func TestDeploymentNames(t *testing.T) {
	long := strings.Repeat("x", 70)
	tmpl := one(properties(field("x", templatetest.Str("x"))))
	for name, want := range map[string]string{
		"rg-web":  "rg-web",
		"rg web":  "rg-web-",
		"rg-wäb":  "rg-w-b-",
		long:      strings.Repeat("x", 55) + "-",
		"a.b_c(d": "a.b_c-d-",
	} {
		tmpl.Units[0].Name = name
		_, files := write(t, tmpl)
		got := engine.Deploy([]byte(files["azuredeploy.json"]), engine.Scope{Subscription: subscription.Default}, nil)
		id := got.Resources[0].ID
		last := id[strings.LastIndexByte(id, '/')+1:]
		if last != want && (!strings.HasPrefix(last, want) || len(last) != len(want)+8 || len(last) > 64) {
			t.Errorf("%s: got %s, want %s and a hash", name, last, want)
		}
	}
}
