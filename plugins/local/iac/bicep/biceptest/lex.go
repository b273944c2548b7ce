package biceptest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser reads from characters: Bicep's tokens depend on whether they stand in the hole of a string.
type parser struct {
	text string
	at   int
	line int
}

// failure is how parsing ends early; Parse turns it into an error.
type failure struct{ error }

func (p *parser) fail(format string, args ...any) {
	panic(failure{fmt.Errorf("line %d: %s", p.line, fmt.Sprintf(format, args...))})
}

// longestIdentifier is Bicep's limit (BCP024).
const longestIdentifier = 255

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) has(s string) bool { return strings.HasPrefix(p.text[p.at:], s) }

// space skips blanks and comments, which do not end a line.
func (p *parser) space() {
	for p.at < len(p.text) {
		switch {
		case p.text[p.at] == ' ' || p.text[p.at] == '\t':
			p.at++
		case p.has("//"):
			for p.at < len(p.text) && p.text[p.at] != '\n' && p.text[p.at] != '\r' {
				p.at++
			}
		case p.has("/*"):
			end := strings.Index(p.text[p.at+2:], "*/")
			if end < 0 {
				p.fail("a comment does not end (BCP002)")
			}
			comment := p.text[p.at : p.at+end+4]
			p.line += strings.Count(comment, "\n")
			p.at += len(comment)
		default:
			return
		}
	}
}

// newlines skips line ends, and says whether there was one.
func (p *parser) newlines() bool {
	found := false
	for {
		p.space()
		switch p.peek() {
		case '\n':
			p.line++
		case '\r':
		default:
			return found
		}
		p.at++
		found = true
	}
}

func (p *parser) end() bool { return p.at >= len(p.text) }

func (p *parser) expect(c byte) {
	p.space()
	if p.end() || p.peek() != c {
		p.fail("expected %q (BCP018), found %q", c, p.rest())
	}
	p.at++
}

func (p *parser) rest() string {
	rest, _, _ := strings.Cut(p.text[p.at:], "\n")
	return rest[:min(len(rest), 40)]
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// word is an identifier, or "" where there is none.
func (p *parser) word() string {
	p.space()
	start := p.at
	for p.at < len(p.text) && (letter(p.text[p.at]) || p.at > start && digit(p.text[p.at])) {
		p.at++
	}
	if p.at-start > longestIdentifier {
		p.fail("an identifier has more than %d characters (BCP024)", longestIdentifier)
	}
	return p.text[start:p.at]
}

// identifier is a word that a declaration may have for a name.
func (p *parser) identifier() string {
	word := p.word()
	if word == "" || word == "true" || word == "false" || word == "null" {
		p.fail("expected an identifier (BCP017), found %q", word+p.rest())
	}
	return word
}

// integer is a number after an optional sign: 64 bits (BCP010), no fractions, and no leading sign but minus.
func (p *parser) integer() Int {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	for digit(p.peek()) {
		p.at++
	}
	if letter(p.peek()) || p.peek() == '.' {
		p.fail("%q is no integer", p.text[start:p.at]+p.rest())
	}
	n, err := strconv.ParseInt(p.text[start:p.at], 10, 64)
	if err != nil || n == -1<<63 {
		p.fail("%s has no 64 bits (BCP010)", p.text[start:p.at])
	}
	return Int(n)
}

// string reads a string; the parser stands at its quote.
func (p *parser) string() *Text {
	if p.has("'''") {
		return p.multiline()
	}
	p.at++
	text := &Text{}
	var b strings.Builder
	for {
		if p.end() {
			p.fail("a string does not end (BCP003)")
		}
		c := p.text[p.at]
		switch {
		case c == '\n' || c == '\r':
			p.fail("a string does not end on its line (BCP004)")
		case c == '\'':
			p.at++
			if b.Len() > 0 || len(text.Pieces) == 0 {
				text.Pieces = append(text.Pieces, b.String())
			}
			return text
		case p.has("${"):
			p.at += 2
			if b.Len() > 0 {
				text.Pieces = append(text.Pieces, b.String())
				b.Reset()
			}
			text.Pieces = append(text.Pieces, p.expression(false))
			p.space()
			if p.peek() != '}' {
				p.fail("a hole in a string does not end (BCP103), found %q", p.rest())
			}
			p.at++
		case c == '\\':
			p.at++
			p.escape(&b)
		default:
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			if r == utf8.RuneError && size == 1 {
				p.fail("a string has bytes that are no UTF-8")
			}
			b.WriteString(p.text[p.at : p.at+size])
			p.at += size
		}
	}
}

// escape reads what follows a backslash.
func (p *parser) escape(b *strings.Builder) {
	if p.end() {
		p.fail("a string ends with a backslash (BCP005)")
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '\\', '\'', '$':
		b.WriteByte(c)
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		digits, _, ok := strings.Cut(p.text[p.at:], "}")
		if !ok || !strings.HasPrefix(digits, "{") || len(digits) < 2 || strings.Trim(digits[1:], "0123456789abcdefABCDEF") != "" {
			p.fail(`\u needs {hexadecimal digits} (BCP133)`)
		}
		r, err := strconv.ParseUint(digits[1:], 16, 32)
		if err != nil || r > utf8.MaxRune || r >= 0xd800 && r < 0xe000 {
			p.fail(`\u%s} is no character (BCP133)`, digits)
		}
		b.WriteRune(rune(r))
		p.at += len(digits) + 1
	default:
		p.fail(`\%c is no escape (BCP006)`, c)
	}
}

// multiline reads a string that is written as it is; the first line end after the quotes is not part of it.
func (p *parser) multiline() *Text {
	p.at += 3
	end := strings.Index(p.text[p.at:], "'''")
	if end < 0 {
		p.fail("a string of several lines does not end (BCP140)")
	}
	for strings.HasPrefix(p.text[p.at+end+3:], "'") { // quotes before the last three belong to it
		end++
	}
	content := p.text[p.at : p.at+end]
	p.at += end + 3
	p.line += strings.Count(content, "\n")
	return &Text{Pieces: []any{strings.TrimPrefix(strings.TrimPrefix(content, "\r"), "\n")}}
}
