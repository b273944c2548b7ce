package bicep_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// groups is a template of resource groups that have to exist, with resources as they are given, by group.
func groups(resources ...[]*template.Resource) *template.Template {
	scope := template.Scope{Kind: template.ScopeSubscription, Subscription: ours[0], Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: ours[0]}}}
	stage := &template.Stage{Name: "production", Title: "production", Scope: scope}
	t := template.Template{Source: template.Source{TenantID: "t", Complete: true}, Split: template.SplitDeployment, Stages: []*template.Stage{stage}}
	var all []*template.Resource
	for i, rs := range resources {
		name := fmt.Sprintf("rg-%d", i)
		u := &template.Unit{Index: i, Name: name, Scope: template.Scope{Kind: template.ScopeResourceGroup, Subscription: ours[0], ResourceGroup: templatetest.Lit(name), Group: template.NoNode,
			ID: append(scope.ID[:2:2], template.Part{Literal: "/resourceGroups/" + name})}}
		for _, r := range rs {
			r.Node, r.ParentID = template.Node(len(all)), u.Scope.ID
			if r.Symbol == "" {
				r.Symbol = fmt.Sprintf("thing_%d", r.Node)
			}
			if r.Type == "" {
				r.Type, r.APIVersion, r.Name = "A.B/things", "1", templatetest.Lit(r.Symbol)
			}
			all, u.Nodes = append(all, r), append(u.Nodes, r.Node)
		}
		t.Units, stage.Units = append(t.Units, u), append(stage.Units, u)
	}
	return template.Of(t, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			if err := yield(all[n]); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref { return &template.Ref{Node: n, Symbol: all[n].Symbol} })
}

func withSecrets(names ...string) *template.Resource {
	r := &template.Resource{Tags: template.Value{Kind: template.Map}}
	for _, name := range names {
		p := &template.Parameter{Name: name, Description: "of " + name, Secret: true}
		r.Secrets = append(r.Secrets, p)
		r.Tags.Fields = append(r.Tags.Fields, template.Field{Name: name, Value: template.Value{Kind: template.String, Text: []template.Part{{Parameter: p}}}})
	}
	return r
}

func many(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s_%d", prefix, i))
	}
	return names
}

func TestSecretsOfSeveralModules(t *testing.T) {
	files := write(t, groups([]*template.Resource{withSecrets("password", "token")}, []*template.Resource{withSecrets("password")}), bicep.Options{})
	const values = `using './main.bicep'

param rg0Password = readEnvironmentVariable('ATG_SECRET_RG0_PASSWORD')
param token = readEnvironmentVariable('ATG_SECRET_TOKEN')
param rg1Password = readEnvironmentVariable('ATG_SECRET_RG1_PASSWORD')
`
	if _, got, _ := strings.Cut(files["main.bicepparam"], "\n\n"); got != values {
		t.Errorf("got %s", cmp.Diff(values, got))
	}
}

// TestMoreSecretsThanParameters: Azure takes 256 parameters, so the secrets of all modules become one.
func TestMoreSecretsThanParameters(t *testing.T) {
	for name, n := range map[string]int{"as many as Azure takes": 128, "one more": 129} {
		t.Run(name, func(t *testing.T) {
			files := write(t, groups([]*template.Resource{withSecrets(many("a", 128)...)}, []*template.Resource{withSecrets(many("b", n)...)}), bicep.Options{})
			environment := map[string]string{}
			for _, rest := range strings.Split(files["main.bicepparam"], "readEnvironmentVariable('")[1:] {
				variable, _, _ := strings.Cut(rest, "'")
				environment[variable] = variable
				if !strings.Contains(files["deploy.sh"], " "+variable) {
					t.Errorf("deploy.sh does not ask for %s", variable)
				}
			}
			resources, err := biceptest.Deploy(files, "main", "/subscriptions/"+ours[0].Default, environment)
			if err != nil {
				t.Fatal(err)
			}
			main, err := biceptest.Parse(files["main.bicep"])
			if err != nil {
				t.Fatal(err)
			}
			parameters := 0
			for _, d := range main.Declarations {
				if d.Kind == "param" {
					parameters++
				}
			}
			want, first := 256, map[string]any{}
			for i := range 128 {
				first[fmt.Sprintf("a_%d", i)] = fmt.Sprintf("ATG_SECRET_A%d", i)
			}
			if n > 128 {
				want = 1
				for name := range first {
					first[name] = strings.Replace(first[name].(string), "SECRET_", "SECRET_RG0__", 1)
				}
			}
			if parameters != want {
				t.Errorf("main has %d parameters, want %d", parameters, want)
			}
			if diff := cmp.Diff(map[string]any{"tags": first}, resources[0].Body); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestLongText: Azure takes expressions of 24,576 characters, so long text with references in it is put together of variables.
func TestLongText(t *testing.T) {
	long := strings.Repeat("it's ${long} ", 2000)
	var holes []template.Part
	for range 1000 {
		holes = append(holes, template.Part{Literal: "a ${"}, template.Part{Parameter: location}, template.Part{Literal: "} $"}, template.Part{Ref: &template.Ref{Symbol: "thing_0", ID: templatetest.Lit("/x")}})
	}
	text := func(parts ...template.Part) *template.Resource {
		return &template.Resource{Body: []template.Field{{Name: "properties", Value: template.Value{Kind: template.String, Text: parts}}}}
	}
	files := write(t, groups([]*template.Resource{
		text(template.Part{Literal: long}), text(template.Part{Literal: "a"}, template.Part{Literal: long}),
		text(template.Part{Literal: "short "}, template.Part{Parameter: location}, template.Part{Literal: long}, template.Part{Literal: long}),
		text(holes...),
	}), bicep.Options{})
	file, err := biceptest.Parse(files["modules/rg-0.bicep"])
	if err != nil {
		t.Fatal(err)
	}
	variables := 0
	for _, d := range file.Declarations {
		biceptest.Walk(d.Value, func(e biceptest.Expr) {
			if text, ok := e.(*biceptest.Text); ok {
				length := 0
				for _, piece := range text.Pieces {
					switch piece := piece.(type) {
					case string:
						length += len(piece)
					case *biceptest.Access: // parameters('…') or resourceId('…', '…')
						length += len(piece.Name) + 20 + 120*len(piece.Path)
					}
				}
				if _, literal := text.Literal(); !literal && length > 20_000 {
					t.Errorf("%s has an expression of %d characters", d.Name, length)
				}
			}
		})
		if d.Kind == "var" {
			variables++
		}
	}
	if variables < 10 || variables > 40 {
		t.Errorf("there are %d variables", variables)
	}
	files["main.bicepparam"] = strings.Replace(files["main.bicepparam"], "param location = ''", "param location = 'x'", 1)
	resources, err := biceptest.Deploy(files, "main", "/subscriptions/"+ours[0].Default, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := "/subscriptions/" + ours[0].Default + "/resourceGroups/rg-0/providers/A.B/things/thing_0"
	for i, want := range []string{long, "a" + long, "short " + location.Default + long + long, strings.Repeat("a ${"+location.Default+"} $"+id, 1000)} {
		if got := resources[i].Body["properties"]; got != want {
			t.Errorf("%d is another text", i)
		}
	}
}

// TestChildBelowAnExtension: what is below an extension that another file deploys has no name that says so.
func TestChildBelowAnExtension(t *testing.T) {
	tpl := groups([]*template.Resource{{}}, []*template.Resource{{}})
	far := slices.Concat(tpl.Units[0].Scope.ID, templatetest.Lit("/providers/A.B/things/t/providers/C.D/extensions/e"))
	files := write(t, template.Of(*tpl, func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		return tpl.Each(ctx, u, func(r *template.Resource) error {
			if u.Index == 1 {
				r.Type, r.ParentKind, r.ParentID, r.Name = "C.D/extensions/children", template.ParentChild, far, templatetest.Lit("c")
			}
			return yield(r)
		})
	}, tpl.Ref), bicep.Options{})
	const want = `resource existingThingsT 'A.B/things@1' existing = {
  scope: resourceGroup('rg-0')
  name: 't'
}

resource existingExtensionsE 'C.D/extensions@1' existing = {
  scope: existingThingsT
  name: 'e'
}

resource thing1 'C.D/extensions/children@1' = {
  parent: existingExtensionsE
  name: 'c'
}
`
	if !strings.HasSuffix(files["modules/rg-1.bicep"], want) {
		t.Errorf("got\n%s", files["modules/rg-1.bicep"])
	}
}

func TestLocationOfDeployments(t *testing.T) {
	for name, test := range map[string]struct {
		options    bicep.Options
		target     string
		parameters []*template.Parameter
		want       string
	}{
		"as it is asked for":     {bicep.Options{Location: "eastus"}, "northeurope", []*template.Parameter{location}, "location=eastus #"},
		"the target's":           {bicep.Options{}, "northeurope", []*template.Parameter{location}, "location=northeurope #"},
		"the first parameter's":  {bicep.Options{}, "", []*template.Parameter{ours[0], location}, "location=westeurope #"},
		"nobody says it":         {bicep.Options{}, "", nil, "location='' #"},
		"a shell would read it":  {bicep.Options{Location: "$(x) it's"}, "", nil, `location='$(x) it'\''s' #`},
		"a parameter without it": {bicep.Options{}, "", []*template.Parameter{{Name: "location"}}, "location='' #"},
	} {
		t.Run(name, func(t *testing.T) {
			tpl := *groups([]*template.Resource{{}})
			tpl.Target.Location, tpl.Parameters = test.target, test.parameters
			if got := write(t, &tpl, test.options)["deploy.sh"]; !strings.Contains(got, test.want) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	gone := errors.New("the snapshot is gone")
	tpl := groups([]*template.Resource{{}})
	broken := template.Of(*tpl, func(context.Context, *template.Unit, func(*template.Resource) error) error { return gone }, tpl.Ref)
	inMain := *broken
	main := &template.Unit{Index: 0, Name: "main", Scope: tpl.Stages[0].Scope, Nodes: []template.Node{0}}
	inMain.Units, inMain.Stages = []*template.Unit{main}, []*template.Stage{{Name: "production", Scope: tpl.Stages[0].Scope, Main: main}}
	odd := groups([]*template.Resource{{}})
	homeless := template.Of(*odd, func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		return odd.Each(ctx, u, func(r *template.Resource) error {
			r.ID, r.ParentKind, r.ParentID = "/x", template.ParentTarget, templatetest.Lit("/odd")
			return yield(r)
		})
	}, odd.Ref)
	twice := groups([]*template.Resource{{}}, []*template.Resource{{}})
	twice.Units[1].Name = "rg-0"
	for name, test := range map[string]struct {
		template *template.Template
		want     error
	}{
		"a module cannot be read":        {broken, gone},
		"a main cannot be read":          {&inMain, gone},
		"a resource that hangs nowhere":  {homeless, fault.New(fault.ExecutionFailed, "")},
		"a file that is there already":   {twice, fault.New(fault.ExecutionFailed, "")},
		"the time is over before it all": {tpl, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if errors.Is(test.want, context.Canceled) {
				cancel()
			}
			files, err := output.New(t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer files.Close()
			if err := bicep.Write(ctx, test.template, files, bicep.Options{}); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// TestSecretsStopWriting: a scanner that finds something ends it, wherever it stands.
func TestSecretsStopWriting(t *testing.T) {
	for _, where := range []string{"modules/rg-hub.bicep", "main.bicep", "main.bicepparam", "deploy.sh"} {
		files, err := output.New(t.TempDir(), func(path string) output.Scanner { return finds{io.Discard, path == where} })
		if err != nil {
			t.Fatal(err)
		}
		if err := bicep.Write(t.Context(), templatetest.Sample(template.SplitDeployment), files, bicep.Options{}); !errors.Is(err, fault.New(fault.ExecutionFailed, "")) {
			t.Errorf("%s: got %v", where, err)
		}
		files.Close()
	}
}

type finds struct {
	io.Writer
	something bool
}

func (f finds) Found() []string {
	if f.something {
		return []string{"a key"}
	}
	return nil
}
