package bicep_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// plain is what text is when parameters have their defaults and secrets say their descriptions.
func plain(parts []template.Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.Ref != nil && p.Ref.Property != "":
			b.WriteString(biceptest.Answer(plain(p.Ref.ID), p.Ref.Property))
		case p.Ref != nil:
			b.WriteString(plain(p.Ref.ID))
		case p.Parameter != nil && p.Parameter.Secret:
			b.WriteString("value of " + p.Parameter.Description)
		case p.Parameter != nil:
			b.WriteString(p.Parameter.Default)
		default:
			b.WriteString(strings.ToValidUTF8(p.Literal, "\ufffd"))
		}
	}
	return b.String()
}

func plainValue(v template.Value) any {
	switch v.Kind {
	case template.Bool:
		return v.Bool
	case template.Number:
		return json.Number(plain(v.Text))
	case template.String:
		return plain(v.Text)
	case template.List:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = plainValue(item)
		}
		return list
	case template.Map:
		return plainFields(v.Fields)
	}
	return nil
}

func plainFields(fields []template.Field) map[string]any {
	object := map[string]any{}
	for _, f := range fields {
		object[f.Name] = plainValue(f.Value)
	}
	return object
}

// want is what a resource has to become.
func want(r *template.Resource, id []template.Part) *biceptest.Resource {
	w := &biceptest.Resource{ID: plain(id), Type: r.Type, APIVersion: r.APIVersion, Body: plainFields(r.Body)}
	if len(r.Location) > 0 {
		w.Body["location"] = plain(r.Location)
	}
	if r.Tags.Kind != template.Null {
		w.Body["tags"] = plainValue(r.Tags)
	}
	if r.Identity.Kind == template.Map {
		identity := plainFields(r.Identity.Fields)
		if len(r.IdentityIDs) > 0 {
			ids := map[string]any{}
			for _, id := range r.IdentityIDs {
				ids[plain(id)] = map[string]any{}
			}
			identity["userAssignedIdentities"] = ids
		}
		w.Body["identity"] = identity
	}
	return w
}

// deploy works out what a stage deploys. Each secret has its description for a value.
func deploy(t *testing.T, tenant *biceptest.Tenant, files map[string]string, name string, s *template.Stage) []*biceptest.Resource {
	t.Helper()
	mainFile, err := biceptest.Parse(files[name+".bicep"])
	if err != nil {
		t.Fatal(err)
	}
	values, err := biceptest.Parse(files[name+".bicepparam"])
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{}
	for _, d := range values.Declarations {
		if read, ok := d.Value.(*biceptest.Access); ok && len(read.Args) == 1 {
			i := slices.IndexFunc(mainFile.Declarations, func(m *biceptest.Declaration) bool { return m.Name == d.Name })
			variable, _ := read.Args[0].(*biceptest.Text).Literal()
			if environment[variable] != "" || !strings.Contains(files["deploy.sh"], variable) {
				t.Errorf("%s is for two secrets, or deploy.sh does not ask for it", variable)
			}
			environment[variable] = "value of " + mainFile.Declarations[i].Description
		}
	}
	resources, err := tenant.Deploy(files, name, plain(s.Scope.ID), environment)
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

func stageName(t *template.Template, s *template.Stage) string {
	if len(t.Stages) == 1 {
		return "main"
	}
	return s.Name
}

// TestRandomTemplates deploys what random templates become, and compares it with what is in them: every resource once, with its id, type
// and body, after all that it has to wait for. Deploy checks the rest: symbols, parameters, scopes, cycles.
func TestRandomTemplates(t *testing.T) {
	read := 0
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := random(seed)
			files := write(t, m.template, bicep.Options{})
			deployed, tenant := map[string]bool{}, &biceptest.Tenant{}
			for _, s := range m.template.Stages {
				var ids []string
				got := map[string]*biceptest.Resource{}
				for _, r := range deploy(t, tenant, files, stageName(m.template, s), s) {
					if got[r.ID] != nil {
						t.Errorf("%s is deployed twice", r.ID)
					}
					got[r.ID] = r
				}
				units := s.Units
				if s.Main != nil {
					units = append([]*template.Unit{s.Main}, units...)
				}
				for _, u := range units {
					for _, n := range u.Nodes {
						w := want(m.resources[n], m.ids[n])
						g := got[w.ID]
						if g == nil {
							t.Errorf("%s is not deployed", w.ID)
							continue
						}
						delete(got, w.ID)
						for id := range m.before(n) {
							if !g.After[strings.ToLower(id)] && !deployed[id] {
								t.Errorf("%s does not wait for %s", g.ID, id)
							}
						}
						read += len(g.Reads)
						w.File, w.Symbol, w.After, w.Reads = g.File, g.Symbol, g.After, g.Reads
						if diff := cmp.Diff(w, g); diff != "" {
							t.Errorf("%s is another (-want +got):\n%s", w.ID, diff)
						}
						ids = append(ids, w.ID)
					}
				}
				for id := range got {
					t.Errorf("%s is deployed, and nobody wants it", id)
				}
				for _, id := range ids {
					deployed[id] = true
				}
			}
			if t.Failed() {
				for name, text := range files {
					t.Logf("== %s\n%s", name, text)
				}
			}
		})
	}
	if read < 150 {
		t.Errorf("they have %d answers of Azure: too few to say anything", read)
	}
}

// before are the ids of what a resource refers to.
func (m *made) before(n template.Node) map[string]bool {
	ids := map[string]bool{}
	add := func(ref *template.Ref) {
		if ref != nil && ref.Node != template.NoNode && ref.Node != n {
			ids[plain(m.ids[ref.Node])] = true
		}
	}
	var value func(template.Value)
	value = func(v template.Value) {
		for _, p := range v.Text {
			add(p.Ref)
		}
		for _, item := range v.Items {
			value(item)
		}
		for _, f := range v.Fields {
			value(f.Value)
		}
	}
	r := m.resources[n]
	add(r.Parent)
	for _, ref := range r.DependsOn {
		add(ref)
	}
	for _, id := range r.IdentityIDs {
		add(id[0].Ref)
	}
	value(r.Tags)
	value(template.Value{Kind: template.Map, Fields: r.Body})
	return ids
}

func TestSameBytes(t *testing.T) {
	for seed := range uint64(20) {
		m := random(seed)
		first := write(t, m.template, bicep.Options{})
		before := runtime.GOMAXPROCS(1)
		second := write(t, m.template, bicep.Options{})
		runtime.GOMAXPROCS(before)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("seed %d: other bytes on one processor:\n%s", seed, diff)
		}
	}
}
