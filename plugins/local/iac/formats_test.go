package iac_test

import (
	"encoding/json"
	"maps"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/armtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// resource is what code makes, whatever it is written in: with parameters at their defaults, and each secret as its description.
type resource struct {
	Type, APIVersion string
	Members          map[string]any
}

// modelled are the resources of a snapshot's template, by their ids in lower case.
func modelled(t *testing.T, r *graph.Reader) (map[string]resource, *template.Template) {
	t.Helper()
	plan, err := build.Build(t.Context(), r, build.Options{Split: template.SplitDeployment}, report.New())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]resource{}
	for _, u := range plan.Units {
		if err := plan.Each(t.Context(), u, func(r *template.Resource) error {
			names := []string{}
			for _, p := range r.Secrets {
				names = append(names, armtest.Secret(p.Name), "‹"+p.Description+"›")
			}
			members, _ := replaced(armtest.Members(r), strings.NewReplacer(names...)).(map[string]any)
			all[strings.ToLower(armtest.ID(r))] = resource{r.Type, r.APIVersion, members}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all, plan.Template
}

// replaced is a value with its strings replaced.
func replaced(v any, by *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return by.Replace(v)
	case []any:
		for i := range v {
			v[i] = replaced(v[i], by)
		}
	case map[string]any:
		for name := range v {
			v[name] = replaced(v[name], by)
		}
	}
	return v
}

// alike are resources without what formats may say in two ways: how a number is written, the case of ids, and how what Azure answers is
// made up.
func alike(all map[string]resource) map[string]resource {
	for id, r := range all {
		all[id] = resource{r.Type, r.APIVersion, canonical(r.Members).(map[string]any)}
	}
	return all
}

func canonical(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, ok := new(big.Rat).SetString(v.String()); ok {
			return n.RatString()
		}
	case string:
		if lower := strings.ToLower(v); strings.Contains(lower, "/subscriptions/") || strings.Contains(lower, "/providers/") {
			v = lower
		}
		return strings.Trim(v, "‹›")
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(v)) {
			value := canonical(v[name])
			if key := canonical(name).(string); key != name {
				delete(v, name)
				name = key
			}
			v[name] = value
		}
	}
	return v
}

// stage is the name of the files of a stage; one alone has another name.
func stage(tmpl *template.Template, s *template.Stage, alone string) string {
	if len(tmpl.Stages) == 1 {
		return alone
	}
	return s.Name
}

func bicepped(t *testing.T, tmpl *template.Template, files map[string]string) map[string]resource {
	t.Helper()
	all, tenant := map[string]resource{}, &biceptest.Tenant{}
	for _, s := range tmpl.Stages {
		name := stage(tmpl, s, "main")
		file, err := biceptest.Parse(files[name+".bicep"])
		if err != nil {
			t.Fatal(err)
		}
		given, err := biceptest.Parse(files[name+".bicepparam"])
		if err != nil {
			t.Fatal(err)
		}
		environment := map[string]string{}
		for _, d := range given.Declarations {
			if read, ok := d.Value.(*biceptest.Access); ok && len(read.Args) == 1 {
				at := slices.IndexFunc(file.Declarations, func(m *biceptest.Declaration) bool { return m.Name == d.Name })
				variable, _ := read.Args[0].(*biceptest.Text).Literal()
				environment[variable] = "‹" + file.Declarations[at].Description + "›"
			}
		}
		resources, err := tenant.Deploy(files, name, armtest.Text(s.Scope.ID), environment)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resources {
			all[strings.ToLower(r.ID)] = resource{r.Type, r.APIVersion, r.Body}
		}
	}
	return all
}

func armed(t *testing.T, tmpl *template.Template, files map[string]string) map[string]resource {
	t.Helper()
	all, tenant := map[string]resource{}, engine.Tenant{}
	for _, s := range tmpl.Stages {
		text := []byte(files[stage(tmpl, s, "azuredeploy")+".json"])
		var head struct {
			Parameters map[string]struct {
				Type     string `json:"type"`
				Metadata struct {
					Description string `json:"description"`
				} `json:"metadata"`
			} `json:"parameters"`
		}
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatal(err)
		}
		values := map[string]any{}
		for name, p := range head.Parameters {
			if p.Type == "secureString" {
				values[name] = "‹" + p.Metadata.Description + "›"
			}
		}
		at := engine.Scope{ManagementGroup: s.Scope.ManagementGroup}
		if s.Scope.Subscription != nil {
			at.Subscription = s.Scope.Subscription.Default
		}
		deployed := tenant.Deploy(text, at, values)
		for _, p := range deployed.Problems {
			t.Errorf("%s: %s: %s", s.Name, p.Resource, p.Message)
		}
		for _, r := range deployed.Resources {
			if !strings.EqualFold(r.Type, "Microsoft.Resources/deployments") {
				all[strings.ToLower(r.ID)] = resource{r.Type, r.APIVersion, r.Members}
			}
		}
	}
	return all
}

// TestFormatsSayTheSame: the whole of a tenant in Terraform, Bicep and ARM is the same resources with the same bodies.
func TestFormatsSayTheSame(t *testing.T) {
	r := contoso(t)
	want, tmpl := modelled(t, r)
	want = alike(want)
	if len(want) < 300 {
		t.Errorf("the tenant has only %d resources", len(want))
	}
	read := map[string]func(map[string]string) map[string]resource{
		iac.Terraform: func(files map[string]string) map[string]resource { return terraformed(t, files) },
		iac.Bicep:     func(files map[string]string) map[string]resource { return bicepped(t, tmpl, files) },
		iac.ARM:       func(files map[string]string) map[string]resource { return armed(t, tmpl, files) },
	}
	for _, format := range iac.Formats() {
		t.Run(format, func(t *testing.T) {
			result, files := generate(t, r, backend.IaCGenerationRequest{OutputFormat: format})
			if !result.Success || !result.Complete || result.OutputFormat != format || result.Snapshot != r.Snapshot().ID || len(result.FilesGenerated) != len(files) {
				t.Errorf("result is %+v, of %d files", result, len(files))
			}
			if diff := cmp.Diff(want, alike(read[format](files))); diff != "" {
				t.Errorf("(-snapshot +code):\n%s", diff)
			}
		})
	}
	_, files := generate(t, r, backend.IaCGenerationRequest{OutputFormat: iac.Terraform, Split: template.SplitNone})
	if diff := cmp.Diff(want, alike(terraformed(t, files))); diff != "" {
		t.Errorf("not split:\n%s", diff)
	}
}

// TestSameBytes: the same snapshot gives the same files, however many processors there are.
func TestSameBytes(t *testing.T) {
	r := contoso(t)
	for _, format := range iac.Formats() {
		request := backend.IaCGenerationRequest{OutputFormat: format, Import: format == iac.Terraform}
		_, want := generate(t, r, request)
		_, again := generate(t, r, request)
		before := runtime.GOMAXPROCS(1)
		_, alone := generate(t, r, request)
		runtime.GOMAXPROCS(before)
		for name, files := range map[string]map[string]string{"again": again, "alone": alone} {
			if diff := cmp.Diff(want, files); diff != "" {
				t.Errorf("%s, %s:\n%s", format, name, diff)
			}
		}
	}
}
