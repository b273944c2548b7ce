package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// parameter is a parameter with its definition. Its value is evaluated when it is first used, for
// defaults may use other parameters.
type parameter struct {
	name       string
	typ        string
	definition map[string]any
	given      bool
	value      any
	state      progress
}

// progress is how far a value is that others may need.
type progress int

const (
	untouched progress = iota
	evaluating
	evaluated
)

// types are the types of parameters and outputs as Azure writes them.
var types = []string{"String", "SecureString", "Int", "Bool", "Object", "SecureObject", "Array"}

// canonicalType is a type in Azure's spelling, "" if there is no such type.
func canonicalType(typ string) string {
	i := slices.IndexFunc(types, func(known string) bool { return strings.EqualFold(known, typ) })
	if i < 0 {
		return ""
	}
	return types[i]
}

func isSecure(typ string) bool { return strings.HasPrefix(strings.ToLower(typ), "secure") }

func checkType(typ string, value any) error {
	ok := false
	switch strings.TrimPrefix(strings.ToLower(typ), "secure") {
	case "string":
		_, ok = value.(string)
	case "int":
		_, ok = value.(int64)
	case "bool":
		_, ok = value.(bool)
	case "object":
		_, ok = value.(map[string]any)
	case "array":
		_, ok = value.([]any)
	}
	if !ok {
		return fmt.Errorf("template parameter JToken type is not valid. Expected '%s'. Actual '%s'. Please see https://aka.ms/arm-create-parameter-file for usage details", canonicalType(typ), expression.TypeOf(value))
	}
	return nil
}

func (t *Template) readParameters() error {
	definitions, err := t.section("parameters")
	if err != nil {
		return err
	}
	if len(definitions) > maxParameters {
		return invalid("The number of template parameters limit exceeded. Limit: '%d' and actual: '%d'. Please see https://aka.ms/arm-template/#parameters for usage details.", maxParameters, len(definitions))
	}
	t.parameters = map[string]*parameter{}
	for name, raw := range definitions {
		definition, ok := raw.(map[string]any)
		if _, named := definition["$ref"]; named {
			return invalid("The template parameter '%s' has a type of the template's own, which the simulator does not know", name)
		}
		typ, _ := definition["type"].(string)
		if !ok || canonicalType(typ) == "" {
			return invalid("The template parameter '%s' is not valid: its type '%s' is none of '%s'", name, typ, strings.Join(types, ","))
		}
		if t.parameters[strings.ToLower(name)] != nil {
			return invalid("The template parameter '%s' is defined more than once", name)
		}
		t.parameters[strings.ToLower(name)] = &parameter{name: name, typ: canonicalType(typ), definition: definition}
	}
	var unknown []string
	for name, raw := range t.Deployment.Parameters {
		p := t.parameters[strings.ToLower(name)]
		if p == nil {
			unknown = append(unknown, name)
			continue
		}
		if err := t.give(p, raw); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return invalid("The template parameters '%s' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '%s'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
			strings.Join(unknown, ", "), strings.Join(slices.Sorted(maps.Keys(definitions)), ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(t.parameters)) {
		if _, err := t.parameter(name); err != nil {
			return err
		}
	}
	return nil
}

// give takes the value of a parameter from the request.
func (t *Template) give(p *parameter, raw any) error {
	given, ok := raw.(map[string]any)
	if !ok {
		return malformed("Error converting value to type 'DeploymentParameterDefinition'. Path 'properties.parameters.%s'", p.name)
	}
	for member := range given {
		if !slices.Contains([]string{"value", "reference", "metadata"}, member) {
			return malformed("Could not find member '%s' on object of type 'DeploymentParameterDefinition'. Path 'properties.parameters.%s'", member, p.name)
		}
	}
	value, hasValue := given["value"]
	if reference, ok := given["reference"].(map[string]any); ok {
		if hasValue {
			return invalid("The template parameter '%s' has both a value and a reference", p.name)
		}
		vault, _ := reference["keyVault"].(map[string]any)
		id, _ := vault["id"].(string)
		name, _ := reference["secretName"].(string)
		version, _ := reference["secretVersion"].(string)
		secret, err := t.host.Secret(id, name, version)
		if err != nil {
			return &Error{Code: "KeyVaultParameterReferenceNotFound", Message: err.Error()}
		}
		if !isSecure(p.typ) {
			return invalid("The template parameter '%s' refers to a secret, but its type '%s' is not secure", p.name, p.typ)
		}
		value, hasValue = secret, true
	}
	if hasValue && (value != nil || p.definition["nullable"] == true) {
		p.value, p.given = value, true
	}
	return nil
}

// parameter is the checked value of a parameter by its lower-case name.
func (t *Template) parameter(name string) (any, error) {
	p := t.parameters[name]
	if p == nil {
		return nil, fmt.Errorf("the template parameter '%s' is not found. Please see https://aka.ms/arm-template/#parameters for usage details", name)
	}
	switch p.state {
	case evaluated:
		return p.value, nil
	case evaluating:
		return nil, invalid("The template parameter '%s' depends on itself", p.name)
	}
	p.state = evaluating
	if !p.given {
		byDefault, ok := expression.Member(p.definition, "defaultValue")
		switch {
		case ok:
			value, err := t.defaults().value(byDefault)
			if err != nil {
				return nil, invalid("The default value of the template parameter '%s' is not valid: %v", p.name, err)
			}
			p.value = value
		case p.definition["nullable"] != true:
			return nil, invalid("The value for the template parameter '%s' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.", p.name)
		}
	}
	if p.value != nil || p.definition["nullable"] != true {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	p.state = evaluated
	return p.value, nil
}

func (p *parameter) check() error {
	if err := checkType(p.typ, p.value); err != nil {
		return invalid("The provided value for the template parameter '%s' is not valid: %v.", p.name, err)
	}
	if allowed, ok := p.definition["allowedValues"].([]any); ok && !allows(allowed, p.value) {
		texts := make([]string, len(allowed))
		for i, value := range allowed {
			texts[i] = expression.Text(value)
		}
		return invalid("The provided value '%s' for the template parameter '%s' is not valid. The parameter value is not part of the allowed value(s): '%s'.", p.shown(), p.name, strings.Join(texts, ","))
	}
	var size int64
	switch v := p.value.(type) {
	case string:
		size = int64(utf8.RuneCountInString(v))
	case []any:
		size = int64(len(v))
	case int64:
		return p.checkRange("minValue", "maxValue", "value", v)
	default:
		return nil
	}
	return p.checkRange("minLength", "maxLength", "length", size)
}

// allows says whether a value, or every element of an array, is one of those that are allowed.
func allows(allowed []any, value any) bool {
	isAllowed := func(value any) bool {
		return slices.ContainsFunc(allowed, func(other any) bool { return expression.Equal(other, value) })
	}
	if list, ok := value.([]any); ok && !isAllowed(value) {
		return !slices.ContainsFunc(list, func(item any) bool { return !isAllowed(item) })
	}
	return isAllowed(value)
}

func (p *parameter) checkRange(least, most, what string, n int64) error {
	if limit, ok := p.definition[least].(int64); ok && n < limit {
		return invalid("The provided %s for the template parameter '%s' is not valid: it is '%d', the minimum is '%d'.", what, p.name, n, limit)
	}
	if limit, ok := p.definition[most].(int64); ok && n > limit {
		return invalid("The provided %s for the template parameter '%s' is not valid: it is '%d', the maximum is '%d'.", what, p.name, n, limit)
	}
	return nil
}

func (p *parameter) shown() string {
	if isSecure(p.typ) {
		return "***"
	}
	return expression.Text(p.value)
}

// Parameters are the parameters as a deployment shows them: with their types, and without the
// values of secure ones.
func (t *Template) Parameters() map[string]any {
	shown := map[string]any{}
	for _, p := range t.parameters {
		members := map[string]any{"type": p.typ}
		if !isSecure(p.typ) && p.value != nil {
			members["value"] = p.value
		}
		shown[p.name] = members
	}
	return shown
}
