package picture

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
)

// The pieces of data of a page, by the id of the element that holds them. Each is compressed (RFC 1951) and written as base64.
//
//	head     JSON: see head
//	nodes    columns, one value for each node: see columns
//	names    JSON: an array of the names of nodes
//	ids      JSON: an array of their ids
//	edges    columns, one value for each edge: see edgeColumns
//	words    JSON: an array of the details of edges
//	tags     JSON: see tagList
//	at       uint32 for each node: the place of its detail, or 4294967295
//	dN       JSON: the details with the places from N*chunk on, each an array of pairs of name and value
const chunk = 128

// unit is how many steps of a coordinate, or of a radius, make one of the layout's.
const unit = 8

// head is what the page needs for its first look.
type head struct {
	Tenant     string        `json:"tenant"`
	TenantName string        `json:"tenantName"`
	Snapshot   string        `json:"snapshot"`
	Scanned    string        `json:"scanned"` // RFC 3339, UTC
	Partial    bool          `json:"partial"`
	Misses     []string      `json:"misses"`
	Nodes      int           `json:"nodes"`
	Edges      int           `json:"edges"`
	Bounds     [4]float64    `json:"bounds"`
	Types      []typeHead    `json:"types"`
	Categories []string      `json:"categories"`
	Kinds      []string      `json:"kinds"` // of nodes
	Relations  []string      `json:"relations"`
	Locations  []string      `json:"locations"`
	Clusters   []clusterHead `json:"clusters"`
	Chunk      int           `json:"chunk"`
	Unit       int           `json:"unit"`
}

type typeHead struct {
	Name     string   `json:"name"`
	Category category `json:"category"`
	Letters  string   `json:"letters"`
}

type clusterHead struct {
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	R      float64 `json:"r"`
	Parent int     `json:"parent"`
	Node   int32   `json:"node"`
	Count  int     `json:"count"`
}

// tagList are the tags: all of them once, and for each node the indexes of its own.
type tagList struct {
	List [][2]string `json:"list"`
	Of   [][]int     `json:"of"`
}

// words gives each text a number, in the order of the texts.
type words struct {
	list []string
	of   map[string]int
}

func newWords(texts map[string]bool) words {
	w := words{list: make([]string, 0, len(texts)), of: make(map[string]int, len(texts))}
	for t := range texts {
		w.list = append(w.list, t)
	}
	slices.Sort(w.list)
	for i, t := range w.list {
		w.of[t] = i
	}
	return w
}

// clean is a text that JSON, and so the page, gives back as it is.
func clean(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

var nodeKinds = []string{KindResource, KindManagementGroup, KindSubscription, KindResourceGroup, KindIdentity}

// pieces encodes a graph and its layout into the pieces of a page; those of the details are written apart.
type pieces struct {
	head, nodes, names, ids, edges, words, tags []byte
}

func encode(g *Graph, l *layout) (*pieces, error) {
	types, locations, relations, texts := map[string]bool{}, map[string]bool{"": true}, map[string]bool{}, map[string]bool{"": true}
	for i := range g.Nodes {
		types[clean(g.Nodes[i].Type)], locations[clean(g.Nodes[i].Location)] = true, true
	}
	for _, e := range g.Edges {
		relations[clean(e.Kind)], texts[clean(e.Detail)] = true, true
	}
	if len(types) > math.MaxUint16 || len(locations) > math.MaxUint16 || len(relations) > math.MaxUint8 {
		return nil, fmt.Errorf("%d types, %d locations and %d relationships are more than a page can tell apart", len(types), len(locations), len(relations))
	}
	typeList, locationList, relationList, textList := newWords(types), newWords(locations), newWords(relations), newWords(texts)
	low, high := l.bounds()
	h := head{
		Tenant: clean(g.TenantID), TenantName: clean(g.TenantName), Snapshot: clean(g.Snapshot), Scanned: g.Scanned.UTC().Format("2006-01-02T15:04:05Z"),
		Partial: g.Partial, Misses: append([]string{}, g.Misses...), Nodes: len(g.Nodes), Edges: len(g.Edges), Bounds: [4]float64{tidy(low.x), tidy(low.y), tidy(high.x), tidy(high.y)},
		Categories: categoryNames[:], Kinds: nodeKinds, Relations: relationList.list, Locations: locationList.list, Chunk: chunk, Unit: unit,
	}
	h.Types, h.Clusters = make([]typeHead, 0, len(typeList.list)), make([]clusterHead, 0, len(l.clusters)) // arrays, not null, where there is nothing
	for _, t := range typeList.list {
		k := lookOf(t)
		h.Types = append(h.Types, typeHead{Name: t, Category: k.category, Letters: k.letters})
	}
	for i := range l.clusters {
		c := &l.clusters[i]
		h.Clusters = append(h.Clusters, clusterHead{Kind: c.kind, Name: clean(c.name), X: tidy(c.x), Y: tidy(c.y), R: tidy(c.r), Parent: c.parent, Node: c.node, Count: c.count})
	}
	p := &pieces{nodes: columns(g, l, typeList, locationList), edges: edgeColumns(g, relationList, textList)}
	names, ids := make([]string, len(g.Nodes)), make([]string, len(g.Nodes))
	for i := range g.Nodes {
		names[i], ids[i] = g.Nodes[i].Name, g.Nodes[i].ID
	}
	var err error
	marshal := func(into *[]byte, from any) {
		if err == nil {
			*into, err = json.Marshal(from)
		}
	}
	array := func(into *[]byte, texts []string) {
		if err == nil {
			*into, err = lines(texts)
		}
	}
	marshal(&p.head, h)
	marshal(&p.tags, tagsOf(g))
	array(&p.names, names)
	array(&p.ids, ids)
	array(&p.words, textList.list)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// lines is a JSON array with a line for each text: a search for secrets looks at one line at a time.
func lines[T any](values []T) ([]byte, error) {
	out := []byte{'['}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',', '\n')
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
	}
	return append(out, ']'), nil
}

// tidy is a coordinate without digits that nobody sees.
func tidy(x float64) float64 { return math.Round(x*unit) / unit }

// columns are, one after the other, of each node: x and y from the middle of its cluster, the cluster, the management group above (int32); type, location,
// radius (uint16); flags (uint8): 1 is missing, and the kind's index is in the bits above. Numbers are little-endian; -1 is none.
func columns(g *Graph, l *layout, types, locations words) []byte {
	out := make([]byte, 0, 23*len(g.Nodes))
	each := func(put func(i int)) {
		for i := range g.Nodes {
			put(i)
		}
	}
	long := func(v float64) { out = binary.LittleEndian.AppendUint32(out, uint32(int32(v))) } //nolint:gosec // two's complement on purpose
	short := func(v int) { out = binary.LittleEndian.AppendUint16(out, uint16(v)) }           //nolint:gosec // encode has checked
	middle := func(i int) (x, y float64) {
		if c := l.home[i]; c >= 0 {
			return tidy(l.clusters[c].x), tidy(l.clusters[c].y)
		}
		return 0, 0
	}
	each(func(i int) { x, _ := middle(i); long(math.Round((l.place[i].x - x) * unit)) })
	each(func(i int) { _, y := middle(i); long(math.Round((l.place[i].y - y) * unit)) })
	each(func(i int) { long(float64(l.home[i])) })
	each(func(i int) { long(float64(g.Nodes[i].Parent)) })
	each(func(i int) { short(types.of[clean(g.Nodes[i].Type)]) })
	each(func(i int) { short(locations.of[clean(g.Nodes[i].Location)]) })
	each(func(i int) { short(int(math.Round(l.place[i].r * unit))) })
	each(func(i int) {
		flags := byte(slices.Index(nodeKinds, g.Nodes[i].Kind)) << 1 //nolint:gosec // five kinds
		if g.Nodes[i].Missing {
			flags |= 1
		}
		out = append(out, flags)
	})
	return out
}

// edgeColumns are, of each edge: how much higher its source is than the one before it, its target, its detail (uint32), its kind (uint8).
func edgeColumns(g *Graph, relations, texts words) []byte {
	slices.SortFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Detail, b.Detail))
	})
	out := make([]byte, 0, 13*len(g.Edges))
	long := func(v int) { out = binary.LittleEndian.AppendUint32(out, uint32(v)) } //nolint:gosec // indexes
	before := int32(0)
	for _, e := range g.Edges {
		long(int(e.Source - before))
		before = e.Source
	}
	for _, e := range g.Edges {
		long(int(e.Target))
	}
	for _, e := range g.Edges {
		long(texts.of[clean(e.Detail)])
	}
	for _, e := range g.Edges {
		out = append(out, byte(relations.of[clean(e.Kind)])) //nolint:gosec // encode has checked
	}
	return out
}

func tagsOf(g *Graph) tagList {
	all := map[string]bool{}
	form := func(t Tag) string { return clean(t.Name) + "\x00" + clean(t.Value) }
	for i := range g.Nodes {
		for _, t := range g.Nodes[i].Tags {
			all[form(t)] = true
		}
	}
	w := newWords(all)
	list := tagList{List: make([][2]string, len(w.list)), Of: make([][]int, len(g.Nodes))}
	for i, t := range w.list {
		name, value, _ := strings.Cut(t, "\x00")
		list.List[i] = [2]string{name, value}
	}
	for i := range g.Nodes {
		list.Of[i] = make([]int, len(g.Nodes[i].Tags))
		for n, t := range g.Nodes[i].Tags {
			list.Of[i][n] = w.of[form(t)]
		}
	}
	return list
}

// packer writes pieces, and keeps its memory between them.
type packer struct {
	to      io.Writer
	secrets secrets.Scanner // looks through all that goes into the page: nobody can once it is compressed
	deflate *flate.Writer
	buffer  bytes.Buffer
}

func newPacker(to io.Writer) *packer {
	p := &packer{to: to}
	p.deflate, _ = flate.NewWriter(&p.buffer, flate.DefaultCompression) // no error at this level
	return p
}

// piece writes an element with data. What is in it is base64 and nothing else, whatever the data.
func (p *packer) piece(id string, data []byte) error {
	_, _ = p.secrets.Write(data) // never fails
	_, _ = p.secrets.Write([]byte{'\n'})
	p.buffer.Reset()
	p.deflate.Reset(&p.buffer)
	if _, err := p.deflate.Write(data); err != nil {
		return err
	}
	if err := p.deflate.Close(); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.to, `<script type="text/plain" id="%s">`, id); err != nil {
		return err
	}
	encoder := base64.NewEncoder(base64.StdEncoding, p.to)
	if _, err := encoder.Write(p.buffer.Bytes()); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(p.to, "</script>\n")
	return err
}
