package expression

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var textFunctions = map[string]Function{
	"string":  count(1, 1, func(args []any) (any, error) { return Text(args[0]), nil }),
	"format":  count(1, -1, format),
	"tolower": ofStrings(1, 1, func(t []string) (any, error) { return strings.ToLower(t[0]), nil }),
	"toupper": ofStrings(1, 1, func(t []string) (any, error) { return strings.ToUpper(t[0]), nil }),
	"trim":    ofStrings(1, 1, func(t []string) (any, error) { return strings.TrimSpace(t[0]), nil }),
	"replace": ofStrings(3, 3, func(t []string) (any, error) {
		if t[1] == "" {
			return nil, errors.New("the text to replace must not be empty")
		}
		return strings.ReplaceAll(t[0], t[1], t[2]), nil
	}),
	"startswith": ofStrings(2, 2, func(t []string) (any, error) {
		return strings.HasPrefix(strings.ToLower(t[0]), strings.ToLower(t[1])), nil
	}),
	"endswith": ofStrings(2, 2, func(t []string) (any, error) {
		return strings.HasSuffix(strings.ToLower(t[0]), strings.ToLower(t[1])), nil
	}),
	"split":        count(2, 2, split),
	"join":         count(2, 2, join),
	"substring":    count(2, 3, substring),
	"padleft":      count(2, 3, padLeft),
	"uniquestring": ofStrings(1, -1, func(t []string) (any, error) { return UniqueString(t), nil }),
	"guid":         ofStrings(1, -1, func(t []string) (any, error) { return GUID(t...), nil }),
	"base64": ofStrings(1, 1, func(t []string) (any, error) {
		return base64.StdEncoding.EncodeToString([]byte(t[0])), nil
	}),
	"base64tostring": ofStrings(1, 1, func(t []string) (any, error) { return decode64(t[0]) }),
	"base64tojson": ofStrings(1, 1, func(t []string) (any, error) {
		text, err := decode64(t[0])
		if err != nil {
			return nil, err
		}
		return Decode([]byte(text))
	}),
	"datauri": ofStrings(1, 1, func(t []string) (any, error) {
		return "data:text/plain;charset=utf8;base64," + base64.StdEncoding.EncodeToString([]byte(t[0])), nil
	}),
	"datauritostring": ofStrings(1, 1, func(t []string) (any, error) {
		head, data, ok := strings.Cut(t[0], ",")
		if !ok || !strings.HasPrefix(head, "data:") {
			return nil, errors.New("the value is no data URI")
		}
		if strings.HasSuffix(head, ";base64") {
			return decode64(data)
		}
		return url.PathUnescape(data)
	}),
	"uricomponent": ofStrings(1, 1, func(t []string) (any, error) {
		return strings.ReplaceAll(url.QueryEscape(t[0]), "+", "%20"), nil
	}),
	"uricomponenttostring": ofStrings(1, 1, func(t []string) (any, error) { return url.PathUnescape(t[0]) }),
	"uri": ofStrings(2, 2, func(t []string) (any, error) {
		base, err := url.Parse(t[0])
		if err != nil || !base.IsAbs() {
			return nil, fmt.Errorf("'%s' is no absolute URI", t[0])
		}
		joined, err := base.Parse(t[1])
		if err != nil {
			return nil, err
		}
		return joined.String(), nil
	}),
	"json": ofStrings(1, 1, func(t []string) (any, error) {
		value, err := Decode([]byte(t[0]))
		if err != nil {
			return nil, fmt.Errorf("the value is no JSON: %w", err)
		}
		return value, nil
	}),
}

func decode64(text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !utf8.Valid(raw) {
		return "", fmt.Errorf("'%.60s' is no base64 of a text", text)
	}
	return string(raw), nil
}

// format fills places such as {0}; {{ and }} are braces. Of .NET's formats only those of integers
// that pad with zeros, and numbers with N and F, are known; another is an error.
func format(args []any) (any, error) {
	pattern, err := String(args, 0)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case (c == '{' || c == '}') && i+1 < len(pattern) && pattern[i+1] == c:
			out.WriteByte(c)
			i++
		case c == '}':
			return nil, errors.New("the format string has a brace that is not closed or opened")
		case c == '{':
			end := strings.IndexByte(pattern[i:], '}')
			if end < 0 {
				return nil, errors.New("the format string has a brace that is not closed or opened")
			}
			text, err := place(pattern[i+1:i+end], args[1:])
			if err != nil {
				return nil, err
			}
			out.WriteString(text)
			i += end
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

func place(text string, args []any) (string, error) {
	text, how, _ := strings.Cut(text, ":")
	text, width, aligned := strings.Cut(text, ",")
	index, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || index < 0 {
		return "", fmt.Errorf("the format string has a place '{%s}' without an index", text)
	}
	if index >= len(args) {
		return "", fmt.Errorf("the format string has a place '{%d}', but there are '%d' values", index, len(args))
	}
	shown := Text(args[index])
	if how != "" {
		n, isInteger := args[index].(int64)
		digits, err := strconv.Atoi(how[1:])
		zeros := strings.Trim(how, "0") == ""
		switch {
		case isInteger && zeros:
			shown = fmt.Sprintf("%0*d", len(how), n)
		case isInteger && strings.ContainsAny(how[:1], "dD") && err == nil && digits < 100:
			shown = fmt.Sprintf("%0*d", digits, n)
		case isInteger && strings.ContainsAny(how[:1], "xX") && (err == nil || len(how) == 1) && digits < 100:
			shown = fmt.Sprintf("%0*"+how[:1], digits, n)
		default:
			return "", fmt.Errorf("the format '%s' is not supported by the simulator for a value of type '%s'", how, TypeOf(args[index]))
		}
	}
	if !aligned {
		return shown, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(width))
	if err != nil || n > 10000 || n < -10000 {
		return "", fmt.Errorf("the format string has an alignment '%s' that is no number", width)
	}
	return fmt.Sprintf("%*s", n, shown), nil
}

func split(args []any) (any, error) {
	text, err := String(args, 0)
	if err != nil {
		return nil, err
	}
	var separators []string
	switch by := args[1].(type) {
	case string:
		separators = []string{by}
	case []any:
		if separators, err = Strings(by); err != nil {
			return nil, err
		}
	default:
		return nil, wrongType(1, "String", args[1])
	}
	parts := []any{}
	for start, i := 0, 0; ; {
		at := slices.IndexFunc(separators, func(s string) bool { return s != "" && strings.HasPrefix(text[i:], s) })
		switch {
		case i >= len(text):
			return append(parts, text[start:]), nil
		case at >= 0:
			parts = append(parts, text[start:i])
			i += len(separators[at])
			start = i
		default:
			i++
		}
	}
}

func join(args []any) (any, error) {
	list, err := array(args, 0)
	if err != nil {
		return nil, err
	}
	by, err := String(args, 1)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = Text(item)
	}
	return strings.Join(texts, by), nil
}

func substring(args []any) (any, error) {
	text, err := String(args, 0)
	if err != nil {
		return nil, err
	}
	from, err := integer(args, 1)
	if err != nil {
		return nil, err
	}
	runes := []rune(text)
	length := int64(len(runes)) - from
	if len(args) == 3 {
		if length, err = integer(args, 2); err != nil {
			return nil, err
		}
	}
	if from < 0 || length < 0 || from > int64(len(runes)) || length > int64(len(runes))-from {
		return nil, fmt.Errorf("the index and length parameters must refer to a location within the string. Index: '%d', length: '%d', length of the string: '%d'", from, length, len(runes))
	}
	return string(runes[from : from+length]), nil
}

func padLeft(args []any) (any, error) {
	switch args[0].(type) {
	case string, int64:
	default:
		return nil, wrongType(0, "String", args[0])
	}
	width, err := integer(args, 1)
	if err != nil {
		return nil, err
	}
	pad := " "
	if len(args) == 3 {
		if pad, err = String(args, 2); err != nil {
			return nil, err
		}
	}
	if utf8.RuneCountInString(pad) != 1 || width < 0 || width > 65536 {
		return nil, errors.New("expects a length that is not negative, and one character to pad with")
	}
	text := Text(args[0])
	return strings.Repeat(pad, max(0, int(width)-utf8.RuneCountInString(text))) + text, nil
}
