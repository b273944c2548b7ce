package cli

import (
	"io"

	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// Manual is atg-server's manual: a page for each command.
func Manual() ([]*manual.Page, error) {
	var c commands
	parser, err := newParser(&c, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	program := manual.Program{
		Root: parser.Model.Node, Section: 8, Summary: "the job service of atg", About: about,
		Flags: "--log-format and --log-level, which all commands take, stand in atg-server(8).",
	}
	pages := program.Pages()
	pages[0].Heading("Environment")
	pages[0].Text("Flags name the variables that stand for them. A flag wins over a variable, a variable over the configuration file.")
	pages[0].SeeAlso("atg(1)", "atg-remote(7)")
	return pages, nil
}
