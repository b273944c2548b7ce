package build

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
)

// place is a place in the bodies of a type, with how often what happened there. There is one of each for a goroutine: to find it again
// costs less than to spell it.
type place struct {
	up     *place
	name   string // [] for the items of a list, * for what people name
	inside map[string]*place
	counts [report.Reasons]int64
}

// placesKept is how many places are kept below one: what a hostile resource names has no end.
const placesKept = 1000

// below is a place below another.
func (p *place) below(name string) *place {
	if q := p.inside[name]; q != nil {
		return q
	}
	if len(p.inside) >= placesKept {
		name = "*"
		if q := p.inside[name]; q != nil {
			return q
		}
	}
	if p.inside == nil {
		p.inside = map[string]*place{}
	}
	q := &place{up: p, name: name}
	p.inside[name] = q
	return q
}

// String is properties.osProfile.adminPassword; an item of a list has [] behind the list.
func (p *place) String() string {
	var names []string
	for ; p != nil && p.up != nil; p = p.up {
		names = append(names, p.name)
	}
	slices.Reverse(names)
	return strings.ReplaceAll(strings.Join(names, "."), ".[]", "[]")
}

// collect adds what was counted at and below a place.
func (p *place) collect(typ string, into map[report.Property]int64) {
	for reason, n := range p.counts {
		if n > 0 {
			into[report.Property{Type: typ, Path: p.String(), Reason: report.Reason(reason)}] += n
		}
	}
	for _, q := range p.inside {
		q.collect(typ, into)
	}
}

// words is the place for people: what stands for a name that people chose is that name.
func (w where) words() string {
	path := w.path.String()
	if w.path.name == "*" && w.name != "" {
		return strings.TrimSuffix(path, "*") + w.name
	}
	if w.setting && !strings.HasSuffix(path, w.name) {
		return path + " (" + w.name + ")"
	}
	return path
}
