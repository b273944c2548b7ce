package kql

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
)

// Type is the static type of a column or expression.
type Type uint8

// The scalar types that Resource Graph's columns and the supported functions have.
const (
	String Type = iota
	Long
	Real
	Bool
	Dynamic
)

func (t Type) String() string {
	return [...]string{"string", "long", "real", "bool", "dynamic"}[t]
}

type kind uint8

const (
	kindNull kind = iota
	kindString
	kindLong
	kindReal
	kindBool
	kindRaw // a JSON object or array
)

// Value is one cell at run time. The zero Value is null.
type Value struct {
	kind kind
	text string
	long int64
	real float64
	raw  []byte
}

func stringValue(s string) Value { return Value{kind: kindString, text: s} }
func longValue(n int64) Value    { return Value{kind: kindLong, long: n} }
func realValue(f float64) Value  { return Value{kind: kindReal, real: f} }

func boolValue(b bool) Value {
	if b {
		return Value{kind: kindBool, long: 1}
	}
	return Value{kind: kindBool}
}

func (v Value) isTrue() bool { return v.kind == kindBool && v.long != 0 }

// parseValue takes one JSON text; objects and arrays stay as they are.
func parseValue(raw []byte) Value {
	if len(raw) == 0 {
		return Value{}
	}
	switch raw[0] {
	case '{', '[':
		return Value{kind: kindRaw, raw: raw}
	case '"':
		return stringValue(unquote(raw))
	case 't':
		return boolValue(true)
	case 'f':
		return boolValue(false)
	case 'n':
		return Value{}
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return longValue(n)
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
		return realValue(f)
	}
	return Value{}
}

func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(inner)
	}
	return s
}

// appendJSON writes v as Resource Graph does: an absent string is null only where it is dynamic.
func (v Value) appendJSON(dst []byte) []byte {
	switch v.kind {
	case kindString:
		return AppendString(dst, v.text)
	case kindLong:
		return strconv.AppendInt(dst, v.long, 10)
	case kindReal:
		text, err := json.Marshal(v.real)
		if err != nil { // infinities and NaN have no JSON
			return append(dst, "null"...)
		}
		return append(dst, text...)
	case kindBool:
		return strconv.AppendBool(dst, v.long != 0)
	case kindRaw:
		return append(dst, v.raw...)
	}
	return append(dst, "null"...)
}

// AppendString appends s as a JSON string. Plain text, the common case, is copied unchanged.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			var b bytes.Buffer
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(s); err != nil {
				return append(dst, `""`...)
			}
			return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// toString is KQL's tostring: null becomes the empty string, objects their JSON.
func (v Value) toString() string {
	switch v.kind {
	case kindString:
		return v.text
	case kindNull:
		return ""
	case kindBool:
		return strconv.FormatBool(v.long != 0)
	}
	return string(v.appendJSON(nil))
}

func (v Value) number() (float64, bool) {
	switch v.kind {
	case kindLong:
		return float64(v.long), true
	case kindReal:
		return v.real, true
	}
	return 0, false
}

// equal compares two values of which neither is null.
func equal(a, b Value, fold bool) bool {
	if a.kind == kindLong && b.kind == kindLong {
		return a.long == b.long
	}
	if x, ok := a.number(); ok {
		y, ok := b.number()
		return ok && x == y
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindString:
		if fold {
			return strings.EqualFold(a.text, b.text)
		}
		return a.text == b.text
	case kindBool:
		return a.long == b.long
	}
	return bytes.Equal(a.raw, b.raw)
}

// compare orders two values of one kind; ok is false when they cannot be ordered.
func compare(a, b Value) (order int, ok bool) {
	if a.kind == kindLong && b.kind == kindLong {
		return cmp.Compare(a.long, b.long), true
	}
	if x, isNumber := a.number(); isNumber {
		y, isNumber := b.number()
		return cmp.Compare(x, y), isNumber
	}
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case kindString:
		return strings.Compare(a.text, b.text), true
	case kindBool:
		return cmp.Compare(a.long, b.long), true
	}
	return 0, false
}
