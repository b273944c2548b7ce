package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var numberFunctions = map[string]Function{
	"int":   count(1, 1, toInt),
	"float": count(1, 1, toFloat),
	"add":   arithmetic(func(a, b int64) (int64, error) { return a + b, nil }),
	"sub":   arithmetic(func(a, b int64) (int64, error) { return a - b, nil }),
	"mul":   arithmetic(func(a, b int64) (int64, error) { return a * b, nil }),
	"div": arithmetic(func(a, b int64) (int64, error) {
		if b == 0 {
			return 0, errors.New("the divisor can't be zero")
		}
		return a / b, nil
	}),
	"mod": arithmetic(func(a, b int64) (int64, error) {
		if b == 0 {
			return 0, errors.New("the divisor can't be zero")
		}
		return a % b, nil
	}),
	"max":             count(1, -1, func(args []any) (any, error) { return extreme(args, 1) }),
	"min":             count(1, -1, func(args []any) (any, error) { return extreme(args, -1) }),
	"less":            comparison(func(c int) bool { return c < 0 }),
	"lessorequals":    comparison(func(c int) bool { return c <= 0 }),
	"greater":         comparison(func(c int) bool { return c > 0 }),
	"greaterorequals": comparison(func(c int) bool { return c >= 0 }),
}

func toInt(args []any) (any, error) {
	if text, ok := args[0].(string); ok {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot convert '%s' to an integer", text)
		}
		return n, nil
	}
	n, err := integer(args, 0)
	return n, err
}

func toFloat(args []any) (any, error) {
	text := Text(args[0])
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("cannot convert '%s' to a floating point number", text)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return json.Number(strconv.FormatFloat(f, 'f', 1, 64)), nil
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
}

func arithmetic(f func(a, b int64) (int64, error)) Function {
	return count(2, 2, func(args []any) (any, error) {
		a, err := integer(args, 0)
		if err != nil {
			return nil, err
		}
		b, err := integer(args, 1)
		if err != nil {
			return nil, err
		}
		n, err := f(a, b)
		return n, err
	})
}

func extreme(args []any, sign int64) (any, error) {
	list := args
	if inner, ok := args[0].([]any); ok && len(args) == 1 {
		list = inner
	}
	if len(list) == 0 {
		return nil, errors.New("expects one number or more")
	}
	best, err := integer(list, 0)
	for i := 1; i < len(list) && err == nil; i++ {
		var n int64
		if n, err = integer(list, i); (n-best)*sign > 0 {
			best = n
		}
	}
	return best, err
}

func comparison(holds func(c int) bool) Function {
	return count(2, 2, func(args []any) (any, error) {
		if a, ok := args[0].(string); ok {
			b, err := String(args, 1)
			if err != nil {
				return nil, err
			}
			return holds(strings.Compare(a, b)), nil
		}
		a, err := integer(args, 0)
		if err != nil {
			return nil, err
		}
		b, err := integer(args, 1)
		if err != nil {
			return nil, err
		}
		switch {
		case a < b:
			return holds(-1), nil
		case a > b:
			return holds(1), nil
		}
		return holds(0), nil
	})
}
