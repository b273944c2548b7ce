package spec

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// block is a fenced block of the Markdown file that holds structure.
type block struct {
	lang   string // json, jsonc, yaml
	text   []byte
	line   int32   // of its first line in the file
	lines  int     // how many it has
	cut    []int32 // by line, how many characters stand before what is text: the indentation of lists, the marks of quotes; nil is none
	fence  Position
	closed bool
}

// at is the place in the file of a place in the text; line counts from 0, column from 0.
func (b *block) at(line, column int) Position {
	line = min(line, b.lines)                              // YAML has characters that end a line, as U+2028, and that end none in a file
	p := Position{b.line + int32(line), int32(column) + 1} //nolint:gosec // a file has fewer lines than 2^31
	if line >= 0 && line < len(b.cut) {
		p.Column += b.cut[line]
	}
	return p
}

// languages are the words behind a fence that make it a part of the specification.
var languages = map[string]string{"json": "json", "jsonc": "jsonc", "yaml": "yaml", "yml": "yaml"}

// ignored is the word behind the language with which a block is no part of the specification.
const ignored = "ignore"

// scanner finds the fenced blocks of a Markdown file, as CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks) has them:
// of backticks or tildes, indented by up to three spaces, in lists and quotes. What cannot hold a block, such as emphasis, it does not
// look at.
type scanner struct {
	found   []block // those that have ended
	spare   []byte  // memory for the text of a block
	number  int32   // of the line that is read
	lists   []int   // how far the text of the lists is indented that are open
	quotes  int     // how many quotes the last line was in
	comment bool    // in an HTML comment
	open    *fence
}

// fence is a block that is being read.
type fence struct {
	char    byte
	length  int
	indent  int // of the fence: as much is taken off each line
	quotes  int
	content int    // how far the text of the list that it is in is indented
	lang    string // empty: it is no part of the specification
	block   block
}

// end ends the file.
func (s *scanner) end() {
	if s.open != nil {
		s.close(false)
	}
}

// line takes the next line of the file.
func (s *scanner) line(raw []byte) {
	s.number++
	if f := s.open; f != nil {
		if s.inside(f, raw) {
			return
		}
	}
	rest, quotes := unquote(raw, -1)
	trimmed := bytes.TrimRight(rest, " \t\r\n")
	indent, body := indentation(trimmed)
	if len(body) == 0 {
		return
	}
	if quotes != s.quotes {
		s.lists, s.quotes = s.lists[:0], quotes
	}
	if s.comment || bytes.HasPrefix(body, []byte("<!--")) {
		s.comment = !bytes.Contains(body, []byte("-->"))
		return
	}
	for len(s.lists) > 0 && indent < s.lists[len(s.lists)-1] {
		s.lists = s.lists[:len(s.lists)-1]
	}
	for { // markers of lists, of which several may stand on one line
		width := marker(body)
		if width == 0 || indent-s.content() > 3 {
			break
		}
		more, after := indentation(body[width:])
		if len(after) == 0 || more > 4 {
			more = 1
		}
		indent += width + more
		s.lists = append(s.lists, indent)
		if body = after; len(body) == 0 {
			return
		}
	}
	if indent-s.content() > 3 {
		return // code that is indented
	}
	char, length, info := opening(body)
	if length == 0 {
		return
	}
	s.open = &fence{char: char, length: length, indent: indent, quotes: quotes, content: s.content(), lang: language(info)}
	before := bytes.TrimRight(raw, " \t\r\n")
	before = before[:len(before)-len(body)]
	s.open.block = block{line: s.number + 1, fence: Position{s.number, int32(utf8.RuneCount(before)) + 1}, text: s.spare[:0]} //nolint:gosec // a line is shorter than 2^31
	s.spare = nil
}

// content is how far the text of the innermost list is indented.
func (s *scanner) content() int {
	if len(s.lists) == 0 {
		return 0
	}
	return s.lists[len(s.lists)-1]
}

// inside takes a line of the open block. It is false for a line that ends what the block is in, and so the block.
func (s *scanner) inside(f *fence, raw []byte) bool {
	rest, quotes := unquote(raw, f.quotes)
	indent, body := indentation(bytes.TrimRight(rest, "\r\n"))
	blank := len(bytes.TrimRight(body, " \t")) == 0
	if quotes < f.quotes || !blank && indent < f.content {
		s.close(false)
		return false
	}
	if indent-f.content <= 3 && closes(body, f.char, f.length) {
		s.close(true)
		return true
	}
	if f.lang == "" {
		return true
	}
	cut := len(raw) - len(rest) + spaces(rest, f.indent)
	if cut > 0 && f.block.cut == nil { // nothing was cut off the lines before
		f.block.cut = make([]int32, f.block.lines, max(f.block.lines, 64))
	}
	if f.block.cut != nil {
		f.block.cut = append(f.block.cut, int32(utf8.RuneCount(raw[:cut]))) //nolint:gosec // a line is shorter than 2^31
	}
	f.block.text = append(f.block.text, raw[cut:]...)
	if raw[len(raw)-1] == '\n' {
		f.block.lines++
	}
	return true
}

// close ends the open block.
func (s *scanner) close(closed bool) {
	f := s.open
	s.open = nil
	if f.lang == "" {
		s.spare = f.block.text
		return
	}
	f.block.lang, f.block.closed = f.lang, closed
	s.found = append(s.found, f.block)
}

// unquote takes the marks of quotes off a line, at most so many; -1 is all.
func unquote(line []byte, most int) (rest []byte, count int) {
	for count != most {
		i := 0
		for i < 3 && i < len(line) && line[i] == ' ' {
			i++
		}
		if i >= len(line) || line[i] != '>' {
			break
		}
		line = line[i+1:]
		if len(line) > 0 && line[0] == ' ' {
			line = line[1:]
		}
		count++
	}
	return line, count
}

// indentation is how many columns of white space a line begins with, a tab going to the next multiple of four, and what follows. Only
// where there are no tabs it is a number of bytes.
func indentation(line []byte) (columns int, rest []byte) {
	for i, c := range line {
		switch c {
		case ' ':
			columns++
		case '\t':
			columns += 4 - columns%4
		default:
			return columns, line[i:]
		}
	}
	return columns, nil
}

// spaces is how many spaces a line begins with, at most so many.
func spaces(line []byte, most int) int {
	n := 0
	for n < most && n < len(line) && line[n] == ' ' {
		n++
	}
	return n
}

// marker is how long the marker of a list is that a line begins with; 0 is none.
func marker(body []byte) int {
	digits := 0
	for digits < len(body) && digits < 9 && body[digits] >= '0' && body[digits] <= '9' {
		digits++
	}
	width := 0
	switch {
	case digits > 0 && digits < len(body) && (body[digits] == '.' || body[digits] == ')'):
		width = digits + 1
	case digits == 0 && len(body) > 0 && strings.IndexByte("-+*", body[0]) >= 0:
		width = 1
	}
	if width == 0 || width < len(body) && body[width] != ' ' && body[width] != '\t' {
		return 0
	}
	return width
}

// opening is the fence that a line begins with, and what stands behind it; length 0 is none.
func opening(body []byte) (char byte, length int, info string) {
	if len(body) == 0 || body[0] != '`' && body[0] != '~' {
		return 0, 0, ""
	}
	char = body[0]
	for length < len(body) && body[length] == char {
		length++
	}
	info = string(bytes.TrimSpace(body[length:]))
	if length < 3 || char == '`' && strings.Contains(info, "`") {
		return 0, 0, ""
	}
	return char, length, info
}

// closes says that a line is the end of a block.
func closes(body []byte, char byte, length int) bool {
	n := 0
	for n < len(body) && body[n] == char {
		n++
	}
	return n >= length && len(bytes.TrimRight(body[n:], " \t\r")) == 0
}

// language is that of a block, by what stands behind its fence; empty for one that is no part of the specification.
func language(info string) string {
	words := strings.FieldsFunc(info, func(r rune) bool { return strings.ContainsRune(" \t{},", r) })
	if len(words) == 0 {
		return ""
	}
	for _, w := range words[1:] {
		if strings.EqualFold(w, ignored) {
			return ""
		}
	}
	return languages[strings.ToLower(strings.TrimPrefix(words[0], "."))]
}
