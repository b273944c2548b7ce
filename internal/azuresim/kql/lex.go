package kql

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEOF tokenKind = iota
	tokenName
	tokenNumber
	tokenString
	tokenPunct
)

// token is one word of a query. For a string, text is the decoded value and source the spelling.
type token struct {
	kind         tokenKind
	text, source string
	line, column int
}

type lexer struct {
	source string
	offset int
	line   int
	// counted is how far the characters of the line have been counted, and column how many.
	counted, column int
}

// operators of one or more signs, longest first within a first sign.
var operators = []string{"==", "=~", "!=", "!~", "<=", ">=", "<>", "..", "|", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/", "%", ";", ":", "{", "}"}

// hyphenated are the operators whose names hold a hyphen, which is otherwise a minus.
var hyphenated = []string{"project-away", "project-keep", "project-rename", "project-reorder", "mv-expand", "mv-apply", "make-series", "sample-distinct", "top-nested", "top-hitters", "parse-where", "parse-kv"}

// lex splits a query into tokens; the last one is the end of the query.
func lex(source string) ([]token, error) {
	l := &lexer{source: source, line: 1}
	var tokens []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokenEOF {
			return tokens, nil
		}
	}
}

func (l *lexer) next() (token, error) {
	l.skipBlanks()
	l.column += utf8.RuneCountInString(l.source[l.counted:l.offset])
	l.counted = l.offset
	t := token{line: l.line, column: l.column}
	rest := l.source[l.offset:]
	if rest == "" {
		t.text, t.source = "<EOF>", "<EOF>"
		return t, nil
	}
	switch c := rest[0]; {
	case isNameStart(c):
		t.kind = tokenName
		t.source = l.name(rest)
		t.text = t.source
	case isDigit(c):
		t.kind = tokenNumber
		t.source = number(rest)
		t.text = t.source
	case c == '\'' || c == '"' || (c == '@' && len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"')):
		text, size, ok := quoted(rest)
		if !ok {
			return t, parserFailure(token{source: rest[:1], line: t.line, column: t.column}, rest[:1])
		}
		t.kind, t.text, t.source = tokenString, text, rest[:size]
	case c == '!' && len(rest) > 1 && isNameStart(rest[1]):
		t.kind = tokenName
		t.source = "!" + l.name(rest[1:])
		t.text = t.source
	default:
		t.kind = tokenPunct
		for _, op := range operators {
			if strings.HasPrefix(rest, op) {
				t.source = op
				break
			}
		}
		if t.source == "" {
			_, size := utf8.DecodeRuneInString(rest)
			return t, parserFailure(token{source: rest[:size], line: t.line, column: t.column}, "")
		}
		t.text = t.source
	}
	l.offset += len(t.source)
	return t, nil
}

// name reads an identifier, the hyphenated operators and in~ included.
func (l *lexer) name(rest string) string {
	for _, word := range hyphenated {
		if strings.HasPrefix(rest, word) && (len(rest) == len(word) || !isNamePart(rest[len(word)])) {
			return word
		}
	}
	end := 1
	for end < len(rest) && isNamePart(rest[end]) {
		end++
	}
	if rest[:end] == "in" && end < len(rest) && rest[end] == '~' {
		end++
	}
	return rest[:end]
}

func (l *lexer) skipBlanks() {
	for l.offset < len(l.source) {
		switch rest := l.source[l.offset:]; {
		case rest[0] == '\n':
			l.offset++
			l.line++
			l.counted, l.column = l.offset, 0
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r':
			l.offset++
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			l.offset += end
		default:
			return
		}
	}
}

func number(rest string) string {
	end := 0
	for end < len(rest) && isDigit(rest[end]) {
		end++
	}
	if end+1 < len(rest) && rest[end] == '.' && isDigit(rest[end+1]) {
		end++
		for end < len(rest) && isDigit(rest[end]) {
			end++
		}
	}
	if end < len(rest) && (rest[end] == 'e' || rest[end] == 'E') {
		exponent := end + 1
		if exponent < len(rest) && (rest[exponent] == '+' || rest[exponent] == '-') {
			exponent++
		}
		if exponent < len(rest) && isDigit(rest[exponent]) {
			for end = exponent; end < len(rest) && isDigit(rest[end]); end++ {
			}
		}
	}
	return rest[:end]
}

// quoted reads a string literal: '…' and "…" with backslash escapes, @'…' verbatim with doubled
// quotes. size is the length of its spelling; ok is false when it does not end on its line.
func quoted(rest string) (text string, size int, ok bool) {
	verbatim := rest[0] == '@'
	start := 0
	if verbatim {
		start = 1
	}
	quote := rest[start]
	var b strings.Builder
	for i := start + 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == quote && verbatim && i+1 < len(rest) && rest[i+1] == quote:
			b.WriteByte(quote)
			i++
		case c == quote:
			return b.String(), i + 1, true
		case c == '\n' || c == '\r':
			return "", 0, false
		case c == '\\' && !verbatim:
			decoded, used := escape(rest[i+1:])
			if used == 0 {
				return "", 0, false
			}
			b.WriteString(decoded)
			i += used
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// escape decodes what follows a backslash; used is 0 when that is no escape.
func escape(rest string) (decoded string, used int) {
	if rest == "" {
		return "", 0
	}
	switch rest[0] {
	case 'n':
		return "\n", 1
	case 't':
		return "\t", 1
	case 'r':
		return "\r", 1
	case '0':
		return "\x00", 1
	case '\\', '\'', '"':
		return rest[:1], 1
	case 'x':
		return hexEscape(rest, 2)
	case 'u':
		return hexEscape(rest, 4)
	}
	return "", 0
}

func hexEscape(rest string, digits int) (string, int) {
	if len(rest) < 1+digits {
		return "", 0
	}
	var r rune
	for _, c := range []byte(rest[1 : 1+digits]) {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return "", 0
		}
	}
	return string(r), 1 + digits
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isNameStart(c byte) bool { return c == '_' || c == '$' || (c|0x20 >= 'a' && c|0x20 <= 'z') }
func isNamePart(c byte) bool  { return isNameStart(c) || isDigit(c) }
