package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/scaffold"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type backendNewCmd struct {
	Name string `arg:"" placeholder:"NAME" help:"Name of the backend: small letters, digits and hyphens."`
	Lang string `required:"" enum:"go,python" placeholder:"LANGUAGE" help:"Language: go or python."`
	Dir  string `placeholder:"DIR" help:"Folder to make (default: ./atg-backend-NAME)."`
}

// Help is the long help.
func (backendNewCmd) Help() string {
	return `Writes a small backend that works, and that passes atg backend test: it counts the lines of a file. Change it into your
own. docs/backend-authors.md goes on from there.

Examples:
  atg backend new acme --lang go
  atg backend new acme --lang python --dir ~/src/acme`
}

// Run writes.
func (c *backendNewCmd) Run(_ context.Context, a *app) error {
	if !config.ValidName(c.Name) || c.Name == config.Local || c.Name == config.Remote {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no name for a backend of your own", c.Name),
			fault.Hint("use small letters, digits and hyphens, and neither local nor remote"))
	}
	dir := c.Dir
	if dir == "" {
		dir = "atg-backend-" + c.Name
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fault.New(fault.InvalidArgument, "there is no such folder", fault.On(c.Dir), fault.Because(err))
	}
	files, err := scaffold.Write(dir, c.Lang, c.Name, buildinfo.Version())
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{
		Data: struct {
			Name     string   `json:"name"`
			Language string   `json:"language"`
			Dir      string   `json:"dir"`
			Files    []string `json:"files"`
		}{c.Name, c.Lang, dir, files},
		Page: func(p *ui.Page) {
			p.Line("wrote ", ui.Counted(int64(len(files)), "file", "files"), " to ", ui.Toned{Tone: ui.Strong, Text: dir})
			p.Line("README.md there says how to build it, then: atg backend test ./atg-backend-", c.Name)
		},
	})
}
