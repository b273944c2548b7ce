package main

import (
	"maps"
	"slices"
	"strings"
)

// Kinds, as package armschema numbers them.
const (
	kindAny = iota
	kindString
	kindBool
	kindNumber
	kindObject
	kindMap
	kindList
)

// Flags of a property.
const (
	flagReadOnly = 1 << iota
	flagWriteOnly
	flagRequired
	flagSecret
	flagBits = iota
)

// def is the description of a value. Definitions refer to each other by their number.
type def struct {
	kind     byte
	props    []prop
	items    int // -1 is none
	property string
	variants map[string]int
	enum     []string
}

type prop struct {
	name  string
	flags byte
	ref   int
}

// model collects definitions.
type model struct {
	defs []def
	memo map[key]int
}

// key is of a definition: of what a PUT sends beside what a GET answers.
type key struct {
	source   *source
	put, get string
	except   string // the union whose common properties are left out
}

// scalar is the definition of a kind of which there is nothing more to say. Those of all kinds are the first.
func scalar(kind byte) int { return int(kind) }

func newModel() *model {
	m := &model{memo: map[key]int{}}
	for k := byte(kindAny); k <= kindList; k++ {
		d := def{kind: k, items: -1}
		if k >= kindMap {
			d.items = scalar(kindAny)
		}
		m.defs = append(m.defs, d)
	}
	return m
}

func (m *model) add(d def) int {
	m.defs = append(m.defs, d)
	return len(m.defs) - 1
}

// resolve follows names to what they name, but those of structs and unions.
func (s *source) resolve(t typ) typ {
	for range 5 {
		if t.kind != 'r' || s.structs[t.name] != nil {
			break
		}
		next, ok := s.named[t.name]
		if !ok || len(s.enums[t.name]) > 0 {
			break
		}
		t = next
	}
	return t
}

// value defines what a PUT sends as a type, beside what a GET answers in its place, if there is anything.
func (m *model) value(s *source, put typ, get *typ) int {
	put = s.resolve(put)
	var other typ
	if get != nil {
		other = s.resolve(*get)
	}
	switch put.kind {
	case 's':
		return scalar(kindString)
	case 'b':
		return scalar(kindBool)
	case 'n':
		return scalar(kindNumber)
	case 'l', 'm':
		kind := byte(kindList)
		if put.kind == 'm' {
			kind = kindMap
		}
		var elem *typ
		if other.kind == put.kind {
			elem = other.elem
		}
		return m.add(def{kind: kind, items: m.value(s, *put.elem, elem)})
	case 'r':
		name := ""
		if other.kind == 'r' {
			name = other.name
		}
		return m.reference(s, put.name, name)
	}
	return scalar(kindAny)
}

func (m *model) reference(s *source, put, get string) int {
	if values := s.enums[put]; len(values) > 0 {
		if kind := s.named[put].kind; kind == 'n' || kind == 'b' {
			return scalar(kindNumber)
		}
		values = slices.Clone(values)
		slices.Sort(values)
		return m.add(def{kind: kindString, items: -1, enum: slices.Compact(values)})
	}
	if u, ok := s.unions[put]; ok {
		return m.union(s, put, u, get)
	}
	base := strings.TrimSuffix(put, "Classification")
	if base != put && s.structs[base] != nil { // an interface that one type has
		put, get = base, strings.TrimSuffix(get, "Classification")
	}
	if s.structs[put] == nil {
		return scalar(kindAny)
	}
	return m.object(key{source: s, put: put, get: get})
}

func (m *model) union(s *source, put string, u union, get string) int {
	if get != put { // what is answered is no such union, or another one: it is not compared
		get = ""
	}
	k := key{source: s, put: put, get: get}
	if at, ok := m.memo[k]; ok {
		return at
	}
	at := m.add(def{})
	m.memo[k] = at
	d := def{kind: kindObject, items: -1, property: u.property, variants: map[string]int{}}
	d.props = m.properties(key{source: s, put: u.base})
	if s.open[u.base] {
		d.items = scalar(kindAny)
	}
	for _, value := range slices.Sorted(maps.Keys(u.variants)) { // in order, for the file to be the same each time
		d.variants[value] = m.object(key{source: s, put: u.variants[value], except: u.base})
	}
	m.defs[at] = d
	return at
}

func (m *model) object(k key) int {
	if k.get == k.put || k.source.structs[k.get] == nil {
		k.get = ""
	}
	if at, ok := m.memo[k]; ok {
		return at
	}
	at := m.add(def{})
	m.memo[k] = at
	d := def{kind: kindObject, items: -1, props: m.properties(k)}
	if k.source.open[k.put] {
		d.items = scalar(kindAny)
		for _, f := range k.source.structs[k.put] {
			if f.name == "AdditionalProperties" && f.typ.kind == 'm' {
				d.items = m.value(k.source, *f.typ.elem, nil)
			}
		}
	}
	m.defs[at] = d
	return at
}

// properties are those of a struct that a PUT sends, and, read-only, those that only the struct of the answer has.
func (m *model) properties(k key) []prop {
	s := k.source
	answered := map[string]field{}
	for _, f := range s.structs[k.get] {
		answered[s.jsonName(k.get, f)] = f
	}
	common := map[string]bool{}
	for _, f := range s.structs[k.except] {
		common[s.jsonName(k.except, f)] = true
	}
	var all []prop
	for _, f := range s.structs[k.put] {
		name := s.jsonName(k.put, f)
		if name == "" || common[name] {
			continue
		}
		p := prop{name: name}
		var other *typ
		if g, ok := answered[name]; ok {
			other = &g.typ
		} else if k.get != "" {
			p.flags |= flagWriteOnly
		}
		delete(answered, name)
		switch {
		case strings.HasPrefix(f.comment, "READ-ONLY"), settled(k.put, name):
			p.flags = flagReadOnly
			p.ref = m.plain(s, f.typ)
		default:
			if strings.HasPrefix(f.comment, "REQUIRED") {
				p.flags |= flagRequired
			}
			p.ref = m.value(s, f.typ, other)
			if neverAnswered(f.comment) {
				p.flags |= flagWriteOnly
			}
		}
		m.hide(&p, k.put)
		all = append(all, p)
	}
	for _, name := range slices.Sorted(maps.Keys(answered)) {
		f := answered[name]
		if name != "" && !common[name] {
			p := prop{name: name, flags: flagReadOnly, ref: m.plain(s, f.typ)}
			m.hide(&p, k.get)
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b prop) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(all, func(a, b prop) bool { return a.name == b.name })
}

// hide marks a secret.
func (m *model) hide(p *prop, owner string) {
	secret, writeOnly := secrecy(owner, p.name, m.defs[p.ref].kind)
	if secret {
		p.flags |= flagSecret
	}
	if writeOnly && p.flags&flagReadOnly == 0 {
		p.flags |= flagWriteOnly
	}
}

func neverAnswered(comment string) bool {
	comment = strings.ToLower(strings.Join(strings.Fields(comment), " "))
	for _, s := range []string{"write-only", "write only", "never returned", "not returned in", "will not be returned", "won't be returned", "not be filled on"} {
		if strings.Contains(comment, s) {
			return true
		}
	}
	return false
}

// plain defines what can only be read: text, truth and numbers are told apart, and of the rest nothing is.
func (m *model) plain(s *source, t typ) int {
	switch t = s.resolve(t); t.kind {
	case 's':
		return scalar(kindString)
	case 'b':
		return scalar(kindBool)
	case 'n':
		return scalar(kindNumber)
	case 'r':
		if len(s.enums[t.name]) > 0 {
			return scalar(kindString)
		}
	}
	return scalar(kindAny)
}
