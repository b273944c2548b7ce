package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// call calls a function. Their names are in any case, as in Azure.
func (e *evaluation) call(name string, arguments []any) (any, error) {
	switch strings.ToLower(name) {
	case "parameters":
		return e.parameter(arguments)
	case "variables":
		return e.variable(arguments)
	case "format":
		return format(arguments)
	case "string":
		if s, err := texts(arguments); err == nil && len(s) == 1 {
			return s[0], nil
		}
		return nil, errors.New("string takes one string here")
	case "concat":
		s, err := texts(arguments)
		if err != nil || len(s) == 0 {
			return nil, errors.New("concat takes strings")
		}
		return strings.Join(s, ""), nil
	case "resourceid":
		if e.at.ResourceGroup == "" {
			return nil, errors.New("resourceId outside of a resource group")
		}
		return below(e.at.ID(), arguments)
	case "subscriptionresourceid":
		if e.at.Subscription == "" {
			return nil, errors.New("subscriptionResourceId outside of a subscription")
		}
		return below(Scope{Subscription: e.at.Subscription}.ID(), arguments)
	case "tenantresourceid":
		return below("", arguments)
	case "reference":
		return e.reference(arguments)
	case "extensionresourceid":
		s, err := texts(arguments)
		if err != nil || len(s) < 3 {
			return nil, errors.New("extensionResourceId takes an id, a type and names")
		}
		return below(s[0], arguments[1:])
	}
	return nil, fmt.Errorf("the function %s is none that a generated template has", name)
}

func texts(arguments []any) ([]string, error) {
	all := make([]string, len(arguments))
	for i, a := range arguments {
		s, ok := a.(string)
		if !ok {
			return nil, fmt.Errorf("%v is no string", a)
		}
		all[i] = s
	}
	return all, nil
}

func (e *evaluation) parameter(arguments []any) (any, error) {
	s, err := texts(arguments)
	if err != nil || len(s) != 1 {
		return nil, errors.New("parameters takes one name")
	}
	v, ok := e.parameters[s[0]]
	if !ok {
		return nil, fmt.Errorf("the parameter %s is not declared", s[0])
	}
	e.used[s[0]] = true
	return v, nil
}

func (e *evaluation) variable(arguments []any) (any, error) {
	s, err := texts(arguments)
	if err != nil || len(s) != 1 {
		return nil, errors.New("variables takes one name")
	}
	v, ok := e.variables[s[0]]
	if !ok {
		return nil, fmt.Errorf("the variable %s is not declared", s[0])
	}
	if e.depth++; e.depth > 100 {
		return nil, fmt.Errorf("the variable %s is made of itself", s[0])
	}
	defer func() { e.depth-- }()
	e.usedText[s[0]] = true
	return e.atStart(v)
}

// format is .NET's, for strings: {0} is an argument, and a doubled brace a brace.
func format(arguments []any) (any, error) {
	s, err := texts(arguments)
	if err != nil || len(s) < 2 {
		return nil, errors.New("format takes a string and arguments")
	}
	var b strings.Builder
	pattern := s[0]
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case (c == '{' || c == '}') && i+1 < len(pattern) && pattern[i+1] == c:
			b.WriteByte(c)
			i++
		case c == '{':
			end := strings.IndexByte(pattern[i:], '}')
			if end < 0 {
				return nil, errors.New("a brace without an end in a format")
			}
			n, err := strconv.Atoi(pattern[i+1 : i+end])
			if err != nil || n < 0 || n+1 >= len(s) {
				return nil, fmt.Errorf("{%s} is no argument of the format", pattern[i+1:i+end])
			}
			b.WriteString(s[n+1])
			i += end
		case c == '}':
			return nil, errors.New("a single closing brace in a format")
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// below is the id of a resource below a scope: the type, and as many names as the type has words after the provider.
func below(scope string, arguments []any) (any, error) {
	s, err := texts(arguments)
	if err != nil || len(s) < 2 {
		return nil, errors.New("an id takes a type and names")
	}
	return resourceID(scope, s[0], s[1:])
}

func resourceID(scope, kind string, names []string) (string, error) {
	words := strings.Split(kind, "/")
	if len(words) != len(names)+1 {
		return "", fmt.Errorf("the type %s takes %d names, not %d", kind, len(words)-1, len(names))
	}
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(scope, "/"))
	b.WriteString("/providers/")
	b.WriteString(words[0])
	for i, name := range names {
		if name == "" {
			return "", fmt.Errorf("a name of the type %s is empty", kind)
		}
		b.WriteByte('/')
		b.WriteString(words[i+1])
		b.WriteByte('/')
		b.WriteString(name)
	}
	return b.String(), nil
}
