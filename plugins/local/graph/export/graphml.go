package export

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// graphML writes GraphML 1.0. Characters that XML cannot hold become U+FFFD.
type graphML struct {
	w     io.Writer
	b     bytes.Buffer
	edges int64
}

func newGraphML(w []io.Writer, h head) sink {
	g := &graphML{w: w[0]}
	g.b.WriteString(xml.Header)
	for _, note := range h.notes() {
		g.b.WriteString("<!-- " + strings.ReplaceAll(note, "--", "- -") + " -->\n")
	}
	g.b.WriteString(`<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">` + "\n")
	key := func(of, name, kind string) {
		fmt.Fprintf(&g.b, `<key id="%s_%s" for="%s" attr.name="%s" attr.type="%s"/>`+"\n", of[:1], name, of, name, kind)
	}
	for _, name := range commonNames {
		key("node", name, "string")
	}
	for _, c := range columns {
		key("node", c.name, map[bool]string{false: "string", true: "boolean"}[c.kind == boolColumn])
	}
	for _, name := range []string{"kind", "rule", "property", "detail"} {
		key("edge", name, "string")
	}
	key("edge", "reversed", "boolean")
	g.b.WriteString(`<graph id="tenant" edgedefault="directed">` + "\n")
	return g
}

func (g *graphML) node(n *node) error {
	g.b.WriteString(`<node id="n` + strconv.FormatInt(n.number, 10) + `">`)
	for _, p := range n.common() {
		g.data("n_"+p.name, p.text)
	}
	for i := range n.more {
		g.data("n_"+columns[n.more[i].column].name, n.more[i].string())
	}
	g.b.WriteString("</node>\n")
	return g.flush()
}

func (g *graphML) edge(e *edge) error {
	g.edges++
	fmt.Fprintf(&g.b, `<edge id="e%d" source="n%d" target="n%d">`, g.edges, e.source, e.target)
	g.data("e_kind", e.kind)
	for _, p := range e.texts() {
		g.data("e_"+p.name, p.text)
	}
	if e.reversed {
		g.data("e_reversed", "true")
	}
	g.b.WriteString("</edge>\n")
	return g.flush()
}

func (g *graphML) end() error {
	g.b.WriteString("</graph>\n</graphml>\n")
	return g.flush()
}

func (g *graphML) data(key, text string) {
	g.b.WriteString(`<data key="` + key + `">`)
	_ = xml.EscapeText(&g.b, []byte(text)) // a buffer takes everything
	g.b.WriteString("</data>")
}

func (g *graphML) flush() error {
	_, err := g.w.Write(g.b.Bytes())
	g.b.Reset()
	return err
}
