package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Program is a grammar to write pages of.
type Program struct {
	Root    *kong.Node
	Section int    // of its pages
	About   string // what the program is, for the page of its root
	Summary string // of the root, without a full stop
	// Flags ends the flags of each page but the root's: it says where the flags of all commands are.
	Flags string
}

// Pages are a page for the program, which comes first and may be added to, and one for each of its commands.
func (program Program) Pages() []*Page {
	var pages []*Page
	var visit func(node *kong.Node)
	visit = func(node *kong.Node) {
		if node.Hidden {
			return
		}
		pages = append(pages, program.page(node))
		for _, child := range node.Children {
			visit(child)
		}
	}
	visit(program.Root)
	return pages
}

// Detail is the long help of a command and its examples, which stand at the end behind a line of their own.
// Of several commands, the examples are the first ones of each.
func Detail(node *kong.Node) (text, examples string) {
	text, examples, _ = strings.Cut(node.Detail, "\nExamples:\n")
	text, examples = strings.TrimSpace(text), strings.TrimRight(examples, "\n")
	if examples != "" || node.Parent == nil {
		return text, examples
	}
	var first []string
	for _, child := range node.Children {
		if _, of := Detail(child); !child.Hidden && of != "" {
			first = append(first, firstCall(of))
		}
	}
	return text, strings.Join(first, "\n")
}

// firstCall is the first command of examples, as far as it stands in one line, without what explains it.
func firstCall(examples string) string {
	for line := range strings.Lines(examples) {
		if call := strings.TrimSpace(line); call != "" && !strings.HasSuffix(call, ":") {
			call, _, _ = strings.Cut(call, "   ")
			return "  " + strings.TrimSpace(strings.TrimSuffix(call, "\\"))
		}
	}
	return ""
}

// Path is how a command is called: atg snapshot list.
func Path(node *kong.Node) string {
	if node.Parent == nil {
		return node.Name
	}
	return Path(node.Parent) + " " + node.Name
}

// ArgumentName is an argument as usage lines have it: NAME, [NAME], NAME….
func ArgumentName(arg *kong.Positional) string {
	name := arg.Tag.PlaceHolder
	if name == "" {
		name = strings.ToUpper(arg.Name)
	}
	if arg.IsCumulative() {
		name += "…"
	}
	if !arg.Required {
		name = "[" + name + "]"
	}
	return name
}

// FlagTitle is the heading under which help has a flag.
func FlagTitle(f *kong.Flag) string {
	if f.Group == nil {
		return "Flags"
	}
	return f.Group.Title
}

func (program Program) page(node *kong.Node) *Page {
	p := &Page{Name: name(node), Section: program.Section, Summary: summary(node)}
	if node.Parent == nil {
		p.Summary = program.Summary
	}
	p.Heading("Synopsis")
	p.Line(synopsis(node))
	p.Heading("Description")
	text, examples := Detail(node)
	switch {
	case node.Parent == nil:
		p.Text(program.About)
	case text != "":
		p.Text(text)
	default:
		p.Text(node.Help)
	}
	if len(node.Positional) > 0 {
		p.Heading("Arguments")
		for _, arg := range node.Positional {
			p.Item(Term{{ArgumentName(arg), Italic}}, arg.Help)
		}
	}
	program.commands(p, node)
	flags(p, node)
	if node.Parent != nil && program.Flags != "" {
		p.Text(program.Flags)
	}
	if examples != "" {
		p.Heading("Examples")
		p.Literal(examples)
	}
	if node.Parent != nil {
		p.SeeAlso(program.beside(node)...)
	}
	return p
}

// commands lists those of a node, by group as help does.
func (program Program) commands(p *Page, node *kong.Node) {
	if len(node.Children) == 0 {
		return
	}
	p.Heading("Commands")
	group := ""
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		if child.Group != nil && node.Parent == nil && child.Group.Title != group {
			group = child.Group.Title
			p.Subheading(group)
		}
		p.Item(Term{{fmt.Sprintf("%s(%d)", name(child), program.Section), Bold}}, child.Help)
	}
}

// flags lists those of a node itself, by group as help does.
func flags(p *Page, node *kong.Node) {
	titles := []string{"Flags"} // come first
	byTitle := map[string][]*kong.Flag{}
	for _, f := range node.Flags {
		if f.Hidden {
			continue
		}
		title := FlagTitle(f)
		if !slices.Contains(titles, title) {
			titles = append(titles, title)
		}
		byTitle[title] = append(byTitle[title], f)
	}
	if len(byTitle) == 0 {
		return
	}
	p.Heading("Options")
	for _, title := range titles {
		if len(byTitle[title]) > 0 && title != "Flags" {
			p.Subheading(title)
		}
		for _, f := range byTitle[title] {
			p.Item(flag(f), strings.TrimSuffix(f.Help, ".")+"."+variables(f))
		}
	}
}

// variables says by which variables a flag can be given, if there are any.
func variables(f *kong.Flag) string {
	if len(f.Envs) == 0 {
		return ""
	}
	return " Variable: " + strings.Join(f.Envs, ", ") + "."
}

// flag is a flag with its forms and its value.
func flag(f *kong.Flag) Term {
	var t Term
	if f.Short != 0 {
		t = append(t, Word{"-" + string(f.Short), Bold}, Word{Text: ", "})
	}
	t = append(t, Word{"--" + f.Name, Bold})
	if !f.IsBool() {
		t = append(t, Word{Text: " "}, Word{placeholder(f), Italic})
	}
	for _, alias := range f.Aliases {
		t = append(t, Word{Text: ", "}, Word{"--" + alias, Bold})
	}
	return t
}

// placeholder is what stands for a flag's value.
func placeholder(f *kong.Flag) string {
	value := f.PlaceHolder
	if value == "" {
		value = strings.ToUpper(f.Name)
	}
	if f.IsSlice() {
		value += "…"
	}
	return value
}

func synopsis(node *kong.Node) Term {
	t := Term{{Path(node), Bold}}
	if len(node.Children) > 0 {
		t = append(t, Word{Text: " "}, Word{"COMMAND", Italic})
	}
	for _, f := range node.Flags {
		if f.Required {
			t = append(t, Word{Text: " "}, Word{"--" + f.Name, Bold}, Word{Text: " "}, Word{placeholder(f), Italic})
		}
	}
	for _, arg := range node.Positional {
		t = append(t, Word{Text: " "}, Word{ArgumentName(arg), Italic})
	}
	return append(t, Word{Text: " [flags]"})
}

// name is that of a node's page: atg-snapshot-list.
func name(node *kong.Node) string { return strings.ReplaceAll(Path(node), " ", "-") }

// summary is what a node's page says in one line: as help does, in a small letter.
func summary(node *kong.Node) string {
	text := strings.TrimSuffix(node.Help, ".")
	if len(text) > 1 && text[1] >= 'a' && text[1] <= 'z' {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	return text
}

// beside are the pages of the commands above and below a node, and of those that stand beside it in a group.
func (program Program) beside(node *kong.Node) []string {
	var names []string
	add := func(n *kong.Node) {
		if n != node && !n.Hidden {
			names = append(names, fmt.Sprintf("%s(%d)", name(n), program.Section))
		}
	}
	for at := node.Parent; at != nil; at = at.Parent {
		add(at)
	}
	if node.Parent != nil && node.Parent.Parent != nil {
		for _, sibling := range node.Parent.Children {
			add(sibling)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// SeeAlso ends a page with the names of others.
func (p *Page) SeeAlso(references ...string) {
	if len(references) == 0 {
		return
	}
	p.Heading("See also")
	var t Term
	for i, reference := range references {
		page, section, _ := strings.Cut(reference, "(")
		if i > 0 {
			t = append(t, Word{Text: ", "})
		}
		t = append(t, Word{page, Bold}, Word{Text: "(" + section})
	}
	p.Line(t)
}
