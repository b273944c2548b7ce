package docs

import (
	"context"
	"slices"
	"strconv"
	"strings"

	server "github.com/azure-tenant-grapher/atg/cmd/atg-server/cli"
	"github.com/azure-tenant-grapher/atg/host/cli"
	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// cliPages are a page of each command, and one that leads to them.
func cliPages(context.Context, string) ([]Page, error) {
	atg, service := cli.Reference(), server.Reference()
	m := page("Commands", "Every command of atg, and the flags that all of them take. `atg COMMAND --help` says the same in the terminal.", "the grammar of the command line")
	m.code("text", atg.Usage)
	var pages []Page
	var groups []string
	for _, c := range atg.Commands {
		if !slices.Contains(groups, c.Group) {
			groups = append(groups, c.Group)
		}
	}
	for _, group := range groups {
		m.heading(2, group)
		var rows [][]string
		for _, c := range atg.Commands {
			if c.Group == group {
				file := "cli/" + last(c.Path) + ".md"
				rows = append(rows, []string{"[`" + c.Path + "`](" + file + ")", prose(c.Help)})
				pages = append(pages, Page{file, commandPage(c, "../")})
			}
		}
		m.table([]string{"command", ""}, rows)
	}
	m.heading(2, "The service")
	m.table([]string{"command", ""}, [][]string{{"[`atg-server`](cli/atg-server.md)", "Run a job service, and make its keys; also reached as `atg server`."}})
	pages = append(pages, Page{"cli/atg-server.md", commandPage(service, "../")})

	m.heading(2, "Global flags")
	m.para("They may stand before or behind the command.")
	m.flags(atg.Flags)
	m.heading(2, "Exit codes")
	var rows [][]string
	for _, e := range cli.ExitCodes() {
		rows = append(rows, []string{ticked(strconv.Itoa(e.Code)), prose(e.Meaning)})
	}
	m.table([]string{"exit code", "means"}, rows)
	m.para("Which fault leads to which: [faults](faults.md). The variables of the environment: [configuration](configuration.md#environment).")
	return append(pages, Page{"cli.md", m.end()}), nil
}

// commandPage is the page of a command with those below it.
func commandPage(c manual.Command, up string) string {
	m := page(c.Path, prose(firstParagraph(c.Help)), "the grammar of the command line")
	m.command(c, 1)
	m.para("See also the [global flags](" + up + "cli.md#global-flags) and the [exit codes](" + up + "cli.md#exit-codes).")
	return m.end()
}

// command describes a command below its heading, which is of the level given, and those below it.
func (m *markdown) command(c manual.Command, level int) {
	if level > 1 {
		m.para(sentence(c.Help))
	}
	m.detail(c.Detail)
	if len(c.Commands) == 0 {
		m.code("text", c.Usage)
	}
	var rows [][]string
	for _, a := range c.Arguments {
		rows = append(rows, []string{ticked(a.Name), prose(a.Help)})
	}
	m.table([]string{"argument", ""}, rows)
	m.flags(c.Flags)
	m.examples(c.Examples)
	if len(c.Commands) > 0 {
		rows = nil
		for _, child := range c.Commands {
			rows = append(rows, []string{"[`" + child.Path + "`](#" + strings.ReplaceAll(child.Path, " ", "-") + ")", prose(child.Help)})
		}
		m.table([]string{"command", ""}, rows)
	}
	for _, child := range c.Commands {
		m.heading(level+1, child.Path)
		m.command(child, level+1)
	}
}

// detail is the long help: paragraphs, and what is indented as it stands.
func (m *markdown) detail(text string) {
	for _, part := range strings.Split(text, "\n\n") {
		switch {
		case strings.TrimSpace(part) == "":
		case strings.HasPrefix(part, "  "):
			m.code("text", undented(part))
		default:
			m.para(prose(part))
		}
	}
}

// examples are commands, or sentences with the commands below each.
func (m *markdown) examples(text string) {
	if text == "" {
		return
	}
	m.para("Examples:")
	var commands []string
	flush := func() {
		if len(commands) > 0 {
			m.code("sh", undented(strings.Join(commands, "\n")))
		}
		commands = nil
	}
	for _, line := range strings.Split(undented(text), "\n") {
		switch {
		case line == "":
		case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " "):
			flush()
			m.para(prose(line))
		default:
			commands = append(commands, line)
		}
	}
	flush()
}

// flags is a table of flags, by group.
func (m *markdown) flags(flags []manual.Flag) {
	var groups []string
	rows := map[string][][]string{}
	for _, f := range flags {
		if !slices.Contains(groups, f.Group) {
			groups = append(groups, f.Group)
		}
		text := prose(f.Help)
		if len(f.Aliases) > 0 {
			text += " Also " + tickedAll(f.Aliases) + "."
		}
		rows[f.Group] = append(rows[f.Group], []string{ticked(f.Name), ticked(f.Default), tickedAll(f.Env), text})
	}
	for _, group := range groups {
		if group != "" && group != "Global flags" {
			m.para(group + ":")
		}
		m.table([]string{"flag", "default", "variable", ""}, rows[group])
	}
}

// undented takes from lines the blanks that all of them begin with.
func undented(text string) string {
	lines := strings.Split(text, "\n")
	least := 1 << 10
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			least = min(least, len(l)-len(strings.TrimLeft(l, " ")))
		}
	}
	for i, l := range lines {
		lines[i] = strings.TrimRight(l[min(least, len(l)):], " ")
	}
	return strings.Join(lines, "\n")
}

func last(path string) string { return path[strings.LastIndex(path, " ")+1:] }

func firstParagraph(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	return first
}
