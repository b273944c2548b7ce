package main

import (
	"go/ast"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// marshal reads the names in JSON from populate(objectMap, "name", x.Name) and its kin, and whether there are
// properties without names.
func (s *source) marshal(name string, d *ast.FuncDecl) {
	names := s.json[name]
	if names == nil {
		names = map[string]string{}
		s.json[name] = names
	}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if len(n.Args) < 3 || !strings.HasPrefix(called(n), "populate") {
				return true
			}
			key, ok := text(n.Args[1])
			if f, isField := n.Args[2].(*ast.SelectorExpr); ok && isField {
				names[f.Sel.Name] = key
			}
		case *ast.RangeStmt:
			if f, ok := n.X.(*ast.SelectorExpr); ok && f.Sel.Name == "AdditionalProperties" {
				s.open[name] = true
			}
		case *ast.AssignStmt: // objectMap["kind"] = KindA: the field's own name is that of a property
			if index, ok := n.Lhs[0].(*ast.IndexExpr); ok && len(n.Lhs) == 1 {
				if key, ok := text(index.Index); ok {
					names["="+key] = key
				}
			}
		}
		return true
	})
}

// unmarshal reads what marshal did not: case "name": err = unpopulate(val, "Name", &x.Name).
func (s *source) unmarshal(name string, d *ast.FuncDecl) {
	names := s.json[name]
	if names == nil {
		names = map[string]string{}
		s.json[name] = names
	}
	ast.Inspect(d, func(n ast.Node) bool {
		clause, ok := n.(*ast.CaseClause)
		if !ok || len(clause.List) != 1 {
			return true
		}
		key, ok := text(clause.List[0])
		if !ok {
			return true
		}
		for _, stmt := range clause.Body {
			ast.Inspect(stmt, func(n ast.Node) bool {
				if f, ok := n.(*ast.SelectorExpr); ok {
					for _, declared := range s.structs[name] {
						if _, known := names[f.Sel.Name]; declared.name == f.Sel.Name && !known {
							names[f.Sel.Name] = key
						}
					}
				}
				return true
			})
		}
		return true
	})
}

func called(c *ast.CallExpr) string {
	f := c.Fun
	if generic, ok := f.(*ast.IndexExpr); ok {
		f = generic.X
	}
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// jsonName is that of a field; none of one that JSON does not have.
func (s *source) jsonName(owner string, f field) string {
	if name := s.json[owner][f.name]; name != "" {
		return name
	}
	tag, _, _ := strings.Cut(reflect.StructTag(f.tag).Get("json"), ",")
	if tag == "-" || f.name == "AdditionalProperties" && s.open[owner] {
		return ""
	}
	if tag != "" {
		return tag
	}
	for _, key := range slices.Sorted(maps.Values(s.json[owner])) {
		if strings.EqualFold(key, f.name) {
			return key
		}
	}
	if f.name == strings.ToUpper(f.name) {
		return strings.ToLower(f.name)
	}
	return strings.ToLower(f.name[:1]) + f.name[1:]
}

// helper reads unmarshalXClassification: switch m["kind"] { case string(KindA): b = &A{} … }.
func (s *source) helper(d *ast.FuncDecl) {
	name := strings.TrimPrefix(d.Name.Name, "unmarshal")
	u := union{base: strings.TrimSuffix(name, "Classification"), variants: map[string]string{}}
	ast.Inspect(d, func(n ast.Node) bool {
		sw, ok := n.(*ast.SwitchStmt)
		if !ok {
			return true
		}
		index, ok := sw.Tag.(*ast.IndexExpr)
		if !ok {
			return true
		}
		u.property, _ = text(index.Index)
		for _, stmt := range sw.Body.List {
			clause := stmt.(*ast.CaseClause)
			variant := ""
			for _, b := range clause.Body {
				ast.Inspect(b, func(n ast.Node) bool {
					if lit, ok := n.(*ast.CompositeLit); ok {
						if id, ok := lit.Type.(*ast.Ident); ok {
							variant = id.Name
						}
					}
					return true
				})
			}
			for _, e := range clause.List {
				if value := s.value(e); value != "" && variant != "" {
					u.variants[value] = variant
				}
			}
		}
		return false
	})
	if u.property != "" {
		s.unions[name] = u
	}
}

// value is that of a constant or a literal.
func (s *source) value(e ast.Expr) string {
	if v, ok := text(e); ok {
		return v
	}
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 {
		e = call.Args[0]
	}
	if id, ok := e.(*ast.Ident); ok {
		return s.values[id.Name]
	}
	return ""
}
