package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

var collectionFunctions = map[string]Function{
	"concat":          count(1, -1, concat),
	"array":           count(1, 1, toArray),
	"createarray":     count(0, -1, func(args []any) (any, error) { return slices.Clone(args), nil }),
	"createobject":    count(0, -1, createObject),
	"length":          count(1, 1, length),
	"empty":           count(1, 1, empty),
	"first":           count(1, 1, func(args []any) (any, error) { return end(args, true) }),
	"last":            count(1, 1, func(args []any) (any, error) { return end(args, false) }),
	"take":            count(2, 2, func(args []any) (any, error) { return part(args, true) }),
	"skip":            count(2, 2, func(args []any) (any, error) { return part(args, false) }),
	"contains":        count(2, 2, contains),
	"indexof":         count(2, 2, func(args []any) (any, error) { return indexOf(args, false) }),
	"lastindexof":     count(2, 2, func(args []any) (any, error) { return indexOf(args, true) }),
	"union":           count(1, -1, union),
	"intersection":    count(2, -1, intersection),
	"range":           count(2, 2, numbers),
	"items":           count(1, 1, items),
	"objectkeys":      count(1, 1, objectKeys),
	"flatten":         count(1, 1, flatten),
	"shallowmerge":    count(1, 1, shallowMerge),
	"tryget":          count(2, -1, tryGet),
	"tryindexfromend": count(2, 2, func(args []any) (any, error) { return fromEnd(args, true) }),
	"indexfromend":    count(2, 2, func(args []any) (any, error) { return fromEnd(args, false) }),
}

// concat joins strings, or arrays.
func concat(args []any) (any, error) {
	if _, ok := args[0].([]any); ok {
		joined := []any{}
		for i := range args {
			list, err := array(args, i)
			if err != nil {
				return nil, err
			}
			joined = append(joined, list...)
		}
		return joined, nil
	}
	var text strings.Builder
	for i, arg := range args {
		switch arg.(type) {
		case []any, map[string]any:
			return nil, wrongType(i, "String", arg)
		}
		text.WriteString(Text(arg))
	}
	return text.String(), nil
}

func toArray(args []any) (any, error) {
	if list, ok := args[0].([]any); ok {
		return list, nil
	}
	return []any{args[0]}, nil
}

func createObject(args []any) (any, error) {
	if len(args)%2 != 0 {
		return nil, errors.New("expects an even number of arguments")
	}
	made := map[string]any{}
	for i := 0; i < len(args); i += 2 {
		name, err := String(args, i)
		if err != nil {
			return nil, err
		}
		made[name] = args[i+1]
	}
	return made, nil
}

func length(args []any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return int64(utf8.RuneCountInString(v)), nil
	case []any:
		return int64(len(v)), nil
	case map[string]any:
		return int64(len(v)), nil
	}
	return nil, wrongType(0, "Array", args[0])
}

func empty(args []any) (any, error) {
	if args[0] == nil {
		return true, nil
	}
	n, err := length(args)
	return n == int64(0), err
}

func end(args []any, first bool) (any, error) {
	switch v := args[0].(type) {
	case string:
		runes := []rune(v)
		switch {
		case len(runes) == 0:
			return "", nil
		case first:
			return string(runes[0]), nil
		}
		return string(runes[len(runes)-1]), nil
	case []any:
		switch {
		case len(v) == 0:
			return nil, nil
		case first:
			return v[0], nil
		}
		return v[len(v)-1], nil
	}
	return nil, wrongType(0, "Array", args[0])
}

func part(args []any, taken bool) (any, error) {
	n, err := integer(args, 1)
	if err != nil {
		return nil, err
	}
	n = max(0, n)
	switch v := args[0].(type) {
	case string:
		runes := []rune(v)
		at := min(n, int64(len(runes)))
		if taken {
			return string(runes[:at]), nil
		}
		return string(runes[at:]), nil
	case []any:
		at := min(n, int64(len(v)))
		if taken {
			return slices.Clone(v[:at]), nil
		}
		return slices.Clone(v[at:]), nil
	}
	return nil, wrongType(0, "Array", args[0])
}

func contains(args []any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return strings.Contains(v, Text(args[1])), nil
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return Equal(item, args[1]) }), nil
	case map[string]any:
		_, ok := Member(v, Text(args[1]))
		return ok, nil
	}
	return nil, wrongType(0, "Array", args[0])
}

// indexOf finds in strings without regard to case, as Azure does, and in arrays with it.
func indexOf(args []any, last bool) (any, error) {
	switch v := args[0].(type) {
	case string:
		text, err := String(args, 1)
		if err != nil {
			return nil, err
		}
		find := strings.Index
		if last {
			find = strings.LastIndex
		}
		lower := strings.ToLower(v)
		at := find(lower, strings.ToLower(text))
		if at > 0 {
			at = utf8.RuneCountInString(lower[:at])
		}
		return int64(at), nil
	case []any:
		found := int64(-1)
		for i, item := range v {
			if Equal(item, args[1]) {
				found = int64(i)
				if !last {
					break
				}
			}
		}
		return found, nil
	}
	return nil, wrongType(0, "Array", args[0])
}

// union merges objects deeply, the later over the earlier, or arrays without what is there twice.
func union(args []any) (any, error) {
	if _, ok := args[0].([]any); ok {
		all := []any{}
		for i := range args {
			list, err := array(args, i)
			if err != nil {
				return nil, err
			}
			for _, item := range list {
				if !slices.ContainsFunc(all, func(other any) bool { return Equal(item, other) }) {
					all = append(all, item)
				}
			}
		}
		return all, nil
	}
	all := map[string]any{}
	for i := range args {
		members, err := object(args, i)
		if err != nil {
			return nil, err
		}
		all = mergeInto(all, members)
	}
	return all, nil
}

func mergeInto(into, from map[string]any) map[string]any {
	merged := maps.Clone(into)
	for name, value := range from {
		inner, isObject := value.(map[string]any)
		before, wasObject := merged[name].(map[string]any)
		if isObject && wasObject {
			merged[name] = mergeInto(before, inner)
			continue
		}
		merged[name] = value
	}
	return merged
}

func intersection(args []any) (any, error) {
	if _, ok := args[0].([]any); ok {
		common, err := array(args, 0)
		for i := 1; i < len(args) && err == nil; i++ {
			var list []any
			if list, err = array(args, i); err == nil {
				common = slices.DeleteFunc(slices.Clone(common), func(item any) bool {
					return !slices.ContainsFunc(list, func(other any) bool { return Equal(item, other) })
				})
			}
		}
		return common, err
	}
	first, err := object(args, 0)
	common := maps.Clone(first)
	for i := 1; i < len(args) && err == nil; i++ {
		var members map[string]any
		if members, err = object(args, i); err == nil {
			maps.DeleteFunc(common, func(name string, value any) bool {
				other, ok := members[name]
				return !ok || !Equal(value, other)
			})
		}
	}
	return common, err
}

// maxRange is how many numbers range makes at most, as documented.
const maxRange = 10000

func numbers(args []any) (any, error) {
	from, err := integer(args, 0)
	if err != nil {
		return nil, err
	}
	n, err := integer(args, 1)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxRange || from > 2147483647-n {
		return nil, fmt.Errorf("the count must be between '0' and '%d', and the sum no more than 2147483647", maxRange)
	}
	list := make([]any, n)
	for i := range n {
		list[i] = from + i
	}
	return list, nil
}

func items(args []any) (any, error) {
	members, err := object(args, 0)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		list = append(list, map[string]any{"key": name, "value": members[name]})
	}
	return list, nil
}

func objectKeys(args []any) (any, error) {
	members, err := object(args, 0)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		list = append(list, name)
	}
	return list, nil
}

func flatten(args []any) (any, error) {
	list, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	flat := []any{}
	for i := range list {
		inner, err := array(list, i)
		if err != nil {
			return nil, err
		}
		flat = append(flat, inner...)
	}
	return flat, nil
}

func shallowMerge(args []any) (any, error) {
	list, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	merged := map[string]any{}
	for i := range list {
		members, err := object(list, i)
		if err != nil {
			return nil, err
		}
		maps.Copy(merged, members)
	}
	return merged, nil
}

func tryGet(args []any) (any, error) {
	value := args[0]
	for _, key := range args[1:] {
		found, err := access(value, key, true)
		if err != nil || found == nil {
			return nil, nil //nolint:nilerr // null is the answer where there is nothing
		}
		value = found
	}
	return value, nil
}

func fromEnd(args []any, try bool) (any, error) {
	list, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	n, err := integer(args, 1)
	if err != nil {
		return nil, err
	}
	if n >= 1 && n <= int64(len(list)) {
		return list[int64(len(list))-n], nil
	}
	if try {
		return nil, nil
	}
	return nil, fmt.Errorf("the index '%d' from the end is out of bounds", n)
}
