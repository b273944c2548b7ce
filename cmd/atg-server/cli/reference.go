package cli

import (
	"io"

	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// Reference is atg-server with all of its commands: docs/reference is made of it.
func Reference() manual.Command {
	parser, err := newParser(&commands{}, io.Discard, io.Discard)
	if err != nil {
		panic(err) // the grammar is wrong: a test would have found it
	}
	return manual.Describe(parser.Model.Node)
}

// Check parses a command line, without the program's name, and runs nothing.
func Check(args []string) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited: // for help, or the version
		default:
			panic(e)
		}
	}()
	parser, err := newParser(&commands{}, io.Discard, io.Discard)
	if err == nil {
		_, err = parser.Parse(args)
	}
	return err
}
