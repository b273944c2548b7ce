// Package relate derives the relationships of a tenant's graph from what Azure said about each resource: it finds what a
// resource names, and says what that means. It knows no database. rules.txt is the table of what is known beyond the generic
// rule, and docs/relationships.md explains it.
package relate

import (
	_ "embed"
	"fmt"
	"strings"
)

// Generic is the kind of a reference that no rule tells more of.
const Generic = "REFERS_TO"

// none is the kind of a reference that makes no edge.
const none = "-"

// The rules that derive edges, beside the lines of rules.txt.
const (
	RuleReference = "reference" // an ARM id in a property
	RuleHost      = "host"      // the name of an account on the internet in a property
	RuleIdentity  = "identity"  // the object id of a managed identity
	RuleAccess    = "access"    // an access policy of a key vault
)

//go:embed rules.txt
var table string

// rule is a line of the table.
type rule struct {
	resource string // a type in lower case; empty is any
	path     string // in lower case; an end of the path if it begins with a dot
	kind     string
	reverse  bool
}

func (r *rule) fits(resource, path string) bool {
	if r.resource != "" && r.resource != resource {
		return false
	}
	if end, ok := strings.CutPrefix(r.path, ".."); ok {
		return path == end || strings.HasSuffix(path, "."+end)
	}
	return path == r.path
}

// zone is a part of the internet's names in which each name belongs to one account of a type.
type zone struct {
	suffix   string // .vault.azure.net
	resource string
	kind     string
}

// rules are the table, parsed.
type rules struct {
	paths []rule
	zones []zone
}

// parse reads a table. The form is that of rules.txt.
func parse(table string) (*rules, error) {
	var all rules
	number := 0
	for line := range strings.Lines(table) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "host":
			if len(fields) != 4 {
				return nil, fmt.Errorf("line %d of the table is no rule for hosts: %q", number, strings.TrimSpace(line))
			}
			for _, name := range strings.Split(fields[2], ",") {
				all.zones = append(all.zones, zone{suffix: "." + name, resource: fields[1], kind: fields[3]})
			}
		case len(fields) == 3:
			kind, reverse := strings.CutPrefix(fields[2], "<")
			all.paths = append(all.paths, rule{
				resource: strings.ToLower(strings.TrimPrefix(fields[0], "*")), path: strings.ToLower(fields[1]), kind: kind, reverse: reverse,
			})
		default:
			return nil, fmt.Errorf("line %d of the table is no rule: %q", number, strings.TrimSpace(line))
		}
	}
	return &all, nil
}

// meaning is the kind of a reference from a property, and whether the edge goes the other way.
func (r *rules) meaning(resource, path string) (kind string, reverse bool) {
	path = strings.ToLower(path)
	kind = Generic
	for i := range r.paths {
		rule := &r.paths[i]
		if (rule.resource != "" || kind == Generic) && rule.fits(resource, path) {
			kind, reverse = rule.kind, rule.reverse
			if rule.resource != "" {
				break
			}
		}
	}
	return kind, reverse
}
