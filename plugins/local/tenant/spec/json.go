package spec

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// maxDepth is how deeply values may be nested: what a deployment can hold, and what the template builder keeps, is less.
const maxDepth = 150

// maxDigits is how many digits a number may have.
const maxDigits = 400

// errStop ends reading after a problem that was told.
var errStop = errors.New("stop")

// jsonReader reads a block of JSON.
type jsonReader struct {
	*jsontext.Decoder
	block    *block
	text     []byte
	problems *problems
	budget   *budget

	offset, line, column int // a place that is known; later ones are counted from there
}

// readJSON reads a block of JSON. ok is false where it cannot be read; the problem is told.
func readJSON(b *block, p *problems, left *budget) (v Value, ok bool) {
	text := b.text
	if b.lang == "jsonc" {
		text = uncomment(text)
	}
	r := &jsonReader{block: b, text: text, problems: p, budget: left}
	r.Decoder = jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	if len(bytes.TrimSpace(text)) == 0 {
		return Value{}, false
	}
	v, err := r.value(0)
	if err == nil {
		behind := r.next()
		if _, next := r.ReadToken(); !errors.Is(next, io.EOF) {
			p.wrong(behind, "", "put one object into a block, or begin another block", "the block goes on behind its value")
			return v, false
		}
		return v, true
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at := min(int(syntax.ByteOffset), len(text))
		p.wrong(r.at(max(at, r.offset)), "", jsonHint(text, at), "this is no JSON: %s", reason(syntax))
	} else if !errors.Is(err, errStop) {
		p.wrong(r.at(len(text)), "", "", "this is no JSON: it ends too early")
	}
	return v, false
}

// reason is what the decoder says of a syntax error, without its prefix and place.
func reason(err *jsontext.SyntacticError) string {
	if errors.Is(err.Err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	text := strings.TrimPrefix(err.Error(), "jsontext: ")
	if at := strings.LastIndex(text, " within"); at > 0 {
		text = text[:at]
	}
	if at := strings.LastIndex(text, " after offset"); at > 0 {
		text = text[:at]
	}
	return text
}

// jsonHint says what is most often wrong where a block is no JSON.
func jsonHint(text []byte, at int) string {
	rest := bytes.TrimLeft(text[at:], " \t\r\n")
	behind := bytes.TrimLeft(bytes.TrimPrefix(rest, []byte(",")), " \t\r\n")
	switch {
	case bytes.HasPrefix(rest, []byte("//")), bytes.HasPrefix(rest, []byte("/*")):
		return "only blocks of jsonc have comments"
	case len(behind) < len(rest) && len(behind) > 0 && (behind[0] == '}' || behind[0] == ']'):
		return "JSON has no comma behind the last member"
	}
	return ""
}

// at is the place in the file of a place in the text, which is not before the last one that was asked for.
func (r *jsonReader) at(offset int) Position {
	for r.offset < offset {
		passed := r.block.text[r.offset:offset] // which, other than text, still has its comments
		end := bytes.IndexByte(passed, '\n')
		if end < 0 {
			r.column += utf8.RuneCount(passed)
			break
		}
		r.offset += end + 1
		r.line, r.column = r.line+1, 0
	}
	r.offset = max(r.offset, offset)
	return r.block.at(r.line, r.column)
}

// next is where the next token begins.
func (r *jsonReader) next() Position {
	at := int(r.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return r.at(max(at, r.offset))
}

func (r *jsonReader) value(depth int) (v Value, err error) {
	v.At = r.next()
	switch {
	case depth > maxDepth:
		r.problems.wrong(v.At, "", "", "values are nested more than %d levels deep", maxDepth)
		return v, errStop
	case !r.budget.take():
		r.problems.wrong(v.At, "", "split the specification into several", "the specification has too many values")
		return v, errStop
	}
	t, err := r.ReadToken()
	if err != nil {
		return v, err
	}
	switch t.Kind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		v.Kind, v.Bool = template.Bool, t.Bool()
	case jsontext.KindString:
		v.Kind, v.Text = template.String, t.String()
	case jsontext.KindNumber:
		v.Kind, v.Text = template.Number, t.String()
		if len(v.Text) > maxDigits {
			r.problems.wrong(v.At, "", "", "the number has more than %d digits", maxDigits)
			v.Text = "0"
		}
	case jsontext.KindBeginArray:
		v.Kind = template.List
		for r.PeekKind() != jsontext.KindEndArray {
			item, err := r.value(depth + 1)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, item)
		}
		_, err = r.ReadToken()
	case jsontext.KindBeginObject:
		v.Kind = template.Map
		seen := names{}
		for r.PeekKind() != jsontext.KindEndObject {
			f := Field{At: r.next()}
			name, err := r.ReadToken()
			if err != nil {
				return v, err
			}
			f.Name = name.String()
			if f.Value, err = r.value(depth + 1); err != nil {
				return v, err
			}
			if !seen.twice(&v, f, r.problems) {
				v.Fields = append(v.Fields, f)
			}
		}
		_, err = r.ReadToken()
	}
	return v, err
}

// names finds members of an object that are there twice.
type names struct{ at map[string]int }

// manyFields is from how many members on they are looked up.
const manyFields = 16

// twice says that an object has a member already, and tells it.
func (n *names) twice(v *Value, f Field, p *problems) bool {
	first := -1
	if len(v.Fields) < manyFields {
		for i := range v.Fields {
			if v.Fields[i].Name == f.Name {
				first = i
			}
		}
	} else {
		if n.at == nil {
			n.at = map[string]int{}
		}
		for i := len(n.at); i < len(v.Fields); i++ {
			n.at[v.Fields[i].Name] = i
		}
		if at, ok := n.at[f.Name]; ok {
			first = at
		}
	}
	if first < 0 {
		return false
	}
	p.wrong(f.At, f.Name, "", "%q is there twice; the first one is in line %d", short(f.Name), v.Fields[first].At.Line)
	return true
}

// short is text as a message can hold it.
func short(text string) string {
	const most = 120
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// uncomment replaces the comments of a text by spaces.
func uncomment(text []byte) []byte {
	out := bytes.Clone(text)
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case bytes.HasPrefix(out[i:], []byte("//")):
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case bytes.HasPrefix(out[i:], []byte("/*")):
			end := bytes.Index(out[i+2:], []byte("*/"))
			last := len(out)
			if end >= 0 {
				last = i + 2 + end + 2
			}
			for ; i < last; i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
			i--
		}
	}
	return out
}
