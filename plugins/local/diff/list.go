package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Azure does not keep the order of most lists, and so it says nothing: elements that have ids or names are compared with their namesakes, and
// others as sets in which one may be several times.

// ordered are the names of the lists whose order has a meaning, in lower case: what comes first is tried, run or shown first. Where elements
// carry a number for that, such as a priority, it is compared as any property.
var ordered = map[string]bool{
	"managementgroupancestorschain": true, "dnsservers": true, "defaultdocuments": true, "command": true, "commands": true, "args": true,
	"arguments": true, "entrypoint": true, "preferredlocations": true, "steps": true, "stages": true, "transforms": true, "ipsecpolicies": true,
	"pathrules": true,
}

// names are the properties that tell the elements of a list apart, the best first.
var names = []string{"id", "name", "resourceid", "key", "keyid", "objectid", "principalid", "priority", "locationname", "servicename", "category", "prefix"}

func (c *comparison) lists(where at, before, after []any) {
	if ordered[where.name] {
		c.sequences(where, before, after)
		return
	}
	for _, name := range names {
		b, ok := c.named(before, name)
		if !ok {
			continue
		}
		if a, ok := c.named(after, name); ok {
			c.namesakes(where, b, a)
			return
		}
	}
	c.bags(where, before, after)
}

// sequences compares lists place by place.
func (c *comparison) sequences(where at, before, after []any) {
	for i := range max(len(before), len(after)) {
		var b, a any
		if i < len(before) {
			b = before[i]
		}
		if i < len(after) {
			a = after[i]
		}
		c.element(where.element(strconv.Itoa(i)), b, a)
	}
}

// element of a list with what it is called.
type element struct {
	label string // for people
	value any
}

// named are the elements of a list by a property that all of them have, and each its own.
func (c *comparison) named(list []any, property string) (map[string]element, bool) {
	all := make(map[string]element, len(list))
	for _, v := range list {
		o, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		label := ""
		for k, v := range o {
			if strings.EqualFold(k, property) {
				switch v := v.(type) {
				case string:
					label = v
				case json.Number:
					label = v.String()
				}
			}
		}
		key := strings.ToLower(label)
		if _, twice := all[key]; label == "" || twice {
			return nil, false
		}
		if isID(label) {
			label = label[strings.LastIndexByte(label, '/')+1:]
		}
		all[key] = element{label, v}
	}
	return all, true
}

// namesakes compares elements of one name.
func (c *comparison) namesakes(where at, before, after map[string]element) {
	keys := slices.Collect(maps.Keys(before))
	for k := range after {
		if _, both := before[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		label := after[k].label
		if label == "" {
			label = before[k].label
		}
		if strings.ContainsAny(label, "[]\"") {
			label = strconv.Quote(label)
		}
		c.element(where.element(label), before[k].value, after[k].value)
	}
}

// bags compares lists as sets. What only one of them has stands at its name with [].
func (c *comparison) bags(where at, before, after []any) {
	left := map[string][]any{}
	for _, v := range before {
		k := c.canonical(where, v)
		left[k] = append(left[k], v)
	}
	more := map[string][]any{}
	for _, v := range after {
		k := c.canonical(where, v)
		if same := left[k]; len(same) > 0 {
			left[k] = same[1:]
		} else {
			more[k] = append(more[k], v)
		}
	}
	gone, come := inOrder(left), inOrder(more)
	where = where.element("")
	if len(gone) == len(come) && (len(gone) == 1 || c.told) {
		for i := range gone {
			c.value(where, gone[i], come[i])
		}
		return
	}
	for _, v := range gone {
		c.element(where, v, nil)
	}
	for _, v := range come {
		c.element(where, nil, v)
	}
}

func inOrder(values map[string][]any) (all []any) {
	for _, k := range slices.Sorted(maps.Keys(values)) {
		all = append(all, values[k]...)
	}
	return all
}

// canonical is a text that is the same for two values between which there is no difference; empty for one that is as good as none.
func (c *comparison) canonical(where at, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		var b strings.Builder
		v = byID(v)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			inner := where.member(k)
			if !ruleOf(c.typ, inner.within, inner.name).counts(v[k]) {
				continue
			}
			if member := c.canonical(inner, v[k]); member != "" {
				fmt.Fprintf(&b, "%q:%d:%s", k, len(member), member)
			}
		}
		return b.String()
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = c.canonical(where, e)
		}
		if !ordered[where.name] {
			slices.Sort(parts)
		}
		var b strings.Builder
		for _, part := range parts {
			fmt.Fprintf(&b, "[%d:%s", len(part), part)
		}
		return b.String()
	}
	return c.scalar(where, v)
}
