package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/manual"
	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// helpWidth is the width of help where stdout is no terminal.
const helpWidth = 100

type helpCmd struct {
	Words []string `arg:"" optional:"" name:"command" help:"Command, or topic: remote, jobs, exit-codes, environment, extensions."`
}

// Help is the long help.
func (helpCmd) Help() string {
	return `Explains a command, as its --help does, or one of the topics. The manual pages say the same.

Examples:
  atg help scan
  atg help snapshot diff
  atg help exit-codes`
}

// Run explains.
func (c *helpCmd) Run(_ context.Context, a *app) error {
	if len(c.Words) == 1 {
		if topic, ok := topics[c.Words[0]]; ok {
			return a.console.Show(topic)
		}
	}
	node := a.root
	for _, word := range c.Words {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
		if i < 0 {
			known := commands(node)
			if node.Parent == nil {
				known = append(known, topicNames...)
			}
			f := usage("there is no help on %q", strings.Join(c.Words, " "))
			hint := path(node) + " --help lists the commands"
			if near := nearest.To(word, known); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			fault.Hint("%s", hint)(fault.As(f))
			return f
		}
		node = node.Children[i]
	}
	return a.console.Show(func(p *ui.Page) { nodeHelp(p, node, a.process) })
}

// helpWanted finds the command that help is wanted on: by --help anywhere, or no arguments, or a
// group without a verb.
func helpWanted(root *kong.Node, args []string) (*kong.Node, bool) {
	node, wanted, verbs := root, len(args) == 0, 0
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "--help" || arg == "-h" {
			wanted = true
			continue
		}
		if strings.HasPrefix(arg, "-") {
			continue
		}
		if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg }); i >= 0 {
			node = node.Children[i]
			verbs++
		}
	}
	bare := verbs == len(args) && len(node.Children) > 0
	return node, wanted || bare
}

// aboutText is what atg is.
const aboutText = `Scans an Azure tenant into a snapshot that says what is there and what could not be read. A backend does
the work: a program of its own, local unless you choose another.`

// nodeHelp is the help on a command, or on atg itself.
func nodeHelp(p *ui.Page, node *kong.Node, process Process) {
	title := func(text string) { p.Title(text) }
	if node.Parent == nil {
		p.Line(ui.Toned{Tone: ui.Strong, Text: "atg"}, ": Azure tenants as graphs")
		p.Gap()
		p.Lines(aboutText)
	} else {
		p.Line(strings.TrimSuffix(node.Help, "."), ".")
		text, examples := manual.Detail(node)
		if text != "" {
			p.Gap()
			p.Lines(text)
		}
		if examples != "" {
			defer func() {
				title("Examples")
				p.Lines(examples)
			}()
		}
	}
	title("Usage")
	p.Line("  ", manual.Usage(node))
	argumentHelp(p, node)
	commandHelp(p, node)
	flagHelp(p, node)
	if node.Parent == nil {
		extensionsHelp(p, node, process)
		title("More")
		p.Lines("  atg COMMAND --help        help on a command\n" +
			"  atg help remote           how a job service does the work\n" +
			"  atg help jobs             leave a job alone, come back to it, send it later\n" +
			"  atg help exit-codes       what each exit code means\n" +
			"  atg help environment      the variables that atg knows\n" +
			"  atg help extensions       your own commands\n" +
			"  atg server --help         run a job service")
	}
}

func twoColumns(p *ui.Page, rows [][]string) {
	p.Table(ui.Table{Indent: 2, Width: helpWidth, Columns: []ui.Column{{Whole: true}, {}}, Rows: rows})
}

func argumentHelp(p *ui.Page, node *kong.Node) {
	if len(node.Positional) == 0 {
		return
	}
	var rows [][]string
	for _, arg := range node.Positional {
		rows = append(rows, []string{manual.ArgumentName(arg), arg.Help})
	}
	p.Title("Arguments")
	twoColumns(p, rows)
}

func commandHelp(p *ui.Page, node *kong.Node) {
	var groups []string
	rows := map[string][][]string{}
	for _, c := range node.Children {
		group := "Commands"
		if c.Group != nil && node.Parent == nil {
			group = c.Group.Title
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
		rows[group] = append(rows[group], []string{c.Name, c.Help})
	}
	for _, group := range groups {
		p.Title(group)
		twoColumns(p, rows[group])
	}
}

// flagHelp lists a command's own flags by group, and the global ones with atg itself; other commands
// only point there.
func flagHelp(p *ui.Page, node *kong.Node) {
	groups := []string{"Flags"}
	rows := map[string][][]string{}
	for _, f := range node.Flags {
		group := manual.FlagTitle(f)
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
		rows[group] = append(rows[group], []string{manual.FlagName(f), f.Help})
	}
	for _, group := range groups {
		if len(rows[group]) > 0 {
			p.Title(group)
			twoColumns(p, rows[group])
		}
	}
	if node.Parent != nil {
		p.Gap()
		p.Line("Global flags, as -o json, --jq, --backend and --timeout, stand in atg --help.")
	}
}
