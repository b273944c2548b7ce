package expression

import (
	"crypto/sha1" //nolint:gosec // names by hash, no secret
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// functions are those that depend on their arguments alone, by lower-case name.
var functions = merged(textFunctions, collectionFunctions, numberFunctions, timeFunctions, logicalFunctions, networkFunctions)

func merged(tables ...map[string]Function) map[string]Function {
	all := map[string]Function{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

// Known says whether the language itself has a function of a lower-case name.
func Known(name string) bool {
	_, ok := functions[name]
	if !ok {
		_, ok = lazy[name]
	}
	return ok
}

// count wraps a function of least to most arguments; most -1 is any number.
func count(least, most int, f Function) Function {
	return func(args []any) (any, error) {
		if len(args) < least || (most >= 0 && len(args) > most) {
			want := strconv.Itoa(least)
			switch {
			case most < 0:
				want += " or more"
			case most > least:
				want += " to " + strconv.Itoa(most)
			}
			return nil, fmt.Errorf("expects '%s' arguments, not '%d'", want, len(args))
		}
		return f(args)
	}
}

func wrongType(i int, want string, value any) error {
	return fmt.Errorf("expects its parameter '%d' to be of type '%s', not '%s'", i+1, want, TypeOf(value))
}

// String is an argument that must be a string.
func String(args []any, i int) (string, error) {
	text, ok := args[i].(string)
	if !ok {
		return "", wrongType(i, "String", args[i])
	}
	return text, nil
}

// Strings are arguments that must all be strings.
func Strings(args []any) ([]string, error) {
	texts := make([]string, len(args))
	for i := range args {
		text, err := String(args, i)
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}

func integer(args []any, i int) (int64, error) {
	n, ok := Integer(args[i])
	if !ok {
		return 0, wrongType(i, "Integer", args[i])
	}
	return n, nil
}

func array(args []any, i int) ([]any, error) {
	list, ok := args[i].([]any)
	if !ok {
		return nil, wrongType(i, "Array", args[i])
	}
	return list, nil
}

func object(args []any, i int) (map[string]any, error) {
	members, ok := args[i].(map[string]any)
	if !ok {
		return nil, wrongType(i, "Object", args[i])
	}
	return members, nil
}

// ofStrings makes a function of strings alone.
func ofStrings(least, most int, f func(texts []string) (any, error)) Function {
	return count(least, most, func(args []any) (any, error) {
		texts, err := Strings(args)
		if err != nil {
			return nil, err
		}
		return f(texts)
	})
}

var logicalFunctions = map[string]Function{
	"true":  count(0, 0, func([]any) (any, error) { return true, nil }),
	"false": count(0, 0, func([]any) (any, error) { return false, nil }),
	"null":  count(0, 0, func([]any) (any, error) { return nil, nil }),
	"not": count(1, 1, func(args []any) (any, error) {
		b, ok := args[0].(bool)
		if !ok {
			return nil, wrongType(0, "Boolean", args[0])
		}
		return !b, nil
	}),
	"bool":   count(1, 1, toBool),
	"equals": count(2, 2, func(args []any) (any, error) { return Equal(args[0], args[1]), nil }),
	"fail": ofStrings(1, 1, func(texts []string) (any, error) {
		return nil, errors.New(texts[0])
	}),
}

func toBool(args []any) (any, error) {
	switch v := args[0].(type) {
	case bool:
		return v, nil
	case int64:
		return v != 0, nil
	case string:
		switch strings.ToLower(v) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
	}
	return nil, fmt.Errorf("cannot convert '%v' to a boolean", args[0])
}

// UniqueString is a hash of thirteen letters and digits. It is not the one that Azure computes,
// which is not published, but like it always the same of the same strings.
func UniqueString(texts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "-")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:13]
}

// guidNamespace is the one that Azure makes the GUIDs of strings in, as UUIDs of version 5.
var guidNamespace = [16]byte{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}

// GUID is the GUID of strings.
func GUID(texts ...string) string {
	sum := sha1.Sum(append(guidNamespace[:], strings.Join(texts, "-")...)) //nolint:gosec // what a UUID of version 5 is
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
