package cli

import (
	"encoding"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/host/ui"
)

var update = flag.Bool("update", false, "rewrite what is generated")

// shapes are the types of what commands print, as documentation shows them.
type shapes struct {
	results  string // the reference, which explains the objects of shared/backend
	commands []shape
	shared   map[string]reflect.Type // by name: objects that it does not have
}

// shape is what a command prints.
type shape struct {
	command string
	data    reflect.Type
	item    reflect.Type // of a line of NDJSON, where it is another one
}

func (s *shapes) add(command string, d ui.Document) {
	one := shape{command: command, data: reflect.TypeOf(d.Data)}
	if len(d.Items) > 0 {
		one.item = reflect.TypeOf(d.Items[0])
	}
	if n := len(s.commands); n > 0 && s.commands[n-1].command == command { // of several, the last one counts
		s.commands = s.commands[:n-1]
	}
	s.commands = append(s.commands, one)
}

func (s *shapes) String() string {
	s.shared = map[string]reflect.Type{}
	var b strings.Builder
	for _, one := range s.commands {
		fmt.Fprintf(&b, "\n### `%s`\n\n", one.command)
		if one.item != nil {
			fmt.Fprintf(&b, "With `-o ndjson` a line for each of `%s`.\n\n", s.listOf(one.data, one.item))
		}
		if data, _ := innermost(one.data); s.name(data) != "" && s.explained(data.Name()) != "" {
			fmt.Fprintf(&b, "%s.\n", s.kind(one.data))
			continue
		}
		s.object(&b, one.data)
	}
	for known := 0; known < len(s.shared); { // one may lead to others
		known = len(s.shared)
		for _, t := range maps.Clone(s.shared) {
			s.object(&strings.Builder{}, t)
		}
	}
	if len(s.shared) > 0 {
		b.WriteString("\n## Objects in several results\n")
	}
	for _, name := range slices.Sorted(maps.Keys(s.shared)) {
		fmt.Fprintf(&b, "\n### %s\n\n", name)
		s.object(&b, s.shared[name])
	}
	return b.String() + "\n"
}

// listOf is the field of data that is a list of items.
func (s *shapes) listOf(data, item reflect.Type) string {
	for _, f := range fieldsOf(data) {
		if f.typ.Kind() == reflect.Slice && f.typ.Elem() == item {
			return f.name
		}
	}
	return item.String()
}

// object is a table of the fields of a struct.
func (s *shapes) object(b *strings.Builder, t reflect.Type) {
	fields := fieldsOf(t)
	if len(fields) == 0 {
		fmt.Fprintf(b, "%s\n", s.kind(t))
		return
	}
	b.WriteString("| field | type |\n|---|---|\n")
	s.rows(b, "", fields)
}

func (s *shapes) rows(b *strings.Builder, prefix string, fields []field) {
	for _, f := range fields {
		kind := s.kind(f.typ)
		if f.optional {
			kind += ", may be absent"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", prefix+f.name, kind)
		if inner, suffix := innermost(f.typ); s.name(inner) == "" {
			s.rows(b, prefix+f.name+suffix+".", fieldsOf(inner))
		}
	}
}

// innermost is what a list, a map or a pointer is of.
func innermost(t reflect.Type) (inner reflect.Type, suffix string) {
	for {
		switch {
		case t.Kind() == reflect.Pointer:
		case t.Kind() == reflect.Slice && t != rawType:
			suffix += "[]"
		case t.Kind() == reflect.Map:
			suffix += ".NAME"
		default:
			return t, suffix
		}
		t = t.Elem()
	}
}

// name is that of an object which several results have; empty for others.
func (s *shapes) name(t reflect.Type) string {
	if t.Kind() != reflect.Struct || t.Name() == "" || !strings.Contains(t.PkgPath(), "/shared/") || fieldsOf(t) == nil {
		return ""
	}
	if s.explained(t.Name()) == "" {
		s.shared[t.Name()] = t
	}
	return t.Name()
}

// explained is the page of the reference that explains an object; empty if it is on this page.
func (s *shapes) explained(name string) string {
	if strings.Contains(s.results, "\n### "+name+"\n") {
		return "reference/results.md"
	}
	return ""
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	rawType       = reflect.TypeFor[json.RawMessage]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// kind names a type.
func (s *shapes) kind(t reflect.Type) string {
	switch {
	case t == timeType:
		return "time"
	case t == rawType:
		return "any JSON"
	case t.Implements(textMarshaler):
		return "text"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.kind(t.Elem())
	case reflect.Slice:
		return "list of " + plural(s.kind(t.Elem()))
	case reflect.Map:
		return "object of " + plural(s.kind(t.Elem())) + " by name"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Interface:
		return "any JSON"
	case reflect.Float64, reflect.Float32:
		return "number"
	case reflect.Struct:
		if name := s.name(t); name != "" {
			return "[" + name + "](" + s.explained(name) + "#" + strings.ToLower(name) + ")"
		}
		return "object"
	}
	return "whole number"
}

func plural(kind string) string {
	switch kind {
	case "text", "object", "time", "number", "whole number":
		return kind + "s"
	}
	return kind
}

// field is one of a JSON object.
type field struct {
	name     string
	typ      reflect.Type
	optional bool
}

// fieldsOf are the fields of a struct as encoding/json has them; none of other types.
func fieldsOf(t reflect.Type) (fields []field) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType {
		return nil
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "":
			fields = append(fields, fieldsOf(f.Type)...)
		default:
			if name == "" {
				name = f.Name
			}
			fields = append(fields, field{name, f.Type, strings.Contains(options, "omit")})
		}
	}
	return fields
}
