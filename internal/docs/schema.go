package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
)

// schemaNode is a part of the JSON Schema of specifications.
type schemaNode struct {
	Ref         string `json:"$ref"`
	Type        any
	Description string
	Properties  map[string]*schemaNode
	AnyOf       []*schemaNode `json:"anyOf"`
	AllOf       []*schemaNode `json:"allOf"`
	Items       *schemaNode
	Enum        []any
	Required    []string
	Defs        map[string]*schemaNode `json:"$defs"`
}

// schemaPage has the members of specifications, as the published schema has them, and those of the lock file.
func schemaPage(_ context.Context, root string) ([]Page, error) {
	text, err := os.ReadFile(source(root, "docs", "specification.schema.json"))
	if err != nil {
		return nil, err
	}
	var schema schemaNode
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, err
	}
	m := page("Files", "What the files that atg reads and writes consist of. [Specifications](../specification.md) tells what the members mean together; [specification.schema.json](../specification.schema.json) is the schema for editors. "+
		"The file of a snapshot has [a page of its own](../snapshot-format.md).", "the JSON Schema of specifications, and the struct of the lock file")
	m.heading(2, "Specification")
	m.members(&schema)
	for _, name := range slices.Sorted(maps.Keys(schema.Defs)) {
		if len(schema.Defs[name].Properties) == 0 {
			continue
		}
		m.heading(3, name)
		if d := schema.Defs[name].Description; d != "" {
			m.para(sentence(d))
		}
		m.members(schema.Defs[name])
	}

	read, err := readComments(source(root, "host", "lockfile"))
	if err != nil {
		return nil, err
	}
	m.heading(2, "Lock file")
	m.para("`backends.lock.json` beside the configuration: [install and trust backends](../backends.md#the-lock-file).")
	for _, of := range []reflect.Type{reflect.TypeFor[lockfile.File](), reflect.TypeFor[lockfile.Entry](), reflect.TypeFor[lockfile.Platform]()} {
		m.heading(3, "Lock file: "+strings.ToLower(of.Name()))
		m.para(sentence(read.goDoc(of.Name())))
		m.table([]string{"member", ""}, memberRows(read, of))
	}
	return []Page{{"schema.md", m.end()}}, nil
}

// members is the table of an object's members. A name that is only another spelling stands beside the one that it is the same as.
func (m *markdown) members(s *schemaNode) {
	same := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if other, ok := strings.CutPrefix(s.Properties[name].Description, "The same as "); ok {
			same[strings.TrimSuffix(other, ".")] = append(same[strings.TrimSuffix(other, ".")], name)
		}
	}
	required := slices.Clone(s.Required)
	for _, all := range s.AllOf { // at least one of some spellings
		if len(all.AnyOf) > 0 && len(all.AnyOf[0].Required) == 1 {
			required = append(required, all.AnyOf[0].Required[0])
		}
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		if strings.HasPrefix(p.Description, "The same as ") {
			continue
		}
		text := prose(p.Description)
		if len(same[name]) > 0 {
			text = strings.TrimSpace(text + " Also " + tickedAll(same[name]) + ".")
		}
		shown := ticked(name)
		if slices.Contains(required, name) {
			shown += " (required)"
		}
		rows = append(rows, []string{shown, kindOf(p), text})
	}
	m.table([]string{"member", "type", ""}, rows)
}

// kindOf is a schema in words.
func kindOf(p *schemaNode) string {
	if p == nil {
		return "anything"
	}
	if name, ok := strings.CutPrefix(p.Ref, "#/$defs/"); ok && !strings.Contains(name, "/") {
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	var kinds []string
	add := func(kind string) {
		if kind != "" && kind != "null" && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, one := range p.AnyOf {
		add(kindOf(one))
	}
	types, ok := p.Type.([]any)
	if !ok && p.Type != nil {
		types = []any{p.Type}
	}
	for _, t := range types {
		switch t {
		case "string":
			add("text")
		case "boolean":
			add("true or false")
		case "integer":
			add("whole number")
		case "array":
			if p.Items == nil {
				add("list")
			} else {
				add("list of " + kindOf(p.Items))
			}
		default:
			add(fmt.Sprint(t))
		}
	}
	if len(kinds) == 0 && len(p.AnyOf) == 0 && p.Type == nil {
		return "anything"
	}
	return strings.Join(kinds, " or ")
}
