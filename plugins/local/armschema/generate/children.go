package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// child is a line of children.txt.
type child struct {
	parent, segment, version string
	embedded                 string
	names                    []string
}

func readChildren(file string) ([]child, error) {
	var all []child
	err := eachLine(file, func(fields []string) error {
		if len(fields) < 3 {
			return fmt.Errorf("%s: %q", file, fields)
		}
		c := child{parent: fields[0], segment: fields[1], version: fields[2]}
		for _, option := range fields[3:] {
			name, value, _ := strings.Cut(option, "=")
			switch name {
			case "embedded":
				c.embedded = value
			case "names":
				c.names = strings.Split(value, "|")
			}
		}
		all = append(all, c)
		return nil
	})
	return all, err
}

// eachLine calls with the fields of each line of a file that is not empty without its comment.
func eachLine(file string, call func(fields []string) error) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			if err := call(fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkChildren compares what is read of children with what the SDK does: that there is the type, how its last segment is
// spelled, that it is listed or read where the scan looks, and that the parent holds those which are embedded. Each complaint
// is "TYPE about: what"; the file of exceptions has "TYPE about" in its lines, and one of them that nothing complains of is
// a complaint itself. The api-versions are not among it: the SDK knows one of each type, and the table has older ones on
// purpose; known counts those that some module knows.
func (c *catalog) checkChildren(children []child, resources []resource, defs []def, number []int, exceptions string) ([]string, error) {
	found := map[string]string{}
	for _, one := range children {
		for about, what := range c.checkChild(one, resources, defs, number) {
			found[one.parent+"/"+one.segment+" "+about] = what
		}
	}
	stale := []string{}
	err := eachLine(exceptions, func(fields []string) error {
		key := strings.Join(fields, " ")
		if _, ok := found[key]; !ok {
			stale = append(stale, key+": is excepted, and is as it should be")
		}
		delete(found, key)
		return nil
	})
	for key, what := range found {
		stale = append(stale, key+": "+what)
	}
	slices.Sort(stale)
	return stale, err
}

func (c *catalog) checkChild(one child, resources []resource, defs []def, number []int) map[string]string {
	id := strings.ToLower(one.parent + "/" + one.segment)
	all := slices.Concat(c.puts[id], c.gets[id], c.lists[id])
	if len(all) == 0 {
		return map[string]string{"type": "no module has it"}
	}
	problems := map[string]string{}
	if !slices.ContainsFunc(all, func(k candidate) bool { return strings.HasSuffix(k.typ, "/"+one.segment) }) {
		problems["spelling"] = "the SDK has " + all[0].typ
	}
	switch {
	case one.embedded != "":
		if !holds(one, resources, defs, number) {
			problems["embedded"] = "the parent has no array " + one.embedded
		}
	case len(one.names) > 0:
		for _, name := range one.names {
			if !slices.ContainsFunc(c.gets[id], func(k candidate) bool {
				return k.names == nil || slices.ContainsFunc(k.names, func(n string) bool { return strings.EqualFold(n, name) })
			}) {
				problems["names"] = "the SDK does not read " + name
			}
		}
	case len(c.lists[id]) == 0:
		problems["list"] = "the SDK does not list it"
	}
	return problems
}

// holds says whether the body of the parent has the array that a child is embedded in.
func holds(one child, resources []resource, defs []def, number []int) bool {
	at := slices.IndexFunc(resources, func(r resource) bool { return strings.EqualFold(r.name, one.parent) })
	if at < 0 || resources[at].body < 0 {
		return false
	}
	d := defs[number[resources[at].body]]
	for _, name := range []string{"properties", one.embedded} {
		i := slices.IndexFunc(d.props, func(p prop) bool { return p.name == name })
		if i < 0 {
			return false
		}
		if name == one.embedded && d.props[i].flags&flagReadOnly != 0 {
			return true // the SDK does not describe it further
		}
		d = defs[d.props[i].ref]
	}
	return d.kind == kindList
}

// known counts the lines whose api-version some module knows for their namespace.
func (c *catalog) known(children []child) int {
	n := 0
	for _, one := range children {
		namespace, _, _ := strings.Cut(strings.ToLower(one.parent), "/")
		if c.versions[namespace][one.version] {
			n++
		}
	}
	return n
}
