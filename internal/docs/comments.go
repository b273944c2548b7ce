package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// comments are what a package's sources say of its types, fields and constants.
type comments struct {
	types  map[string]string            // doc of a type, by its name
	fields map[string]map[string]string // of a field, by type and field
	values map[string][]constant        // the constants of a named type, in the order of the source
	limits map[string]string            // constants that are numbers, as the source has them
}

// constant is a constant that is a text, with its comment.
type constant struct{ value, comment string }

// readComments reads the sources of a package, tests excepted.
func readComments(folder string) (comments, error) {
	c := comments{types: map[string]string{}, fields: map[string]map[string]string{}, values: map[string][]constant{}, limits: map[string]string{}}
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return c, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return c, err
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				c.declaration(g)
			}
		}
	}
	return c, nil
}

func (c comments) declaration(g *ast.GenDecl) {
	typed := "" // of the constants of a group
	for _, s := range g.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			c.types[s.Name.Name] = text(s.Doc, g.Doc)
			if st, ok := s.Type.(*ast.StructType); ok {
				c.fields[s.Name.Name] = map[string]string{}
				for _, f := range st.Fields.List {
					for _, name := range f.Names {
						c.fields[s.Name.Name][name.Name] = text(f.Comment, f.Doc)
					}
				}
			}
		case *ast.ValueSpec:
			if g.Tok != token.CONST || len(s.Values) != 1 {
				continue
			}
			if name, ok := s.Type.(*ast.Ident); ok {
				typed = name.Name
			}
			literal, ok := s.Values[0].(*ast.BasicLit)
			if ok && literal.Kind == token.INT {
				c.limits[s.Names[0].Name] = literal.Value
			}
			if !ok || literal.Kind != token.STRING || typed == "" {
				continue
			}
			value, err := strconv.Unquote(literal.Value)
			if err == nil {
				c.values[typed] = append(c.values[typed], constant{value, text(s.Comment, s.Doc)})
			}
		}
	}
}

// text is the first of the comments that there is.
func text(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if t := strings.TrimSpace(g.Text()); t != "" {
			return t
		}
	}
	return ""
}
