package build

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// unitNames are the names that are taken in a unit while its resources are made in their order: of secrets, and of resources that have to exist.
type unitNames struct {
	taken  map[string]bool // without case and underscores
	exists map[string]*template.Existing
}

func newUnitNames() *unitNames {
	return &unitNames{taken: map[string]bool{}, exists: map[string]*template.Existing{}}
}

// unique is a name, or what a hash makes of it where it is taken.
func (u *unitNames) unique(name, content string) string {
	for length := 6; ; length += 6 {
		folded := strings.ReplaceAll(name, "_", "")
		if !u.taken[folded] {
			u.taken[folded] = true
			return name
		}
		name = strings.TrimRight(name[:min(len(name), secretLength)], "_") + "_" + digest(content)[:min(length, 60)]
		content += "|"
	}
}

// secretLength is how long the name of a secret's parameter may become; longer ones are cut.
const secretLength = 128

// secret names the parameter of a secret: vm_web_admin_password.
func (u *unitNames) secret(symbol string, w where) string {
	content := symbol + "|" + w.words()
	name := symbol + "_" + cmp.Or(snake(w.name), "secret")
	if len(name) > secretLength {
		name = strings.TrimRight(name[:secretLength-9], "_") + "_" + digest(content)[:8]
	}
	return u.unique(name, content)
}

// existing is the resource with an id that has to exist: where it is, wherever the code is for, or, for one that others are to hang below,
// where these go.
func (u *unitNames) existing(m *maker, id string, t *armschema.Type, here bool) *template.Existing {
	lower := strings.ToLower(id)
	if s := strings.SplitN(lower, "/", 4); len(s) > 2 && s[1] == "subscriptions" && !here && m.b.retargeted(s[2]) {
		m.b.foreign.Store(true)
	}
	m.literalSubscriptions = true
	parts := m.rewrite(id)
	m.literalSubscriptions = false
	if here {
		if target := m.rewrite(id); !slices.Equal(parts, target) {
			parts, lower = target, lower+"|"
		}
	}
	if e := u.exists[lower]; e != nil {
		return e
	}
	kind := snake(singular(t.Name[strings.LastIndexByte(t.Name, '/')+1:]))
	name := "existing_" + strings.Trim(kind+"_"+snake(short(id[strings.LastIndexByte(id, '/')+1:])), "_")
	if len(name) > symbolLength {
		name = strings.TrimRight(name[:symbolLength], "_")
	}
	e := &template.Existing{Symbol: u.unique(name, lower), Type: t.Name, APIVersion: t.Version, ID: parts}
	u.exists[lower] = e
	return e
}
