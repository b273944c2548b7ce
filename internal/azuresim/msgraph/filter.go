package msgraph

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// filter is a condition on objects.
type filter struct {
	match func(directory.Object) bool
	// ids are the only objects that can match, nil if any can.
	ids []string
	// names are the only user principal names or application ids that can match, nil if any can.
	names []string
	// clauses is how many values are compared.
	clauses int
}

// maxClauses is how many values a condition may compare with, unless it uses the index of advanced
// queries. https://learn.microsoft.com/graph/filter-query-parameter
const maxClauses = 15

// parseFilter reads the part of OData's language that directory objects take: eq, ne, not, ge, le,
// in, startswith, endswith, any, and, or.
func parseFilter(text string, kinds []directory.Kind, advanced bool) (*filter, *failure) {
	p := &filterParser{text: text, kinds: kinds, advanced: advanced}
	p.next()
	f := p.or()
	if p.failure == nil && p.token != "" {
		p.fail("Syntax error at position %d in '%s'.", p.at, text)
	}
	if p.failure == nil && f.clauses > maxClauses && !advanced {
		p.failure = unsupported(fmt.Sprintf("Too many child clauses specified in search filter expression containing 'OR' operators: %d. Max allowed: %d.", f.clauses, maxClauses))
	}
	if p.failure != nil {
		return nil, p.failure
	}
	return f, nil
}

type filterParser struct {
	text     string
	kinds    []directory.Kind
	advanced bool
	at       int    // behind token
	token    string // empty at the end
	quoted   bool   // token is a string without its quotes
	failure  *failure
}

func (p *filterParser) fail(format string, args ...any) {
	if p.failure == nil {
		p.failure = badRequest("BadRequest", "Invalid filter clause: "+fmt.Sprintf(format, args...))
	}
	p.token, p.quoted, p.at = "", false, len(p.text)
}

// next reads a token: a string, a punctuation mark or a word.
func (p *filterParser) next() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
	p.token, p.quoted = "", false
	rest := p.text[p.at:]
	if rest == "" {
		return
	}
	switch rest[0] {
	case '\'':
		p.quotedToken(rest)
	case '(', ')', ',', '/', ':':
		p.token, p.at = rest[:1], p.at+1
	default:
		end := strings.IndexAny(rest, " (),/'")
		if colon := strings.IndexByte(rest, ':'); colon == 1 { // of a lambda's variable
			end = colon
		}
		if end < 0 {
			end = len(rest)
		}
		p.token, p.at = rest[:end], p.at+end
	}
}

func (p *filterParser) quotedToken(rest string) {
	var text strings.Builder
	for i := 1; i < len(rest); {
		if rest[i] == '\'' {
			if i+1 < len(rest) && rest[i+1] == '\'' {
				text.WriteByte('\'')
				i += 2
				continue
			}
			p.token, p.quoted, p.at = text.String(), true, p.at+i+1
			return
		}
		_, size := utf8.DecodeRuneInString(rest[i:])
		text.WriteString(rest[i : i+size])
		i += size
	}
	p.fail("There is an unterminated string literal at position %d in '%s'.", len(p.text), p.text)
}

func (p *filterParser) word(name string) bool {
	if p.quoted || !strings.EqualFold(p.token, name) {
		return false
	}
	p.next()
	return true
}

func (p *filterParser) expect(mark string) {
	if !p.word(mark) {
		p.fail("Syntax error: '%s' expected at position %d in '%s'.", mark, p.at, p.text)
	}
}

func (p *filterParser) or() *filter {
	left := p.and()
	for p.word("or") {
		a, b := left, p.and()
		left = &filter{clauses: a.clauses + b.clauses, match: func(o directory.Object) bool { return a.match(o) || b.match(o) }}
		if a.ids != nil && b.ids != nil {
			left.ids = append(append([]string{}, a.ids...), b.ids...)
		}
		if a.names != nil && b.names != nil {
			left.names = append(append([]string{}, a.names...), b.names...)
		}
	}
	return left
}

func (p *filterParser) and() *filter {
	left := p.unary()
	for p.word("and") {
		a, b := left, p.unary()
		left = &filter{clauses: max(a.clauses, b.clauses), match: func(o directory.Object) bool { return a.match(o) && b.match(o) }, ids: a.ids, names: a.names}
		if left.ids == nil && left.names == nil {
			left.ids, left.names = b.ids, b.names
		}
	}
	return left
}

func (p *filterParser) unary() *filter {
	nothing := &filter{match: func(directory.Object) bool { return false }}
	switch {
	case p.failure != nil:
		return nothing
	case p.word("not"):
		p.requireAdvanced("not")
		inner := p.unary()
		return &filter{clauses: inner.clauses, match: func(o directory.Object) bool { return !inner.match(o) }}
	case p.word("("):
		inner := p.or()
		p.expect(")")
		return inner
	}
	name := p.token
	p.next()
	switch lower := strings.ToLower(name); lower {
	case "startswith", "endswith":
		if lower == "endswith" {
			p.requireAdvanced(lower)
		}
		p.expect("(")
		get := p.property(p.take())
		p.expect(",")
		value := strings.ToLower(p.literalText())
		p.expect(")")
		test := strings.HasPrefix
		if lower == "endswith" {
			test = strings.HasSuffix
		}
		return &filter{clauses: 1, match: func(o directory.Object) bool {
			text, ok := get(o).(string)
			return ok && test(strings.ToLower(text), value)
		}}
	}
	if p.word("/") {
		return p.lambda(name)
	}
	return p.comparison(name)
}

func (p *filterParser) take() string {
	token := p.token
	p.next()
	return token
}

// requireAdvanced refuses what only advanced queries can do.
func (p *filterParser) requireAdvanced(what string) {
	if !p.advanced && p.failure == nil {
		p.fail("")
		p.failure = unsupported("Operator '" + what + "' is not supported because the 'ConsistencyLevel:eventual' header is missing. Refer to https://aka.ms/graph-docs/advanced-queries for more information")
	}
}

// property returns what reads a property of an object.
func (p *filterParser) property(name string) func(directory.Object) any {
	if !anyHas(p.kinds, name) {
		p.fail("%s", noProperty(name, p.kinds))
		return func(directory.Object) any { return nil }
	}
	if strings.EqualFold(name, "id") {
		return func(o directory.Object) any { return o.ID }
	}
	return func(o directory.Object) any {
		exact, _ := property(o.Kind, name)
		return o.Properties[strings.TrimSuffix(exact, "[]")]
	}
}

// comparison reads what stands behind a property's name.
func (p *filterParser) comparison(name string) *filter {
	get := p.property(name)
	operator := strings.ToLower(p.take())
	var values []any
	switch operator {
	case "eq":
	case "ne":
		p.requireAdvanced(operator)
	case "ge", "le", "gt", "lt":
	case "in":
		p.expect("(")
		for {
			values = append(values, p.literal())
			if !p.word(",") {
				break
			}
		}
		p.expect(")")
	default:
		p.fail("Syntax error at position %d in '%s'.", p.at, p.text)
	}
	if operator != "in" {
		values = []any{p.literal()}
	}
	f := &filter{clauses: len(values)}
	if operator == "eq" || operator == "in" {
		f.ids, f.names = candidates(name, values, p.kinds)
	}
	f.match = func(o directory.Object) bool {
		own := get(o)
		for _, value := range values {
			order, comparable := compare(own, value)
			switch operator {
			case "eq", "in":
				if comparable && order == 0 {
					return true
				}
			case "ne":
				return !comparable || order != 0
			case "ge":
				return comparable && order >= 0 && own != nil
			case "le":
				return comparable && order <= 0 && own != nil
			case "gt":
				return comparable && order > 0
			case "lt":
				return comparable && order < 0
			}
		}
		return false
	}
	return f
}

// candidates are the ids or the names that a comparison for equality leaves.
func candidates(name string, values []any, kinds []directory.Kind) (ids, names []string) {
	list := []string{}
	for _, value := range values {
		if text, ok := value.(string); ok {
			list = append(list, strings.ToLower(text))
		}
	}
	switch {
	case strings.EqualFold(name, "id"):
		return list, nil
	case len(kinds) == 1 && (kinds[0] == directory.User && strings.EqualFold(name, "userPrincipalName") || kinds[0] != directory.User && strings.EqualFold(name, "appId")):
		return nil, list
	}
	return nil, nil
}

// lambda reads any(x:x eq 'value') behind the name of a collection.
func (p *filterParser) lambda(name string) *filter {
	get := p.property(name)
	p.expect("any")
	p.expect("(")
	variable := p.take()
	p.expect(":")
	operator := ""
	if !p.word(variable) {
		operator = strings.ToLower(p.take())
		p.expect("(")
		p.expect(variable)
		p.expect(",")
	} else {
		operator = strings.ToLower(p.take())
	}
	value := strings.ToLower(p.literalText())
	var test func(string) bool
	switch operator {
	case "eq":
		test = func(text string) bool { return text == value }
	case "startswith":
		test = func(text string) bool { return strings.HasPrefix(text, value) }
		p.expect(")")
	default:
		p.fail("Syntax error at position %d in '%s'.", p.at, p.text)
	}
	p.expect(")")
	return &filter{clauses: 1, match: func(o directory.Object) bool {
		list, _ := get(o).([]any)
		for _, item := range list {
			if text, ok := item.(string); ok && test(strings.ToLower(text)) {
				return true
			}
		}
		return false
	}}
}

func (p *filterParser) literalText() string {
	text, ok := p.literal().(string)
	if !ok {
		p.fail("Syntax error at position %d in '%s'.", p.at, p.text)
	}
	return text
}

// literal reads a value: a string, true, false, null, or a GUID, a number or a time as they stand.
func (p *filterParser) literal() any {
	token, quoted := p.token, p.quoted
	if token == "" && !quoted {
		p.fail("Expression expected at position %d in '%s'.", p.at, p.text)
		return nil
	}
	p.next()
	switch {
	case quoted:
		return token
	case token == "null":
		return nil
	case token == "true", token == "false":
		return token == "true"
	case token[0] >= '0' && token[0] <= '9', strings.Count(token, "-") == 4:
		return token
	}
	p.fail("Syntax error at position %d in '%s'.", p.at, p.text)
	return nil
}

// compare orders two values; texts without regard to case. Values of different types have no order.
func compare(own, value any) (order int, ok bool) {
	if own == nil || value == nil {
		return 0, own == nil && value == nil
	}
	switch v := value.(type) {
	case string:
		text, ok := own.(string)
		return cmp.Compare(strings.ToLower(text), strings.ToLower(v)), ok
	case bool:
		flag, ok := own.(bool)
		if ok && flag != v {
			return 1, true
		}
		return 0, ok
	}
	return 0, false
}
