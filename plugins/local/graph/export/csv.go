package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// csvFiles writes what neo4j-admin imports: a file of nodes and one of relationships, RFC 4180, UTF-8. What is empty is null.
type csvFiles struct {
	nodes, edges *csv.Writer
	row          []string
	failed       error
}

func newCSV(w []io.Writer, _ head) sink {
	c := &csvFiles{nodes: csv.NewWriter(w[0]), edges: csv.NewWriter(w[1])}
	header := append([]string{"node:ID(AzureNode)", ":LABEL"}, commonNames...)
	for _, column := range columns {
		name := column.name
		if column.kind == boolColumn {
			name += ":boolean"
		}
		header = append(header, name)
	}
	c.failed = c.nodes.Write(header)
	if err := c.edges.Write([]string{":START_ID(AzureNode)", ":END_ID(AzureNode)", ":TYPE", "rule", "property", "detail", "reversed:boolean"}); err != nil {
		c.failed = err
	}
	return c
}

func (c *csvFiles) node(n *node) error {
	c.row = append(c.row[:0], strconv.FormatInt(n.number, 10), strings.Join(labels(n.kind, n.typ), ";"),
		n.key, n.id, string(n.kind), n.state, n.name, n.typ, n.location, n.resourceGroup, n.subscriptionID)
	at := len(c.row)
	for range columns {
		c.row = append(c.row, "")
	}
	for i := range n.more {
		c.row[at+n.more[i].column] = n.more[i].string()
	}
	return c.nodes.Write(clean(c.row))
}

func (c *csvFiles) edge(e *edge) error {
	c.row = append(c.row[:0], strconv.FormatInt(e.source, 10), strconv.FormatInt(e.target, 10), e.kind, e.rule, e.property, e.detail, strconv.FormatBool(e.reversed))
	return c.edges.Write(clean(c.row))
}

func (c *csvFiles) end() error {
	c.nodes.Flush()
	c.edges.Flush()
	for _, err := range []error{c.failed, c.nodes.Error(), c.edges.Error()} {
		if err != nil {
			return err
		}
	}
	return nil
}

// clean takes out what readers of CSV stumble over: NUL, and line ends of two characters, which they take for one.
func clean(row []string) []string {
	for i, field := range row {
		if strings.ContainsAny(field, "\x00\r") {
			row[i] = strings.NewReplacer("\x00", "\uFFFD", "\r\n", "\n", "\r", "\n").Replace(field)
		}
		row[i] = strings.ToValidUTF8(row[i], "\uFFFD")
	}
	return row
}
