//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// differences are what may differ between a tenant and the one that is deployed from it.
type differences struct {
	mu    sync.Mutex
	lines []*difference
}

// difference is a line of the file: a type, or * for any, with a pattern of names behind an @ unless
// any will do; and paths to members of such a resource, **. before the end of some, or + or - for
// resources that are there after or before only.
type difference struct {
	line  string
	typ   string
	paths []string
	used  map[string]bool
}

// readDifferences reads the file: comments begin with #, everything is in lower case.
func readDifferences(file string) (*differences, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &differences{}
	for line := range strings.SplitSeq(string(content), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("%s: a type without paths: %s", file, line)
		}
		d.lines = append(d.lines, &difference{line: line, typ: fields[0], paths: fields[1:], used: map[string]bool{}})
	}
	return d, nil
}

// explain says whether a difference is one that a line has.
func (d *differences) explain(typ, id, at string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	explained := false
	for _, line := range d.lines {
		pattern, names, hasName := strings.Cut(line.typ, "@")
		if pattern != typ && pattern != "*" {
			continue
		}
		if matched, _ := path.Match(names, path.Base(id)); hasName && !matched {
			continue
		}
		for _, pattern := range line.paths {
			rest, anywhere := strings.CutPrefix(pattern, "**.")
			if at == rest || anywhere && strings.HasSuffix(at, "."+rest) {
				line.used[pattern] = true
				explained = true
			}
		}
	}
	return explained
}

// unused are the paths that have explained nothing.
func (d *differences) unused() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, line := range d.lines {
		for _, pattern := range line.paths {
			if !line.used[pattern] {
				list = append(list, line.typ+" "+pattern)
			}
		}
	}
	return list
}

// compare lists what differs and is not explained, as lines that could explain it.
func compare(before, after map[string]graph.Row, explained *differences) []string {
	found := map[string]string{}
	note := func(typ, at, id, what string) {
		if !explained.explain(typ, id, at) {
			found[typ+" "+at] = what + " # " + id
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		old, typ := before[id], strings.ToLower(before[id].Type)
		made, ok := after[id]
		if !ok {
			note(typ, "-", id, "it is not there")
			continue
		}
		differ(fieldsOf(old), fieldsOf(made), "", func(at, what string) { note(typ, at, id, what) })
	}
	for id := range after {
		if _, ok := before[id]; !ok {
			note(strings.ToLower(after[id].Type), "+", id, "it was not there")
		}
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(found)) {
		lines = append(lines, key+" # "+found[key])
	}
	return lines
}

// fieldsOf are what is compared of a row.
func fieldsOf(row graph.Row) map[string]any {
	fields := map[string]any{"kind": row.Kind, "location": row.Location, "managedby": row.ManagedBy}
	for name, raw := range map[string][]byte{
		"sku": row.SKU, "plan": row.Plan, "tags": row.Tags, "identity": row.Identity, "zones": row.Zones,
		"extendedlocation": row.ExtendedLocation, "properties": row.Properties,
	} {
		var value any
		if err := json.Unmarshal(raw, &value); err == nil {
			fields[name] = value
		}
	}
	return fields
}

// differ compares values as Azure does: names of members and texts in any case, nothing, null and
// what is empty as the same, and elements with names by those.
func differ(old, made any, at string, note func(at, what string)) {
	if isEmpty(old) && isEmpty(made) {
		return
	}
	switch old := old.(type) {
	case map[string]any:
		if made, ok := made.(map[string]any); ok {
			differMembers(lowered(old), lowered(made), at, note)
			return
		}
	case []any:
		if made, ok := made.([]any); ok && len(made) == len(old) {
			old, made = byName(old), byName(made)
			for i := range old {
				differ(old[i], made[i], at+"[]", note)
			}
			return
		}
	case string:
		if made, ok := made.(string); ok && strings.EqualFold(old, made) {
			return
		}
	}
	if !reflect.DeepEqual(old, made) {
		note(at, fmt.Sprintf("%.60v -> %.60v", old, made))
	}
}

func differMembers(old, made map[string]any, at string, note func(at, what string)) {
	names := map[string]bool{}
	for name := range old {
		names[name] = true
	}
	for name := range made {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		differ(old[name], made[name], strings.TrimPrefix(at+"."+name, "."), note)
	}
}

func lowered(members map[string]any) map[string]any {
	lower := map[string]any{}
	for name, value := range members {
		lower[strings.ToLower(name)] = value
	}
	return lower
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func byName(list []any) []any {
	sorted := slices.Clone(list)
	name := func(item any) string {
		members, _ := item.(map[string]any)
		text, _ := members["name"].(string)
		if text == "" {
			text, _ = item.(string)
		}
		return strings.ToLower(text)
	}
	slices.SortStableFunc(sorted, func(a, b any) int { return strings.Compare(name(a), name(b)) })
	return sorted
}
