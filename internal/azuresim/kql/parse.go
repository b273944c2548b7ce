// Package kql parses and runs the part of the Kusto query language that a client of Azure Resource
// Graph may reasonably send. What it does not know, it refuses as Resource Graph refuses it.
package kql

import (
	"math"
	"strings"
)

// maxDepth bounds the nesting of expressions and maxLinks the length of all their chains together,
// so that no query can exhaust the stack.
const (
	maxDepth = 200
	maxLinks = 100_000
)

// Parse reads a query. Its errors are of type *Error.
func Parse(source string) (*Query, error) {
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	return p.query()
}

type parser struct {
	tokens []token
	next   int
	depth  int
	links  int
}

// refused are Kusto's tabular operators that this package does not run: those that Resource Graph
// itself rejects, and the rest of its subset.
var refused = map[string]bool{
	"as": true, "consume": true, "evaluate": true, "externaldata": true, "facet": true, "find": true,
	"fork": true, "getschema": true, "invoke": true, "join": true, "let": true, "lookup": true,
	"make-series": true, "mv-apply": true, "mv-expand": true, "mvexpand": true, "parse": true,
	"parse-kv": true, "parse-where": true, "partition": true, "print": true,
	"project-reorder": true, "range": true, "reduce": true, "render": true, "sample": true,
	"sample-distinct": true, "scan": true, "search": true, "serialize": true,
	"top-hitters": true, "top-nested": true, "union": true,
}

func (p *parser) query() (*Query, error) {
	q := &Query{}
	first := p.peek()
	if first.kind != tokenName {
		return nil, parserFailure(first, "")
	}
	if _, isStep := steps[first.text]; isStep && p.peekAt(1).text != "|" && p.peekAt(1).kind != tokenEOF {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		q.steps = append(q.steps, s)
	} else if refused[first.text] {
		return nil, unsupported(first.text)
	} else {
		q.Table = p.take().text
	}
	for p.accept("|") {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		q.steps = append(q.steps, s)
	}
	p.accept(";")
	if t := p.peek(); t.kind != tokenEOF {
		return nil, parserFailure(t, "")
	}
	return q, nil
}

type stepParser func(*parser, *step) error

var steps map[string]stepParser

func init() { // refers to itself through the parser
	steps = map[string]stepParser{
		"where": (*parser).where, "filter": (*parser).where,
		"project":        func(p *parser, s *step) error { return p.named(s, stepProject) },
		"extend":         func(p *parser, s *step) error { return p.named(s, stepExtend) },
		"project-rename": func(p *parser, s *step) error { return p.named(s, stepProjectRename) },
		"project-away":   func(p *parser, s *step) error { return p.columns(s, stepProjectAway) },
		"project-keep":   func(p *parser, s *step) error { return p.columns(s, stepProjectKeep) },
		"distinct":       func(p *parser, s *step) error { return p.columns(s, stepDistinct) },
		"order":          (*parser).orderBy, "sort": (*parser).orderBy,
		"limit": (*parser).limit, "take": (*parser).limit,
		"top":       (*parser).top,
		"count":     func(_ *parser, s *step) error { s.kind = stepCount; return nil },
		"summarize": (*parser).summarize,
	}
}

func (p *parser) step() (step, error) {
	t := p.take()
	parse, ok := steps[t.text]
	if !ok || t.kind != tokenName {
		if refused[t.text] {
			return step{}, unsupported(t.text)
		}
		return step{}, parserFailure(t, "")
	}
	s := step{name: t.text}
	err := parse(p, &s)
	return s, err
}

func (p *parser) where(s *step) error {
	s.kind = stepWhere
	e, err := p.expression()
	s.exprs = []namedExpr{{expr: e}}
	return err
}

func (p *parser) named(s *step, kind stepKind) error {
	s.kind = kind
	var err error
	s.exprs, err = p.namedList()
	return err
}

func (p *parser) namedList() ([]namedExpr, error) {
	var list []namedExpr
	for {
		var item namedExpr
		start := p.next
		if name, ok := p.columnName(); ok && p.accept("=") {
			item.name = name
		} else {
			p.next = start
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		item.expr = e
		list = append(list, item)
		if !p.accept(",") {
			return list, nil
		}
	}
}

// columnName reads name or ['name'].
func (p *parser) columnName() (string, bool) {
	if t := p.peek(); t.kind == tokenName && !strings.HasPrefix(t.text, "!") {
		return p.take().text, true
	}
	if p.peek().text == "[" && p.peekAt(1).kind == tokenString && p.peekAt(2).text == "]" {
		name := p.peekAt(1).text
		p.next += 3
		return name, true
	}
	return "", false
}

func (p *parser) columns(s *step, kind stepKind) error {
	s.kind = kind
	for {
		name, ok := p.columnName()
		if star := p.peek(); star.text == "*" && star.kind == tokenPunct && (!ok || p.adjacent()) {
			p.take()
			name, ok = name+"*", true
		}
		if !ok {
			return parserFailure(p.peek(), "")
		}
		s.columns = append(s.columns, name)
		if !p.accept(",") {
			return nil
		}
	}
}

// adjacent says that no blank stands before the next token.
func (p *parser) adjacent() bool {
	before, next := p.tokens[p.next-1], p.peek()
	return before.line == next.line && before.column+len(before.source) == next.column
}

func (p *parser) orderBy(s *step) error {
	s.kind = stepOrder
	if err := p.expectName("by"); err != nil {
		return err
	}
	return p.orderKeys(s)
}

func (p *parser) orderKeys(s *step) error {
	for {
		e, err := p.expression()
		if err != nil {
			return err
		}
		key := orderKey{expr: e, descending: true}
		if p.acceptName("asc") {
			key.descending = false
		} else {
			p.acceptName("desc")
		}
		key.nullsFirst = !key.descending
		if p.acceptName("nulls") {
			switch t := p.take(); t.text {
			case "first":
				key.nullsFirst = true
			case "last":
				key.nullsFirst = false
			default:
				return parserFailure(t, "")
			}
		}
		s.order = append(s.order, key)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) limit(s *step) error {
	s.kind = stepLimit
	var err error
	s.limit, err = p.rowCount()
	return err
}

func (p *parser) rowCount() (int, error) {
	t := p.take()
	n := parseValue([]byte(t.text))
	if t.kind != tokenNumber || n.kind != kindLong || n.long > math.MaxInt32 {
		return 0, parserFailure(t, "")
	}
	return int(n.long), nil
}

func (p *parser) top(s *step) error {
	s.kind = stepTop
	var err error
	if s.limit, err = p.rowCount(); err != nil {
		return err
	}
	if err := p.expectName("by"); err != nil {
		return err
	}
	return p.orderKeys(s)
}

func (p *parser) summarize(s *step) error {
	s.kind = stepSummarize
	var err error
	if p.peek().text != "by" {
		if s.exprs, err = p.namedList(); err != nil {
			return err
		}
	}
	if p.acceptName("by") {
		s.by, err = p.namedList()
	}
	return err
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) peekAt(n int) token {
	return p.tokens[min(p.next+n, len(p.tokens)-1)]
}

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokenEOF {
		p.next++
	}
	return t
}

func (p *parser) accept(punct string) bool {
	if t := p.peek(); t.kind == tokenPunct && t.text == punct {
		p.next++
		return true
	}
	return false
}

func (p *parser) acceptName(name string) bool {
	if t := p.peek(); t.kind == tokenName && t.text == name {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(punct string) error {
	if p.accept(punct) {
		return nil
	}
	return parserFailure(p.peek(), punct)
}

func (p *parser) expectName(name string) error {
	if p.acceptName(name) {
		return nil
	}
	return parserFailure(p.peek(), name)
}

func parserFailure(t token, expected string) error {
	return &Error{
		Code: CodeParserFailure, Message: CodeParserFailure,
		Line: t.line, Column: t.column, Token: t.source, Expected: expected,
	}
}
