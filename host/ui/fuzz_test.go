package ui

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzClean: whatever a name, a message or a value is, what a terminal gets of it moves no cursor, sets no title and reorders nothing, and
// is the same once it was made so.
func FuzzClean(f *testing.F) {
	for _, text := range []string{"plain", "\x1b]0;title\x07\x1b[2J", "a\r\nb\tc", "\u202egnp.exe\u2066", "\x9b31m", "\xff\xfe", "\u2028\u2029\u200e", "\u0085", "\x7f", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, clean := range map[string]func(string) string{"Clean": Clean, "CleanLines": CleanLines} {
			got := clean(text)
			bad := strings.ContainsFunc(got, func(r rune) bool {
				if name == "CleanLines" && (r == '\n' || r == '\t') {
					return false
				}
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
			})
			if bad || !utf8.ValidString(got) || clean(got) != got {
				t.Errorf("%s(%q) = %q", name, text, got)
			}
		}
	})
}
