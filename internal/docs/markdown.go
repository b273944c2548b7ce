package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// markdown is a page as it grows.
type markdown struct {
	strings.Builder
	of string
}

// page begins a page that is made of something.
func page(title, lead, of string) *markdown {
	m := &markdown{of: of}
	m.line("# %s", title)
	m.para(lead)
	return m
}

// end is the whole page, which says in the end what it is made of.
func (m *markdown) end() string {
	m.para("*This page is made of " + m.of + " by* `make docs`*.*")
	return m.String()
}

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// heading is a heading of a level from 2.
func (m *markdown) heading(level int, text string) {
	m.line("\n%s %s", strings.Repeat("#", level), text)
}

// para is a paragraph of Markdown.
func (m *markdown) para(text string) { m.line("\n%s", text) }

// code is a block of code.
func (m *markdown) code(language, text string) {
	m.line("\n```%s\n%s\n```", language, strings.TrimRight(text, "\n"))
}

// table is a table whose cells are Markdown. Columns in which nothing stands are left out.
func (m *markdown) table(titles []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	var columns []int
	for i := range titles {
		for _, row := range rows {
			if row[i] != "" {
				columns = append(columns, i)
				break
			}
		}
	}
	write := func(cells []string) {
		m.WriteString("|")
		for _, i := range columns {
			text := strings.ReplaceAll(strings.ReplaceAll(cells[i], "\n", " "), "|", `\|`)
			fmt.Fprintf(m, " %s |", text)
		}
		m.WriteString("\n")
	}
	m.WriteString("\n")
	write(titles)
	m.WriteString("|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, row := range rows {
		write(row)
	}
}

// ticked is text as code; empty stays empty.
func ticked(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// tickedAll are texts as code, with commas between them.
func tickedAll(texts []string) string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = ticked(t)
	}
	return strings.Join(all, ", ")
}

var (
	// names are words that are code wherever they stand: flags, variables, names with underscores, commands of atg.
	names = regexp.MustCompile(`(^|[\s(,;:"])(--[a-z][a-z-]*[a-z](?:[= ](?:json|local|table)\b)?|-[oqvyh]\b|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+(?:\.[a-z_]+)+_[a-z_]+)`)
	plain = strings.NewReplacer("<", "&lt;", "*", `\*`, "[", `\[`)
)

// prose is text of the code as Markdown: names are code, and what Markdown would take for its own stays text.
func prose(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 { // what stands between backticks is code already
		parts[i] = names.ReplaceAllString(plain.Replace(parts[i]), "$1`$2`")
	}
	return strings.Join(parts, "`")
}

// sentence is prose that begins with a capital letter and ends with a period.
func sentence(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.ContainsAny(text[len(text)-1:], ".:?!…") {
		text += "."
	}
	return prose(text)
}
