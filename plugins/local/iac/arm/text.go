package arm

import (
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Azure's limits that strings have to keep to.
const (
	maxExpression = 24576 // characters of an expression; bytes are never fewer
	maxPiece      = 8192  // of a literal within an expression that is too long as a whole
)

// formatted is a string of literals and expressions.
type formatted struct {
	pattern     strings.Builder // with numbers for expressions, and braces doubled
	expressions []string
	bare        bool // the pattern is one expression and nothing else
}

var braces = strings.NewReplacer("{", "{{", "}", "}}")

func (f *formatted) literal(s string) {
	if s != "" {
		f.bare = false
		_, _ = braces.WriteString(&f.pattern, s) // a Builder never fails
	}
}

func (f *formatted) expression(e string) {
	f.bare = f.pattern.Len() == 0
	n := slices.Index(f.expressions, e)
	if n < 0 {
		n = len(f.expressions)
		f.expressions = append(f.expressions, e)
	}
	f.pattern.WriteByte('{')
	f.pattern.WriteString(strconv.Itoa(n))
	f.pattern.WriteByte('}')
}

// String is the expression, without brackets.
func (f *formatted) String() string {
	if f.bare {
		return f.expressions[0]
	}
	var b strings.Builder
	b.WriteString("format(")
	b.WriteString(quote(f.pattern.String()))
	for _, e := range f.expressions {
		b.WriteString(", ")
		b.WriteString(e)
	}
	b.WriteByte(')')
	return b.String()
}

// looksLikeExpression is Azure's own rule.
func looksLikeExpression(s string) bool { return s != "" && s[0] == '[' && s[len(s)-1] == ']' }

// appendLiteral appends a string that Azure takes as it is.
func appendLiteral(b []byte, s string) []byte {
	b = append(b, '"')
	if looksLikeExpression(s) {
		b = append(b, '[')
	}
	b = appendEscaped(b, s)
	return append(b, '"')
}

// appendExpression appends an expression that is written without its brackets.
func appendExpression(b []byte, e string) []byte {
	b = append(b, '"', '[')
	b = appendEscaped(b, e)
	return append(b, ']', '"')
}

// appendResult appends the string that an expression gives: the string itself if the expression is one.
func appendResult(b []byte, e string) []byte {
	if s, ok := unquote(e); ok {
		return appendLiteral(b, s)
	}
	return appendExpression(b, e)
}

// unquote is the string that an expression is, if it is nothing but that.
func unquote(e string) (string, bool) {
	if len(e) < 2 || e[0] != '\'' || e[len(e)-1] != '\'' {
		return "", false
	}
	return strings.ReplaceAll(e[1:len(e)-1], "''", "'"), true
}

// text appends a string of the model.
func (w *writer) text(parts []template.Part) {
	switch {
	case len(parts) == 0:
		w.b = append(w.b, '"', '"')
		return
	case len(parts) == 1 && parts[0].Parameter == nil && parts[0].Ref == nil:
		w.b = appendLiteral(w.b, parts[0].Literal)
		return
	}
	for i := range parts {
		w.place(&parts[i])
		w.note(&parts[i])
	}
	e := w.expression(parts)
	w.use(e)
	if len(e)+2 > maxExpression && e[0] != '\'' {
		w.fail(overLimit("an expression of "+w.title, len(e)+2, maxExpression, "characters"))
	}
	w.b = appendResult(w.b, e)
}

// note remembers what a part may use: parameters, and the resource that has to be there before.
func (w *writer) note(p *template.Part) {
	switch {
	case p.Parameter != nil:
		w.know(p.Parameter)
	case p.Ref != nil:
		w.depend(p.Ref)
		for i := range p.Ref.ID {
			w.note(&p.Ref.ID[i])
		}
	}
}

// expression makes parts one expression. A text too long for one is put together of variables.
func (w *writer) expression(parts []template.Part) string {
	e := w.short(parts)
	if e[0] == '\'' || len(e)+2 <= maxExpression {
		return e
	}
	return w.long(parts)
}

// short makes parts one expression, however long it is.
func (w *writer) short(parts []template.Part) string {
	if e := w.wholeID(parts); e != "" {
		return e
	}
	var f formatted
	w.collect(&f, parts)
	if len(f.expressions) == 0 { // literals alone
		return quote(string(appendLiterals(nil, parts)))
	}
	return f.String()
}

func appendLiterals(b []byte, parts []template.Part) []byte {
	for i := range parts {
		b = append(b, parts[i].Literal...)
		if parts[i].Ref != nil {
			b = appendLiterals(b, parts[i].Ref.ID)
		}
	}
	return b
}

func (w *writer) collect(f *formatted, parts []template.Part) {
	for i := range parts {
		switch p := &parts[i]; {
		case p.Parameter != nil:
			f.expression("parameters('" + p.Parameter.Name + "')")
		case isAnswer(p):
			f.expression(w.answer(p.Ref))
		case p.Ref != nil:
			if e := w.wholeID(parts[i : i+1]); e != "" {
				f.expression(e)
			} else {
				w.collect(f, p.Ref.ID)
			}
		default:
			f.literal(p.Literal)
		}
	}
}

// wholeID is the function for a text that is the id of a resource of the same scope, or below one: a reference first, and
// whatever follows a part of its path.
func (w *writer) wholeID(parts []template.Part) string {
	if len(parts) == 0 || parts[0].Ref == nil || isAnswer(&parts[0]) {
		return ""
	}
	for i := 1; i < len(parts); i++ {
		if parts[i].Ref != nil {
			return ""
		}
	}
	flat, ok := appendFlat(w.scratch[:0], parts)
	w.scratch = flat
	if !ok || len(flat) > maxPiece {
		return ""
	}
	e, known := w.ids[string(flat)]
	if !known {
		e = w.resources.expression(string(flat))
		w.ids[string(flat)] = e
	}
	return e
}

// long makes a text too long for one expression: its literals become variables, which are plain strings as long as they like, and so
// do sequences of them, until what is left is short enough.
func (w *writer) long(parts []template.Part) string {
	var pieces []string
	for i := range parts {
		switch p := &parts[i]; {
		case p.Parameter == nil && p.Ref == nil && len(p.Literal) > maxPiece/8:
			pieces = append(pieces, w.variable(appendLiteral(nil, p.Literal)))
		case p.Parameter == nil && p.Ref == nil:
			pieces = append(pieces, quote(p.Literal))
		default:
			pieces = append(pieces, w.short(parts[i:i+1]))
		}
	}
	for {
		var (
			groups [][]string
			size   = maxPiece
		)
		for _, p := range pieces {
			alone := strings.HasPrefix(p, "reference(") // a variable cannot have it
			if size+len(p) > maxPiece || alone {
				groups, size = append(groups, nil), 0
			}
			groups[len(groups)-1] = append(groups[len(groups)-1], p)
			if size += len(p) + 2; alone {
				size = maxPiece
			}
		}
		if len(groups) == 1 {
			return "concat(" + strings.Join(pieces, ", ") + ")"
		}
		if len(groups) == len(pieces) { // each of them is nearly as long as an expression may be: give up, and let the limits say it
			return "concat(" + strings.Join(pieces, ", ") + ")"
		}
		pieces = pieces[:0]
		for _, g := range groups {
			e := g[0]
			if len(g) > 1 {
				joined := "concat(" + strings.Join(g, ", ") + ")"
				w.use(joined)
				e = w.variable(appendExpression(nil, joined))
			}
			pieces = append(pieces, e)
		}
	}
}

// variable makes a variable of a JSON string, and is the expression that gives it.
func (w *writer) variable(text []byte) string {
	if i := slices.IndexFunc(w.variables, func(v []byte) bool { return string(v) == string(text) }); i >= 0 {
		return "variables('" + variableName(i) + "')"
	}
	w.variables = append(w.variables, text)
	return "variables('" + variableName(len(w.variables)-1) + "')"
}

func variableName(i int) string { return "text_" + strconv.Itoa(i+1) }
