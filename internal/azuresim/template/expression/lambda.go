package expression

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// lambda is an argument that is a function: lambda('x', body).
type lambda struct {
	env    *Env
	params []string
	body   Node
}

func strayLambda(_ *Env, n *Call) (any, error) {
	return nil, fmt.Errorf("the template function '%s' is not expected at this location", n.Name)
}

func lambdaVariable(e *Env, n *Call) (any, error) {
	if len(n.Args) != 1 {
		return nil, wrongCount(n, "one argument")
	}
	name, err := e.Evaluate(n.Args[0])
	if err != nil {
		return nil, err
	}
	value, ok := e.variables[strings.ToLower(Text(name))]
	if !ok {
		return nil, fmt.Errorf("the lambda variable '%v' is not found", name)
	}
	return value, nil
}

func (e *Env) lambda(n Node) (*lambda, error) {
	call, ok := n.(*Call)
	if !ok || !strings.EqualFold(call.Name, "lambda") || len(call.Args) == 0 {
		return nil, errors.New("a lambda is expected")
	}
	l := &lambda{env: e, body: call.Args[len(call.Args)-1]}
	for _, arg := range call.Args[:len(call.Args)-1] {
		name, ok := arg.(*Literal)
		if !ok {
			return nil, errors.New("the parameters of a lambda must be strings")
		}
		l.params = append(l.params, strings.ToLower(Text(name.Value)))
	}
	return l, nil
}

// apply calls the lambda; it may have fewer parameters than are offered, but needs some.
func (l *lambda) apply(needs int, values ...any) (any, error) {
	if len(l.params) < needs || len(l.params) > len(values) {
		return nil, fmt.Errorf("a lambda with %d parameters is not expected", len(l.params))
	}
	if l.env.depth > maxSteps {
		return nil, errors.New("lambdas nest too deep")
	}
	inner := &Env{Function: l.env.Function, variables: maps.Clone(l.env.variables), depth: l.env.depth + 1, calls: l.env.calls}
	if inner.variables == nil {
		inner.variables = map[string]any{}
	}
	for i, value := range values {
		if i < len(l.params) {
			inner.variables[l.params[i]] = value
		}
	}
	return inner.Evaluate(l.body)
}

// arrayAnd evaluates the first argument, an array, and reads lambdas from others.
func (e *Env) arrayAnd(n *Call, lambdas ...int) ([]any, []*lambda, error) {
	last := lambdas[len(lambdas)-1]
	if len(n.Args) <= lambdas[0] || len(n.Args) > last+1 {
		return nil, nil, wrongCount(n, fmt.Sprintf("'%d' arguments", last+1))
	}
	value, err := e.Evaluate(n.Args[0])
	if err != nil {
		return nil, nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, nil, fmt.Errorf("the template language function '%s' expects an array, not a value of type '%s'", n.Name, TypeOf(value))
	}
	var found []*lambda
	for _, i := range lambdas {
		if i >= len(n.Args) {
			break
		}
		l, err := e.lambda(n.Args[i])
		if err != nil {
			return nil, nil, fmt.Errorf("the template language function '%s': %w", n.Name, err)
		}
		found = append(found, l)
	}
	return list, found, nil
}

func mapArray(e *Env, n *Call) (any, error) {
	list, l, err := e.arrayAnd(n, 1)
	if err != nil {
		return nil, err
	}
	mapped := make([]any, len(list))
	for i, item := range list {
		if mapped[i], err = l[0].apply(1, item, int64(i)); err != nil {
			return nil, err
		}
	}
	return mapped, nil
}

func filterArray(e *Env, n *Call) (any, error) {
	list, l, err := e.arrayAnd(n, 1)
	if err != nil {
		return nil, err
	}
	kept := []any{}
	for i, item := range list {
		keep, err := l[0].apply(1, item, int64(i))
		if err != nil {
			return nil, err
		}
		if keep == true {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

func reduceArray(e *Env, n *Call) (any, error) {
	if len(n.Args) != 3 {
		return nil, wrongCount(n, "three arguments")
	}
	list, l, err := e.arrayAnd(n, 2)
	if err != nil {
		return nil, err
	}
	sum, err := e.Evaluate(n.Args[1])
	for i, item := range list {
		if err != nil {
			break
		}
		sum, err = l[0].apply(2, sum, item, int64(i))
	}
	return sum, err
}

func sortArray(e *Env, n *Call) (any, error) {
	list, l, err := e.arrayAnd(n, 1)
	if err != nil {
		return nil, err
	}
	var failed error
	sorted := slices.Clone(list)
	less := func(a, b any) bool {
		value, err := l[0].apply(2, a, b)
		failed = cmp.Or(failed, err)
		return value == true
	}
	slices.SortStableFunc(sorted, func(a, b any) int {
		switch {
		case failed != nil:
			return 0
		case less(a, b):
			return -1
		case less(b, a):
			return 1
		}
		return 0
	})
	return sorted, failed
}

func toObject(e *Env, n *Call) (any, error) {
	list, l, err := e.arrayAnd(n, 1, 2)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	for _, item := range list {
		key, err := l[0].apply(1, item)
		if err != nil {
			return nil, err
		}
		value := item
		if len(l) > 1 {
			if value, err = l[1].apply(1, item); err != nil {
				return nil, err
			}
		}
		object[Text(key)] = value
	}
	return object, nil
}

func groupBy(e *Env, n *Call) (any, error) {
	list, l, err := e.arrayAnd(n, 1)
	if err != nil {
		return nil, err
	}
	groups := map[string]any{}
	for _, item := range list {
		key, err := l[0].apply(1, item)
		if err != nil {
			return nil, err
		}
		group, _ := groups[Text(key)].([]any)
		groups[Text(key)] = append(group, item)
	}
	return groups, nil
}

func mapValues(e *Env, n *Call) (any, error) {
	if len(n.Args) != 2 {
		return nil, wrongCount(n, "two arguments")
	}
	value, err := e.Evaluate(n.Args[0])
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the template language function '%s' expects an object, not a value of type '%s'", n.Name, TypeOf(value))
	}
	l, err := e.lambda(n.Args[1])
	if err != nil {
		return nil, err
	}
	mapped := map[string]any{}
	for name, item := range object {
		if mapped[name], err = l.apply(1, item); err != nil {
			return nil, err
		}
	}
	return mapped, nil
}
