// Package engine evaluates ARM templates as Azure's engine does, as far as atg's templates go: which resources they deploy,
// and what is wrong with them. It knows nothing of how they are written.
package engine

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// maxExpression is Azure's limit, in characters as .NET counts them.
const maxExpression = 24576

// IsExpression says whether Azure takes a string, or the name of a member, for an expression or for an escaped one.
func IsExpression(s string) bool {
	return s != "" && s[0] == '[' && s[len(s)-1] == ']'
}

// scope is what the functions of an expression know.
type evaluation struct {
	at         Scope
	parameters map[string]any
	variables  map[string]any // as they are written
	used       map[string]bool
	usedText   map[string]bool
	depth      int // of variables in variables
	// later says that what is being evaluated is evaluated when its resource is deployed, and not at the start: reference is allowed there.
	later   bool
	answers []*Reference // that were asked for
}

// text evaluates a string as Azure does: an expression, an escaped string, or the string itself.
func (e *evaluation) text(s string) (any, error) {
	if !IsExpression(s) {
		return s, nil
	}
	if len(s) > 1 && s[1] == '[' {
		return s[1:], nil
	}
	if n := len(utf16.Encode([]rune(s))); n > maxExpression {
		return nil, fmt.Errorf("an expression has %d characters, and may have %d", n, maxExpression)
	}
	p := &parser{text: s[1 : len(s)-1], e: e}
	v, err := p.expression()
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, shorten(s))
	}
	if p.space(); p.at < len(p.text) {
		return nil, fmt.Errorf("%q after the end of an expression in %s", p.text[p.at], shorten(s))
	}
	if a, ok := v.(answered); ok {
		return nil, fmt.Errorf("%s is an object here, and no text, in %s", a.words(), shorten(s))
	}
	return v, nil
}

func shorten(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// parser reads an expression and evaluates it on the way.
type parser struct {
	text string
	at   int
	e    *evaluation
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) peek() byte {
	p.space()
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) expect(c byte) error {
	if p.peek() != c {
		return fmt.Errorf("no %q at %d", c, p.at)
	}
	p.at++
	return nil
}

func (p *parser) expression() (any, error) {
	switch c := p.peek(); {
	case c == '\'':
		return p.literal()
	case c == '-' || c >= '0' && c <= '9':
		start := p.at
		for p.at++; p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9'; p.at++ {
		}
		return strconv.Atoi(p.text[start:p.at])
	}
	return p.function()
}

// literal reads a string: the quote is doubled, and nothing else means anything.
func (p *parser) literal() (string, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if c := p.text[p.at]; c != '\'' {
			b.WriteByte(c)
			continue
		}
		if p.at+1 >= len(p.text) || p.text[p.at+1] != '\'' {
			p.at++
			return b.String(), nil
		}
		b.WriteByte('\'')
		p.at++
	}
	return "", fmt.Errorf("a string without an end")
}

func (p *parser) identifier() string {
	p.space()
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

func (p *parser) function() (any, error) {
	name := p.identifier()
	if name == "" {
		return nil, fmt.Errorf("no function at %d", p.at)
	}
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var arguments []any
	for p.peek() != ')' {
		if len(arguments) > 0 {
			if err := p.expect(','); err != nil {
				return nil, err
			}
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, v)
	}
	p.at++
	v, err := p.e.call(name, arguments)
	for err == nil {
		var key any
		switch p.peek() {
		case '.':
			p.at++
			key = p.identifier()
		case '[':
			p.at++
			if key, err = p.expression(); err == nil {
				err = p.expect(']')
			}
		default:
			return v, nil
		}
		if err == nil {
			v, err = member(v, key)
		}
	}
	return nil, err
}

// unknown is an object whose members nobody knows: a secret one.
type unknown struct{}

func member(v, key any) (any, error) {
	name, ok := key.(string)
	if !ok {
		return nil, fmt.Errorf("the key %v is no string", key)
	}
	switch v := v.(type) {
	case unknown:
		return name, nil
	case answered:
		return v.member(name)
	case map[string]any:
		if m, ok := v[name]; ok {
			return m, nil
		}
		return nil, fmt.Errorf("there is no member %s", name)
	}
	return nil, fmt.Errorf("%T has no member %s", v, name)
}
