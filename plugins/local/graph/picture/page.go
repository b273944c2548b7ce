package picture

import (
	"crypto/sha256"
	_ "embed" // what the page consists of
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The page's own parts; `make web` makes the first two of what is in web/.
var (
	//go:embed bundle/app.js
	script string
	//go:embed bundle/app.css
	style string
	//go:embed page.html
	frame string
)

// Details yields what the details of nodes show, each node at most once, in any order that the graph alone decides. It ends with the first error of yield.
type Details func(yield func(Detail) error) error

// Write writes the page of a graph, whose edges it sorts. The same graph and details give the same bytes.
func Write(to io.Writer, g *Graph, details Details) error {
	pieces, err := encode(g, arrange(g))
	if err != nil {
		return err
	}
	parts := strings.Split(frame, "<!--CUT-->")
	if len(parts) != 5 {
		return fmt.Errorf("the page's frame has %d parts", len(parts))
	}
	name := g.TenantName
	if name == "" {
		name = g.TenantID
	}
	p := newPacker(to)
	text := func(texts ...string) {
		if err == nil {
			_, err = io.WriteString(to, strings.Join(texts, ""))
		}
	}
	piece := func(id string, data []byte) {
		if err == nil {
			err = p.piece(id, data)
		}
	}
	text(parts[0], policy(), parts[1], html.EscapeString(clean(name)), parts[2], style, parts[3])
	piece("head", pieces.head) // what the first look needs comes before the script, which starts when it has been read
	piece("nodes", pieces.nodes)
	piece("names", pieces.names)
	text("<script>", script, "</script>\n")
	piece("edges", pieces.edges)
	piece("words", pieces.words)
	piece("tags", pieces.tags)
	piece("ids", pieces.ids)
	if err == nil {
		err = writeDetails(p, len(g.Nodes), details)
	}
	text(parts[4])
	if found := p.secrets.Found(); err == nil && len(found) > 0 {
		return fault.New(fault.ExecutionFailed, "the page would hold a secret: "+found[0],
			fault.Hint("nothing was written where you asked for it; leave the resource out with --exclude-type, and tell us of it"))
	}
	return err
}

// policy is the page's Content-Security-Policy: its own script and style, images that it makes, and nothing of anywhere else. No text can become
// markup either: require-trusted-types-for makes browsers that know it refuse.
func policy() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) +
		"; img-src data: blob:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// writeDetails writes the details, a chunk at a time, and where in them each node's are.
func writeDetails(p *packer, nodes int, details Details) error {
	at := make([]uint32, nodes)
	for i := range at {
		at[i] = math.MaxUint32
	}
	var held [][][2]string
	written, count := 0, uint32(0)
	flush := func() error {
		data, err := lines(held)
		if err != nil {
			return err
		}
		held, written = held[:0], written+1
		return p.piece(fmt.Sprintf("d%d", written-1), data)
	}
	if details != nil {
		if err := details(func(d Detail) error {
			at[d.Node] = count
			count++
			held = append(held, d.Fields)
			if len(held) < chunk {
				return nil
			}
			return flush()
		}); err != nil {
			return err
		}
	}
	if len(held) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	places := make([]byte, 0, 4*nodes)
	for _, place := range at {
		places = binary.LittleEndian.AppendUint32(places, place)
	}
	return p.piece("at", places)
}
