package cli

import (
	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// Reference is atg with all of its commands and global flags.
func Reference() manual.Command {
	parser, err := newParser(&grammar{}, nil)
	if err != nil {
		panic(err) // the grammar is wrong: a test would have found it
	}
	return manual.Describe(parser.Model.Node)
}

// Check parses a command line, without the program's name, and runs nothing. Its error is the fault of
// a command line that is wrong; help, and nothing at all, are right.
func Check(args []string) error {
	var g grammar
	parser, err := newParser(&g, args)
	if err != nil {
		panic(err) // as above
	}
	if _, ok := helpWanted(parser.Model.Node, args); ok {
		return nil
	}
	if err := kong.Bind(&app{}).Apply(parser); err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return usageFault(parser, err)
	}
	return nil
}

// ExitCode is an exit code of atg and what it means.
type ExitCode struct {
	Code    int
	Meaning string
}

// ExitCodes are all of them, as atg help exit-codes has them.
func ExitCodes() []ExitCode {
	codes := make([]ExitCode, len(meanings))
	for i, m := range meanings {
		codes[i] = ExitCode{m.exit, m.meaning}
	}
	return codes
}

// VariableGroup are variables of the environment that belong together: rows of names, with commas between them, and what they set.
type VariableGroup struct {
	Title string
	Rows  [][]string
}

// Environment are the variables that atg knows, as atg help environment has them.
func Environment() []VariableGroup {
	groups := make([]VariableGroup, len(environment))
	for i, g := range environment {
		groups[i] = VariableGroup{g.title, g.rows}
	}
	return groups
}
