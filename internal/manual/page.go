// Package manual writes manual pages, as man shows them, of a program's grammar: the same words as its help.
package manual

import (
	"fmt"
	"strings"
	"time"
)

// Page is a manual page. It begins with NAME; what it has below is added in order.
type Page struct {
	Name    string // atg-scan
	Section int    // of the manual: 1 commands, 5 files, 7 concepts, 8 what administrators run
	Summary string // one line, without a full stop

	body   strings.Builder
	headed bool // a heading comes last
}

// File is the page's path below a folder man: man1/atg-scan.1.
func (p *Page) File() string { return fmt.Sprintf("man%d/%s.%d", p.Section, p.Name, p.Section) }

// Reference names the page in another one: atg-scan(1).
func (p *Page) Reference() string { return fmt.Sprintf("%s(%d)", p.Name, p.Section) }

// Roff is the page in the language of man(7). The same page, version and date are the same bytes.
func (p *Page) Roff(version string, date time.Time) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s %d %s %s %s\n", quote(strings.ToUpper(p.Name)), p.Section,
		`"`+date.UTC().Format(time.DateOnly)+`"`, quote("atg "+version), quote("Manual of atg"))
	b.WriteString(".nh\n.ad l\n") // ids and commands are there to be copied: no hyphens, no wide blanks
	b.WriteString(".SH NAME\n" + escape(p.Name) + ` \- ` + escape(p.Summary) + "\n")
	b.WriteString(p.body.String())
	return []byte(b.String())
}

// Heading begins a section.
func (p *Page) Heading(title string) {
	p.body.WriteString(".SH " + quote(strings.ToUpper(title)) + "\n")
	p.headed = true
}

// Subheading begins a part of a section.
func (p *Page) Subheading(title string) {
	p.body.WriteString(".SS " + quote(title) + "\n")
	p.headed = true
}

// paragraph begins one; a heading has done so already.
func (p *Page) paragraph() {
	if !p.headed {
		p.body.WriteString(".PP\n")
	}
	p.headed = false
}

// Text adds what help says: paragraphs, with empty lines between them, and indented lines, which stay as they are.
func (p *Page) Text(text string) {
	var lines []string
	literal := false
	end := func() {
		if len(lines) > 0 && literal {
			p.Literal(strings.Join(lines, "\n"))
		} else if len(lines) > 0 {
			p.paragraph()
			p.body.WriteString(escape(strings.Join(lines, " ")) + "\n")
		}
		lines = nil
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, "  ")
		switch {
		case line == "" && !literal:
			end()
		case line == "": // between two indented lines it stays
			lines = append(lines, line)
		case indented != literal:
			end()
			literal = indented
			fallthrough
		default:
			lines = append(lines, line)
		}
	}
	end()
}

// Literal adds lines that stay as they are, less the blanks that they all begin with.
func (p *Page) Literal(text string) {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	margin := -1
	for _, line := range lines {
		if at := len(line) - len(strings.TrimLeft(line, " ")); line != "" && (margin < 0 || at < margin) {
			margin = at
		}
	}
	p.paragraph()
	p.body.WriteString(".RS 4\n.nf\n")
	for _, line := range lines {
		p.body.WriteString(escape(line[min(max(margin, 0), len(line)):]) + "\n")
	}
	p.body.WriteString(".fi\n.RE\n")
}

// Item adds a term and what there is to say of it.
func (p *Page) Item(term Term, text string) {
	p.headed = false
	p.body.WriteString(".TP\n" + term.roff() + "\n" + escape(text) + "\n")
}

// Line adds a paragraph of words in their styles.
func (p *Page) Line(term Term) {
	p.paragraph()
	p.body.WriteString(term.roff() + "\n")
}

// Term is words, each in a style.
type Term []Word

// Word is words in one style.
type Word struct {
	Text  string
	Style Style
}

// Style is how words are printed.
type Style byte

// The styles.
const (
	Plain  Style = 'R'
	Bold   Style = 'B' // what one types
	Italic Style = 'I' // what one puts something else for
)

func (t Term) roff() string {
	var b strings.Builder
	for _, word := range t {
		if word.Style == 0 || word.Style == Plain {
			b.WriteString(escape(word.Text))
			continue
		}
		b.WriteString(`\f` + string(word.Style) + escape(word.Text) + `\fR`)
	}
	text := b.String()
	if strings.HasPrefix(text, " ") {
		text = `\&` + text
	}
	return text
}

// escape makes text mean itself in roff: no line of it is a request, a hyphen is the one of the keyboard, and other
// characters than those of ASCII have their numbers.
func escape(text string) string {
	var b strings.Builder
	begins := true
	for _, r := range text {
		if begins && (r == '.' || r == '\'') {
			b.WriteString(`\&`)
		}
		begins = r == '\n'
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '`':
			b.WriteString("\\(ga")
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '…':
			b.WriteString("...")
		case r == '\t':
			b.WriteString("    ")
		case r != '\n' && (r < ' ' || r == 0x7f): // has no place in a page
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quote makes text one argument of a request.
func quote(text string) string {
	return `"` + strings.ReplaceAll(escape(strings.ReplaceAll(text, "\n", " ")), `"`, `\(dq`) + `"`
}
