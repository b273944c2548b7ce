package biceptest

import "slices"

// Parse reads a file. An error says the line.
func Parse(text string) (file *File, err error) {
	p := &parser{text: text, line: 1}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			file, err = nil, f.error
		}
	}()
	file = &File{TargetScope: "resourceGroup"}
	for p.newlines(); !p.end(); {
		p.statement(file)
		if !p.newlines() && !p.end() {
			p.fail("expected a new line (BCP019), found %q", p.rest())
		}
	}
	return file, nil
}

func (p *parser) statement(file *File) {
	d := &Declaration{}
	for p.peek() == '@' {
		p.decorator(d)
		if !p.newlines() {
			p.fail("expected a new line after a decorator (BCP019), found %q", p.rest())
		}
	}
	d.Line = p.line
	d.Kind = p.word()
	switch d.Kind {
	case "targetScope":
		file.TargetScope = p.literal(p.assigned())
		return
	case "using":
		p.space()
		file.Using = p.literal(p.expression(false))
		return
	case "metadata", "var":
		d.Name = p.identifier()
		d.Value = p.assigned()
	case "param":
		p.parameter(file, d)
	case "resource", "module":
		d.Name = p.identifier()
		p.space()
		if p.peek() != '\'' {
			p.fail("expected a type or a path (BCP068), found %q", p.rest())
		}
		d.Target = p.literal(p.string())
		p.space()
		if d.Kind == "resource" && p.has("existing") {
			p.at += len("existing")
			d.Existing = true
		}
		body, ok := p.assigned().(*Object)
		if !ok {
			p.fail("%s %s has no body", d.Kind, d.Name)
		}
		d.Value = body
	default:
		p.fail("%q begins no declaration (BCP007)", d.Kind+p.rest())
	}
	file.Declarations = append(file.Declarations, d)
}

func (p *parser) decorator(d *Declaration) {
	p.at++
	call, ok := p.expression(true).(*Access)
	if !ok || !call.Call {
		p.fail("a decorator is a call")
	}
	switch {
	case call.Name == "secure" && len(call.Args) == 0:
		d.Secure = true
	case call.Name == "description" && len(call.Args) == 1:
		d.Description = p.literal(call.Args[0])
	default:
		p.fail("@%s is a decorator that is never written", call.Name)
	}
}

// parameter reads what follows param: a type and perhaps a default, or, in a .bicepparam, a value alone.
func (p *parser) parameter(file *File, d *Declaration) {
	d.Name = p.identifier()
	if file.Using == "" {
		d.Type = p.identifier()
		if !slices.Contains([]string{"string", "int", "bool", "object", "array"}, d.Type) {
			p.fail("%s is no type (BCP031)", d.Type)
		}
		p.space()
		if p.peek() != '=' {
			return
		}
		if d.Secure {
			p.fail("the secret %s has a default", d.Name)
		}
	}
	d.Value = p.assigned()
}

func (p *parser) assigned() Expr {
	p.expect('=')
	return p.expression(true)
}

func (p *parser) literal(e Expr) string {
	if text, ok := e.(*Text); ok {
		if s, ok := text.Literal(); ok {
			return s
		}
	}
	p.fail("expected a string without holes (BCP032)")
	return ""
}

// expression reads an expression. complex says that objects and arrays may stand there: not in the hole of a string.
func (p *parser) expression(complex bool) Expr {
	p.space()
	switch c := p.peek(); {
	case c == '\'':
		return p.string()
	case c == '{' || c == '[':
		if !complex {
			p.fail("no object or array can stand here (BCP162)")
		}
		if c == '{' {
			return p.object()
		}
		return p.array()
	case c == '-' || digit(c):
		return p.integer()
	}
	line, word := p.line, p.word()
	switch word {
	case "":
		p.fail("expected a value (BCP009), found %q", p.rest())
	case "true", "false":
		return Bool(word == "true")
	case "null":
		return Null{}
	}
	access := &Access{Name: word, Line: line}
	if p.peek() == '(' {
		p.at++
		access.Call = true
		for p.space(); p.peek() != ')'; p.space() {
			if len(access.Args) > 0 {
				p.expect(',')
			}
			access.Args = append(access.Args, p.expression(complex))
		}
		p.at++
	}
	for p.peek() == '.' {
		p.at++
		access.Path = append(access.Path, p.identifier())
	}
	return access
}

// separated reads elements until close: separated by lines, or by commas on one line, never by both (HandleArrayOrObjectElements).
func (p *parser) separated(closing byte, element func()) {
	p.at++
	p.newlines()
	for {
		p.space()
		if p.end() {
			p.fail("expected %q (BCP018), found the end", closing)
		}
		if p.peek() == closing {
			p.at++
			return
		}
		element()
		p.space()
		switch {
		case p.peek() == ',':
			p.at++
			p.space()
			if p.peek() == '\n' || p.peek() == '\r' {
				p.fail("a line ends with a comma (BCP238)")
			}
		case p.peek() == closing:
		case !p.newlines():
			p.fail("expected a new line or a comma (BCP236), found %q", p.rest())
		}
	}
}

func (p *parser) array() Expr {
	array := Array{}
	p.separated(']', func() { array = append(array, p.expression(true)) })
	return array
}

func (p *parser) object() Expr {
	object := &Object{}
	seen := map[string]bool{}
	p.separated('}', func() {
		property := Property{Line: p.line}
		if p.peek() == '\'' {
			if p.has("'''") {
				p.fail("a key is no string of several lines (BCP022)")
			}
			property.Key = p.string()
		} else {
			property.Key = &Text{Pieces: []any{p.identifier()}}
		}
		if key, ok := property.Key.Literal(); ok {
			if seen[key] {
				p.fail("the key %q is there twice (BCP025)", key)
			}
			seen[key] = true
		}
		p.expect(':')
		property.Value = p.expression(true)
		object.Properties = append(object.Properties, property)
	})
	return object
}
