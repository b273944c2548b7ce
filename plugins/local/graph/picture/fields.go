package picture

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
)

// The bounds of what the details of a node show.
const (
	mostFields  = 40
	mostDeep    = 4
	mostEntries = 8   // of an array
	longest     = 200 // characters of a value
)

// hidden is what is shown for a secret.
const hidden = "(secret)"

// details yields what the rows of the nodes say beyond the nodes, table by table in the order of ids.
func (s *source) details(ctx context.Context, yield func(Detail) error) error {
	done := int64(0)
	for _, table := range []graph.Table{graph.Containers, graph.Resources, graph.RoleDefinitions} {
		cursor, err := s.reader.Cursor(ctx, table)
		if err != nil {
			return err
		}
		defer cursor.Close()
		for i, p := range s.places {
			if !p.ok || p.Table != table {
				continue
			}
			row, ok, err := cursor.To(p.Row)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("%s has no row %d", table, p.Row)
			}
			if done++; done%1024 == 0 {
				s.progress("draw", done, int64(len(s.places)))
			}
			if fields := fieldsOf(&row, s.guard); len(fields) > 0 {
				if err := yield(Detail{Node: int32(i), Fields: fields}); err != nil {
					return err
				}
			}
		}
	}
	for i, p := range s.places {
		if !p.ok && p.state != "" && p.state != "present" {
			if err := yield(Detail{Node: int32(i), Fields: [][2]string{{"state", p.state}}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldsOf is a useful selection of a row: what it is first, then its properties, those nearest to the surface first. No value is a secret.
func fieldsOf(row *graph.Row, g *guard) [][2]string {
	f := fields{guard: g}
	f.add("kind", row.Kind)
	f.json("sku", row.SKU)
	f.json("identity", row.Identity)
	f.json("zones", row.Zones)
	f.json("plan", row.Plan)
	first := f.list
	f = fields{guard: g, values: strings.Contains(strings.ToLower(row.Type), "microsoft.web/sites") && strings.HasSuffix(strings.ToLower(row.Type), "/config")}
	f.json("", row.Properties)
	slices.SortStableFunc(f.list, func(a, b field) int { return a.depth - b.depth })
	all := append(first, f.list...) //nolint:gocritic // first ends here
	out := make([][2]string, 0, min(len(all), mostFields))
	for _, x := range all[:min(len(all), mostFields)] {
		out = append(out, [2]string{x.name, x.value})
	}
	return out
}

type field struct {
	name, value string
	depth       int
}

// fields collects names and values.
type fields struct {
	guard  *guard
	list   []field
	values bool // every text is a setting that somebody chose, and may be a secret whatever its name
}

// json adds what is in a JSON value, in the order of names.
func (f *fields) json(name string, text []byte) {
	if len(text) == 0 {
		return
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if decoder.Decode(&value) == nil {
		f.walk(name, name, value, 0, false)
	}
}

// walk adds a value. last is the last name on the way to it; named says that a name on the way says that it is a secret.
func (f *fields) walk(path, last string, value any, depth int, named bool) {
	switch v := value.(type) {
	case map[string]any:
		if depth == mostDeep {
			return
		}
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			to := name
			if path != "" {
				to = path + "." + name
			}
			f.walk(to, name, v[name], depth+1, named || f.guard.named.of(name))
		}
	case []any:
		f.array(path, last, v, depth, named)
	case string:
		f.text(path, last, v, depth, named)
	case json.Number:
		f.put(path, v.String(), depth)
	case bool:
		f.put(path, strconv.FormatBool(v), depth)
	}
}

// array adds what an array has: texts themselves, of objects their names, or else how many there are.
func (f *fields) array(path, last string, values []any, depth int, named bool) {
	var entries []string
	for _, value := range values {
		switch v := value.(type) {
		case string:
			if strings.HasPrefix(v, "/subscriptions/") {
				continue // an edge
			}
			if named || f.guard.secret(last, v) {
				v = hidden
			}
			entries = append(entries, v)
		case json.Number:
			entries = append(entries, v.String())
		case map[string]any:
			if name, ok := v["name"].(string); ok && !f.guard.secret("name", name) {
				entries = append(entries, name)
			}
		}
	}
	switch {
	case len(values) == 0:
	case len(entries) == 0:
		f.put(path, fmt.Sprintf("%d entries", len(values)), depth)
	case len(entries) > mostEntries:
		f.put(path, fmt.Sprintf("%s, … (%d)", strings.Join(entries[:mostEntries], ", "), len(values)), depth)
	default:
		f.put(path, strings.Join(entries, ", "), depth)
	}
}

// noise are properties that say nothing of what a thing is.
var noise = map[string]bool{"etag": true, "resourceguid": true, "uniqueid": true, "internalid": true, "provisioningstate": true, "systemdata": true}

func (f *fields) text(path, last, value string, depth int, named bool) {
	switch {
	case value == "", strings.HasPrefix(value, "/subscriptions/"): // an edge
	case noise[strings.ToLower(last)] && (!strings.EqualFold(last, "provisioningState") || strings.EqualFold(value, "Succeeded")):
	case (named || f.values || strings.EqualFold(last, "value")) && !secrets.Refers(value), f.guard.secret(last, value):
		f.put(path, hidden, depth)
	default:
		f.put(path, value, depth)
	}
}

func (f *fields) add(name, value string) {
	if value != "" {
		f.put(name, value, 0)
	}
}

func (f *fields) put(name, value string, depth int) {
	f.list = append(f.list, field{clip(name), clip(value), depth})
}

// clip cuts a text that is too long to be read here.
func clip(text string) string {
	text = clean(text)
	if len(text) <= longest {
		return text
	}
	for at := range text {
		if at > longest {
			return text[:at] + "…"
		}
	}
	return text
}
