package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/extension"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

// completeCommand is what the completion scripts call: atg __complete WORD…, the last word being the one at the cursor, perhaps
// empty. It prints a line for each word that may stand there, with its explanation behind a tab, or :files or :folders where
// the shell knows better. It says nothing of what goes wrong.
const completeCommand = "__complete"

// candidate is a word that may stand at the cursor.
type candidate struct{ value, help string }

// completer finds what may stand at the cursor.
type completer struct {
	a      *app
	node   *kong.Node // of the words before
	given  map[string]bool
	args   []string // of the node
	found  []candidate
	bare   bool   // -- stands before: what follows are arguments, whatever they look like
	paths  string // :files or :folders
	cursor string
}

// complete answers a completion script.
func complete(ctx context.Context, p Process, words []string) int {
	if len(words) == 0 {
		words = []string{""}
	}
	before, cursor := words[:len(words)-1], words[len(words)-1]
	if len(before) > 0 && completeExtension(ctx, p, before[0], words[1:]) {
		return 0
	}
	var g grammar
	parser, err := newParser(&g, before)
	if err != nil {
		return 0
	}
	quiet := p
	quiet.Streams = ui.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	a := &app{process: quiet, flags: &g.globals, root: parser.Model.Node, backends: &dispatch.Processes{}}
	g.Quiet, g.NoInput = true, true
	a.console = newConsole(quiet, g.globals)
	c := &completer{a: a, node: parser.Model.Node, given: map[string]bool{}, cursor: cursor}
	pending := c.walk(before)
	c.at(ctx, pending)
	for _, found := range c.found {
		if len(found.value) >= len(c.cursor) && strings.EqualFold(found.value[:len(c.cursor)], c.cursor) { // types are written in any case
			fmt.Fprintf(p.Streams.Out, "%s\t%s\n", found.value, strings.ReplaceAll(found.help, "\n", " "))
		}
	}
	if c.paths != "" {
		fmt.Fprintln(p.Streams.Out, c.paths)
	}
	return 0
}

// walk goes along the words before the cursor, and answers the flag whose value is to come, if there is one.
func (c *completer) walk(words []string) (pending *kong.Flag) {
	for _, word := range words {
		switch {
		case pending != nil:
			c.set(pending, word)
			pending = nil
		case word == "--":
			c.bare = true
		case !c.bare && strings.HasPrefix(word, "-") && word != "-":
			name, value, assigned := strings.Cut(word, "=")
			f := c.flag(name)
			if f == nil {
				continue
			}
			c.given[f.Name] = true
			switch {
			case assigned:
				c.set(f, value)
			case f.IsBool():
				c.set(f, "true")
			default:
				pending = f
			}
		default:
			if i := slices.IndexFunc(c.node.Children, func(n *kong.Node) bool { return n.Name == word }); i >= 0 {
				c.node = c.node.Children[i]
			} else {
				c.args = append(c.args, word)
			}
		}
	}
	return pending
}

// flags are those of the node and of all commands above it.
func (c *completer) flags() (flags []*kong.Flag) {
	for _, group := range c.node.AllFlags(true) {
		flags = append(flags, group...)
	}
	return flags
}

func (c *completer) flag(word string) *kong.Flag {
	for _, f := range c.flags() {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			return f
		}
		for _, alias := range f.Aliases {
			if word == "--"+alias {
				return f
			}
		}
	}
	return nil
}

// set heeds the flags that choose configuration and backend: what they lead to is what is completed.
func (c *completer) set(f *kong.Flag, value string) {
	switch f.Name {
	case "config":
		c.a.flags.ConfigFile = value
	case "profile":
		c.a.flags.Profile = value
	case "backend":
		c.a.flags.BackendName = value
	case "remote":
		c.a.flags.Remote = true
	case "tenant-id":
		c.a.tenantID = value
	}
}

// at finds what may stand at the cursor.
func (c *completer) at(ctx context.Context, pending *kong.Flag) {
	name, _, assigned := strings.Cut(c.cursor, "=")
	switch {
	case pending != nil:
		c.value(ctx, pending.Name, pending.Value, "")
	case !c.bare && strings.HasPrefix(c.cursor, "--") && assigned:
		if f := c.flag(name); f != nil {
			c.value(ctx, f.Name, f.Value, name+"=")
		}
	case !c.bare && strings.HasPrefix(c.cursor, "-"):
		for _, f := range c.flags() {
			if !f.Hidden && (!c.given[f.Name] || f.IsCumulative()) {
				c.add("--"+f.Name, f.Help)
			}
		}
	case len(c.node.Children) > 0 && len(c.args) == 0:
		for _, child := range c.node.Children {
			if !child.Hidden {
				c.add(child.Name, child.Help)
			}
		}
		if c.node.Parent == nil {
			for _, e := range extension.List(extension.Options{Path: c.a.process.Getenv("PATH")}) {
				c.add(e.Name, extensionHelp(e))
			}
		}
	default:
		c.argument(ctx)
	}
}

// argument completes the argument whose turn it is.
func (c *completer) argument(ctx context.Context) {
	all := c.node.Positional
	if len(all) == 0 {
		return
	}
	arg := all[min(len(c.args), len(all)-1)]
	if len(c.args) >= len(all) && !arg.IsCumulative() {
		return
	}
	c.value(ctx, strings.TrimPrefix(path(c.node), "atg ")+" "+arg.Name, arg, "")
}

func (c *completer) add(value, help string) { c.found = append(c.found, candidate{value, help}) }
