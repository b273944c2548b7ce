package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/extension"
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
