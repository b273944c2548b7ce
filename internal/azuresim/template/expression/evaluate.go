package expression

import (
	"fmt"
	"strings"
)

// Function is a function of the language with evaluated arguments.
type Function func(args []any) (any, error)

// Env is where an expression is evaluated.
type Env struct {
	// Function finds what a deployment adds to the language, and hides what the language has of the
	// same name; the name is in lower case.
	Function func(name string) (Function, bool)

	variables map[string]any // of the lambdas around
	depth     int
	calls     *int // of functions, in the whole expression
}

const (
	maxSteps = 512     // how deep lambdas may call each other
	maxCalls = 300000  // of functions in an expression
	maxValue = 4 << 20 // characters and elements of what a function makes
)

// Evaluate is the value of an expression.
func (e *Env) Evaluate(n Node) (any, error) {
	switch n := n.(type) {
	case *Literal:
		return n.Value, nil
	case *Access:
		of, err := e.Evaluate(n.Of)
		if err != nil {
			return nil, err
		}
		key, err := e.Evaluate(n.Key)
		if err != nil {
			return nil, err
		}
		return access(of, key, false)
	case *Call:
		return e.call(n)
	}
	return nil, fmt.Errorf("an expression of unknown kind %T", n)
}

func (e *Env) call(n *Call) (any, error) {
	if e.calls == nil {
		e.calls = new(int)
	}
	if *e.calls++; *e.calls > maxCalls {
		return nil, fmt.Errorf("the language expression calls more than '%d' functions", maxCalls)
	}
	name := strings.ToLower(n.Name)
	if special, ok := lazy[name]; ok {
		return special(e, n)
	}
	var function Function
	own := false
	if e.Function != nil {
		function, own = e.Function(name)
	}
	if !own {
		function = functions[name]
	}
	if function == nil {
		return nil, fmt.Errorf("the template function '%s' is not valid", n.Name)
	}
	args := make([]any, len(n.Args))
	for i, arg := range n.Args {
		value, err := e.Evaluate(arg)
		if err != nil {
			return nil, err
		}
		args[i] = value
	}
	value, err := function(args)
	if err != nil {
		return nil, fmt.Errorf("the template language function '%s': %w", n.Name, err)
	}
	if !own && weigh(value, maxValue) < 0 {
		return nil, fmt.Errorf("the template language function '%s' makes a value of more than '%d' characters and elements", n.Name, maxValue)
	}
	return value, nil
}

// weigh takes the size of a value off what is left; the answer is negative if it is larger.
func weigh(value any, left int) int {
	left--
	switch v := value.(type) {
	case string:
		left -= len(v)
	case []any:
		for i := 0; i < len(v) && left >= 0; i++ {
			left = weigh(v[i], left)
		}
	case map[string]any:
		for name, item := range v {
			if left = weigh(item, left-len(name)); left < 0 {
				break
			}
		}
	}
	return left
}

// lazy are the functions that do not evaluate all of their arguments. They are set in init, for
// they evaluate in turn.
var lazy map[string]func(e *Env, n *Call) (any, error)

func init() {
	lazy = map[string]func(e *Env, n *Call) (any, error){
		"if": evaluateIf, "and": evaluateAnd, "or": evaluateOr, "coalesce": evaluateCoalesce,
		"lambda": strayLambda, "lambdavariables": lambdaVariable,
		"map": mapArray, "filter": filterArray, "reduce": reduceArray, "sort": sortArray,
		"toobject": toObject, "groupby": groupBy, "mapvalues": mapValues,
	}
}

func wrongCount(n *Call, want string) error {
	return fmt.Errorf("the template language function '%s' expects %s, not '%d'", n.Name, want, len(n.Args))
}

func evaluateIf(e *Env, n *Call) (any, error) {
	if len(n.Args) != 3 {
		return nil, wrongCount(n, "three arguments")
	}
	condition, err := e.boolean(n, 0)
	if err != nil {
		return nil, err
	}
	if condition {
		return e.Evaluate(n.Args[1])
	}
	return e.Evaluate(n.Args[2])
}

func (e *Env) boolean(n *Call, i int) (bool, error) {
	value, err := e.Evaluate(n.Args[i])
	if err != nil {
		return false, err
	}
	b, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("the template language function '%s' expects its parameter '%d' to be a boolean, not of type '%s'", n.Name, i+1, TypeOf(value))
	}
	return b, nil
}

func evaluateAnd(e *Env, n *Call) (any, error) { return e.junction(n, false) }

func evaluateOr(e *Env, n *Call) (any, error) { return e.junction(n, true) }

// junction ends at the first argument that decides.
func (e *Env) junction(n *Call, decides bool) (any, error) {
	if len(n.Args) < 2 {
		return nil, wrongCount(n, "two or more arguments")
	}
	for i := range n.Args {
		b, err := e.boolean(n, i)
		if err != nil {
			return nil, err
		}
		if b == decides {
			return decides, nil
		}
	}
	return !decides, nil
}

func evaluateCoalesce(e *Env, n *Call) (any, error) {
	if len(n.Args) == 0 {
		return nil, wrongCount(n, "one or more arguments")
	}
	for _, arg := range n.Args {
		value, err := e.Evaluate(arg)
		if err != nil || value != nil {
			return value, err
		}
	}
	return nil, nil
}

// Walk visits every call of an expression, the outer ones first.
func Walk(n Node, visit func(*Call)) {
	switch n := n.(type) {
	case *Access:
		Walk(n.Of, visit)
		Walk(n.Key, visit)
	case *Call:
		visit(n)
		for _, arg := range n.Args {
			Walk(arg, visit)
		}
	}
}
