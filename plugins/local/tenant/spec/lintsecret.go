package spec

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// literalSecret tells a secret that is written out, by the same rules by which the template builder finds them.
func (l *linter) literalSecret(r *Resource, v *Value, at *spot) {
	is := l.verdict(at.name)
	named := at.secret || is.secret && (at.name != "value" || at.chosen) || at.chosen && len(v.Text) >= 8 && is.setting
	l.tellSecret(r, v, named, at.key())
}

// verdict is whether a name is that of a secret, and of a setting that is one.
type verdict struct{ secret, setting bool }

// maxVerdicts is how many names are remembered: specifications have few, again and again.
const maxVerdicts = 10_000

func (l *linter) verdict(name string) verdict {
	is, known := l.verdicts[name]
	if !known {
		is = verdict{secrets.Named(name), secrets.NamedSetting(name)}
		if len(l.verdicts) < maxVerdicts {
			l.verdicts[strings.Clone(name)] = is
		}
	}
	return is
}

func (l *linter) tellSecret(r *Resource, v *Value, named bool, key string) {
	if pieces, err := Split(v.Text); err != nil || slices.ContainsFunc(pieces, func(p Piece) bool { return p.Kind == RefSecret }) {
		return
	}
	kind, looks := secrets.Looks(v.Text)
	if !looks && (!named || secrets.Refers(strings.TrimLeft(v.Text, "$"))) {
		return
	}
	if kind == "" {
		kind = "a secret"
	}
	l.wrong(v.At, title(r, key), "write ${secret:NAME}; whoever deploys gives the value", "%s would be %s, and a specification holds none", key, kind)
}

// settings looks for secrets in a pair of name and value, whose name somebody chose.
func (l *linter) settings(r *Resource, v *Value, at *spot) {
	if len(v.Fields) > 6 {
		return
	}
	value := -1
	for i := range v.Fields {
		if strings.EqualFold(v.Fields[i].Name, "value") && v.Fields[i].Value.Kind == template.String {
			value = i
		}
	}
	if value < 0 {
		return
	}
	for _, name := range [...]string{"name", "key"} {
		if called := anyCase(v, name); called != "" {
			text := &v.Fields[value].Value
			if is := l.verdict(called); is.secret || len(text.Text) >= 8 && is.setting {
				l.tellSecret(r, text, true, at.key()+" "+short(called))
			}
		}
	}
}
