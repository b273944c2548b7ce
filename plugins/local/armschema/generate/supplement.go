package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// supplement adds the types of a file that is written by hand: those that a tenant often has and whose modules are not to
// be had. A type that a module has must not be there. The form is that of supplement.txt.
func supplement(file string, m *model, resources []resource) ([]resource, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var lines []line
	for raw := range strings.Lines(string(text)) {
		raw, _, _ = strings.Cut(raw, "#")
		if fields := strings.Fields(raw); len(fields) > 0 {
			lines = append(lines, line{depth: len(raw) - len(strings.TrimLeft(raw, " ")), fields: fields})
		}
	}
	scopes := map[string]byte{"group": scopeResourceGroup, "subscription": scopeSubscription, "extension": scopeExtension}
	for len(lines) > 0 {
		f := lines[0].fields
		if len(f) != 4 || f[0] != "type" && f[0] != "instead" || scopes[f[3]] == 0 {
			return nil, fmt.Errorf("%s: %q", file, f)
		}
		at := slices.IndexFunc(resources, func(r resource) bool { return strings.EqualFold(r.name, f[1]) })
		if older := at >= 0 && resources[at].version < f[2]; f[0] == "type" && at >= 0 || f[0] == "instead" && !older {
			return nil, fmt.Errorf("%s: a module has %s, or none has an older one", file, f[1])
		}
		if at >= 0 {
			resources = slices.Delete(resources, at, at+1)
		}
		r := resource{name: f[1], version: f[2], scopes: scopes[f[3]], writable: true, listed: true}
		if r.body, lines, err = m.lines(lines[1:], 0); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, f[1], err)
		}
		for _, fixed := range []string{"id", "name", "type"} {
			m.defs[r.body].props = append(m.defs[r.body].props, prop{name: fixed, flags: flagReadOnly, ref: scalar(kindString)})
		}
		m.sort(r.body)
		resources = append(resources, r)
	}
	slices.SortFunc(resources, func(a, b resource) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	return resources, nil
}

type line struct {
	depth  int
	fields []string
}

var scalars = map[string]int{
	"any": kindAny, "string": kindString, "bool": kindBool, "number": kindNumber,
}

// lines defines the object whose properties are in the lines that are deeper than the one before them.
func (m *model) lines(all []line, depth int) (int, []line, error) {
	at := m.add(def{kind: kindObject, items: -1})
	for len(all) > 0 && all[0].depth > depth {
		head := all[0]
		name, flags := strings.TrimRight(head.fields[0], "!-"), byte(0)
		if strings.HasSuffix(head.fields[0], "!") {
			flags = flagRequired
		}
		if strings.HasSuffix(head.fields[0], "-") {
			flags = flagReadOnly
		}
		kind := ""
		if len(head.fields) == 2 {
			kind = head.fields[1]
		}
		p := prop{name: name, flags: flags}
		all = all[1:]
		var err error
		if ref, ok := scalars[kind]; ok {
			p.ref = ref
		} else if ref, ok := scalars[strings.Trim(kind, "[]{}")]; ok {
			p.ref = m.many(kind, ref)
		} else if p.ref, all, err = m.lines(all, head.depth); err != nil {
			return 0, nil, err
		} else if kind == "[]" || kind == "{}" {
			p.ref = m.many(kind, p.ref)
		} else if kind != "" {
			return 0, nil, fmt.Errorf("%q", head.fields)
		}
		m.hide(&p, "")
		m.defs[at].props = append(m.defs[at].props, p)
	}
	m.sort(at)
	return at, all, nil
}

func (m *model) many(kind string, of int) int {
	if strings.HasPrefix(kind, "{") {
		return m.add(def{kind: kindMap, items: of})
	}
	return m.add(def{kind: kindList, items: of})
}

func (m *model) sort(at int) {
	slices.SortFunc(m.defs[at].props, func(a, b prop) int { return strings.Compare(a.name, b.name) })
}
