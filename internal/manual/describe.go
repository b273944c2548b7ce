package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
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

// Describe describes a command of a parser, and those below it.
func Describe(node *kong.Node) Command {
	text, examples := Detail(node)
	c := Command{Path: Path(node), Usage: Usage(node), Help: node.Help, Detail: text, Examples: examples}
	if node.Group != nil {
		c.Group = node.Group.Title
	}
	for _, arg := range node.Positional {
		c.Arguments = append(c.Arguments, Argument{ArgumentName(arg), arg.Help})
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
	flag := Flag{Name: strings.TrimSpace(FlagName(f)), Help: f.Help, Default: f.Default, Env: f.Envs}
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

// Usage is how a command is called, in one line.
func Usage(node *kong.Node) string {
	line := Path(node)
	if len(node.Children) > 0 {
		line += " COMMAND"
	}
	for _, f := range node.Flags {
		if f.Required {
			line += " --" + f.Name + " " + f.PlaceHolder
		}
	}
	for _, arg := range node.Positional {
		line += " " + ArgumentName(arg)
	}
	return line + " [flags]"
}

// FlagName is a flag with its value, as help lists it: -o, --output-format FORMAT.
func FlagName(f *kong.Flag) string {
	name := "    --" + f.Name
	if f.Short != 0 {
		name = fmt.Sprintf("-%c, --%s", f.Short, f.Name)
	}
	if !f.IsBool() {
		name += " " + f.PlaceHolder
		if f.IsSlice() {
			name += "…"
		}
	}
	return name
}
