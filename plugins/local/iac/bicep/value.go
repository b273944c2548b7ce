package bicep

import (
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Azure takes expressions of at most 24,576 characters (its limits for templates), and text with references in it becomes one. longText is
// what is far enough below that limit; the others are what references add to it: parameters('…') and resourceId('…', '…').
const (
	longText        = 12_000
	parameterLength = 24
	idLength        = 200
)

// value appends a value at an indentation; the caller has begun the line.
func (f *file) value(b []byte, v *template.Value, level int) []byte {
	switch v.Kind {
	case template.Null:
		return append(b, "null"...)
	case template.Bool:
		if v.Bool {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case template.Number:
		if len(v.Text) == 1 && v.Text[0].Parameter == nil && v.Text[0].Ref == nil {
			return appendNumber(b, v.Text[0].Literal)
		}
		return append(f.text(append(b, "json("...), v.Text), ')')
	case template.String:
		return f.text(b, v.Text)
	case template.List:
		if len(v.Items) == 0 {
			return append(b, "[]"...)
		}
		b = append(b, "[\n"...)
		for i := range v.Items {
			b = append(f.value(appendIndent(b, level+1), &v.Items[i], level+1), '\n')
		}
		return append(appendIndent(b, level), ']')
	case template.Map:
		return f.fields(b, v.Fields, level)
	}
	return append(b, "null"...)
}

// fields appends a map.
func (f *file) fields(b []byte, fields []template.Field, level int) []byte {
	if len(fields) == 0 {
		return append(b, "{}"...)
	}
	b = append(b, "{\n"...)
	for i := range fields {
		b = f.field(b, &fields[i], level+1)
	}
	return append(appendIndent(b, level), '}')
}

// field appends a line, or more: key and value.
func (f *file) field(b []byte, field *template.Field, level int) []byte {
	b = append(appendKey(appendIndent(b, level), field.Name), ": "...)
	return append(f.value(b, &field.Value, level), '\n')
}

// text appends a string: a literal, a parameter, the id of a resource or what Azure answers of it, or all of them interpolated.
func (f *file) text(b []byte, parts []template.Part) []byte {
	switch {
	case len(parts) == 0:
		return append(b, "''"...)
	case len(parts) > 1:
	case parts[0].Parameter != nil:
		return append(b, f.parameter(parts[0].Parameter)...)
	case isAnswer(&parts[0]):
		return f.answer(b, parts[0].Ref)
	case parts[0].Ref != nil:
		if symbol := f.symbol(parts[0].Ref); symbol != "" {
			return append(append(b, symbol...), ".id"...)
		}
		return f.text(b, parts[0].Ref.ID)
	default:
		return appendQuoted(b, parts[0].Literal)
	}
	if length, holes := f.measure(parts); holes && length > longText {
		return f.long(b, parts)
	}
	return append(f.pieces(append(b, '\''), parts, true), '\'')
}

// measure is about how long parts are as an expression, and whether there is anything but literals in them.
func (f *file) measure(parts []template.Part) (length int, holes bool) {
	for i := range parts {
		switch p := &parts[i]; {
		case p.Parameter != nil:
			length, holes = length+len(p.Parameter.Name)+parameterLength, true
		case isAnswer(p):
			length, holes = length+idLength+len(p.Ref.Property), true
		case p.Ref != nil:
			n, h := idLength, true
			if f.symbol(p.Ref) == "" {
				n, h = f.measure(p.Ref.ID)
			}
			length, holes = length+n, holes || h
		default:
			length += len(p.Literal)
		}
	}
	return length, holes
}

// pieces appends what stands between the quotes of an interpolated string. last says that nothing follows.
func (f *file) pieces(b []byte, parts []template.Part, last bool) []byte {
	for i := range parts {
		last := last && i == len(parts)-1
		switch p := &parts[i]; {
		case p.Parameter != nil:
			b = append(append(append(b, "${"...), f.parameter(p.Parameter)...), '}')
		case isAnswer(p):
			b = append(f.answer(append(b, "${"...), p.Ref), '}')
		case p.Ref != nil:
			if symbol := f.symbol(p.Ref); symbol != "" {
				b = append(append(append(b, "${"...), symbol...), ".id}"...)
			} else {
				b = f.pieces(b, p.Ref.ID, last)
			}
		default:
			b = appendEscaped(b, p.Literal, last)
		}
	}
	return b
}

// long appends long text as a row of variables, each of which is a literal or short enough to be an expression. What Azure answers stands
// between them: Bicep puts a variable that has it wherever the variable is used, and so makes one expression of it all.
func (f *file) long(b []byte, parts []template.Part) []byte {
	b = append(b, '\'')
	from, length := 0, 0
	flush := func(until int) {
		if until > from {
			b = append(append(append(b, "${"...), f.variable(parts[from:until])...), '}')
		}
		from, length = until, 0
	}
	for i := range parts {
		if isAnswer(&parts[i]) {
			flush(i)
			b = f.pieces(b, parts[i:i+1], false)
			from = i + 1
			continue
		}
		n, _ := f.measure(parts[i : i+1])
		if length+n > longText {
			flush(i)
		}
		if length += n; n > longText {
			flush(i + 1)
		}
	}
	flush(len(parts))
	return append(b, '\'')
}
