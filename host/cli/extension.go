package cli

import (
	"context"
	"os/exec"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/extension"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// extensionName is the word that may be an extension: the first one, where it is no command of atg's.
func extensionName(root *kong.Node, args []string) (string, bool) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || slices.Contains(commands(root), args[0]) {
		return "", false
	}
	return args[0], true
}

// runExtension runs atg-NAME with the rest of the arguments. It comes before atg catches signals: those
// are the extension's.
func runExtension(ctx context.Context, p Process, root *kong.Node, name string) int {
	options := extension.Options{Path: p.Getenv("PATH")}
	found, err := extension.Find(options, name)
	if err != nil {
		err = extension.Unknown(options, name, commands(root))
		newConsole(p, globals{}).Fault(fault.Of(err))
		return exitCode(err)
	}
	var allow []string
	c, err := config.Load(config.Options{Environ: p.Environ})
	if err == nil {
		allow = c.Extensions.Env
	} else { // the extension need not care for atg's configuration
		newConsole(p, globals{}).Logger().Warn("the configuration is wrong, so the extension gets no secret variables; see atg config validate")
	}
	code, err := extension.Run(ctx, found.Path, p.Args[1:], extension.Environment(name, allow, p.Environ))
	if err != nil {
		newConsole(p, globals{}).Fault(fault.Of(err))
		return exitCode(err)
	}
	return code
}

// extensionsHelp lists the extensions there are, and those that are never called.
func extensionsHelp(p *ui.Page, root *kong.Node, process Process) {
	var rows [][]string
	var shadowed []string
	for _, e := range extension.List(extension.Options{Path: process.Getenv("PATH")}) {
		if slices.Contains(commands(root), e.Name) {
			shadowed = append(shadowed, e.Path)
			continue
		}
		rows = append(rows, []string{e.Name, extensionHelp(e)})
	}
	if len(rows) > 0 {
		p.Title("Extensions")
		twoColumns(p, rows)
	}
	for _, path := range shadowed {
		p.Line("  ", ui.Toned{Tone: ui.Warning, Text: path + " is never called: that command is atg's own"})
	}
}

// extensionHelp is what help and completion say of an extension.
func extensionHelp(e extension.Extension) string {
	if summary := e.Metadata().Summary; summary != "" {
		return summary
	}
	return "extension " + e.Path
}

// completeExtension has an extension complete its own words, if it is one that offers it.
func completeExtension(ctx context.Context, p Process, name string, words []string) bool {
	var g grammar
	if slices.ContainsFunc(g.commands(), func(c command) bool { return c.name == name }) {
		return false
	}
	found, err := extension.Find(extension.Options{Path: p.Getenv("PATH")}, name)
	if err != nil {
		return false
	}
	if found.Metadata().Complete {
		ctx, cancel := context.WithTimeout(ctx, completionPatience)
		defer cancel()
		cmd := exec.CommandContext(ctx, found.Path, append([]string{completeCommand}, words...)...) //nolint:gosec // it says itself that it may be called so
		cmd.Env, cmd.Stdout = extension.Environment(name, nil, p.Environ), p.Streams.Out
		_ = cmd.Run() // of completion, nobody hears what went wrong
	}
	return true
}
