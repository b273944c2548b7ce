package diff

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Most documents that differ do so in a few properties, such as an etag, and have the others byte for byte. So objects are compared as text,
// property by property, and only what differs is decoded: that takes a tenth of the time.

// member of an object, with its value as text.
type member struct{ key, raw string }

// text compares JSON values as text, as far as they are objects.
func (c *comparison) text(where at, before, after string) {
	if before == after {
		return
	}
	r := ruleOf(c.typ, where.within, where.name)
	if r != nil && r.settled == nil {
		return
	}
	b, ok := members(before)
	a, both := members(after)
	if !ok || !both || r != nil || (len(b) == 0) != (len(a) == 0) {
		c.value(where, decoded(before), decoded(after))
		return
	}
	seen := make(map[string]bool, len(b))
	for i, m := range b {
		other, has := find(a, m.key, i)
		seen[m.key] = true
		switch {
		case !has:
			c.value(where.member(m.key), decoded(m.raw), nil)
		case other != m.raw:
			c.text(where.member(m.key), m.raw, other)
		}
	}
	for _, m := range a {
		if !seen[m.key] {
			c.value(where.member(m.key), nil, decoded(m.raw))
		}
	}
}

// find finds a member, most likely at i.
func find(all []member, key string, i int) (raw string, ok bool) {
	if i < len(all) && all[i].key == key {
		return all[i].raw, true
	}
	for _, m := range all {
		if m.key == key {
			return m.raw, true
		}
	}
	return "", false
}

// most is how many members an object may have to be compared as text: find looks through them.
const most = 200

// members are those of an object. ok is false for what is none, and for one whose keys are ids or not unique, or that is no JSON.
func members(object string) (all []member, ok bool) {
	s := strings.TrimSpace(object)
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return nil, false
	}
	i := blank(s, 1)
	if s[i] == '}' {
		return nil, i == len(s)-1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return nil, false
		}
		end := valueEnd(s, i)
		if end < 0 {
			return nil, false
		}
		key := s[i+1 : end-1]
		if (strings.IndexByte(key, '\\') >= 0 || !utf8.ValidString(key)) && json.Unmarshal([]byte(s[i:end]), &key) != nil {
			return nil, false
		}
		if i = blank(s, end); i >= len(s) || s[i] != ':' {
			return nil, false
		}
		i = blank(s, i+1)
		if end = valueEnd(s, i); end < 0 {
			return nil, false
		}
		if _, twice := find(all, key, len(all)); twice || strings.HasPrefix(key, "/") || len(all) == most {
			return nil, false
		}
		all = append(all, member{key, s[i:end]})
		if i = blank(s, end); i >= len(s) {
			return nil, false
		}
		switch s[i] {
		case ',':
			i = blank(s, i+1)
		case '}':
			return all, i == len(s)-1
		default:
			return nil, false
		}
	}
}

// blank is where what is no white space begins.
func blank(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// valueEnd is where the value that begins at i ends; -1 is nowhere. It does not look whether the value is right inside.
func valueEnd(s string, i int) int {
	depth := 0
	for start := i; i < len(s); i++ {
		switch s[i] {
		case '"':
			if i = textEnd(s, i); i < 0 {
				return -1
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return endOf(start, i)
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return endOf(start, i)
			}
		}
	}
	return -1
}

// endOf is i, unless the value is empty.
func endOf(start, i int) int {
	if i == start {
		return -1
	}
	return i
}

// textEnd is where the quotation mark is that ends the one at i; -1 is nowhere.
func textEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
