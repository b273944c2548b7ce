package ui

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Clean makes untrusted text fit to be shown in one line: control characters, which could move the
// cursor or rewrite what stands there, and characters that reorder text appear escaped (\x1b); line
// breaks and tabs become spaces; what is not UTF-8 becomes U+FFFD.
func Clean(text string) string { return clean(text, false) }

// CleanLines is Clean, but keeps line breaks and tabs.
func CleanLines(text string) string { return clean(text, true) }

func clean(text string, lines bool) string {
	if !strings.ContainsFunc(text, unsafe) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "\uFFFD") {
		switch {
		case !unsafe(r):
			b.WriteRune(r)
		case r == '\n' || r == '\t':
			if !lines {
				r = ' '
			}
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// unsafe are C0 and C1 controls, DEL, line and paragraph separators, and the marks, embeddings,
// overrides and isolates that reorder text.
func unsafe(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || reorders(r) || r == 0x2028 || r == 0x2029
}

func reorders(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
}
