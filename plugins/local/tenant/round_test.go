package tenant_test

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build/buildtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// shown is the template of a snapshot as lines that can be compared: what docs/specification.md says that a specification does not keep is left out.
func shown(t *testing.T, r *graph.Reader) []string {
	t.Helper()
	plan, err := build.Build(t.Context(), r, build.Options{Split: template.SplitGroup}, report.New())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, u := range plan.Units {
		err := plan.Each(t.Context(), u, func(r *template.Resource) error {
			lines = append(lines, fmt.Sprintf("%s %s %s in %s at %s, version %s, %s\n  tags %s\n  identity %s %s", strings.ToLower(r.Type), oneSpelling(words(r.FullName)), kinds[r.ParentKind], strings.ToLower(words(r.ParentID)), words(r.Location),
				r.APIVersion, dependsOn(r.DependsOn), value(r.Tags), value(field(r.Identity, "type")), ids(r.IdentityIDs)))
			for _, f := range r.Body {
				lines = append(lines, "  "+f.Name+" "+value(f.Value))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// oneSpelling is the name of a child of which there is one as docs/specification.md says that it is written: in any case.
func oneSpelling(name string) string {
	at := strings.LastIndexByte(name, '/') + 1
	if at > 0 && slices.Contains([]string{"default", "current"}, strings.ToLower(name[at:])) {
		return name[:at] + strings.ToLower(name[at:])
	}
	return name
}

var kinds = map[template.ParentKind]string{template.ParentScope: "deployed", template.ParentChild: "child", template.ParentTarget: "extension"}

func field(v template.Value, name string) template.Value {
	for _, f := range v.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return template.Value{}
}

func ids(all [][]template.Part) (texts []string) {
	for _, id := range all {
		texts = append(texts, words(id))
	}
	return texts
}

func dependsOn(refs []*template.Ref) (texts []string) {
	for _, r := range refs {
		texts = append(texts, words([]template.Part{{Ref: r}}))
	}
	return texts
}

// value is a value whose members are sorted: a specification keeps their order, and rows of role assignments have one of their own.
func value(v template.Value) string {
	switch v.Kind {
	case template.Bool:
		return fmt.Sprint(v.Bool)
	case template.Number:
		return words(v.Text)
	case template.String:
		return `"` + words(v.Text) + `"`
	case template.List:
		var items []string
		for _, i := range v.Items {
			items = append(items, value(i))
		}
		return "[" + strings.Join(items, ",") + "]"
	case template.Map:
		var items []string
		for _, f := range v.Fields {
			items = append(items, f.Name+":"+oneRole.ReplaceAllString(value(f.Value), "{role}"))
		}
		sort.Strings(items)
		return "{" + strings.Join(items, ",") + "}"
	}
	return "null"
}

// oneRole are the forms in which Azure writes the id of a built-in role: docs/specification.md says that a specification has one.
var oneRole = regexp.MustCompile(`(?i)(?:/subscriptions/\{[^{}]*\})?/providers/microsoft.authorization/roledefinitions/`)

// words are parts as text: a reference is the id in angle brackets, a secret a word.
func words(parts []template.Part) string {
	var all strings.Builder
	for _, p := range parts {
		switch {
		case p.Parameter != nil && p.Parameter.Secret:
			all.WriteString("{secret}")
		case p.Parameter != nil && p.Parameter.Name == "resource_group_prefix":
		case p.Parameter != nil && strings.HasPrefix(p.Parameter.Name, "location"):
			all.WriteString(p.Parameter.Default)
		case p.Parameter != nil:
			all.WriteString("{" + strings.ToLower(p.Parameter.Default) + "}")
		case p.Ref != nil && p.Ref.Existing != nil:
			all.WriteString("<existing " + words(p.Ref.Existing.ID) + ">")
		case p.Ref != nil:
			all.WriteString("<" + strings.ToLower(words(p.Ref.ID)) + " " + p.Ref.Property + ">")
		default:
			all.WriteString(p.Literal)
		}
	}
	return all.String()
}

// specified is a specification without what it says of the snapshot that it was made of.
func specified(text string) string {
	before, _, _ := strings.Cut(text, "## What was left out")
	return strings.Replace(before, "**INCOMPLETE.** The scan could not read everything, so that something may be missing here. The end of this file says what.\n\n", "", 1)
}

// misnamed are the problems of names that no deployment takes, which random snapshots have on purpose.
func misnamed(p spec.Problem) bool { return strings.HasPrefix(p.Message, "Azure takes no ") }

// round takes a snapshot through its specification and back.
func round(t *testing.T, r *graph.Reader) {
	t.Helper()
	text, _, _ := generate(t, r, backend.SpecGenerationRequest{})
	again := snapshot(t, parsed(t, text))
	before, after := shown(t, r), shown(t, again)
	slices.Sort(before)
	slices.Sort(after)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the template has changed on its way (- before, + after):\n%s", diff)
	}
	second, _, _ := generate(t, again, backend.SpecGenerationRequest{})
	if diff := cmp.Diff(strings.Split(specified(text), "\n"), strings.Split(specified(second), "\n")); diff != "" {
		t.Errorf("the specification has changed on its way (- first, + second):\n%s", diff)
	}
	third, _, _ := generate(t, snapshot(t, parsed(t, second)), backend.SpecGenerationRequest{})
	if third != second {
		t.Error("the specification of the specification is another one")
	}
}

func TestRoundOfContoso(t *testing.T) { round(t, contoso(t)) }

func TestRoundAtRandom(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			round(t, random(t, seed))
		})
	}
}

// random is a snapshot made at random. Its role assignments have roles, as all of Azure's do.
func random(t *testing.T, seed uint64) *graph.Reader {
	t.Helper()
	rows := buildtest.Random(seed)
	for i := range rows {
		if strings.EqualFold(rows[i].Type, "Microsoft.Authorization/roleAssignments") {
			role := `{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",`
			rows[i].Properties = []byte(role + strings.TrimPrefix(string(rows[i].Properties), "{"))
		}
	}
	return open(t, buildtest.TenantID, "Contoso", []graph.Subscription{{ID: buildtest.Sub1, Name: "Production"}, {ID: buildtest.Sub2, Name: "Test"}}, rows, nil, nil)
}
