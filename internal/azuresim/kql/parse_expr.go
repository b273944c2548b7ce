package kql

import "strings"

// expression reads the whole of an expression; or binds loosest.
func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, parserFailure(p.peek(), "")
	}
	defer func() { p.depth-- }()
	return p.chain(p.conjunction, "or")
}

func (p *parser) conjunction() (expr, error) { return p.chain(p.comparison, "and") }

func (p *parser) chain(operand func() (expr, error), word string) (expr, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		if !p.acceptName(word) {
			return left, nil
		}
		right, err := operand()
		if err == nil {
			err = p.deepen(t)
		}
		if err != nil {
			return nil, err
		}
		left = &binaryExpr{token: t, op: word, left: left, right: right}
	}
}

// stringOperators compare two texts; each also has a negated form with a leading !.
var stringOperators = map[string]bool{
	"has": true, "has_cs": true, "hasprefix": true, "hassuffix": true, "contains": true,
	"contains_cs": true, "startswith": true, "startswith_cs": true, "endswith": true,
	"endswith_cs": true,
}

var comparisons = map[string]bool{
	"==": true, "!=": true, "<>": true, "=~": true, "!~": true,
	"<": true, ">": true, "<=": true, ">=": true,
}

func (p *parser) comparison() (expr, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	switch {
	case t.kind == tokenPunct && comparisons[t.text],
		t.kind == tokenName && stringOperators[strings.TrimPrefix(t.text, "!")]:
		p.take()
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		return &binaryExpr{token: t, op: t.text, left: left, right: right}, nil
	case t.kind == tokenName && strings.TrimSuffix(strings.TrimPrefix(t.text, "!"), "~") == "in":
		p.take()
		return p.membership(t, left)
	case p.acceptName("matches"):
		if err := p.expectName("regex"); err != nil {
			return nil, err
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		return &binaryExpr{token: t, op: "matches regex", left: left, right: right}, nil
	}
	return left, nil
}

func (p *parser) membership(t token, left expr) (expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	m := &membership{token: t, left: left, negated: t.text[0] == '!', fold: strings.HasSuffix(t.text, "~")}
	var err error
	m.list, err = p.arguments()
	return m, err
}

// deepen counts what makes an expression one level deeper on its left side.
func (p *parser) deepen(t token) error {
	if p.links++; p.links > maxLinks {
		return parserFailure(t, "")
	}
	return nil
}

func (p *parser) sum() (expr, error) { return p.arithmetic(p.product, "+-") }

func (p *parser) product() (expr, error) { return p.arithmetic(p.unary, "*/%") }

func (p *parser) arithmetic(operand func() (expr, error), signs string) (expr, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		if t.kind != tokenPunct || len(t.text) != 1 || !strings.Contains(signs, t.text) {
			return left, nil
		}
		p.take()
		right, err := operand()
		if err == nil {
			err = p.deepen(t)
		}
		if err != nil {
			return nil, err
		}
		left = &binaryExpr{token: t, op: t.text, left: left, right: right}
	}
}

func (p *parser) unary() (expr, error) {
	if t := p.peek(); t.kind == tokenPunct && (t.text == "-" || t.text == "+") {
		if p.depth++; p.depth > maxDepth {
			return nil, parserFailure(t, "")
		}
		defer func() { p.depth-- }()
		p.take()
		operand, err := p.unary()
		if err != nil || t.text == "+" {
			return operand, err
		}
		return &unaryExpr{token: t, operand: operand}, nil
	}
	return p.postfix()
}

// postfix reads a primary with the .name and [index] that follow it.
func (p *parser) postfix() (expr, error) {
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	for {
		if err := p.deepen(p.peek()); err != nil {
			return nil, err
		}
		switch {
		case p.accept("."):
			t := p.take()
			if t.kind != tokenName {
				return nil, parserFailure(t, "")
			}
			e = &member{base: e, index: &literal{token: t, value: stringValue(t.text), typ: String}}
		case p.accept("["):
			index, err := p.index()
			if err != nil {
				return nil, err
			}
			e = &member{base: e, index: index}
		default:
			return e, nil
		}
	}
}

// index reads what stands between brackets: a key or a position, negative from the end.
func (p *parser) index() (expr, error) {
	negative := p.accept("-")
	t := p.take()
	l := &literal{token: t}
	switch {
	case t.kind == tokenString && !negative:
		l.value, l.typ = stringValue(t.text), String
	case t.kind == tokenNumber:
		l.value, l.typ = parseValue([]byte(t.text)), Long
		if l.value.kind != kindLong {
			return nil, parserFailure(t, "")
		}
		if negative {
			l.value.long = -l.value.long
		}
	default:
		return nil, parserFailure(t, "")
	}
	return l, p.expect("]")
}

func (p *parser) primary() (expr, error) {
	t := p.take()
	switch {
	case t.kind == tokenString:
		return &literal{token: t, value: stringValue(t.text), typ: String}, nil
	case t.kind == tokenNumber:
		value := parseValue([]byte(t.text))
		typ := Long
		if value.kind == kindReal {
			typ = Real
		}
		return &literal{token: t, value: value, typ: typ}, nil
	case t.kind == tokenPunct && t.text == "(":
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case t.kind == tokenPunct && t.text == "[":
		if s := p.peek(); s.kind == tokenString {
			p.take()
			return &columnRef{token: s, name: s.text}, p.expect("]")
		}
	case t.kind == tokenName && !strings.HasPrefix(t.text, "!") && t.text != "in~":
		switch t.text {
		case "true", "false":
			return &literal{token: t, value: boolValue(t.text == "true"), typ: Bool}, nil
		case "by", "and", "or", "in", "asc", "desc":
			return nil, parserFailure(t, "")
		case "where": // the one operator's name that Resource Graph takes for no column
			return nil, parserFailure(p.peek(), "")
		}
		if p.accept("(") {
			args, err := p.arguments()
			return &call{token: t, name: t.text, args: args}, err
		}
		return &columnRef{token: t, name: t.text}, nil
	}
	return nil, parserFailure(t, "")
}

// arguments reads expressions up to the closing parenthesis.
func (p *parser) arguments() ([]expr, error) {
	if p.accept(")") {
		return nil, nil
	}
	var args []expr
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		if p.accept(")") {
			return args, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}
