package bicep_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// answer is what Azure answers of the first resource of groups: thing_0, in rg-0.
func answer() template.Part {
	return template.Part{Ref: &template.Ref{Node: 0, Symbol: "thing_0", Property: "identity.principalId", Type: "A.B/things", APIVersion: "1",
		ID: slices.Concat(groups(nil).Units[0].Scope.ID, templatetest.Lit("/providers/a.b/THINGS/thing_0"))}}
}

func properties(parts ...template.Part) *template.Resource {
	return &template.Resource{Body: []template.Field{{Name: "properties", Value: template.Value{Kind: template.String, Text: parts}}}}
}

func withIdentity() *template.Resource {
	return &template.Resource{Identity: templatetest.Map("type", templatetest.Str("SystemAssigned"))}
}

// TestAnswerInItsVersion: a declaration that was made for an id alone may have any version; an answer takes its own, which then does for ids.
func TestAnswerInItsVersion(t *testing.T) {
	lock := func(name string) *template.Resource {
		return &template.Resource{Type: "A.B/locks", APIVersion: "9", Name: templatetest.Lit(name)}
	}
	tpl := groups([]*template.Resource{withIdentity()}, []*template.Resource{lock("before"), properties(answer()), lock("after"), properties(answer())})
	target := answer().Ref.ID
	tpl.Units[1].After = []int{0}
	files := write(t, template.Of(*tpl, hanging(tpl, target), tpl.Ref), bicep.Options{})
	const want = `resource existingTHINGSThing0 'a.b/THINGS@9' existing = {
  scope: resourceGroup('rg-0')
  name: 'thing_0'
}

resource existingThing0 'A.B/things@1' existing = {
  scope: resourceGroup('rg-0')
  name: 'thing_0'
}

resource thing1 'A.B/locks@9' = {
  scope: existingTHINGSThing0
  name: 'before'
}

resource thing2 'A.B/things@1' = {
  name: 'thing_2'
  properties: existingThing0.identity.principalId
}

resource thing3 'A.B/locks@9' = {
  scope: existingThing0
  name: 'after'
}

resource thing4 'A.B/things@1' = {
  name: 'thing_4'
  properties: existingThing0.identity.principalId
}
`
	if got := files["modules/rg-1.bicep"]; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s", got)
	}
}

// TestAnswersInLongText: Bicep puts a variable that has an answer wherever it is used, so that the text would be one long expression again.
func TestAnswersInLongText(t *testing.T) {
	long := template.Part{Literal: strings.Repeat("it's ${long} ", 700)}
	parts := []template.Part{answer(), long, {Parameter: location}, long, answer(), answer(), {Literal: "$"}, answer(), {Literal: "{end$"}}
	files := write(t, groups([]*template.Resource{withIdentity(), properties(parts...)}), bicep.Options{})
	text := files["modules/rg-0.bicep"]
	const want = "properties: '${thing0.identity.principalId}${text1}${text2}${thing0.identity.principalId}${thing0.identity.principalId}${text3}${thing0.identity.principalId}${text4}'\n"
	if !strings.Contains(text, want) || strings.Count(text, "thing0.identity") != 4 {
		t.Errorf("no %s", want)
	}
	files["main.bicepparam"] = strings.Replace(files["main.bicepparam"], "param location = ''", "param location = 'x'", 1)
	resources, err := biceptest.Deploy(files, "main", "/subscriptions/"+ours[0].Default, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := resources[1].Body["properties"]; got != plain(parts) {
		t.Errorf("got another text: %v", got)
	}
}

// TestManyAnswersAreLongText: each is a call with a long id once Bicep has compiled it.
func TestManyAnswersAreLongText(t *testing.T) {
	parts := slices.Repeat([]template.Part{{Parameter: location}, answer()}, 60)
	text := write(t, groups([]*template.Resource{withIdentity(), properties(parts...)}), bicep.Options{})["modules/rg-0.bicep"]
	if !strings.Contains(text, "${text60}") {
		t.Errorf("it is one expression:\n%s", text)
	}
}

// TestAnswersWhereAzureTakesNone: better no file than one that Bicep refuses.
func TestAnswersWhereAzureTakesNone(t *testing.T) {
	value := template.Value{Kind: template.String, Text: []template.Part{{Literal: "of "}, answer()}}
	for name, r := range map[string]*template.Resource{
		"location":   {Location: value.Text},
		"tags":       {Tags: templatetest.Map("owner", value)},
		"identity":   {Identity: templatetest.Map("type", value)},
		"sku":        {Body: []template.Field{{Name: "sku", Value: templatetest.Map("name", value)}}},
		"managedBy":  {Body: []template.Field{{Name: "managedBy", Value: value}, {Name: "properties", Value: value}}},
		"name":       {Type: "A.B/things", APIVersion: "1", Name: value.Text},
		"properties": properties(template.Part{Ref: &template.Ref{Node: 1, Symbol: "thing_1", Property: "identity.principalId"}}), // its own
		"settings":   {Body: []template.Field{{Name: "settings", Value: template.Value{Kind: template.String, Text: []template.Part{{Ref: &template.Ref{Node: 0, Unit: 1, Property: "properties.clientId", ID: templatetest.Lit("/odd")}}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			r.ID = "/the/resource"
			files, err := output.New(t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer files.Close()
			err = bicep.Write(t.Context(), groups([]*template.Resource{withIdentity(), r}), files, bicep.Options{})
			if want := "the member " + name + " of the resource /the/resource cannot be what Azure answers"; !errors.Is(err, fault.New(fault.Internal, "")) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// hanging lets every lock of a template hang below a resource.
func hanging(tpl *template.Template, target []template.Part) func(context.Context, *template.Unit, func(*template.Resource) error) error {
	return func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		return tpl.Each(ctx, u, func(r *template.Resource) error {
			if r.Type == "A.B/locks" {
				r.ParentKind, r.ParentID = template.ParentTarget, target
			}
			return yield(r)
		})
	}
}
