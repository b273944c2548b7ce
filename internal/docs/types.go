package docs

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var faultTypes = map[string]reflect.Type{"Fault": reflect.TypeFor[fault.Fault](), "Problem": reflect.TypeFor[fault.Problem]()}

// typesPage has what backends, the service and atg -o json answer, as JSON.
func typesPage(_ context.Context, root string) ([]Page, error) {
	read, err := readComments(source(root, "shared", "backend"))
	if err != nil {
		return nil, err
	}
	t := newTypes(read)
	m := page("Results, jobs and events", "What operations answer, as JSON: the same from every backend, from the service, and in `-o json`. A member that is not always there is absent where it would be empty. "+
		"Sizes are in bytes, durations in seconds, times in RFC 3339, checksums SHA-256 in hexadecimal digits.",
		"the types of the contract between atg and backends")
	for _, group := range []struct {
		title, text string
		types       []reflect.Type
	}{
		{"Results", "Of each operation, and what they consist of.", t.order[:t.results]},
		{"Jobs, events and the rest", "", t.order[t.results:]},
	} {
		m.heading(2, group.title)
		if group.text != "" {
			m.para(group.text)
		}
		for _, of := range group.types {
			m.heading(3, of.Name())
			m.para(sentence(read.goDoc(of.Name())))
			m.table([]string{"member", "type", ""}, t.rows(of))
		}
	}
	m.heading(2, "Names")
	m.para("Texts that are one of a few. A later version may know more: keep what you do not know.")
	slices.SortFunc(t.names, func(a, b reflect.Type) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, of := range t.names {
		m.heading(3, of.Name())
		m.para(sentence(read.goDoc(of.Name())))
		var rows [][]string
		for _, c := range read.values[of.Name()] {
			rows = append(rows, []string{ticked(c.value), prose(c.comment)})
		}
		m.table([]string{"value", ""}, rows)
	}
	return []Page{{"results.md", m.end()}}, nil
}

// types are structs in the order in which they are met, and the named texts in them.
type types struct {
	read    comments
	order   []reflect.Type
	results int // so many of them belong to results
	names   []reflect.Type
	seen    map[reflect.Type]bool
}

// newTypes finds all types that have a place on the page.
func newTypes(read comments) *types {
	t := &types{read: read, seen: map[reflect.Type]bool{}}
	for _, op := range backend.Operations() {
		t.collect(reflect.TypeOf(backend.NewResult(op)).Elem())
	}
	t.results = len(t.order)
	for _, also := range []reflect.Type{
		reflect.TypeFor[backend.JobStatusResponse](), reflect.TypeFor[backend.Event](), reflect.TypeFor[backend.Artifact](),
		reflect.TypeFor[backend.Snapshot](), reflect.TypeFor[backend.SnapshotDetail](), reflect.TypeFor[backend.Capabilities](),
		reflect.TypeFor[backend.Health](), reflect.TypeFor[backend.Description](),
	} {
		t.collect(also)
	}
	return t
}

// collect finds a struct of package backend and all that it consists of.
func (t *types) collect(of reflect.Type) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	if t.seen[of] || of.PkgPath() != reflect.TypeFor[backend.Event]().PkgPath() {
		return
	}
	switch {
	case of.Kind() == reflect.Struct:
		t.seen[of] = true
		t.order = append(t.order, of)
		for f := range of.Fields() {
			if member(f) != "" || f.Anonymous {
				t.collect(f.Type)
			}
		}
	case of.Kind() == reflect.String && len(t.read.values[of.Name()]) > 0:
		t.seen[of] = true
		t.names = append(t.names, of)
	}
}

// rows are a struct's members: name, type, what it is.
func (t *types) rows(of reflect.Type) (rows [][]string) {
	for f := range of.Fields() {
		if f.Anonymous && f.Tag.Get("json") == "" {
			rows = append(rows, t.rows(f.Type)...)
			continue
		}
		name := member(f)
		if name == "" {
			continue
		}
		text := ticked(name)
		if strings.Contains(f.Tag.Get("json"), ",omit") {
			text += " ?"
		}
		rows = append(rows, []string{text, t.typeName(f.Type), prose(t.read.fieldDoc(of.Name(), f.Name))})
	}
	return rows
}

// memberRows are those of types of package fault, whose types say themselves what they are.
func memberRows(read comments, of reflect.Type) (rows [][]string) {
	for f := range of.Fields() {
		if name := member(f); name != "" {
			rows = append(rows, []string{ticked(name), prose(read.fields[of.Name()][f.Name])})
		}
	}
	return rows
}

// typeName says in words what a member is.
func (t *types) typeName(of reflect.Type) string {
	switch {
	case of.Kind() == reflect.Pointer:
		return t.typeName(of.Elem())
	case t.seen[of]:
		return fmt.Sprintf("[%s](#%s)", of.Name(), strings.ToLower(of.Name()))
	case of == reflect.TypeFor[fault.Fault]():
		return "[Fault](faults.md#fault)"
	case of == reflect.TypeFor[fault.Problem]():
		return "[Problem](faults.md#problem)"
	case of == reflect.TypeFor[time.Time]():
		return "time"
	}
	switch of.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return "JSON"
		}
		return "list of " + t.typeName(of.Elem())
	case reflect.Map:
		return "map of " + t.typeName(of.Elem())
	case reflect.Interface:
		return "anything"
	case reflect.Struct:
		return "object"
	}
	return "whole number"
}

// member is the name of a field in JSON; empty if it has none.
func member(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || !f.IsExported() {
		return ""
	}
	return name
}

// goDoc is the comment on a type as a sentence about what it is: "Event is something …" becomes "Something …".
func (c comments) goDoc(name string) string {
	text := c.goNames(firstParagraph(c.types[name]))
	for _, begin := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(text, name+begin); ok {
			return rest
		}
	}
	return text
}

// fieldDoc is the comment on a field, likewise: "Expected is how many …" becomes "how many …".
func (c comments) fieldDoc(of, field string) string {
	text := c.fields[of][field]
	for _, begin := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(text, field+begin); ok {
			return c.goNames(rest)
		}
	}
	if rest, ok := strings.CutPrefix(text, field); ok && strings.ContainsAny(rest[:min(1, len(rest))], " ,") {
		text = "`" + strings.ToLower(hump.ReplaceAllString(field, "${1}_$2")) + "`" + rest
	}
	return c.goNames(text)
}

var goMember = regexp.MustCompile(`\b([A-Z][A-Za-z]+)\.([A-Z][A-Za-z]+)\b`)

var goName = regexp.MustCompile(`\b(?:fault\.|backend\.)?([A-Z][a-z]+(?:[A-Z][A-Za-z]+)+|(?:fault|backend)\.[A-Z][a-zA-Z]+)\b`)

// goNames puts the names of members in the place of those that Go has for fields: ResourcesOmitted is resources_omitted. Types keep theirs.
func (c comments) goNames(text string) string {
	text = goMember.ReplaceAllStringFunc(text, func(name string) string {
		of, field, _ := strings.Cut(name, ".")
		if _, isType := c.types[of]; !isType {
			return name
		}
		return "`" + strings.ToLower(hump.ReplaceAllString(field, "${1}_$2")) + "` of " + of
	})
	return goName.ReplaceAllStringFunc(text, func(name string) string {
		name = name[strings.LastIndex(name, ".")+1:]
		if n := c.limits[name]; n != "" {
			return n
		}
		if _, isType := c.types[name]; isType || others[name] {
			return name
		}
		return strings.ToLower(hump.ReplaceAllString(name, "${1}_$2"))
	})
}

// others are names of others that look like Go's.
var others = map[string]bool{"JetStream": true, "WebSocket": true, "GraphQL": true, "OpenAPI": true, "OpenTelemetry": true, "GitHub": true, "MiB": true, "KiB": true}
