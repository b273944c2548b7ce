package main

import (
	"go/ast"
	"slices"
	"strings"
)

// request is a call that a client of the SDK makes.
type request struct {
	source  *source
	method  string            // Put, Get
	path    string            // with {parameters}
	version string            // api-version
	params  map[string]string // types of the path's parameters, where they are enums
	body    *typ              // that a PUT sends
	answer  *typ              // that a GET is answered with
}

// requests finds the calls of every client: methods xxxCreateRequest.
func (s *source) requests() []request {
	var keys []string
	for key := range s.methods {
		if strings.HasSuffix(key, "CreateRequest") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var all []request
	for _, key := range keys {
		r := s.request(s.methods[key])
		if r.method == "Get" {
			r.answer = s.answer(s.methods[strings.TrimSuffix(key, "CreateRequest")+"HandleResponse"])
		}
		if r.path != "" && r.version != "" && (r.method == "Put" || r.method == "Get") {
			all = append(all, r)
		}
	}
	return all
}

func (s *source) request(d *ast.FuncDecl) request {
	r := request{source: s, params: map[string]string{}}
	types := map[string]typ{}
	for _, p := range d.Type.Params.List {
		for _, name := range p.Names {
			types[name.Name] = typeOf(p.Type)
		}
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if id, ok := n.Lhs[0].(*ast.Ident); ok && id.Name == "urlPath" && r.path == "" {
				r.path, _ = text(n.Rhs[0])
			}
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && id.Name == "http" && r.method == "" && strings.HasPrefix(n.Sel.Name, "Method") {
				r.method = strings.TrimPrefix(n.Sel.Name, "Method")
			}
		case *ast.CallExpr:
			s.call(&r, n, types)
		}
		return true
	})
	return r
}

func (s *source) call(r *request, n *ast.CallExpr, types map[string]typ) {
	switch called(n) {
	case "Set":
		if key, _ := text(n.Args[0]); strings.EqualFold(key, "api-version") {
			r.version = s.value(n.Args[1])
		}
	case "MarshalAsJSON":
		if t, ok := s.argument(n.Args[1], types); ok {
			r.body = &t
		}
	case "SetBody": // a file, and no resource
		r.method = "File"
	case "ReplaceAll":
		if len(n.Args) != 3 {
			return
		}
		placeholder, ok := text(n.Args[1])
		if !ok {
			return
		}
		ast.Inspect(n.Args[2], func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if t := types[id.Name]; t.kind == 'r' && len(s.enums[t.name]) > 0 {
					r.params[strings.Trim(placeholder, "{}")] = t.name
				}
			}
			return true
		})
	}
}

// argument is the type of what is sent: a parameter, *options.Field, or a part of either.
func (s *source) argument(e ast.Expr, types map[string]typ) (typ, bool) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.argument(e.X, types)
	case *ast.UnaryExpr:
		return s.argument(e.X, types)
	case *ast.ParenExpr:
		return s.argument(e.X, types)
	case *ast.Ident:
		t, ok := types[e.Name]
		return t, ok
	case *ast.SelectorExpr:
		of, ok := s.argument(e.X, types)
		if !ok {
			return typ{}, false
		}
		for _, f := range s.structs[of.name] {
			if f.name == e.Sel.Name {
				return f.typ, true
			}
		}
	}
	return typ{}, false
}

// answer is the type of what a xxxHandleResponse reads.
func (s *source) answer(d *ast.FuncDecl) *typ {
	if d == nil || d.Type.Results == nil {
		return nil
	}
	response := typeOf(d.Type.Results.List[0].Type)
	fields := s.structs[response.name]
	var found *typ
	ast.Inspect(d.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || called(call) != "UnmarshalAsJSON" || len(call.Args) < 2 {
			return true
		}
		arg := call.Args[1]
		if ref, ok := arg.(*ast.UnaryExpr); ok {
			arg = ref.X
		}
		for i := range fields {
			if sel, ok := arg.(*ast.SelectorExpr); !ok || sel.Sel.Name == fields[i].name {
				found = &fields[i].typ
				return false
			}
		}
		return true
	})
	return found
}
