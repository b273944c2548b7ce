package terraform

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The text that is written is what terraform fmt would make of it: two spaces for each level, and the equals signs of
// consecutive lines below each other. Nothing formats it afterwards; the tests do, and find it unchanged.

// manySigns is after how many dollar and percent signs of a string the others are written as escapes: HCL's parser takes a
// time that grows with the square of the number of those that are not.
const manySigns = 500

const hexDigits = "0123456789ABCDEF"

// plain are the bytes that stand for themselves in a quoted string, whatever is beside them.
var plain = func() (table [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		table[c] = true
	}
	for _, c := range []byte(`"\$%`) {
		table[c] = false
	}
	return table
}()

// appendQuoted appends a string with its quotes.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendText(b, s, false)
	return append(b, '"')
}

// appendText appends what stands between quotes. before says that an interpolation follows, so that a dollar at the end
// must not become its escape. Bytes that are no UTF-8, which JSON cannot hold, become U+FFFD, as JSON readers make of them.
// What cannot be seen, such as the marks that turn the direction of text, is written as an escape.
func appendText(b []byte, s string, before bool) []byte {
	from, signs := 0, 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		width := 1
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			r, width = utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || width != 1 {
				if strconv.IsPrint(r) {
					i += width
					continue
				}
				b = appendEscape(append(b, s[from:i]...), r)
			} else {
				b = utf8.AppendRune(append(b, s[from:i]...), utf8.RuneError)
			}
		case c == '$' || c == '%':
			signs++
			opens := i+1 < len(s) && s[i+1] == '{'
			last := before && i+1 == len(s)
			if !opens && !last && signs <= manySigns {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			if opens && (i == 0 || s[i-1] != c) && signs <= manySigns {
				b = append(b, c, c)
			} else {
				b = appendEscape(b, rune(c))
			}
		default:
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case '\r':
				b = append(b, `\r`...)
			case '\t':
				b = append(b, `\t`...)
			default:
				b = appendEscape(b, rune(c))
			}
		}
		i += width
		from = i
	}
	return append(b, s[from:]...)
}

func appendEscape(b []byte, r rune) []byte {
	digits, letter := 4, byte('u')
	if r > 0xffff {
		digits, letter = 8, 'U'
	}
	b = append(b, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&0xf])
	}
	return b
}

// keywords cannot be keys of an object unless they are quoted.
var keywords = map[string]bool{"for": true, "null": true, "true": true, "false": true, "if": true, "in": true, "else": true, "endif": true, "endfor": true}

// identifier says whether a name needs no quotes as the key of an object.
func identifier(s string) bool {
	if s == "" || keywords[s] {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '-'):
		default:
			return false
		}
	}
	return true
}

// appendKey appends the key of an object. Its width in columns is its number of runes: those that terraform fmt might count
// differently, because they join their neighbours, are escaped.
func appendKey(b []byte, s string) []byte {
	if identifier(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	from := 0
	for i, r := range s {
		if r < utf8.RuneSelf || single(r) || r == utf8.RuneError {
			continue
		}
		b = appendEscape(appendText(b, s[from:i], false), r)
		from = i + utf8.RuneLen(r)
	}
	b = appendText(b, s[from:], false)
	return append(b, '"')
}

// single says that a rune is a character of its own in every version of Unicode: letters of scripts that have them alone.
func single(r rune) bool {
	switch {
	case r >= 0xc0 && r <= 0x2ff, r >= 0x3a3 && r <= 0x3ff, r >= 0x400 && r <= 0x482, r >= 0x48a && r <= 0x52f: // Latin, Greek, Cyrillic
		return true
	case r >= 0x3041 && r <= 0x3096, r >= 0x30a1 && r <= 0x30fa, r >= 0x4e00 && r <= 0x9fa5, r >= 0xac00 && r <= 0xd7a3: // Kana, Han, Hangul
		return true
	}
	return r == utf8.RuneError
}

// keyWidth is the width of a key in columns.
func keyWidth(s string) int {
	if identifier(s) {
		return len(s)
	}
	return utf8.RuneCount(appendKey(make([]byte, 0, len(s)+16), s))
}

// number says whether s is a number of JSON, which is one of HCL too.
func number(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		fraction := digits(s[1:])
		if fraction == 0 {
			return false
		}
		s = s[1+fraction:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// oneLine makes a line of a comment of a name from Azure.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

const spaces = "                                                                "

func appendSpaces(b []byte, n int) []byte {
	for n > len(spaces) {
		b = append(b, spaces...)
		n -= len(spaces)
	}
	return append(b, spaces[:n]...)
}
