package spec

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// json is a value as JSON, its references resolved; nil for nothing.
func (m *rowMaker) json(v *Value) []byte {
	if v.Kind == template.Null {
		return nil
	}
	return m.append(nil, v)
}

func (m *rowMaker) append(b []byte, v *Value) []byte {
	switch v.Kind {
	case template.Bool:
		return strconv.AppendBool(b, v.Bool)
	case template.Number:
		return append(b, v.Text...)
	case template.String:
		return appendString(b, m.text(v.Text))
	case template.List:
		b = append(b, '[')
		for i := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.append(b, &v.Items[i])
		}
		return append(b, ']')
	case template.Map:
		b = append(b, '{')
		for i := range v.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, v.Fields[i].Name), ':')
			b = m.append(b, &v.Fields[i].Value)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendString appends a JSON string. The text is valid UTF-8, because the file was.
func appendString(b []byte, text string) []byte {
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil { // what was escaped to no text: it comes out as replacement characters
		return quoted
	}
	return quoted
}
