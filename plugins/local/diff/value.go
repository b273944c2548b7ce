package diff

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// comparison compares the properties of one thing.
type comparison struct {
	typ string // of the thing, in lower case
	// told says that Resource Graph told of the one and Resource Manager of the other: they do not know the same of it, so that what only one
	// of them has is no difference.
	told  bool
	found []Property
}

// at is where a value stands.
type at struct {
	path    string // for people: properties.subnets[web].name
	within  string // of the object that has it, in lower case, without the places of lists: properties.subnets
	name    string // of the property, in lower case; of an element of a list, that of the list
	setting string // of an element of a list, what it is called
	secret  bool   // its name, or that of what it is in, is one of secrets
}

// column is where a column of a row stands.
func column(name string) at { return at{path: name, name: strings.ToLower(name)} }

// member is where a property of an object stands.
func (a at) member(key string) at {
	within := a.name
	if a.within != "" {
		within = a.within + "." + a.name
	}
	return at{path: a.path + quoted(key), within: within, name: strings.ToLower(key), secret: a.secret || isSecret(a.name, a.setting, key)}
}

// element is where an element of a list stands, under its name or number.
func (a at) element(name string) at {
	a.path += "[" + name + "]"
	a.setting = name
	return a
}

// quoted is how a key continues a path.
func quoted(key string) string {
	if key == "" || strings.ContainsAny(key, ".[]\"") || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' }) {
		return "[" + strconv.Quote(key) + "]"
	}
	return "." + key
}

// document compares JSON: nothing if its bytes are the same.
func (c *comparison) document(where at, before, after string) {
	if before != after {
		c.text(where, before, after)
	}
}

// decoded is JSON with its numbers as they are written; what is none is a text.
func decoded(document string) any {
	if document == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return document
	}
	return v
}

// value compares two values. Nil is none.
func (c *comparison) value(where at, before, after any) {
	rule := ruleOf(c.typ, where.within, where.name)
	if !rule.counts(before) || !rule.counts(after) {
		return
	}
	if where.within == "" { // of a column, each property stands for itself
		before, after = orObject(before, after), orObject(after, before)
	} else if b, a := isEmpty(before), isEmpty(after); b || a {
		if !c.told && (!b && !c.isNothing(where, before) || !a && !c.isNothing(where, after)) {
			c.differ(where, before, after)
		}
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			c.objects(where, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok {
			c.lists(where, b, a)
			return
		}
	default:
		if c.same(where, before, after) {
			return
		}
	}
	c.differ(where, before, after)
}

// orObject is a value, or an empty object where there is none beside one.
func orObject(v, beside any) any {
	if _, ok := beside.(map[string]any); ok && v == nil {
		return map[string]any{}
	}
	return v
}

// isEmpty says that a value is as good as none: Azure leaves out what is empty, or does not.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// isNothing says that there is nothing in a value but noise.
func (c *comparison) isNothing(where at, v any) bool {
	o, ok := v.(map[string]any)
	if !ok {
		return isEmpty(v)
	}
	for k, value := range o {
		inner := where.member(k)
		if ruleOf(c.typ, inner.within, inner.name).counts(value) && !c.isNothing(inner, value) {
			return false
		}
	}
	return true
}

// element compares two elements of lists, of which one may be missing: that is a difference, whoever told.
func (c *comparison) element(where at, before, after any) {
	if before == nil || after == nil {
		c.differ(where, before, after)
		return
	}
	c.value(where, before, after)
}

func (c *comparison) objects(where at, before, after map[string]any) {
	before, after = byID(before), byID(after)
	keys := slices.Collect(maps.Keys(before))
	for k := range after {
		if _, both := before[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		c.value(where.member(k), before[k], after[k])
	}
}

// byID is an object whose keys are ids, such as that of user-assigned identities, with them in lower case; any other as it is.
func byID(o map[string]any) map[string]any {
	for k := range o {
		if !isID(k) {
			return o
		}
	}
	lower := make(map[string]any, len(o))
	for k, v := range o {
		lower[strings.ToLower(k)] = v
	}
	return lower
}

// same says that two values that are neither objects nor lists mean the same.
func (c *comparison) same(where at, before, after any) bool {
	return before == after || c.scalar(where, before) == c.scalar(where, after)
}

// scalar is the form of such a value that compares: ids and GUIDs differ only in case, regions only in case and blanks, and 1.0 is 1.
func (c *comparison) scalar(where at, v any) string {
	switch v := v.(type) {
	case string:
		switch {
		case isID(v), form.IsGUID(v), c.told:
			return `"` + strings.ToLower(v)
		case where.name == "location" || strings.HasSuffix(where.name, "location") || where.name == "locationname":
			return `"` + graph.Region(v)
		}
		return `"` + v
	case json.Number:
		if f, err := v.Float64(); err == nil && f < 1<<53 && f > -1<<53 {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return "null"
}

// isID says that a text is an ARM id.
func isID(s string) bool {
	for _, prefix := range [...]string{"/subscriptions/", "/providers/", "/tenants/"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

// differ notes a difference. Secrets in it are hidden.
func (c *comparison) differ(where at, before, after any) {
	p := Property{Path: where.path}
	if before != nil {
		p.Before = encoded(hide(where.secret, where.name, before))
	}
	if after != nil {
		p.After = encoded(hide(where.secret, where.name, after))
	}
	c.found = append(c.found, p)
}
