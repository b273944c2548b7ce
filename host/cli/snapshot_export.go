package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type snapshotExportCmd struct {
	tenantFlag
	filterFlags
	waitFlags
	Format       string `enum:"jsonl,graphml,cypher,neo4j-csv,dot" required:"" placeholder:"FORMAT" help:"jsonl, graphml, cypher, neo4j-csv or dot."`
	OutputDir    string `type:"path" xor:"where" required:"" placeholder:"DIR" help:"Folder for the files."`
	File         string `name:"output" type:"path" xor:"where" required:"" placeholder:"FILE" help:"File, for the formats that are one: all but neo4j-csv."`
	Snapshot     string `placeholder:"ID" help:"Snapshot to write (default: the newest complete one of the tenant)."`
	Pseudonymize bool   `help:"Replace names, ids and addresses by pseudonyms. A map of them comes beside the file: keep it to yourself."`
	Force        bool   `help:"Replace files that exist."`
}

// Help is the long help.
func (snapshotExportCmd) Help() string {
	return `Writes the nodes and relationships of a snapshot, with all that Azure returned of them, for other programs.
Values that look like secrets are left out. docs/export.md describes the formats, and how to load them.

  jsonl       a JSON object a line: nodes, then relationships
  graphml     for Gephi, yEd, Cytoscape, networkx
  cypher      statements for Neo4j, for a tenant that is not large
  neo4j-csv   for neo4j-admin database import, however large the tenant is
  dot         for Graphviz: names and relationships alone

A filter takes what passes it, what contains that, and of all that is related to it the name.

Examples:
  Into Neo4j:
    atg snapshot export --format cypher --output contoso.cypher
    cypher-shell -f contoso.cypher

  A drawing of one resource group:
    atg snapshot export --format dot --output web.dot --resource-group rg-web && dot -Tsvg web.dot > web.svg

  To pass on:
    atg snapshot export --format jsonl --output graph.jsonl --pseudonymize`
}

// Run writes.
func (c *snapshotExportCmd) Run(ctx context.Context, a *app) error {
	ending := dispatch.Ending{OutputDir: c.OutputDir, Overwrite: c.Force}
	if c.File != "" {
		if c.Format == "neo4j-csv" {
			return fault.New(fault.InvalidArgument, "neo4j-csv is more than one file", fault.Hint("name a folder, with --output-dir"), fault.From(fault.OriginHost))
		}
		file, err := filepath.Abs(c.File)
		if err != nil {
			return err
		}
		if info, err := os.Lstat(file); err == nil && (!c.Force || info.IsDir()) { // before the work, and again after it
			return dispatch.Occupied(file)
		}
		ending.OutputDir, ending.OutputFile = filepath.Dir(file), filepath.Base(file)
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	request := &backend.SnapshotExportRequest{TenantID: a.tenant(), Snapshot: c.Snapshot, Filter: c.filter(), Format: c.Format, Pseudonymize: c.Pseudonymize}
	task := c.task(ending)
	task.Request, task.Prepare = request, a.snapshotNames(&request.Snapshot)
	out, err := d.Execute(ctx, task)
	return a.outcome(d, out, task.Ending, err)
}
