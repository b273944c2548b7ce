package create

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// secretPrefix begins the names of the variables that hold secrets.
const secretPrefix = "ATG_SECRET_"

// variable is the name of the variable of a secret: letters, digits and underscores.
func variable(name string) string {
	return secretPrefix + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

// secretOf is the value of a secret parameter of a unit, and the variables that it lacks. A secret that the specification names has one of that
// name; one that the type needs and the specification does not have, that of its parameter, with the unit's name before it where units
// differ.
func (r *run) secretOf(unit string, p *template.Parameter) (value string, lacks []string) {
	if p.Placeholder == "" {
		for _, name := range []string{variable(unit + "_" + p.Name), variable(p.Name)} {
			if v := r.getenv(name); v != "" {
				return v, nil
			}
		}
		return "", []string{variable(p.Name)}
	}
	value, err := spec.Fill(p.Placeholder, func(name string) (string, error) {
		v := r.getenv(variable(name))
		if v == "" {
			lacks = append(lacks, variable(name))
		}
		return v, nil
	})
	if err != nil { // the specification was checked
		lacks = append(lacks, variable(p.Name))
	}
	return value, lacks
}

// missingSecrets are the variables that secrets of a unit lack, sorted.
func (r *run) missingSecrets(u *template.Unit, secrets []*template.Parameter) []string {
	var names []string
	for _, p := range secrets {
		_, lacks := r.secretOf(u.Name, p)
		names = append(names, lacks...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fill makes the parameters of a document that hold secrets.
func (r *run) fill(d *arm.Document) (map[string]any, error) {
	type given struct {
		Value any `json:"value"`
	}
	parameters, groups := map[string]any{}, map[string]map[string]string{}
	for _, s := range d.Secrets {
		value, lacks := r.secretOf(s.Unit, s.Parameter)
		if len(lacks) > 0 {
			return nil, fault.New(fault.InvalidArgument, "a secret has no value: set "+strings.Join(lacks, ", ")+" in the environment of the backend")
		}
		if s.Group == "" {
			parameters[s.Name] = given{value}
			continue
		}
		if groups[s.Group] == nil {
			groups[s.Group] = map[string]string{}
		}
		groups[s.Group][s.Name] = value
	}
	for name, members := range groups {
		parameters[name] = given{members}
	}
	return parameters, nil
}
