// Package biceptest reads the part of Bicep that atg writes, as strictly as Bicep does, and works out what it would deploy.
//
// The rules are those of Bicep's lexer and parser and of the diagnostics that it gives for symbols, scopes, parents and modules; the numbers
// in errors are its diagnostics'. Types of resources and their properties are not checked, but for the properties that others read of a
// resource: that takes Bicep itself.
package biceptest

// File is a .bicep or .bicepparam file.
type File struct {
	Using        string // of a .bicepparam
	TargetScope  string // resourceGroup where the file does not say
	Declarations []*Declaration
}

// Declaration is a param, var, resource, module or metadata statement.
type Declaration struct {
	Kind        string // param, var, resource, module, metadata
	Name        string
	Line        int
	Type        string // of a parameter; string where a .bicepparam gives a value
	Target      string // Type@version of a resource, path of a module
	Existing    bool
	Secure      bool
	Description string
	Value       Expr // the body, the value, or the default; nil is none
}

// Expr is an expression: Null, Bool, Int, *Text, *Access, Array or *Object.
type Expr any

// Null is null.
type Null struct{}

// Bool is true or false.
type Bool bool

// Int is a number: Bicep has no others.
type Int int64

// Text is a string: literals and expressions by turns. Its Pieces are string or Expr.
type Text struct{ Pieces []any }

// Literal is what a Text is when no expression is in it.
func (t *Text) Literal() (string, bool) {
	text := ""
	for _, piece := range t.Pieces {
		s, ok := piece.(string)
		if !ok {
			return "", false
		}
		text += s
	}
	return text, true
}

// Access is a symbol or the call of a function, and the properties that are read of it: a, a.b, f(x), f(x).y.
type Access struct {
	Name string
	Call bool
	Args []Expr
	Path []string
	Line int
}

// Array is a list.
type Array []Expr

// Object is a map.
type Object struct {
	Properties []Property
}

// Property is a member of an Object.
type Property struct {
	Key   *Text
	Value Expr
	Line  int
}

// Get is the value of a property with a literal key, or nil.
func (o *Object) Get(name string) Expr {
	for _, p := range o.Properties {
		if key, ok := p.Key.Literal(); ok && key == name {
			return p.Value
		}
	}
	return nil
}

// Walk visits an expression and all in it, keys too, from the outside in.
func Walk(e Expr, visit func(Expr)) {
	if e == nil {
		return
	}
	visit(e)
	switch e := e.(type) {
	case *Text:
		for _, piece := range e.Pieces {
			if _, literal := piece.(string); !literal {
				Walk(piece, visit)
			}
		}
	case *Access:
		for _, arg := range e.Args {
			Walk(arg, visit)
		}
	case Array:
		for _, item := range e {
			Walk(item, visit)
		}
	case *Object:
		for _, p := range e.Properties {
			Walk(p.Key, visit)
			Walk(p.Value, visit)
		}
	}
}
