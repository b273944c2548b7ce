package picture

import "github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"

// guard tells secrets, and remembers what it found of names: there are few, and each comes up many times.
type guard struct{ named, settings verdicts }

func newGuard() *guard {
	return &guard{named: verdicts{judge: secrets.Named, known: map[string]bool{}}, settings: verdicts{judge: secrets.NamedSetting, known: map[string]bool{}}}
}

// verdicts are what a function says of names.
type verdicts struct {
	judge func(string) bool
	known map[string]bool
}

// mostVerdicts is how many are remembered; beyond them they are made anew.
const mostVerdicts = 20_000

func (v *verdicts) of(name string) bool {
	verdict, ok := v.known[name]
	if !ok {
		verdict = v.judge(name)
		if len(v.known) < mostVerdicts {
			v.known[name] = verdict
		}
	}
	return verdict
}

// secret says that a value is a secret, by its name or its form.
func (g *guard) secret(name, value string) bool {
	if g.settings.of(name) && !secrets.Refers(value) || secrets.Masked(value) {
		return true
	}
	_, looks := secrets.Looks(value)
	return looks
}

// tags are tags without those values that are secrets.
func (g *guard) tags(tags []Tag) []Tag {
	for i, t := range tags {
		if g.secret(t.Name, t.Value) {
			tags[i].Value = hidden
		}
	}
	return tags
}
