package bicep

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// file is one Bicep file while it is made. Its declarations are found while its resources are written, and stand before them:
// so the text of a file is kept until it is whole. Azure's limit for a template, 4 MB, is about what that takes.
type file struct {
	t       *template.Template
	unit    *template.Unit // whose resources stand in the file; nil for a main without any
	scope   template.Scope
	names   names
	current template.Node   // the resource that is being written: it cannot refer to itself
	source  string          // its id where it was scanned
	member  string          // of its top level, that is being written
	err     error           // the first thing that cannot be written
	near    []*template.Ref // what it waits for without a reference: that which its target is a part of, for one

	symbols    []string // of unit.Nodes, in their order
	known      map[parameterKey]*parameter
	parameters []*parameter      // in the order of their first use
	placed     map[string]string // symbols of existing resources by id, and by id and version
	versions   map[string]string // API versions by types in lower case, of resources that were written

	variables []byte // var declarations
	texts     int    // how many they are
	existing  []byte // declarations of existing resources
	body      []byte // resources and modules
}

// parameterKey tells a secret from a shared parameter of the same name.
type parameterKey struct {
	name   string
	secret bool
}

// parameter is a parameter of one file.
type parameter struct {
	*template.Parameter
	symbol string
}

func newFile(t *template.Template, u *template.Unit, scope template.Scope) *file {
	f := &file{
		t: t, unit: u, scope: scope, names: names{}, current: template.NoNode,
		known: map[parameterKey]*parameter{}, placed: map[string]string{}, versions: map[string]string{},
	}
	if u != nil {
		f.symbols = make([]string, len(u.Nodes))
		for i, node := range u.Nodes {
			f.symbols[i] = f.names.take(symbol(t.Ref(node).Symbol, "Resource"))
		}
	}
	return f
}

// own is the symbol of a resource of the file's own unit, and "" for another.
func (f *file) own(n template.Node) string {
	if f.unit == nil {
		return ""
	}
	if i, ok := slices.BinarySearch(f.unit.Nodes, n); ok {
		return f.symbols[i]
	}
	return ""
}

// symbol is the symbol whose id a reference without a Property is, declared where need be; "" is none: then the id itself has to be written. So it is
// for resources of other files, which were deployed before, and for the resource that is being written.
func (f *file) symbol(ref *template.Ref) string {
	if ref.Node == template.NoNode {
		if ref.Existing == nil {
			return ""
		}
		return f.existingResource(ref.Existing)
	}
	if f.unit == nil || ref.Unit != f.unit.Index || ref.Node == f.current {
		return ""
	}
	return f.own(ref.Node)
}

// parameter is the symbol of a parameter, which the file declares from now on.
func (f *file) parameter(p *template.Parameter) string {
	key := parameterKey{p.Name, p.Secret}
	known, ok := f.known[key]
	if !ok {
		known = &parameter{p, f.names.take(symbol(p.Name, "Value"))}
		f.known[key] = known
		f.parameters = append(f.parameters, known)
	}
	return known.symbol
}

// variable is the symbol of a new variable with a text.
func (f *file) variable(parts []template.Part) string {
	f.texts++
	symbol := f.names.take("text" + strconv.Itoa(f.texts))
	f.variables = append(f.text(append(append(append(f.variables, "var "...), symbol...), " = "...), parts), "\n\n"...)
	return symbol
}

// sorted are the parameters as they are declared: shared ones by name, then secrets as they appeared.
func (f *file) sorted() []*parameter {
	return slices.SortedStableFunc(slices.Values(f.parameters), func(a, b *parameter) int {
		switch {
		case a.Secret != b.Secret:
			if a.Secret {
				return 1
			}
			return -1
		case a.Secret:
			return 0
		}
		return cmp.Compare(a.Name, b.Name)
	})
}

// appendParameter declares a parameter; value, if there is one, is its default as an expression.
func appendParameter(b []byte, description, symbol, kind, value string, secret bool) []byte {
	if description != "" {
		b = append(appendQuoted(append(b, "@description("...), description), ")\n"...)
	}
	if secret {
		b = append(b, "@secure()\n"...)
	}
	b = append(append(append(append(b, "param "...), symbol...), ' '), kind...)
	if value != "" {
		b = append(append(b, " = "...), value...)
	}
	return append(b, "\n\n"...)
}
