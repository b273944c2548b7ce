package ui

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/shared/fault"
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

// FuzzRows: whatever a backend has left as rows, they are shown as objects, or refused, and in no format does a terminal get anything of them that
// moves its cursor.
func FuzzRows(f *testing.F) {
	for _, text := range []string{`{"a":1}` + "\n" + `{"a":"\u001b[2J\u202e"}`, `[1]`, "{\"a\":\"\x1b\"}", `{"a":{"b":[1,null]}}` + "\r\n\r\n", strings.Repeat(`{"a":`, 10_001), "{\"\xff\":1}", `{"a":1e999}`, `{}` + strings.Repeat(" ", 300_000) + `x`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, format := range []Format{FormatTable, FormatJSON, FormatYAML, FormatNDJSON} {
			c, out, _ := fakeConsole(0, Options{Format: format})
			err := c.PrintStream(stream(string(content), RowColumn{Column: Column{Title: "A"}, Field: "a"}))
			if err != nil && fault.As(err) == nil {
				t.Errorf("%s: %v", format, err)
			}
			if at := bytes.IndexFunc(out.Bytes(), func(r rune) bool {
				return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			}); at >= 0 {
				t.Errorf("%s: %q", format, out.Bytes()[at:min(at+20, out.Len())])
			}
		}
	})
}
