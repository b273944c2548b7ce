package kql

import (
	"encoding/json"
	"strconv"
	"strings"
)

// function is a scalar function: how many arguments it takes, what it returns, and its body. check
// says which arguments must be texts; everything else takes any scalar.
type function struct {
	least, most int // most < 0: any number
	typ         Type
	text        bool // all arguments are strings or dynamic
	body        func(args []Value) Value
}

var functions = map[string]function{
	"tolower":      {1, 1, String, true, func(a []Value) Value { return stringValue(strings.ToLower(a[0].toString())) }},
	"toupper":      {1, 1, String, true, func(a []Value) Value { return stringValue(strings.ToUpper(a[0].toString())) }},
	"trim":         {2, 2, String, true, trim},
	"strlen":       {1, 1, Long, true, func(a []Value) Value { return longValue(int64(len([]rune(a[0].toString())))) }},
	"substring":    {2, 3, String, false, substring},
	"indexof":      {2, 2, Long, true, func(a []Value) Value { return longValue(int64(strings.Index(a[0].toString(), a[1].toString()))) }},
	"split":        {2, 3, Dynamic, false, split},
	"strcat":       {1, -1, String, false, concat},
	"tostring":     {1, 1, String, false, func(a []Value) Value { return stringValue(a[0].toString()) }},
	"toint":        {1, 1, Long, false, toLong},
	"tolong":       {1, 1, Long, false, toLong},
	"todouble":     {1, 1, Real, false, toReal},
	"toreal":       {1, 1, Real, false, toReal},
	"tobool":       {1, 1, Bool, false, toBool},
	"todynamic":    {1, 1, Dynamic, true, toDynamic},
	"parse_json":   {1, 1, Dynamic, true, toDynamic},
	"hash":         {1, 2, Long, false, hash},
	"array_length": {1, 1, Long, true, arrayLength},
	"bag_keys":     {1, 1, Dynamic, true, bagKeys},
	"isempty":      {1, 1, Bool, false, func(a []Value) Value { return boolValue(a[0].toString() == "") }},
	"isnotempty":   {1, 1, Bool, false, func(a []Value) Value { return boolValue(a[0].toString() != "") }},
	"isnull":       {1, 1, Bool, false, func(a []Value) Value { return boolValue(a[0].kind == kindNull) }},
	"isnotnull":    {1, 1, Bool, false, func(a []Value) Value { return boolValue(a[0].kind != kindNull) }},
	"notnull":      {1, 1, Bool, false, func(a []Value) Value { return boolValue(a[0].kind != kindNull) }},
	"notempty":     {1, 1, Bool, false, func(a []Value) Value { return boolValue(a[0].toString() != "") }},
}

// aggregates are known names that only summarize may use.
var aggregates = map[string]bool{
	"count": true, "countif": true, "dcount": true, "min": true, "max": true, "sum": true, "avg": true,
	"make_list": true, "make_set": true, "any": true, "take_any": true,
}

func (r *relation) compileCall(s *step, e *call) (evaluator, Type, error) {
	args := make([]evaluator, len(e.args))
	types := make([]Type, len(e.args))
	for i, arg := range e.args {
		var err error
		if args[i], types[i], err = r.compile(s, arg); err != nil {
			return nil, 0, err
		}
	}
	switch e.name {
	case "not":
		return not(s, args, types)
	case "iff", "iif":
		return conditional(s, e.name, args, types)
	case "coalesce":
		return coalesce(s, args, types)
	}
	f, ok := functions[e.name]
	if !ok {
		if aggregates[e.name] {
			return nil, 0, semantic("'%s' operator: Function '%s' cannot be invoked in the current context", s.name, e.name)
		}
		return nil, 0, &Error{Code: CodeUnknownFunction, Message: "Unknown function: '" + e.name + "'."}
	}
	if len(args) < f.least || (f.most >= 0 && len(args) > f.most) {
		return nil, 0, semantic("'%s' operator: %s(): function expects %d argument(s).", s.name, e.name, f.least)
	}
	for i, typ := range types {
		if f.text && !textual(typ) {
			return nil, 0, semantic("'%s' operator: %s(): argument #%d expected to be a string expression", s.name, e.name, i+1)
		}
	}
	if len(args) == 1 {
		only := args[0]
		return func(row uint32) Value {
			values := [1]Value{only(row)}
			return f.body(values[:])
		}, f.typ, nil
	}
	return func(row uint32) Value {
		values := make([]Value, len(args))
		for i, arg := range args {
			values[i] = arg(row)
		}
		return f.body(values)
	}, f.typ, nil
}

func not(s *step, args []evaluator, types []Type) (evaluator, Type, error) {
	if len(args) != 1 || types[0] != Bool {
		return nil, 0, semantic("'%s' operator: not(): expects one Boolean argument.", s.name)
	}
	return func(row uint32) Value {
		v := args[0](row)
		if v.kind == kindNull {
			return v
		}
		return boolValue(!v.isTrue())
	}, Bool, nil
}

func conditional(s *step, name string, args []evaluator, types []Type) (evaluator, Type, error) {
	if len(args) != 3 || types[0] != Bool {
		return nil, 0, semantic("'%s' operator: %s(): expects a Boolean and two values.", s.name, name)
	}
	if types[1] != types[2] {
		return nil, 0, semantic("'%s' operator: %s(): @then data type (%s) must match the @else data type (%s)", s.name, name, types[1], types[2])
	}
	return func(row uint32) Value {
		if args[0](row).isTrue() {
			return args[1](row)
		}
		return args[2](row)
	}, types[1], nil
}

func coalesce(s *step, args []evaluator, types []Type) (evaluator, Type, error) {
	if len(args) < 2 {
		return nil, 0, semantic("'%s' operator: coalesce(): function expects at least 2 arguments.", s.name)
	}
	for _, typ := range types {
		if typ != types[0] {
			return nil, 0, semantic("'%s' operator: coalesce(): arguments must be of one type", s.name)
		}
	}
	return func(row uint32) Value {
		var v Value
		for _, arg := range args {
			if v = arg(row); v.toString() != "" {
				break
			}
		}
		return v
	}, types[0], nil
}

// hash is xxHash64 of the text; with a second argument, modulo it, as a non-negative number.
func hash(a []Value) Value {
	sum := xxhash64(a[0].toString())
	if len(a) == 1 {
		return longValue(int64(sum))
	}
	return integerArithmetic("%", int64(sum), a[1].long)
}

func concat(a []Value) Value {
	var b strings.Builder
	for _, v := range a {
		b.WriteString(v.toString())
	}
	return stringValue(b.String())
}

func trim(a []Value) Value {
	cut := a[0].toString()
	return stringValue(strings.TrimSuffix(strings.TrimPrefix(a[1].toString(), cut), cut))
}

func substring(a []Value) Value {
	text := []rune(a[0].toString())
	start := min(max(a[1].long, 0), int64(len(text)))
	end := int64(len(text))
	if len(a) == 3 {
		end = min(start+max(a[2].long, 0), end)
	}
	return stringValue(string(text[start:end]))
}

func split(a []Value) Value {
	parts := strings.Split(a[0].toString(), a[1].toString())
	if len(a) == 3 {
		if i := a[2].long; i >= 0 && i < int64(len(parts)) {
			parts = parts[i : i+1]
		} else {
			parts = nil
		}
	}
	list := make([]Value, len(parts))
	for i, part := range parts {
		list[i] = stringValue(part)
	}
	return arrayValue(list)
}

// arrayValue makes a dynamic array.
func arrayValue(list []Value) Value {
	raw := []byte{'['}
	for i, v := range list {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = v.appendJSON(raw)
	}
	return Value{kind: kindRaw, raw: append(raw, ']')}
}

func toLong(a []Value) Value {
	switch v := a[0]; v.kind {
	case kindLong, kindBool:
		return longValue(v.long)
	case kindReal:
		return longValue(int64(v.real))
	case kindString:
		if n, err := strconv.ParseInt(strings.TrimSpace(v.text), 10, 64); err == nil {
			return longValue(n)
		}
	}
	return Value{}
}

func toReal(a []Value) Value {
	if f, ok := a[0].number(); ok {
		return realValue(f)
	}
	if f, err := strconv.ParseFloat(a[0].toString(), 64); err == nil {
		return realValue(f)
	}
	return Value{}
}

func toBool(a []Value) Value {
	switch v := a[0]; v.kind {
	case kindBool:
		return v
	case kindLong:
		return boolValue(v.long != 0)
	case kindString:
		if b, err := strconv.ParseBool(strings.ToLower(v.text)); err == nil {
			return boolValue(b)
		}
	}
	return Value{}
}

// toDynamic parses a text as JSON; one that is none stays a string.
func toDynamic(a []Value) Value {
	if v := a[0]; v.kind != kindString || !json.Valid([]byte(v.text)) {
		return v
	}
	return parseValue([]byte(strings.TrimSpace(a[0].text)))
}

func arrayLength(a []Value) Value {
	if len(a[0].raw) == 0 || a[0].raw[0] != '[' {
		return Value{}
	}
	return longValue(int64(len(elements(a[0].raw))))
}

func bagKeys(a []Value) Value {
	if len(a[0].raw) == 0 || a[0].raw[0] != '{' {
		return Value{}
	}
	var keys []Value
	for _, key := range propertyNames(a[0].raw) {
		keys = append(keys, stringValue(key))
	}
	return arrayValue(keys)
}
