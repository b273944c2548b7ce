package export

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Rows of one kind are written together, in statements of at most so many of them or so many bytes.
const (
	batchRows  = 250
	batchBytes = 256 << 10
	heldBytes  = 4 << 20 // of all kinds together
)

// cypher writes statements for Neo4j 4.4 and newer. Nodes and relationships are merged, so that a file can be loaded twice.
type cypher struct {
	w       io.Writer
	batches map[string]*batch
	order   []string // of the batches, as they came
	held    int
	edges   bool // these have begun
	failed  error
}

// batch are rows of one kind: of nodes with the same labels, or of relationships of the same type.
type batch struct {
	before, after string
	rows          []byte
	count         int
}

func newCypher(w []io.Writer, h head) sink {
	c := &cypher{w: w[0], batches: map[string]*batch{}}
	for _, note := range h.notes() {
		c.say("// " + oneLine(note) + "\n")
	}
	c.say("CREATE CONSTRAINT azure_node_key IF NOT EXISTS FOR (n:" + rootLabel + ") REQUIRE n.key IS UNIQUE;\n")
	return c
}

func (c *cypher) say(text string) {
	if c.failed == nil {
		_, c.failed = io.WriteString(c.w, text)
	}
}

func (c *cypher) node(n *node) error {
	names := labels(n.kind, n.typ)
	b := c.batch(strings.Join(names, ":"), func() (string, string) {
		set := ""
		if len(names) > 1 {
			set = " SET n:" + strings.Join(names[1:], ":")
		}
		return "UNWIND [\n", "\n] AS row MERGE (n:" + rootLabel + " {key: row.key}) SET n += row" + set + ";\n"
	})
	start := len(b.rows)
	b.begin()
	for _, p := range n.common() {
		b.text(p.name, p.text)
	}
	for i := range n.more {
		a := &n.more[i]
		if columns[a.column].kind == boolColumn {
			b.raw(columns[a.column].name, a.string())
		} else {
			b.text(columns[a.column].name, a.string())
		}
	}
	return c.ended(b, start)
}

func (c *cypher) edge(e *edge) error {
	if !c.edges && c.failed == nil { // nodes come before the relationships between them
		c.edges, c.failed = true, c.flushAll()
	}
	b := c.batch(e.kind, func() (string, string) {
		return "UNWIND [\n", "\n] AS row MATCH (a:" + rootLabel + " {key: row.a}) MATCH (b:" + rootLabel + " {key: row.b}) MERGE (a)-[r:" + e.kind +
			" {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;\n"
	})
	start := len(b.rows)
	b.begin()
	b.text("a", e.sourceKey)
	b.text("b", e.targetKey)
	b.text("property", e.property) // also if it is empty: null is not equal to itself, and could not be merged
	b.text("detail", e.detail)
	b.text("rule", e.rule)
	b.raw("reversed", map[bool]string{false: "false", true: "true"}[e.reversed])
	return c.ended(b, start)
}

func (c *cypher) end() error {
	if c.failed != nil {
		return c.failed
	}
	return c.flushAll()
}

// batch is the one of a name.
func (c *cypher) batch(name string, frame func() (before, after string)) *batch {
	b, ok := c.batches[name]
	if !ok {
		b = &batch{}
		b.before, b.after = frame()
		c.batches[name] = b
		c.order = append(c.order, name)
	}
	return b
}

// ended ends a row, and writes what has become too much.
func (c *cypher) ended(b *batch, start int) error {
	b.rows = append(b.rows, '}')
	b.count++
	c.held += len(b.rows) - start
	switch {
	case c.failed != nil:
	case c.held >= heldBytes:
		c.failed = c.flushAll()
	case b.count >= batchRows, len(b.rows) >= batchBytes:
		c.failed = c.flush(b)
	}
	return c.failed
}

func (c *cypher) flushAll() error {
	for _, name := range c.order {
		if err := c.flush(c.batches[name]); err != nil {
			return err
		}
	}
	clear(c.batches)
	c.order = c.order[:0]
	return nil
}

func (c *cypher) flush(b *batch) error {
	if b.count == 0 {
		return nil
	}
	c.held -= len(b.rows)
	for _, text := range []string{b.before, string(b.rows), b.after} {
		if _, err := io.WriteString(c.w, text); err != nil {
			return err
		}
	}
	b.rows, b.count = b.rows[:0], 0
	return nil
}

func (b *batch) begin() {
	if b.count > 0 {
		b.rows = append(b.rows, ",\n"...)
	}
	b.rows = append(b.rows, '{')
}

// raw adds a member whose value is Cypher. Names are ours.
func (b *batch) raw(name, value string) {
	if b.rows[len(b.rows)-1] != '{' {
		b.rows = append(b.rows, ", "...)
	}
	b.rows = append(b.rows, name...)
	b.rows = append(b.rows, ": "...)
	b.rows = append(b.rows, value...)
}

func (b *batch) text(name, text string) {
	b.raw(name, "")
	b.rows = appendCypher(b.rows, text)
}

// appendCypher appends a text as Cypher writes it. Neo4j before version 5 reads \uXXXX everywhere, before anything else, also behind another
// backslash; so no backslash of the text may come to stand before a u.
func appendCypher(to []byte, text string) []byte {
	to = append(to, '\'')
	text = strings.ToValidUTF8(text, "\uFFFD")
	from := 0 // what lies before at is appended as it is
	for at, r := range text {
		if r >= ' ' && r != '\\' && r != '\'' && r != 0x7f && r != '\u0085' && r != '\u2028' && r != '\u2029' {
			if r == 'u' && at > 0 && text[at-1] == '\\' {
				to = append(to, "' + '"...)
			}
			continue
		}
		to = append(to, text[from:at]...)
		from = at + utf8.RuneLen(r)
		switch r {
		case '\\', '\'':
			to = append(to, '\\', byte(r))
		case '\n':
			to = append(to, `\n`...)
		case '\r':
			to = append(to, `\r`...)
		case '\t':
			to = append(to, `\t`...)
		case 0:
			to = append(to, "\uFFFD"...)
		default:
			to = fmt.Appendf(to, `\u%04x`, r)
		}
	}
	to = append(to, text[from:]...)
	return append(to, '\'')
}
