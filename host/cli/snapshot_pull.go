package cli

import (
	"context"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type snapshotPullCmd struct {
	tenantFlag
	ID    string `arg:"" optional:"" help:"Snapshot (default: the newest)."`
	File  string `name:"file" short:"f" placeholder:"FILE" help:"Where to (default: ID.db in this folder)."`
	Force bool   `help:"Replace the file if it exists."`
}

// Help is the long help.
func (snapshotPullCmd) Help() string {
	return `Copies a snapshot into one SQLite file, whose schema docs/snapshot-format.md describes. The file is
verified against the backend's checksum before it takes its place.

Examples:
  atg snapshot pull
  atg --backend remote snapshot pull ID --file contoso.db`
}

// pulled is where a snapshot was copied to.
type pulled struct {
	ID     string `json:"id"`
	File   string `json:"file"` // an absolute path
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256"`
}

// Run copies.
func (c *snapshotPullCmd) Run(ctx context.Context, a *app) error {
	var done pulled
	err := a.withSnapshots(ctx, func(ctx context.Context, s *dispatch.Session, store backend.SnapshotStore) error {
		id, err := a.snapshot(ctx, store, c.ID)
		if err != nil {
			return err
		}
		file := c.File
		if file == "" {
			file = id + ".db"
			if !filepath.IsLocal(file) || filepath.Base(file) != file {
				return usage("%q cannot be the name of a file: name one with --file", file)
			}
		}
		if file, err = filepath.Abs(file); err != nil {
			return err
		}
		fetched, err := s.FetchSnapshot(ctx, id, file, c.Force)
		done = pulled{ID: id, File: file, Size: fetched.Size, SHA256: fetched.SHA256}
		return err
	})
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: done, Page: func(p *ui.Page) { p.Line(done.File, "  ", ui.Size(done.Size)) }})
}
