package export

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// dot writes a graph for Graphviz: a cluster for each subscription, and in it one for each resource group. A cluster may come several times:
// Graphviz takes those of one name for one.
type dot struct {
	w             io.Writer
	b             bytes.Buffer
	subscription  string
	group         string
	inSub, inRG   bool
	subscriptions map[string]int // their numbers
	groups        map[[2]string]int
}

func newDOT(w []io.Writer, h head) sink {
	d := &dot{w: w[0], subscriptions: map[string]int{}, groups: map[[2]string]int{}}
	for _, note := range h.notes() {
		d.b.WriteString("// " + oneLine(note) + "\n")
	}
	d.b.WriteString("digraph azure {\n" +
		"rankdir=LR; compound=true; fontname=\"Helvetica\";\n" +
		"node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=10];\n" +
		"edge [fontname=\"Helvetica\", fontsize=8, color=\"#777777\"];\n")
	return d
}

// shapes are those of nodes that are no resources.
var shapes = map[graph.NodeKind]string{
	graph.NodeTenant: "house", graph.NodeManagementGroup: "folder", graph.NodeSubscription: "folder", graph.NodeResourceGroup: "folder", graph.NodeRoleDefinition: "note",
	graph.NodeKind(graph.KindUser): "ellipse", graph.NodeKind(graph.KindGroup): "doubleoctagon", graph.NodeKind(graph.KindServicePrincipal): "hexagon",
	graph.NodeKind(graph.KindManagedIdentity): "hexagon", graph.NodeKind(graph.KindApplication): "component", graph.NodeIdentity: "ellipse",
}

func (d *dot) node(n *node) error {
	subscription, group := n.subscriptionID, n.resourceGroup
	if n.kind == graph.NodeSubscription || subscription == "" {
		group = ""
	}
	d.enter(subscription, group)
	what := n.typ
	if what == "" || n.kind != graph.NodeResource {
		what = string(n.kind)
	}
	name := n.name
	if name == "" {
		name = n.id
	}
	fmt.Fprintf(&d.b, "n%d [label=%s", n.number, dotLabel(name, what))
	if shape := shapes[n.kind]; shape != "" {
		d.b.WriteString(", shape=" + shape)
	}
	if n.state != string(graph.IdentityPresent) {
		d.b.WriteString(", style=\"rounded,dashed\"")
	}
	d.b.WriteString("];\n")
	return d.flush()
}

// enter ends and begins clusters.
func (d *dot) enter(subscription, group string) {
	if d.inRG && (subscription != d.subscription || group != d.group) {
		d.b.WriteString("}\n")
		d.inRG = false
	}
	if d.inSub && subscription != d.subscription {
		d.b.WriteString("}\n")
		d.inSub = false
	}
	if subscription != "" && !d.inSub {
		fmt.Fprintf(&d.b, "subgraph cluster_s%d {\nlabel=%s;\n", number(d.subscriptions, subscription), dotLabel(subscription))
		d.inSub = true
	}
	if group != "" && !d.inRG {
		fmt.Fprintf(&d.b, "subgraph cluster_g%d {\nlabel=%s;\n", number(d.groups, [2]string{subscription, group}), dotLabel(group))
		d.inRG = true
	}
	d.subscription, d.group = subscription, group
}

// number is that of a key, from 1.
func number[K comparable](known map[K]int, key K) int {
	if known[key] == 0 {
		known[key] = len(known) + 1
	}
	return known[key]
}

func (d *dot) edge(e *edge) error {
	d.enter("", "")
	fmt.Fprintf(&d.b, "n%d -> n%d", e.source, e.target)
	if e.kind != "CONTAINS" {
		text := e.kind
		if e.detail != "" {
			text += ": " + e.detail
		}
		d.b.WriteString(" [label=" + dotLabel(text) + "]")
	} else {
		d.b.WriteString(" [style=dotted]")
	}
	d.b.WriteString(";\n")
	return d.flush()
}

func (d *dot) end() error {
	d.enter("", "")
	d.b.WriteString("}\n")
	return d.flush()
}

func (d *dot) flush() error {
	_, err := d.w.Write(d.b.Bytes())
	d.b.Reset()
	return err
}

// dotLabel is a label of lines, in quotes: an escString, in which a backslash would begin something.
func dotLabel(lines ...string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, line := range lines {
		if i > 0 {
			b.WriteString(`\n`)
		}
		for _, r := range strings.ToValidUTF8(line, "\uFFFD") {
			switch {
			case r == '"' || r == '\\':
				b.WriteByte('\\')
				b.WriteRune(r)
			case r == '\n' || r == '\r':
				b.WriteString(`\n`)
			case r == '&': // Graphviz reads entities of HTML in labels
				b.WriteString("&amp;")
			case r < ' ':
				b.WriteRune('\uFFFD')
			default:
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

// oneLine is a text without line ends, for a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, text)
}
