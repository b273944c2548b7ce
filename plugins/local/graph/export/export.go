// Package export writes the graph of a snapshot in formats that other programs read. docs/export.md describes them.
package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// format is a format.
type format struct {
	name  string
	files []string // its artifacts
	// write writes the files in turn; w are their writers, in the order of files. keys says that edges need the keys of their nodes.
	begin func(w []io.Writer, head head) sink
	keys  bool
	bare  bool // nothing but the nodes themselves is written; under pseudonyms the rest is read all the same, so that all formats have the same ones
}

// sink takes a graph: its nodes, then its edges.
type sink interface {
	node(n *node) error
	edge(e *edge) error
	end() error
}

// formats are all of them.
var formats = []format{
	{name: "jsonl", files: []string{"graph.jsonl"}, begin: newJSONL, keys: true},
	{name: "graphml", files: []string{"graph.graphml"}, begin: newGraphML},
	{name: "cypher", files: []string{"graph.cypher"}, begin: newCypher, keys: true},
	{name: "neo4j-csv", files: []string{"nodes.csv", "relationships.csv"}, begin: newCSV},
	{name: "dot", files: []string{"graph.dot"}, begin: newDOT, bare: true},
}

// MapFile says with Pseudonymize which pseudonym stands for what.
const MapFile = "graph.map.json"

// Formats are the names of the formats.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Check refuses a request for a format that there is not.
func Check(r *backend.SnapshotExportRequest) error {
	if !slices.Contains(Formats(), r.Format) {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("there is no format %q", r.Format), fault.Hint("the formats are %s", strings.Join(Formats(), ", ")))
	}
	return nil
}

// Exporter writes a snapshot that has a graph.
type Exporter struct {
	Reader   *graph.Reader
	Dir      string                 // where files are written; it exists and is empty
	Progress func(backend.Progress) // may be nil
}

// head is what is said of the whole.
type head struct {
	Tenant   string // the id
	Name     string
	Complete bool
	Filtered bool
	Hidden   bool  // names are pseudonyms
	Nodes    int64 // of the snapshot
}

// notes are sentences about the whole, for formats with comments.
func (h head) notes() []string {
	notes := []string{"Azure tenant " + h.Tenant + ", exported by atg. Values that look like secrets are left out."}
	if !h.Complete {
		notes = append(notes, "INCOMPLETE: the scan could not read everything. What is missing here may exist.")
	}
	if h.Filtered {
		notes = append(notes, "A part of the tenant: what was outside of the filter and the scan is missing, or is there by its name alone.")
	}
	if h.Hidden {
		notes = append(notes, "Names, ids and addresses are pseudonyms.")
	}
	return notes
}

// Export writes the files. The same content gives the same bytes, whoever scanned it and when.
func (x *Exporter) Export(ctx context.Context, r *backend.SnapshotExportRequest) (*backend.SnapshotExportResult, error) {
	began := time.Now()
	at := slices.IndexFunc(formats, func(f format) bool { return f.name == r.Format })
	if at < 0 {
		return nil, Check(r)
	}
	snapshot := x.Reader.Snapshot()
	chosen, err := choose(ctx, x.Reader, r.Filter)
	if err != nil {
		return nil, err
	}
	c := &content{}
	if r.Pseudonymize {
		if err := c.learn(ctx, x.Reader); err != nil {
			return nil, err
		}
	}
	h := head{Tenant: snapshot.TenantID, Name: snapshot.TenantName, Complete: snapshot.Complete, Filtered: chosen != nil || snapshot.Filtered, Hidden: r.Pseudonymize}
	if c.hidden != nil {
		h.Tenant, h.Name = c.hidden.GUID(h.Tenant), c.hidden.Name("tenant", h.Name)
	}
	files, err := output.New(x.Dir, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = files.Close() }() // only a folder's handle
	s := &source{reader: x.Reader, chosen: chosen, content: c, keys: formats[at].keys, bare: formats[at].bare && !r.Pseudonymize, progress: x.Progress, head: h}
	if err := writeAll(files, formats[at].files, nil, func(w []io.Writer) error { return s.run(ctx, formats[at].begin(w, h)) }); err != nil {
		return nil, err
	}
	if c.hidden != nil {
		if err := files.Write(MapFile, func(to io.Writer) error { return c.hidden.Write(to, "export") }); err != nil {
			return nil, err
		}
	}
	return &backend.SnapshotExportResult{
		Format: r.Format, Complete: snapshot.Complete, Resources: s.resources, Nodes: s.nodes, Edges: s.edges, Redacted: c.redacted,
		Snapshot: snapshot.ID, DurationSeconds: time.Since(began).Seconds(),
	}, nil
}

// writeAll opens files and lets content write them all.
func writeAll(files *output.Files, names []string, open []io.Writer, content func(w []io.Writer) error) error {
	if len(names) == 0 {
		return content(open)
	}
	return files.Write(names[0], func(to io.Writer) error { return writeAll(files, names[1:], append(open, to), content) })
}

// learn makes pseudonyms that know every name of a snapshot.
func (c *content) learn(ctx context.Context, r *graph.Reader) (err error) {
	if c.hidden, err = pseudonym.New(ctx, r); err != nil {
		return err
	}
	c.hidden.Own(r.Snapshot().TenantName)
	if err := r.Nodes(ctx, func(n graph.Node) error {
		if n.Kind != graph.NodeRoleDefinition && n.State != graph.NodeMissing {
			c.hidden.Learn(n.Type, n.Name)
		}
		return nil
	}); err != nil {
		return err
	}
	c.builtIn = map[string]bool{}
	if err := r.RoleDefinitions(ctx, func(roleName, _ string, properties []byte) error {
		var said struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(properties, &said) == nil && strings.EqualFold(said.Type, "BuiltInRole") {
			c.builtIn[strings.ToLower(roleName)] = true
		}
		return nil
	}); err != nil {
		return err
	}
	return r.Identities(ctx, func(i graph.Identity) error {
		if _, domain, ok := strings.Cut(i.Login, "@"); ok {
			c.hidden.Own(domain)
		}
		return nil
	})
}
