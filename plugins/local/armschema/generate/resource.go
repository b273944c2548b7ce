package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resource is what is known of a type.
type resource struct {
	name     string
	version  string
	scopes   byte
	writable bool
	listed   bool
	names    []string
	body     int // -1 is none
	named    map[string]int
}

// candidate is one request of a type that it could be known by.
type candidate struct {
	request
	place
}

// catalog is every request by the type that it is of, in lower case.
type catalog struct {
	puts, gets, lists map[string][]candidate
	versions          map[string]map[string]bool // by namespace
	spelling          map[string]map[string]int  // of namespaces
	pins              map[string]string          // the versions of types where the newest stable one is not to be used
}

func newCatalog() *catalog {
	return &catalog{
		puts: map[string][]candidate{}, gets: map[string][]candidate{}, lists: map[string][]candidate{},
		versions: map[string]map[string]bool{}, spelling: map[string]map[string]int{},
	}
}

func (c *catalog) read(s *source) {
	for _, r := range s.requests() {
		for _, p := range r.places() {
			id := strings.ToLower(p.typ)
			namespace, _, _ := strings.Cut(p.typ, "/")
			space := strings.ToLower(namespace)
			if c.versions[space] == nil {
				c.versions[space], c.spelling[space] = map[string]bool{}, map[string]int{}
			}
			c.versions[space][r.version] = true
			c.spelling[space][namespace]++
			one := candidate{r, p}
			switch {
			case p.list && r.method == "Get":
				c.lists[id] = append(c.lists[id], one)
			case r.method == "Get":
				c.gets[id] = append(c.gets[id], one)
			case !p.list:
				c.puts[id] = append(c.puts[id], one)
			}
		}
	}
}

// resources chooses, of each type, the newest stable version with which it can be written, or else the newest preview; of
// a type that cannot be written, that with which it can be read.
func (c *catalog) resources(m *model) []resource {
	ids := map[string]bool{}
	for id := range c.puts {
		ids[id] = true
	}
	for id, all := range c.gets {
		ids[id] = ids[id] || slices.ContainsFunc(all, candidate.answersResource)
	}
	var all []resource
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if !ids[id] {
			continue
		}
		if len(c.puts[id]) > 0 {
			all = append(all, c.writable(m, id))
			continue
		}
		gets := slices.DeleteFunc(slices.Clone(c.gets[id]), func(one candidate) bool { return !one.answersResource() })
		best := newest(gets)
		r := resource{name: c.spelled(best.typ), version: best.version, body: -1, listed: len(c.lists[id]) > 0}
		for _, one := range gets {
			r.scopes |= one.scope
		}
		r.names = onlyNames(gets)
		all = append(all, r)
	}
	return all
}

func (c *catalog) writable(m *model, id string) resource {
	best := newest(c.puts[id])
	if pin := c.pins[id]; pin != "" {
		pinned := slices.DeleteFunc(slices.Clone(c.puts[id]), func(one candidate) bool { return one.version != pin })
		if len(pinned) > 0 {
			best = newest(pinned)
		}
	}
	puts := slices.DeleteFunc(slices.Clone(c.puts[id]), func(one candidate) bool {
		return one.source != best.source || one.version != best.version
	})
	r := resource{name: c.spelled(best.typ), version: best.version, writable: true, body: -1, listed: len(c.lists[id]) > 0, named: map[string]int{}}
	for _, one := range puts {
		r.scopes |= one.scope
		body := c.body(m, id, one)
		if one.names == nil || r.body < 0 {
			r.body = body
		}
		for _, name := range one.names {
			r.named[name] = body
		}
	}
	r.names = onlyNames(puts)
	return r
}

// onlyNames are the names that a type can have, if any of its requests takes any name: none.
func onlyNames(all []candidate) []string {
	var names []string
	for _, one := range all {
		if one.names == nil {
			return nil
		}
		names = append(names, one.names...)
	}
	slices.Sort(names)
	return slices.CompactFunc(names, strings.EqualFold)
}

// body defines what a PUT takes, beside what the GET of the same resource answers.
func (c *catalog) body(m *model, id string, put candidate) int {
	if put.request.body == nil {
		return m.add(def{kind: kindObject, items: -1})
	}
	var answer *typ
	for _, get := range c.gets[id] {
		if get.source == put.source && get.answer != nil && (answer == nil || slices.Equal(get.names, put.names)) {
			answer = get.answer
		}
	}
	at := m.value(put.source, *put.request.body, answer)
	d := m.defs[at]
	d.props = slices.Clone(d.props)
	for i, p := range d.props {
		switch strings.ToLower(p.name) {
		case "id", "name", "type", "systemdata", "etag": // the path says them, or Azure does
			d.props[i].flags = flagReadOnly
			d.props[i].ref = scalar(kindAny)
			if p.name != "systemData" {
				d.props[i].ref = scalar(kindString)
			}
		}
	}
	return m.add(d)
}

func (one candidate) answersResource() bool {
	if one.answer == nil {
		return false
	}
	name := strings.TrimSuffix(one.answer.name, "Classification")
	found := 0
	for _, f := range one.source.structs[name] {
		switch one.source.jsonName(name, f) {
		case "id", "name", "type":
			found++
		}
	}
	return found >= 2 || one.scope == scopeTenant && strings.EqualFold(one.typ, "Microsoft.Resources/subscriptions")
}

func newest(all []candidate) candidate {
	return slices.MaxFunc(all, func(a, b candidate) int {
		return cmp.Or(
			-cmp.Compare(strings.Count(a.version, "-preview"), strings.Count(b.version, "-preview")),
			strings.Compare(a.version, b.version),
			cmp.Compare(min(1, len(b.names)), min(1, len(a.names))),
			strings.Compare(a.source.name, b.source.name),
			strings.Compare(b.path, a.path),
		)
	})
}

// spelled has the namespace of a type as it is spelled most often with a capital.
func (c *catalog) spelled(typ string) string {
	namespace, rest, _ := strings.Cut(typ, "/")
	best, most := "", -1
	for _, spelling := range slices.Sorted(maps.Keys(c.spelling[strings.ToLower(namespace)])) {
		n := c.spelling[strings.ToLower(namespace)][spelling]
		if strings.HasPrefix(spelling, "Microsoft.") && spelling[len("Microsoft.")] < 'a' {
			n += 1 << 20
		}
		if n > most {
			best, most = spelling, n
		}
	}
	if tail, ok := strings.CutPrefix(strings.ToLower(best), "microsoft."); ok && most < 1<<20 {
		best = "Microsoft." + strings.ToUpper(tail[:1]) + best[len("Microsoft.")+1:]
	}
	return best + "/" + rest
}

func readPins(file string) (map[string]string, error) {
	pins := map[string]string{}
	err := eachLine(file, func(fields []string) error {
		if len(fields) != 2 {
			return fmt.Errorf("%s: %q", file, fields)
		}
		pins[strings.ToLower(fields[0])] = fields[1]
		return nil
	})
	return pins, err
}
