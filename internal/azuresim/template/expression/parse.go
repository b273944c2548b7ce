// Package expression is the expression language of Resource Manager's templates: its syntax, its
// values and those of its functions that need nothing of a deployment.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
package expression

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxLength is the longest expression that Resource Manager takes, in characters.
const MaxLength = 24576

// maxDepth bounds how deep an expression may nest, so that a hostile one cannot exhaust the stack.
const maxDepth = 256

// Node is a part of a parsed expression: a *Literal, a *Call or an *Access.
type Node interface{ node() }

// Literal is a string or an integer.
type Literal struct{ Value any }

// Call is a call of a function; Name has its namespace before a dot if it has one.
type Call struct {
	Name string
	Args []Node
}

// Access is the property or the element Key of a value.
type Access struct{ Of, Key Node }

func (*Literal) node() {}
func (*Call) node()    {}
func (*Access) node()  {}

// Is says whether a string of a template is an expression: it begins with one bracket and ends
// with one.
func Is(text string) bool {
	return len(text) > 2 && text[0] == '[' && text[1] != '[' && text[len(text)-1] == ']'
}

// Literally is what a string that is no expression stands for: only one that begins with two
// brackets and ends with one loses the first.
func Literally(text string) string {
	if strings.HasPrefix(text, "[[") && strings.HasSuffix(text, "]") {
		return text[1:]
	}
	return text
}

// Parse reads an expression with its brackets.
func Parse(text string) (Node, error) {
	if n := len([]rune(text)); n > MaxLength {
		return nil, fmt.Errorf("the language expression length limit exceeded. Limit: '%d' and actual: '%d'", MaxLength, n)
	}
	p := &parser{text: text[:len(text)-1], at: 1}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.unexpected("the end of the expression")
	}
	return n, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) unexpected(want string) error {
	found := "the end"
	if p.at < len(p.text) {
		found = "'" + p.text[p.at:min(len(p.text), p.at+12)] + "'"
	}
	return fmt.Errorf("the language expression '%.200s' is not valid: %s is expected at position '%d', found %s", p.text[1:], want, p.at, found)
}

// take consumes a character if it is next.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) expression(depth int) (Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the language expression nests deeper than '%d' levels", maxDepth)
	}
	p.space()
	n, err := p.primary(depth)
	if err != nil {
		return nil, err
	}
	for links := 0; ; links++ {
		if links > maxDepth {
			return nil, fmt.Errorf("the language expression has more than '%d' accesses in a row", maxDepth)
		}
		p.space()
		switch {
		case p.take('.'):
			name := p.identifier()
			if name == "" {
				return nil, p.unexpected("a property name")
			}
			n = &Access{Of: n, Key: &Literal{name}}
		case p.take('['):
			key, err := p.expression(depth + 1)
			if err != nil {
				return nil, err
			}
			if !p.take(']') {
				return nil, p.unexpected("']'")
			}
			n = &Access{Of: n, Key: key}
		default:
			return n, nil
		}
	}
}

func (p *parser) primary(depth int) (Node, error) {
	if p.at >= len(p.text) {
		return nil, p.unexpected("a function")
	}
	c := p.text[p.at]
	switch {
	case c == '\'':
		return p.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	name := p.identifier()
	for name != "" && p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		member := p.identifier()
		if member == "" {
			return nil, p.unexpected("a function of the namespace")
		}
		name += "." + member
	}
	if name == "" {
		return nil, p.unexpected("a function")
	}
	if !p.take('(') {
		return nil, p.unexpected("'('")
	}
	call := &Call{Name: name}
	if p.take(')') {
		return call, nil
	}
	for {
		arg, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		call.Args = append(call.Args, arg)
		if p.take(')') {
			return call, nil
		}
		if !p.take(',') {
			return nil, p.unexpected("',' or ')'")
		}
	}
}

func (p *parser) identifier() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		digit := c >= '0' && c <= '9'
		letter := c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (!digit || p.at == start) {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

// quoted reads a string; a quotation mark in it is doubled.
func (p *parser) quoted() (Node, error) {
	var text strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if p.text[p.at] != '\'' {
			text.WriteByte(p.text[p.at])
			continue
		}
		if p.at+1 < len(p.text) && p.text[p.at+1] == '\'' {
			text.WriteByte('\'')
			p.at++
			continue
		}
		p.at++
		return &Literal{text.String()}, nil
	}
	return nil, p.unexpected("a closing quotation mark")
}

func (p *parser) number() (Node, error) {
	start := p.at
	for p.at++; p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9'; p.at++ {
	}
	n, err := strconv.ParseInt(p.text[start:p.at], 10, 64)
	if err != nil {
		p.at = start
		return nil, p.unexpected("an integer")
	}
	return &Literal{n}, nil
}
