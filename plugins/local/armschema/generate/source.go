package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what is read of one module: the declarations of its one package, without types being checked.
type source struct {
	name    string // path and version, for messages
	structs map[string][]field
	named   map[string]typ               // types that are no structs: enums, and aliases
	enums   map[string][]string          // values by type
	values  map[string]string            // of constants
	json    map[string]map[string]string // names in JSON by struct and field
	open    map[string]bool              // structs that take properties besides those they name
	unions  map[string]union             // by the interface's name
	methods map[string]*ast.FuncDecl     // by receiver and name
}

// field is one of a struct.
type field struct {
	name     string
	typ      typ
	comment  string
	tag      string
	embedded bool
}

// union is what an XClassification interface can be.
type union struct {
	base, property string
	variants       map[string]string // struct by the property's value
}

// typ is a type as far as JSON tells types apart.
type typ struct {
	kind byte // 's'tring, 'b'ool, 'n'umber, 'a'ny, 'l'ist, 'm'ap, or 'r'eference by name
	name string
	elem *typ
}

func parse(m *module) (*source, error) {
	s := &source{
		name: m.path + " " + m.version, structs: map[string][]field{}, named: map[string]typ{}, enums: map[string][]string{},
		values: map[string]string{}, json: map[string]map[string]string{}, open: map[string]bool{}, unions: map[string]union{},
		methods: map[string]*ast.FuncDecl{},
	}
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, err
	}
	var helpers []*ast.FuncDecl
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(m.dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				s.general(d)
			case *ast.FuncDecl:
				if d.Recv != nil {
					s.methods[receiver(d)+"."+d.Name.Name] = d
				} else if strings.HasPrefix(d.Name.Name, "unmarshal") && strings.HasSuffix(d.Name.Name, "Classification") {
					helpers = append(helpers, d)
				}
			}
		}
	}
	for key, d := range s.methods {
		if name, ok := strings.CutSuffix(key, ".MarshalJSON"); ok {
			s.marshal(name, d)
		}
	}
	for key, d := range s.methods {
		if name, ok := strings.CutSuffix(key, ".UnmarshalJSON"); ok {
			s.unmarshal(name, d)
		}
	}
	for _, d := range helpers {
		s.helper(d)
	}
	return s, nil
}

func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func (s *source) general(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			switch t := spec.Type.(type) {
			case *ast.StructType:
				s.structs[spec.Name.Name] = fields(t)
			case *ast.InterfaceType:
			default:
				s.named[spec.Name.Name] = typeOf(t)
			}
		case *ast.ValueSpec:
			for i, name := range spec.Names {
				if i >= len(spec.Values) {
					continue
				}
				value, ok := text(spec.Values[i])
				if !ok {
					continue
				}
				s.values[name.Name] = value
				if id, ok := spec.Type.(*ast.Ident); ok && d.Tok == token.CONST {
					s.enums[id.Name] = append(s.enums[id.Name], value)
				}
			}
		}
	}
}

func fields(t *ast.StructType) []field {
	var all []field
	for _, f := range t.Fields.List {
		one := field{typ: typeOf(f.Type), comment: f.Doc.Text()}
		if f.Tag != nil {
			one.tag, _ = strconv.Unquote(f.Tag.Value)
		}
		if len(f.Names) == 0 {
			one.embedded, one.name = true, one.typ.name
			all = append(all, one)
		}
		for _, name := range f.Names {
			one.name = name.Name
			all = append(all, one)
		}
	}
	return all
}

// typeOf reads a type. What other packages declare is text to JSON: times, entity tags.
func typeOf(e ast.Expr) typ {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeOf(e.X)
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return typ{kind: 's'}
		}
		elem := typeOf(e.Elt)
		return typ{kind: 'l', elem: &elem}
	case *ast.MapType:
		elem := typeOf(e.Value)
		return typ{kind: 'm', elem: &elem}
	case *ast.SelectorExpr:
		return typ{kind: 's'}
	case *ast.Ident:
		switch e.Name {
		case "string":
			return typ{kind: 's'}
		case "bool":
			return typ{kind: 'b'}
		case "any":
			return typ{kind: 'a'}
		case "byte", "int", "int8", "int16", "int32", "int64", "float32", "float64":
			return typ{kind: 'n'}
		}
		return typ{kind: 'r', name: e.Name}
	}
	return typ{kind: 'a'}
}

func text(e ast.Expr) (string, bool) {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 {
		return text(call.Args[0])
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(lit.Value)
	return value, err == nil
}
