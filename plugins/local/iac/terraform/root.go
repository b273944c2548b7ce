package terraform

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// root is what stands above the units: variables, wiring, and the provider.
type root struct {
	t            *template.Template
	units        []*unit
	tenant       *template.Parameter          // of the provider; nil if there is none
	subscription *template.Parameter          // the same
	secrets      []map[string]string          // by unit: the root's variable for a secret of the module
	offers       [][]template.Output          // by unit: what its outputs are, in order
	offered      []map[template.Output]string // by unit: how they are called
	variables    []variable                   // of the root, by name
	groups       []groupOutput                // ids of generated resource groups
}

// variable is one of the root.
type variable struct {
	name, description, fallback string
	optional, secret            bool
}

type groupOutput struct{ key, value string }

func newRoot(t *template.Template, units []*unit) *root {
	r := &root{t: t, units: units, secrets: make([]map[string]string, len(units)), offers: make([][]template.Output, len(units)), offered: make([]map[template.Output]string, len(units))}
	names := names{}
	shared := map[string]*template.Parameter{}
	for _, p := range t.Parameters {
		names[p.Name] = true
		if p.Name == "tenant_id" {
			r.tenant = p
		}
		if p.Name == "subscription_id" || r.subscription == nil && strings.HasPrefix(p.Name, "subscription_") {
			r.subscription = p
		}
	}
	for _, p := range []*template.Parameter{r.tenant, r.subscription} {
		if p != nil {
			shared[p.Name] = p
		}
	}
	for i, u := range units {
		maps.Copy(shared, u.shared)
		r.secrets[i] = map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(u.secrets)) {
			variable := variable{name: name, description: u.secrets[name].Description, secret: true}
			if u.label != "" {
				variable.name = names.free(u.label + "_" + name)
			}
			r.secrets[i][name] = variable.name
			r.variables = append(r.variables, variable)
		}
		for of := range u.inputs {
			unit := t.Ref(of.Node).Unit
			r.offers[unit] = append(r.offers[unit], of)
		}
	}
	for _, p := range shared {
		r.variables = append(r.variables, variable{name: p.Name, description: p.Description, fallback: p.Default, optional: p.HasDefault && !p.Secret, secret: p.Secret})
	}
	slices.SortFunc(r.variables, func(a, b variable) int { return cmp.Compare(a.name, b.name) })
	for i, u := range units {
		if u.label != "" {
			for _, node := range u.groups {
				r.offers[i] = append(r.offers[i], template.Output{Node: node})
			}
		}
	}
	r.nameOutputs()
	r.groupOutputs()
	return r
}

// nameOutputs sorts what units offer, and gives it names.
func (r *root) nameOutputs() {
	for i, offers := range r.offers {
		slices.SortFunc(offers, func(a, b template.Output) int {
			return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Property, b.Property))
		})
		r.offers[i] = slices.Compact(offers)
		r.offered[i] = make(map[template.Output]string, len(r.offers[i]))
		taken := names{}
		for _, of := range r.offers[i] {
			r.offered[i][of] = taken.free(outputName(r.t.Ref(of.Node).Symbol, of.Property))
		}
	}
}

// groupOutputs makes an output of the root for every generated resource group.
func (r *root) groupOutputs() {
	keys := names{}
	for i, u := range r.units {
		for _, node := range u.groups {
			symbol := r.t.Ref(node).Symbol
			value := "azapi_resource." + symbol + ".id"
			if u.label != "" {
				value = "module." + u.label + "." + r.offered[i][template.Output{Node: node}]
			}
			r.groups = append(r.groups, groupOutput{keys.free(strings.TrimPrefix(symbol, "resource_group_")), value})
		}
	}
}

// module writes the files of a module beside its resources.
func (r *root) module(files *output.Files, u *unit) error {
	if inputs := u.variables(); len(inputs) > 0 {
		var b []byte
		for _, in := range inputs {
			b = appendVariable(b, variable{name: in.name, description: in.description, secret: in.secret})
		}
		if err := write(files, u.dir+"variables.tf", r.t, b); err != nil {
			return err
		}
	}
	if offers := r.offers[u.Index]; len(offers) > 0 {
		var b []byte
		for _, of := range offers {
			b = append(b, "\noutput \""+r.offered[u.Index][of]+"\" {\n  value = "...)
			b = append(appendValue(b, r.t.Ref(of.Node).Symbol, of.Property), "\n}\n"...)
		}
		if err := write(files, u.dir+"outputs.tf", r.t, b); err != nil {
			return err
		}
	}
	return write(files, u.dir+"versions.tf", r.t, appendVersions(nil))
}

// write writes the files of the root.
func (r *root) write(files *output.Files) error {
	type file struct {
		name    string
		content []byte
	}
	var all []file
	if r.t.Split != template.SplitNone && len(r.units) > 0 {
		all = append(all, file{"main.tf", r.modules()})
	}
	all = append(all, file{"versions.tf", appendVersions(nil)}, file{"providers.tf", r.provider()})
	if len(r.variables) > 0 {
		var b []byte
		for _, v := range r.variables {
			b = appendVariable(b, v)
		}
		all = append(all, file{"variables.tf", b})
	}
	if len(r.groups) > 0 {
		all = append(all, file{"outputs.tf", r.outputs()})
	}
	if b := r.example(); len(b) > 0 {
		all = append(all, file{"secrets.auto.tfvars.example", b})
	}
	all = append(all, file{".gitignore", []byte("\n.terraform/\n*.tfstate\n*.tfstate.*\n*.tfplan\n*.auto.tfvars\n")})
	for _, f := range all {
		if err := write(files, f.name, r.t, f.content); err != nil {
			return err
		}
	}
	return files.WriteProgram("deploy.sh", func(to io.Writer) error {
		if _, err := io.WriteString(to, "#!/usr/bin/env bash\n"); err != nil {
			return err
		}
		if err := begin(to, r.t); err != nil {
			return err
		}
		_, err := io.WriteString(to, deploy)
		return err
	})
}

// modules are the module blocks of main.tf.
func (r *root) modules() []byte {
	var b []byte
	for _, u := range r.units {
		b = append(b, "\n# "+oneLine(u.Title)+"\nmodule \""+u.label+"\" {\n  source = "...)
		b = append(appendQuoted(b, "./"+strings.TrimSuffix(u.dir, "/")), '\n')
		inputs := u.variables()
		width := 0
		for _, in := range inputs {
			width = max(width, len(in.name))
		}
		if len(inputs) > 0 {
			b = append(b, '\n')
		}
		for _, in := range inputs {
			b = appendSpaces(append(append(b, "  "...), in.name...), width-len(in.name))
			b = append(append(append(b, " = "...), in.from(r)...), '\n')
		}
		b = append(b, "}\n"...)
	}
	return b
}

func (r *root) provider() []byte {
	b := []byte("\nprovider \"azapi\" {\n")
	if r.tenant != nil {
		b = append(b, "  tenant_id              = var."+r.tenant.Name+"\n"...)
	}
	if r.subscription != nil {
		b = append(b, "  subscription_id        = var."+r.subscription.Name+"\n"...)
	}
	return append(b, "  disable_default_output = true\n}\n"...)
}

func (r *root) outputs() []byte {
	b := []byte("\noutput \"resource_group_ids\" {\n  description = \"Ids of the resource groups\"\n  value = {\n")
	width := 0
	for _, g := range r.groups {
		width = max(width, keyWidth(g.key))
	}
	for _, g := range r.groups {
		b = appendSpaces(appendKey(append(b, "    "...), g.key), width-keyWidth(g.key))
		b = append(append(append(b, " = "...), g.value...), '\n')
	}
	return append(b, "  }\n}\n"...)
}

// example is a file of the variables that have no default, to fill in; it has no values.
func (r *root) example() []byte {
	var b []byte
	for _, v := range r.variables {
		if v.secret || !v.optional {
			b = append(b, "\n# "+oneLine(v.description)+"\n# "+v.name+" = \"\"\n"...)
		}
	}
	if len(b) == 0 {
		return nil
	}
	return append([]byte("# Copy this to secrets.auto.tfvars, which git ignores, and fill in what Azure does not tell.\n"), b...)
}

func appendVariable(b []byte, v variable) []byte {
	b = append(b, "\nvariable \""+v.name+"\" {\n  description = "...)
	b = append(appendQuoted(b, oneLine(cmp.Or(v.description, v.name))), "\n  type        = string\n"...)
	switch {
	case v.secret:
		b = append(b, "  sensitive   = true\n"...)
	case v.optional:
		b = append(appendQuoted(append(b, "  default     = "...), v.fallback), '\n')
	}
	return append(b, "}\n"...)
}

func appendVersions(b []byte) []byte {
	return append(b, "\nterraform {\n  required_version = \""+requiredTerraform+"\"\n\n  required_providers {\n    azapi = {\n      source  = \"Azure/azapi\"\n      version = \""+requiredAzapi+"\"\n    }\n  }\n}\n"...)
}
