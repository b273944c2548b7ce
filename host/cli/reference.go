package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// Command is a command as its help shows it, without the parser behind it: docs/reference is made of it.
type Command struct {
	Path      string // as it is called: atg snapshot list
	Usage     string
	Group     string // of atg's own commands: Work, Set up; else empty
	Help      string // one sentence
	Detail    string // paragraphs; lines that are indented stand as they are
	Examples  string // lines of a shell
	Arguments []Argument
	Flags     []Flag
	Commands  []Command
}

// Argument is a positional argument of a command.
type Argument struct{ Name, Help string }

// Flag is a flag of a command; a command does not repeat those of the commands above it.
type Flag struct {
	Name    string // with its value: -o, --output-format FORMAT
	Group   string // Filters, Global flags; else empty
	Help    string
	Default string   // empty is none
	Values  []string // that it takes; none is any
	Aliases []string // other names, with hyphens
	Env     []string // variables that set it
}

// Reference is atg with all of its commands and global flags.
func Reference() Command {
	parser, err := newParser(&grammar{}, nil)
	if err != nil {
		panic(err) // the grammar is wrong: a test would have found it
	}
	return Describe(parser.Model.Node)
}

// Describe describes a command of a parser, and those below it.
func Describe(node *kong.Node) Command {
	text, examples := manual.Detail(node)
	c := Command{Path: path(node), Usage: usageLine(node), Help: node.Help, Detail: text, Examples: examples}
	if node.Group != nil {
		c.Group = node.Group.Title
	}
	for _, arg := range node.Positional {
		c.Arguments = append(c.Arguments, Argument{manual.ArgumentName(arg), arg.Help})
	}
	for _, f := range node.Flags {
		if !f.Hidden {
			c.Flags = append(c.Flags, describeFlag(f))
		}
	}
	for _, child := range node.Children {
		if !child.Hidden {
			c.Commands = append(c.Commands, Describe(child))
		}
	}
	return c
}

func describeFlag(f *kong.Flag) Flag {
	flag := Flag{Name: strings.TrimSpace(flagName(f)), Help: f.Help, Default: f.Default, Env: f.Envs}
	if f.Group != nil {
		flag.Group = f.Group.Title
	}
	if f.Enum != "" {
		flag.Values = slices.DeleteFunc(f.EnumSlice(), func(v string) bool { return v == "" })
	}
	for _, alias := range f.Aliases {
		flag.Aliases = append(flag.Aliases, "--"+alias)
	}
	return flag
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
