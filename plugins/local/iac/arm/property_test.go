package arm_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/armtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

var (
	passed   = regexp.MustCompile(`"(\w+)": *\{\s*"value": *"\[parameters\('(\w+)'\)\]"`)
	inObject = regexp.MustCompile(`"(\w+)": *\{\s*"value": *"\[parameters\('secrets'\)\['(\w+)'\]\]"`)
	secure   = regexp.MustCompile(`"(\w+)": *\{\s*"type": *"secureString"`)
)

// values are the values of the secret parameters of a template: each says which secret it is.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	head, _, _ := strings.Cut(text, `"resources":`)
	given, declared := map[string]any{}, map[string]bool{}
	for _, m := range secure.FindAllStringSubmatch(head, -1) {
		declared[m[1]] = true
		given[m[1]] = armtest.Secret(m[1])
	}
	seen := map[string]bool{}
	for _, m := range passed.FindAllStringSubmatch(text, -1) {
		if !declared[m[2]] {
			continue
		}
		if seen[m[2]] {
			t.Errorf("two units share the secret %s", m[2])
		}
		seen[m[2]] = true
		given[m[2]] = armtest.Secret(m[1])
	}
	group := map[string]any{}
	for _, m := range inObject.FindAllStringSubmatch(text, -1) {
		if _, ok := group[m[2]]; ok {
			t.Errorf("two units share the secret %s", m[2])
		}
		group[m[2]] = armtest.Secret(m[1])
	}
	if len(group) > 0 {
		given["secrets"] = group
	}
	return given
}

// wanted is what a stage has to deploy, by id.
type wanted struct {
	Type, APIVersion, Deployment string
	Members                      map[string]any
	DependsOn                    []string
	References                   []engine.Reference
}

// verify compares what the files of a template deploy with what the model says.
func verify(t *testing.T, tmpl *template.Template, files map[string]string) {
	t.Helper()
	ids := map[template.Node]string{}
	for _, u := range tmpl.Units {
		each(t, tmpl, u, func(r *template.Resource) { ids[r.Node] = armtest.ID(r) })
	}
	var tenant engine.Tenant
	for _, s := range tmpl.Stages {
		name := s.Name + ".json"
		if len(tmpl.Stages) == 1 {
			name = "azuredeploy.json"
		}
		text, ok := files[name]
		if !ok {
			t.Fatalf("no file %s", name)
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is not JSON", name)
		}
		at := engine.Scope{ManagementGroup: s.Scope.ManagementGroup}
		if s.Scope.Subscription != nil {
			at.Subscription = s.Scope.Subscription.Default
		}
		got := tenant.Deploy([]byte(text), at, values(t, text))
		for _, p := range got.Problems {
			t.Errorf("%s: %s: %s", name, p.Resource, p.Message)
		}
		want := map[string]wanted{}
		if s.Main != nil {
			expect(t, tmpl, s, s.Main, "", ids, want)
		}
		for _, u := range s.Units {
			expect(t, tmpl, s, u, armtest.Text(u.Scope.ID)+"/providers/Microsoft.Resources/deployments/"+u.Name, ids, want)
		}
		have := map[string]wanted{}
		for _, r := range got.Resources {
			if r.Type == "Microsoft.Resources/deployments" {
				continue
			}
			if _, ok := have[r.ID]; ok {
				t.Errorf("%s has %s twice", name, r.ID)
			}
			have[r.ID] = wanted{r.Type, r.APIVersion, r.Deployment, r.Members, lower(r.DependsOn), r.References}
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("%s deploys something else (-model +template):\n%s", name, diff)
		}
		order(t, s, got, ids)
	}
}

func lower(ids []string) []string {
	all := []string{}
	for _, id := range ids {
		all = append(all, strings.ToLower(id))
	}
	slices.Sort(all)
	return all
}

func each(t *testing.T, tmpl *template.Template, u *template.Unit, do func(*template.Resource)) {
	t.Helper()
	if err := tmpl.Each(t.Context(), u, func(r *template.Resource) error { do(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

// dependsOn is how a dependsOn names a resource.
func dependsOn(id string) string {
	if scope, name, ok := strings.Cut(id, "/resourceGroups/"); ok && !strings.Contains(name, "/") {
		return scope + "/providers/Microsoft.Resources/resourceGroups/" + name
	}
	return id
}

func expect(t *testing.T, tmpl *template.Template, s *template.Stage, u *template.Unit, deployment string, ids map[template.Node]string, want map[string]wanted) {
	t.Helper()
	each(t, tmpl, u, func(r *template.Resource) {
		var needs []string
		for _, n := range armtest.Needs(r, u.Index) {
			needs = append(needs, dependsOn(ids[n]))
		}
		if u == s.Main {
			for _, index := range s.MainAfter[r.Node] {
				needs = append(needs, deploymentOf(s, index))
			}
		}
		want[armtest.ID(r)] = wanted{r.Type, r.APIVersion, deployment, armtest.Members(r), lower(needs), armtest.References(r)}
	})
}

func deploymentOf(s *template.Stage, index int) string {
	for _, u := range s.Units {
		if u.Index == index {
			return armtest.Text(u.Scope.ID) + "/providers/Microsoft.Resources/deployments/" + u.Name
		}
	}
	return ""
}

// order compares what nested deployments wait for.
func order(t *testing.T, s *template.Stage, got *engine.Template, ids map[template.Node]string) {
	t.Helper()
	for _, u := range s.Units {
		var want []string
		if u.Scope.Group != template.NoNode {
			want = append(want, dependsOn(ids[u.Scope.Group]))
		}
		for _, n := range s.UnitAfter[u.Index] {
			if n != u.Scope.Group {
				want = append(want, dependsOn(ids[n]))
			}
		}
		for _, index := range u.After {
			want = append(want, deploymentOf(s, index))
		}
		i := slices.IndexFunc(got.Resources, func(r engine.Resource) bool { return r.ID == deploymentOf(s, u.Index) })
		if i < 0 {
			t.Fatalf("no deployment for %s", u.Name)
		}
		if diff := cmp.Diff(lower(want), lower(got.Resources[i].DependsOn)); diff != "" {
			t.Errorf("%s waits for something else (-model +template):\n%s", u.Name, diff)
		}
	}
}

func TestSamplesDeployTheModel(t *testing.T) {
	for name, tmpl := range map[string]*template.Template{
		"properties": templatetest.Properties(template.SplitDeployment), "sample": templatetest.Sample(template.SplitDeployment), "stages": templatetest.Stages(),
	} {
		t.Run(name, func(t *testing.T) {
			dir, files := write(t, tmpl)
			verify(t, tmpl, files)
			results, err := arm.Check(t.Context(), dir, nil, false)
			if err != nil || check.Worst(results) != check.Passed {
				t.Errorf("%v: %+v", err, results)
			}
		})
	}
}

func TestRandomTemplates(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			longest := 0
			if seed%10 == 0 {
				longest = 60000
			}
			tmpl := armtest.Random(seed, longest)
			_, files := write(t, tmpl)
			verify(t, tmpl, files)
		})
	}
}
