package cli

import (
	"context"
	"runtime"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
)

type versionCmd struct{}

// version is which build this is.
type version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"` // of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisVersion() version {
	return version{buildinfo.Version(), buildinfo.Commit(), buildinfo.Date(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
}

// versionLine is the version for people: atg v1.2.3 (abcdef0, go1.26.0, linux/amd64).
func versionLine() string {
	v := thisVersion()
	line := "atg " + v.Version + " ("
	if v.Commit != "" {
		line += v.Commit[:min(len(v.Commit), 12)] + ", "
	}
	return line + v.Go + ", " + v.Platform + ")"
}

// Help is the long help.
func (versionCmd) Help() string {
	return `Prints the version of atg, the commit that it was built of, and what it runs on.

Examples:
  atg version
  atg version --jq .version`
}

// Run prints the version.
func (versionCmd) Run(_ context.Context, a *app) error {
	return a.console.Print(ui.Document{Data: thisVersion(), Page: func(p *ui.Page) { p.Line(versionLine()) }})
}
