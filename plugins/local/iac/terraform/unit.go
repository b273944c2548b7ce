package terraform

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

const (
	// manyResources is from how many resources on a unit has a file for each provider's namespace, not main.tf alone.
	manyResources = 200
	// fileResources is how many resources one file has at most.
	fileResources = 1000
)

// unit is a module while it is written, and afterwards what the files beside its resources need: a few words for each
// resource of another unit, parameter and existing resource that it refers to.
type unit struct {
	*template.Unit
	t     *template.Template
	label string // of the module block; empty for the root itself
	dir   string // with a slash behind; empty for the root

	names    names
	shared   map[string]*template.Parameter // by name
	secrets  map[string]*template.Parameter // by name
	inputs   map[template.Output]string     // variables with what other units have; no Property is the id
	existing map[string]*template.Existing  // by symbol
	variable map[*template.Parameter]string // what a parameter's variable is called; filled as they come
	secret   map[string]string              // the same for secrets, by name
	groups   []template.Node                // generated resource groups, in order
}

// names gives out names, each once.
type names map[string]bool

// free is the first of name, name_2, name_3, … that is not taken; it is taken then.
func (n names) free(name string) string {
	for i, try := 2, name; ; i++ {
		if !n[try] {
			n[try] = true
			return try
		}
		try = name + "_" + strconv.Itoa(i)
	}
}

// forbidden are names that a module's variable cannot have.
var forbidden = []string{"source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"}

func newUnit(t *template.Template, u *template.Unit) *unit {
	unit := &unit{
		Unit: u, t: t, names: names{}, shared: map[string]*template.Parameter{}, secrets: map[string]*template.Parameter{}, inputs: map[template.Output]string{},
		existing: map[string]*template.Existing{}, variable: map[*template.Parameter]string{}, secret: map[string]string{},
	}
	for _, name := range forbidden {
		unit.names[name] = true
	}
	for _, p := range t.Parameters {
		unit.names[p.Name] = true
	}
	if t.Split != template.SplitNone {
		unit.label, unit.dir = label(u.Name), "modules/"+u.Name+"/"
	}
	return unit
}

// label is the identifier of a module by the name of its folder.
func label(name string) string {
	name = strings.ReplaceAll(name, "-", "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}

// writer writes the expressions of one unit into b.
type writer struct {
	b    []byte
	unit *unit
	node template.Node // the resource that is being written
}

// parameter writes the variable of a parameter, and notes that the unit needs it.
func (w *writer) parameter(p *template.Parameter) {
	name, known := w.unit.variable[p]
	if !known {
		name = w.unit.declare(p)
	}
	w.b = append(append(w.b, "var."...), name...)
}

func (u *unit) declare(p *template.Parameter) string {
	name := p.Name
	if p.Secret {
		if _, known := u.secret[p.Name]; !known {
			u.secret[p.Name] = u.names.free(p.Name)
		}
		name = u.secret[p.Name]
		u.secrets[name] = p
	} else {
		u.shared[name] = p
	}
	u.variable[p] = name
	return name
}

// reference writes the id of a resource, or what Azure answers of it.
func (w *writer) reference(ref *template.Ref) {
	switch {
	case ref.Node == template.NoNode:
		w.address(ref)
		w.b = append(w.b, ".id"...)
	case ref.Unit == w.unit.Index:
		w.b = appendValue(w.b, ref.Symbol, ref.Property)
	default:
		w.input(ref, ref.Property)
	}
}

// address writes what stands for a resource in this unit: the resource itself, a data source, or the variable with its id.
func (w *writer) address(ref *template.Ref) {
	switch {
	case ref.Node == template.NoNode:
		w.unit.existing[ref.Existing.Symbol] = ref.Existing
		w.b = append(append(w.b, "data.azapi_resource."...), ref.Existing.Symbol...)
	case ref.Unit == w.unit.Index:
		w.b = append(append(w.b, "azapi_resource."...), ref.Symbol...)
	default:
		w.input(ref, "")
	}
}

// input writes the variable with what another unit has.
func (w *writer) input(ref *template.Ref, property string) {
	of := template.Output{Node: ref.Node, Property: property}
	name, known := w.unit.inputs[of]
	if !known {
		name = w.unit.names.free(outputName(ref.Symbol, property))
		w.unit.inputs[of] = name
	}
	w.b = append(append(w.b, "var."...), name...)
}

// resources writes the files with the unit's resources, and, if imports is not nil, what imports them.
func (u *unit) resources(ctx context.Context, files *output.Files, imports *spool) error {
	w := &writer{unit: u, node: template.NoNode}
	write := func(r *template.Resource, to io.Writer) error {
		w.b = w.b[:0]
		w.resource(r)
		if _, err := to.Write(w.b); err != nil {
			return err
		}
		if imports == nil {
			return nil
		}
		w.b = w.b[:0]
		w.imported(r)
		return imports.add(u.Index, w.b)
	}
	if len(u.Nodes) <= manyResources {
		return files.Write(u.dir+"main.tf", func(to io.Writer) error {
			if err := begin(to, u.t); err != nil {
				return err
			}
			return u.t.Each(ctx, u.Unit, func(r *template.Resource) error { return write(r, to) })
		})
	}
	several := newFan(files, u.dir, func(to io.Writer) error { return begin(to, u.t) })
	err := u.t.Each(ctx, u.Unit, func(r *template.Resource) error {
		to, err := several.file(u.file(r))
		if err != nil {
			return err
		}
		return write(r, to)
	})
	return several.close(err)
}

// file is the name, without its ending, of the file that a resource of a large unit stands in: its provider's namespace.
func (u *unit) file(r *template.Resource) string {
	if u.t.Split == template.SplitType {
		return "main"
	}
	namespace, _, _ := strings.Cut(strings.ToLower(r.Type), "/")
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, namespace)
	if !strings.Contains(name, "_") { // none of the other files' names
		name = "provider_" + name
	}
	return name
}

// imported writes the import block of a resource. Its id is the one that was scanned: that is what there is to import.
func (w *writer) imported(r *template.Resource) {
	w.b = append(w.b, "\nimport {\n  to = "...)
	if w.unit.label != "" {
		w.b = append(append(append(w.b, "module."...), w.unit.label...), '.')
	}
	w.b = append(append(append(w.b, "azapi_resource."...), r.Symbol...), "\n  id = "...)
	w.b = append(appendQuoted(w.b, r.ID+"?api-version="+r.APIVersion), "\n}\n"...)
}

// sources writes the data sources of existing resources; it writes no file if there are none. It has to come before what
// writes the variables: ids of existing resources may need some.
func (u *unit) sources(files *output.Files) error {
	if len(u.existing) == 0 {
		return nil
	}
	w := &writer{unit: u, node: template.NoNode}
	return files.Write(u.dir+"existing.tf", func(to io.Writer) error {
		if err := begin(to, u.t); err != nil {
			return err
		}
		for _, symbol := range slices.Sorted(maps.Keys(u.existing)) {
			e := u.existing[symbol]
			w.b = append(append(append(w.b[:0], "\ndata \"azapi_resource\" \""...), symbol...), "\" {\n  type                   = "...)
			w.b = append(appendQuoted(w.b, e.Type+"@"+e.APIVersion), "\n  resource_id            = "...)
			w.expression(e.ID)
			w.b = append(w.b, "\n  response_export_values = []\n}\n"...)
			if _, err := to.Write(w.b); err != nil {
				return err
			}
		}
		return nil
	})
}

// input is a variable of a module, and where the root takes it from.
type input struct {
	name, description string
	secret            bool
	from              func(root *root) string // the expression in the root
}

// variables are the inputs of the module, by name.
func (u *unit) variables() []input {
	var all []input
	for name, p := range u.shared {
		all = append(all, input{name: name, description: p.Description, from: func(*root) string { return "var." + name }})
	}
	for name, p := range u.secrets {
		all = append(all, input{name: name, description: p.Description, secret: true, from: func(root *root) string { return "var." + root.secrets[u.Index][name] }})
	}
	for of, name := range u.inputs {
		ref := u.t.Ref(of.Node)
		from := u.t.Units[ref.Unit]
		what := "Id"
		if of.Property != "" {
			what = of.Property
		}
		all = append(all, input{
			name: name, description: what + " of " + ref.Symbol + " in " + from.Name,
			from: func(root *root) string { return "module." + label(from.Name) + "." + root.offered[ref.Unit][of] },
		})
	}
	slices.SortFunc(all, func(a, b input) int { return cmp.Compare(a.name, b.name) })
	return all
}
