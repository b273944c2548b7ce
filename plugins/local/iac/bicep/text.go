package bicep

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// appendQuoted appends a string literal. The escapes are all that Bicep has: \\ \' \n \r \t \$ and \u{hex}
// (its language specification, "Strings"); every string can be written with them, on one line. What cannot be seen is escaped too,
// so that text reads in the order in which it stands. Bytes that are no UTF-8 become U+FFFD, as JSON has them.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '\'')
	b = appendEscaped(b, s, true)
	return append(b, '\'')
}

// appendEscaped appends what stands between the quotes. A dollar is escaped where a brace follows, and at the end unless
// last says that the literal ends there: what follows then is another piece.
func appendEscaped(b []byte, s string, last bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '\\' && c != '\'' && c != '$' {
			i++
			continue
		}
		size := 1
		switch c {
		case '$':
			if i+1 < len(s) && s[i+1] != '{' || i+1 == len(s) && last {
				i++
				continue
			}
			b = append(append(b, s[start:i]...), `\$`...)
		case '\\', '\'':
			b = append(append(b, s[start:i]...), '\\', c)
		case '\n':
			b = append(append(b, s[start:i]...), `\n`...)
		case '\r':
			b = append(append(b, s[start:i]...), `\r`...)
		case '\t':
			b = append(append(b, s[start:i]...), `\t`...)
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
			b = append(append(b, s[start:i]...), `\u{`...)
			b = append(strconv.AppendUint(b, uint64(r), 16), '}') //nolint:gosec // a rune from UTF-8 is not negative
		}
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

// identifier says whether a name can be a key without quotes.
func identifier(name string) bool {
	if name == "" || len(name) > longest {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return name != "true" && name != "false" && name != "null"
}

// appendKey appends the key of an object.
func appendKey(b []byte, name string) []byte {
	if identifier(name) {
		return append(b, name...)
	}
	return appendQuoted(b, name)
}

// appendNumber appends a number. Bicep has integers of 64 bits alone; json() takes what else JSON has, and keeps the digits.
func appendNumber(b []byte, digits string) []byte {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n != -1<<63 && strconv.FormatInt(n, 10) == digits {
		return append(b, digits...)
	}
	return append(appendQuoted(append(b, "json("...), digits), ')')
}

// indents is cut for the indentation of lines.
const indents = "                                                                "

// appendIndent appends two spaces for each level.
func appendIndent(b []byte, level int) []byte {
	for n := 2 * level; n > 0; n -= len(indents) {
		b = append(b, indents[:min(n, len(indents))]...)
	}
	return b
}
