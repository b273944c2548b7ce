package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads a JSON document as a value. Of members of the same name the last one counts, as it does for Resource Manager.
func Decode(raw []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	value, err := read(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the JSON value")
	}
	return value, nil
}

func read(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		return t.Bool(), nil
	case jsontext.KindString:
		return t.String(), nil
	case jsontext.KindNumber:
		text := t.String()
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		return json.Number(text), nil
	case jsontext.KindBeginArray:
		list := []any{}
		for d.PeekKind() != jsontext.KindEndArray {
			item, err := read(d)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := d.ReadToken()
		return list, err
	case jsontext.KindBeginObject:
		object := map[string]any{}
		for d.PeekKind() != jsontext.KindEndObject {
			t, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			name := t.String()
			if object[name], err = read(d); err != nil {
				return nil, err
			}
		}
		_, err := d.ReadToken()
		return object, err
	}
	return nil, nil
}

// Size is how many bytes a value has as JSON that encoding/json writes, without its being written.
func Size(value any) int {
	switch v := value.(type) {
	case nil:
		return len("null")
	case bool:
		return len(strconv.FormatBool(v))
	case int64:
		var digits [20]byte
		return len(strconv.AppendInt(digits[:0], v, 10))
	case json.Number:
		return len(v)
	case string:
		return sizeOf(v)
	case []any:
		n := 1 + max(len(v), 1)
		for _, item := range v {
			n += Size(item)
		}
		return n
	case map[string]any:
		n := 1 + max(len(v), 1)
		for name, item := range v {
			n += sizeOf(name) + 1 + Size(item)
		}
		return n
	}
	raw, _ := json.Marshal(value) // no value is anything else
	return len(raw)
}

// sizeOf is the size of a text with its quotes and escapes.
func sizeOf(text string) int {
	n := 2 + len(text)
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"', c == '\\', c == '\b', c == '\f', c == '\n', c == '\r', c == '\t':
				n++
			case c < ' ', c == '<', c == '>', c == '&':
				n += len(`\u0000`) - 1
			}
			i++
			continue
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		if r == '\u2028' || r == '\u2029' || r == utf8.RuneError && width == 1 {
			n += len(`\u0000`) - width
		}
		i += width
	}
	return n
}

// Hash is a number for a value, the same for the same one.
func Hash(value any) uint64 {
	switch v := value.(type) {
	case string:
		return fnv('s', v)
	case []any:
		sum := fnv('l', "")
		for _, item := range v {
			sum = (sum ^ Hash(item)) * prime
		}
		return sum
	case map[string]any:
		sum := fnv('o', "")
		for name, item := range v { // in any order
			one := (fnv('m', name) ^ Hash(item)) * prime
			sum += one ^ one>>32
		}
		return sum
	}
	return fnv('v', TypeOf(value)+Text(value))
}

// prime is that of FNV-1a with 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/.
const prime = 1099511628211

func fnv(kind byte, text string) uint64 {
	sum := (14695981039346656037 ^ uint64(kind)) * prime
	for i := range len(text) {
		sum = (sum ^ uint64(text[i])) * prime
	}
	return sum
}
