// Package armschema knows of resource types what can be written of them, which types there are below others, and how
// Resource Manager lists them. docs/armschema.md tells where it knows it from.
package armschema

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Child is a child type that Resource Graph's table resources does not index, read through Resource Manager. A type
// whose fixed names are read in different ways is there more than once.
type Child struct {
	Parent   string   // lower case: microsoft.storage/storageaccounts/blobservices
	Type     string   // lower case: microsoft.storage/storageaccounts/blobservices/containers
	Segment  string   // as Resource Manager spells it: containers
	Version  string   // api-version of the list
	Embedded string   // the array in the parent's properties that holds the children whole; then no call is needed
	Names    []string // fixed names, each of which is read; empty: list them
	Kinds    []string // of the parent, lower case, for which the type exists; empty is all
	Table    string   // the table of Resource Graph that has them, lower case; empty is none

	ExceptKinds []string // of the parent, lower case, for which it does not
}

// Extension is a type that may extend resources of any type.
type Extension struct {
	Type    string // lower case
	Segment string // behind the resource's id: providers/Microsoft.Insights/diagnosticSettings
	Version string
}

//go:embed children.txt
var children string

// byParent is children.txt by parent type.
var byParent = sync.OnceValue(func() map[string][]Child {
	all := map[string][]Child{}
	for line := range strings.Lines(children) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 3 {
			panic(fmt.Sprintf("children.txt: %q", line)) // it is part of the program, and a test reads it
		}
		c := Child{Parent: strings.ToLower(fields[0]), Segment: fields[1], Version: fields[2]}
		c.Type = c.Parent + "/" + strings.ToLower(c.Segment)
		for _, option := range fields[3:] {
			name, value, _ := strings.Cut(option, "=")
			values := strings.Split(value, "|")
			switch name {
			case "embedded":
				c.Embedded = value
			case "names":
				c.Names = values
			case "kinds":
				c.Kinds = values
			case "except":
				c.ExceptKinds = values
			case "graph":
				c.Table = value
			default:
				panic(fmt.Sprintf("children.txt: %q", option))
			}
		}
		all[c.Parent] = append(all[c.Parent], c)
	}
	return all
})

// Children are the child types of a type, in any case.
func Children(parent string) []Child { return byParent()[strings.ToLower(parent)] }

// HasChildren says whether there are any.
func HasChildren(parent string) bool { return len(Children(parent)) > 0 }

// Ancestors are the types above a child type, the nearest first; none of any other type.
func Ancestors(child string) []string {
	child = strings.ToLower(child)
	parent, _, ok := cutLast(child)
	if !ok || !slices.ContainsFunc(Children(parent), func(c Child) bool { return c.Type == child }) {
		return nil
	}
	return append([]string{parent}, Ancestors(parent)...)
}

func cutLast(typ string) (before, last string, ok bool) {
	at := strings.LastIndexByte(typ, '/')
	if at < 0 {
		return typ, "", false
	}
	return typ[:at], typ[at+1:], true
}

// Extensions are the types that any resource may be extended by and that Resource Graph does not index. Locks and role
// assignments are not among them: one list of a subscription has them all. The version is a preview because there is no
// newer one: the only stable one, of 2016, knows a single setting for each resource.
func Extensions() []Extension {
	return []Extension{{"microsoft.insights/diagnosticsettings", "providers/Microsoft.Insights/diagnosticSettings", "2021-05-01-preview"}}
}
