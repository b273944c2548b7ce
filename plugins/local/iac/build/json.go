package build

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// parser reads JSON. It keeps what it needs between values, so that one is best used for many.
type parser struct {
	decoder jsontext.Decoder
	buffer  bytes.Buffer
	text    string           // what is being read: most strings are a piece of it
	fields  []template.Field // of the maps that are being read
	items   []template.Value // of the lists
	parts   []template.Part  // room for those of strings to come
}

// parse reads JSON into a value whose strings are single literals. Of members with one name the last one stays, where the first one was.
func (p *parser) parse(text []byte) (template.Value, error) {
	if len(text) == 0 {
		return template.Value{}, nil
	}
	p.text = string(text)
	p.fields, p.items = p.fields[:0], p.items[:0]
	p.buffer = *bytes.NewBuffer(text)
	p.decoder.Reset(&p.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	v, err := p.value()
	if err != nil {
		return v, err
	}
	if _, err := p.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return v, errors.New("there is more than one JSON value")
	}
	return v, nil
}

// part is a string's only part.
func (p *parser) part(s string) []template.Part {
	if len(p.parts) == 0 {
		p.parts = make([]template.Part, 256)
	}
	one := p.parts[:1:1]
	p.parts = p.parts[1:]
	one[0].Literal = s
	return one
}

// scalar reads a string or a number: as a piece of the text where it stands there as it is.
func (p *parser) scalar() (string, error) {
	raw, err := p.decoder.ReadValue()
	if err != nil {
		return "", err
	}
	end := int(p.decoder.InputOffset())
	s := p.text[end-len(raw) : end]
	if s[0] != '"' {
		return s, nil
	}
	if s = s[1 : len(s)-1]; strings.IndexByte(s, '\\') < 0 && utf8.ValidString(s) {
		return s, nil
	}
	unquoted, _ := jsontext.AppendUnquote(nil, raw) // what is no UTF-8 becomes U+FFFD, which is all that the error would say
	return string(unquoted), nil
}

func (p *parser) value() (v template.Value, err error) {
	switch p.decoder.PeekKind() {
	case jsontext.KindString:
		s, err := p.scalar()
		return template.Value{Kind: template.String, Text: p.part(s)}, err
	case jsontext.KindNumber:
		s, err := p.scalar()
		return template.Value{Kind: template.Number, Text: p.part(s)}, err
	}
	t, err := p.decoder.ReadToken()
	if err != nil {
		return v, err
	}
	switch t.Kind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		return template.Value{Kind: template.Bool, Bool: t.Bool()}, nil
	case jsontext.KindBeginArray:
		v.Kind = template.List
		from := len(p.items)
		for p.decoder.PeekKind() != jsontext.KindEndArray {
			item, err := p.value()
			if err != nil {
				return v, err
			}
			p.items = append(p.items, item)
		}
		v.Items = append(v.Items, p.items[from:]...)
		p.items = p.items[:from]
		_, err = p.decoder.ReadToken()
	case jsontext.KindBeginObject:
		v.Kind = template.Map
		from := len(p.fields)
		for p.decoder.PeekKind() != jsontext.KindEndObject {
			var field template.Field
			if field.Name, err = p.scalar(); err != nil {
				return v, err
			}
			if field.Value, err = p.value(); err != nil {
				return v, err
			}
			if at := member(p.fields[from:], field.Name); at >= 0 {
				p.fields[from+at] = field
			} else {
				p.fields = append(p.fields, field)
			}
		}
		v.Fields = append(v.Fields, p.fields[from:]...)
		p.fields = p.fields[:from]
		_, err = p.decoder.ReadToken()
		unique(&v)
	}
	return v, err
}

// manyFields is from how many fields on looking for a name one by one would be quadratic enough to be felt; such maps are taken as they come,
// and made unique once they are whole.
const manyFields = 64

// member is where a map has a field; -1 is nowhere, or not known yet.
func member(fields []template.Field, name string) int {
	if len(fields) > manyFields {
		return -1
	}
	for i := range fields {
		if fields[i].Name == name {
			return i
		}
	}
	return -1
}

// unique drops fields of large maps whose name comes again later.
func unique(v *template.Value) {
	if len(v.Fields) > manyFields {
		v.Fields = distinct(v.Fields)
	}
}

// distinct drops fields whose name comes again later; the last one stands where the first one was.
func distinct(fields []template.Field) []template.Field {
	at := make(map[string]int, len(fields))
	kept := fields[:0]
	for _, f := range fields {
		if i, ok := at[f.Name]; ok {
			kept[i] = f
			continue
		}
		at[f.Name] = len(kept)
		kept = append(kept, f)
	}
	return kept
}

func literal(s string) []template.Part { return []template.Part{{Literal: s}} }

func text(s string) template.Value {
	return template.Value{Kind: template.String, Text: literal(s)}
}

// plain is the text of a string of one literal.
func plain(v *template.Value) (string, bool) {
	if v.Kind != template.String || len(v.Text) != 1 || v.Text[0].Parameter != nil || v.Text[0].Ref != nil {
		return "", false
	}
	return v.Text[0].Literal, true
}

// field is a map's field, by its name in any case; nil is none.
func field(v *template.Value, name string) *template.Value {
	for i := range v.Fields {
		if strings.EqualFold(v.Fields[i].Name, name) {
			return &v.Fields[i].Value
		}
	}
	return nil
}
