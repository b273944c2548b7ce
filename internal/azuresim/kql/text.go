package kql

import (
	"regexp"
	"strings"
)

// textComparison compiles the operators on two strings. Those without _cs fold case.
func textComparison(s *step, e *binaryExpr, left, right evaluator) (evaluator, Type, error) {
	if e.op == "matches regex" {
		return matchesRegex(s, e, left)
	}
	if e.op == "=~" || e.op == "!~" {
		return func(row uint32) Value {
			same := strings.EqualFold(left(row).toString(), right(row).toString())
			return boolValue(same == (e.op == "=~"))
		}, Bool, nil
	}
	op, negated := strings.CutPrefix(e.op, "!")
	op, exact := strings.CutSuffix(op, "_cs")
	test := map[string]func(text, part string) bool{
		"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix,
		"has":       func(text, part string) bool { return hasTerm(text, part, true, true) },
		"hasprefix": func(text, part string) bool { return hasTerm(text, part, true, false) },
		"hassuffix": func(text, part string) bool { return hasTerm(text, part, false, true) },
	}[op]
	if exact {
		return func(row uint32) Value {
			return boolValue(test(left(row).toString(), right(row).toString()) != negated)
		}, Bool, nil
	}
	return func(row uint32) Value {
		text, part := strings.ToLower(left(row).toString()), strings.ToLower(right(row).toString())
		return boolValue(test(text, part) != negated)
	}, Bool, nil
}

// hasTerm looks for part in text where it starts or ends a term: a run of letters and digits.
func hasTerm(text, part string, start, end bool) bool {
	if part == "" {
		return true
	}
	for from := 0; ; {
		i := strings.Index(text[from:], part)
		if i < 0 {
			return false
		}
		i += from
		after := i + len(part)
		if (!start || i == 0 || !isTermByte(text[i-1])) && (!end || after == len(text) || !isTermByte(text[after])) {
			return true
		}
		from = i + 1
	}
}

func isTermByte(c byte) bool {
	return isDigit(c) || (c|0x20 >= 'a' && c|0x20 <= 'z') || c >= 0x80
}

func matchesRegex(s *step, e *binaryExpr, left evaluator) (evaluator, Type, error) {
	pattern, ok := e.right.(*literal)
	if !ok || pattern.typ != String {
		return nil, 0, semantic("'%s' operator: the pattern of 'matches regex' must be a constant string", s.name)
	}
	compiled, err := regexp.Compile(pattern.value.text)
	if err != nil {
		return nil, 0, semantic("'%s' operator: regex pattern is invalid: %s", s.name, pattern.value.text)
	}
	return func(row uint32) Value { return boolValue(compiled.MatchString(left(row).toString())) }, Bool, nil
}
