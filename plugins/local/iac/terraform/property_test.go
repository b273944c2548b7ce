package terraform_test

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
)

// module is what one folder declares. Expressions in it are evaluated with a token for everything that comes from elsewhere.
type module struct {
	variables map[string]string // descriptions
	resources map[string]*hclsyntax.Body
	existing  map[string]*hclsyntax.Body
	outputs   map[string]*hclsyntax.Body
	calls     map[string]*hclsyntax.Body
	imports   []string
	used      map[string]bool // variables
	env       *hcl.EvalContext
}

// read parses the generated files, which have to be canonical, into their folders.
func read(t *testing.T, files map[string]string) map[string]*module {
	t.Helper()
	modules := map[string]*module{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".tf") {
			continue
		}
		source := []byte(files[name])
		if want := hclwrite.Format(source); !bytes.Equal(source, want) {
			t.Errorf("%s is not as terraform fmt writes it", name)
		}
		file, diags := hclsyntax.ParseConfig(source, name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%v\n%s", diags, source)
		}
		m := modules[path.Dir(name)]
		if m == nil {
			m = &module{
				variables: map[string]string{}, resources: map[string]*hclsyntax.Body{}, existing: map[string]*hclsyntax.Body{},
				outputs: map[string]*hclsyntax.Body{}, calls: map[string]*hclsyntax.Body{}, used: map[string]bool{},
			}
			modules[path.Dir(name)] = m
		}
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			m.block(t, block)
		}
	}
	return modules
}

func (m *module) block(t *testing.T, block *hclsyntax.Block) {
	t.Helper()
	add := func(to map[string]*hclsyntax.Body, name string) {
		if to[name] != nil {
			t.Errorf("%s %s is there twice", block.Type, name)
		}
		to[name] = block.Body
	}
	switch block.Type {
	case "variable":
		if _, twice := m.variables[block.Labels[0]]; twice {
			t.Errorf("variable %s is there twice", block.Labels[0])
		}
		m.variables[block.Labels[0]] = literal(t, block.Body, "description")
	case "resource":
		add(m.resources, block.Labels[1])
	case "data":
		add(m.existing, block.Labels[1])
	case "output":
		add(m.outputs, block.Labels[0])
	case "module":
		add(m.calls, block.Labels[0])
	case "import":
		traversal, diags := hcl.AbsTraversalForExpr(block.Body.Attributes["to"].Expr)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		m.imports = append(m.imports, address(traversal)+" "+literal(t, block.Body, "id"))
	}
	_ = hclsyntax.VisitAll(block.Body, func(node hclsyntax.Node) hcl.Diagnostics {
		if e, ok := node.(*hclsyntax.ScopeTraversalExpr); ok && e.Traversal.RootName() == "var" {
			m.used[e.Traversal[1].(hcl.TraverseAttr).Name] = true
		}
		return nil
	})
}

func address(traversal hcl.Traversal) string {
	steps := []string{traversal.RootName()}
	for _, step := range traversal[1:] {
		steps = append(steps, step.(hcl.TraverseAttr).Name)
	}
	return strings.Join(steps, ".")
}

func literal(t *testing.T, body *hclsyntax.Body, name string) string {
	t.Helper()
	return value(t, body, name, nil).AsString()
}

// value evaluates an attribute; it fails where something that it refers to does not exist.
func value(t *testing.T, body *hclsyntax.Body, name string, env *hcl.EvalContext) cty.Value {
	t.Helper()
	attribute := body.Attributes[name]
	if attribute == nil {
		t.Fatalf("there is no %s", name)
	}
	v, diags := attribute.Expr.Value(env)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", name, diags)
	}
	return v
}

func objectOf(values map[string]cty.Value) cty.Value { return cty.ObjectVal(values) }

// prepare makes what expressions of a module can refer to, given its variables.
func (m *module) prepare(t *testing.T, label string, variables map[string]cty.Value) {
	t.Helper()
	m.env = &hcl.EvalContext{Variables: map[string]cty.Value{"var": objectOf(variables), "azapi_resource": m.own(t, label)}}
	existing := map[string]cty.Value{}
	for name, body := range m.existing {
		existing[name] = objectOf(map[string]cty.Value{"id": cty.StringVal("«" + literal(t, body, "type") + " " + value(t, body, "resource_id", m.env).AsString() + "»")})
	}
	m.env.Variables["data"] = objectOf(map[string]cty.Value{"azapi_resource": objectOf(existing)})
}

// own are a module's resources, with all that others can have of them: the id, who an identity block is, and what is exported.
func (m *module) own(t *testing.T, label string) cty.Value {
	t.Helper()
	resources := map[string]cty.Value{}
	for name, body := range m.resources {
		token := func(property string) cty.Value { return cty.StringVal("«" + label + "." + name + property + "»") }
		members := map[string]cty.Value{"id": token("")}
		if len(body.Blocks) > 0 {
			members["identity"] = cty.TupleVal([]cty.Value{objectOf(map[string]cty.Value{"principal_id": token(":identity.principalId"), "tenant_id": token(":identity.tenantId")})})
		}
		output := cty.EmptyObjectVal
		if body.Attributes["response_export_values"] != nil {
			for _, path := range value(t, body, "response_export_values", nil).AsValueSlice() {
				exported := token(":" + path.AsString())
				for _, step := range slices.Backward(strings.Split(path.AsString(), ".")) {
					exported = objectOf(map[string]cty.Value{step: exported})
				}
				output = merge(output, exported)
			}
		}
		members["output"] = output
		resources[name] = objectOf(members)
	}
	return objectOf(resources)
}

// connect evaluates the root's module blocks, so that every module can be evaluated with what it really gets.
func connect(t *testing.T, modules map[string]*module) {
	t.Helper()
	root := modules["."]
	values := map[string]cty.Value{}
	for name, description := range root.variables {
		values[name] = cty.StringVal("«" + description + "»")
	}
	root.prepare(t, "", values)
	labels := map[string]string{} // by folder
	outputs := map[string]cty.Value{}
	for name, call := range root.calls {
		folder := strings.TrimPrefix(literal(t, call, "source"), "./")
		m := modules[folder]
		if m == nil {
			t.Fatalf("module %s has no folder %s", name, folder)
		}
		labels[folder] = name
		of := map[string]cty.Value{}
		own := map[string]cty.Value{"azapi_resource": m.own(t, name)}
		for output, body := range m.outputs {
			of[output] = value(t, body, "value", &hcl.EvalContext{Variables: own})
		}
		outputs[name] = objectOf(of)
	}
	root.env.Variables["module"] = objectOf(outputs)
	for folder, m := range modules {
		if m == root {
			continue
		}
		call := root.calls[labels[folder]]
		if call == nil {
			t.Fatalf("nothing calls the module in %s", folder)
		}
		arguments := map[string]cty.Value{}
		for name := range call.Attributes {
			if name == "source" {
				continue
			}
			if _, declared := m.variables[name]; !declared {
				t.Errorf("%s has no variable %s", folder, name)
			}
			arguments[name] = value(t, call, name, root.env)
		}
		for name := range m.variables {
			if _, given := arguments[name]; !given {
				t.Errorf("%s gets no %s", folder, name)
			}
		}
		m.prepare(t, labels[folder], arguments)
	}
	for name, body := range root.outputs {
		if value(t, body, "value", root.env).LengthInt() == 0 {
			t.Errorf("output %s is empty", name)
		}
	}
	for folder, m := range modules {
		for name := range m.variables {
			if !m.used[name] {
				t.Errorf("variable %s of %s is not used", name, folder)
			}
		}
	}
}

// TestProperties: whatever the template is, the code is canonical, everything that it refers to exists, nothing is declared for
// nothing, and it says what the model says.
func TestProperties(t *testing.T) {
	for seed := range uint64(45) {
		split := []string{template.SplitGroup, template.SplitNone, template.SplitType}[seed%3]
		nodes := 1 + int(seed)
		if seed == 30 || seed == 31 {
			nodes = 600 // several files for a module
		}
		t.Run(fmt.Sprintf("%s-%d", split, seed), func(t *testing.T) {
			tmpl := randomTemplate(seed, split, nodes, 1+int(seed%5))
			modules := read(t, tree(t, generate(t, tmpl, terraform.Options{Import: true})))
			connect(t, modules)
			compare(t, tmpl, modules)
		})
	}
}
