package cli

import (
	"context"
	"embed"

	"github.com/azure-tenant-grapher/atg/host/ui"
)

//go:embed completion
var completionScripts embed.FS

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// Help is the long help.
func (completionCmd) Help() string {
	return `Prints a script that lets the shell complete commands, flags and their values: also profiles, backends,
snapshots and jobs, and the subscriptions, resource groups, types and regions of the newest snapshot. The
deb and rpm packages bring the scripts along.

Examples:
  source <(atg completion bash)
  source <(atg completion zsh)
  atg completion fish | source
  atg completion powershell | Out-String | Invoke-Expression
  atg completion bash > ~/.local/share/bash-completion/completions/atg`
}

// Run prints.
func (c *completionCmd) Run(_ context.Context, a *app) error {
	suffix := c.Shell
	if suffix == "powershell" {
		suffix = "ps1"
	}
	script, err := completionScripts.ReadFile("completion/atg." + suffix)
	if err != nil {
		return err
	}
	return a.console.Show(func(p *ui.Page) { p.Lines(string(script)) })
}
