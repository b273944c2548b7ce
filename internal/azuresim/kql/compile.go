package kql

import (
	"math"
	"strings"
)

// compile turns an expression into a function of the table's rows, and checks its types as far as
// they are known before the query runs.
func (r *relation) compile(s *step, e expr) (evaluator, Type, error) {
	switch e := e.(type) {
	case *literal:
		value := e.value
		return func(uint32) Value { return value }, e.typ, nil
	case *columnRef:
		i := r.find(e.name)
		if i < 0 {
			return nil, 0, unresolved(s, e.name)
		}
		return r.columns[i].eval, r.columns[i].Type, nil
	case *member:
		return r.compileMember(s, e)
	case *call:
		return r.compileCall(s, e)
	case *membership:
		return r.compileMembership(s, e)
	case *unaryExpr:
		return r.compileNegation(s, e)
	case *binaryExpr:
		return r.compileBinary(s, e)
	}
	return nil, 0, unsupported(e.at().source)
}

func (r *relation) compileMember(s *step, e *member) (evaluator, Type, error) {
	base, typ, err := r.compile(s, e.base)
	if err != nil {
		return nil, 0, err
	}
	if typ != Dynamic {
		return nil, 0, semantic("'%s' operator: a path expression needs a value of type dynamic, not %s", s.name, typ)
	}
	key := e.index.(*literal)
	if key.typ == String {
		name := key.value.text
		return func(row uint32) Value { return parseValue(property(base(row).raw, name)) }, Dynamic, nil
	}
	position := key.value.long
	return func(row uint32) Value {
		items := elements(base(row).raw)
		i := position
		if i < 0 {
			i += int64(len(items))
		}
		if i < 0 || i >= int64(len(items)) {
			return Value{}
		}
		return parseValue(items[i])
	}, Dynamic, nil
}

func (r *relation) compileNegation(s *step, e *unaryExpr) (evaluator, Type, error) {
	operand, typ, err := r.compile(s, e.operand)
	if err != nil {
		return nil, 0, err
	}
	if typ == String || typ == Bool {
		return nil, 0, semantic("'%s' operator: unary minus on a value of type %s", s.name, typ)
	}
	return func(row uint32) Value {
		switch v := operand(row); v.kind {
		case kindLong:
			return longValue(-v.long)
		case kindReal:
			return realValue(-v.real)
		}
		return Value{}
	}, typ, nil
}

func (r *relation) compileBinary(s *step, e *binaryExpr) (evaluator, Type, error) {
	left, leftType, err := r.compile(s, e.left)
	if err != nil {
		return nil, 0, err
	}
	right, rightType, err := r.compile(s, e.right)
	if err != nil {
		return nil, 0, err
	}
	switch e.op {
	case "and", "or":
		return connective(s, e.op, left, leftType, right, rightType)
	case "+", "-", "*", "/", "%":
		return arithmetic(s, e.op, left, leftType, right, rightType)
	case "==", "!=", "<>", "<", ">", "<=", ">=":
		if !canCompare(leftType, rightType) {
			return nil, 0, semantic("'%s' operator: Cannot compare values of types %s and %s. Try adding explicit casts", s.name, leftType, rightType)
		}
		return comparison(e.op, left, right), Bool, nil
	}
	if !textual(leftType) || !textual(rightType) {
		return nil, 0, semantic("'%s' operator: operator '%s' needs values of type string, not %s and %s", s.name, e.op, leftType, rightType)
	}
	return textComparison(s, e, left, right)
}

func connective(s *step, op string, left evaluator, leftType Type, right evaluator, rightType Type) (evaluator, Type, error) {
	if leftType != Bool || rightType != Bool {
		return nil, 0, semantic("'%s' operator: operands of '%s' should be Boolean, not %s and %s", s.name, op, leftType, rightType)
	}
	if op == "and" {
		return func(row uint32) Value { return boolValue(left(row).isTrue() && right(row).isTrue()) }, Bool, nil
	}
	return func(row uint32) Value { return boolValue(left(row).isTrue() || right(row).isTrue()) }, Bool, nil
}

func numeric(t Type) bool { return t == Long || t == Real || t == Dynamic }

func textual(t Type) bool { return t == String || t == Dynamic }

func canCompare(a, b Type) bool {
	return a == b || a == Dynamic || b == Dynamic || (numeric(a) && numeric(b))
}

func arithmetic(s *step, op string, left evaluator, leftType Type, right evaluator, rightType Type) (evaluator, Type, error) {
	if !numeric(leftType) || !numeric(rightType) {
		return nil, 0, semantic("'%s' operator: Arithmetic expression cannot be carried-out between %s and %s.", s.name, leftType, rightType)
	}
	typ := Long
	if leftType == Real || rightType == Real {
		typ = Real
	} else if leftType == Dynamic || rightType == Dynamic {
		typ = Dynamic
	}
	return func(row uint32) Value {
		a, b := left(row), right(row)
		if a.kind == kindLong && b.kind == kindLong {
			return integerArithmetic(op, a.long, b.long)
		}
		x, isNumber := a.number()
		y, alsoNumber := b.number()
		if !isNumber || !alsoNumber {
			return Value{}
		}
		switch op {
		case "+":
			return realValue(x + y)
		case "-":
			return realValue(x - y)
		case "*":
			return realValue(x * y)
		case "/":
			return realValue(x / y)
		}
		return realValue(math.Mod(x, y))
	}, typ, nil
}

// integerArithmetic follows Kusto: division by zero is null, and the modulo of integers is never
// negative.
func integerArithmetic(op string, a, b int64) Value {
	switch op {
	case "+":
		return longValue(a + b)
	case "-":
		return longValue(a - b)
	case "*":
		return longValue(a * b)
	}
	if b == 0 {
		return Value{}
	}
	if op == "/" {
		return longValue(a / b)
	}
	m := a % b
	if m < 0 {
		if b < 0 {
			m -= b
		} else {
			m += b
		}
	}
	return longValue(m)
}

// comparison follows Kusto's rules for null: a comparison of two nulls is null, one null differs
// from anything, and an order against null is null.
func comparison(op string, left, right evaluator) evaluator {
	test := map[string]func(int) bool{
		"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
		">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
	}[op]
	return func(row uint32) Value {
		a, b := left(row), right(row)
		if test != nil {
			order, ok := compare(a, b)
			if !ok || a.kind == kindNull {
				return Value{}
			}
			return boolValue(test(order))
		}
		if a.kind == kindNull && b.kind == kindNull {
			return Value{}
		}
		same := a.kind != kindNull && b.kind != kindNull && equal(a, b, false)
		return boolValue(same == (op == "=="))
	}
}

func (r *relation) compileMembership(s *step, e *membership) (evaluator, Type, error) {
	left, leftType, err := r.compile(s, e.left)
	if err != nil {
		return nil, 0, err
	}
	words := map[string]bool{}
	var others []evaluator
	for _, item := range e.list {
		eval, typ, err := r.compile(s, item)
		if err != nil {
			return nil, 0, err
		}
		if !canCompare(leftType, typ) {
			return nil, 0, semantic("'%s' operator: '%s' operator: values of types %s and %s are incompatible", s.name, e.token.text, leftType, typ)
		}
		if l, ok := item.(*literal); ok && l.typ == String {
			words[e.folded(l.value.text)] = true
		} else {
			others = append(others, eval)
		}
	}
	return func(row uint32) Value {
		v := left(row)
		found := v.kind == kindString && words[e.folded(v.text)]
		for _, other := range others {
			if found {
				break
			}
			o := other(row)
			found = v.kind != kindNull && o.kind != kindNull && equal(v, o, e.fold)
		}
		return boolValue(found != e.negated)
	}, Bool, nil
}

func (e *membership) folded(s string) string {
	if e.fold {
		return strings.ToLower(s)
	}
	return s
}
