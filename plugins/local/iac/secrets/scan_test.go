package secrets

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scan is what a scanner finds in a text that is written in pieces of some lengths, over and over.
func scan(text string, lengths ...int) []string {
	s := &Scanner{}
	for i := 0; text != ""; i++ {
		n := min(max(lengths[i%len(lengths)], 1), len(text))
		if written, err := s.Write([]byte(text[:n])); written != n || err != nil {
			return []string{"Write failed"}
		}
		text = text[n:]
	}
	return s.Found()
}

func TestScannerFindsSecretsAcrossWrites(t *testing.T) {
	for name, text := range looking {
		for _, before := range []string{"", strings.Repeat("x y\n", 20_000), strings.Repeat("long ", 20_000) + "?"} {
			for _, lengths := range [][]int{{1}, {7, 1, 300}, {4096}, {64 << 10}, {1 << 20}} {
				if len(before) > 0 && lengths[0] < 4096 {
					continue
				}
				found := scan(before+text, lengths...)
				if len(found) == 0 {
					t.Errorf("%s behind %d bytes, in writes of %v: nothing found", name, len(before), lengths)
				}
				for _, f := range found {
					for _, word := range strings.Fields(text) {
						if len(word) > 12 && strings.Contains(f, word) {
							t.Errorf("%s: what was found tells it: %s", name, f)
						}
					}
				}
			}
		}
	}
	for name, text := range harmlessTexts {
		if found := scan(text, 3); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestScannerTellsLines(t *testing.T) {
	text := strings.Repeat("line\n", 30_000) + "AccountKey=" + strings.Repeat("a", 20) + "\n" + strings.Repeat("line\n", 30_000) + "xoxb-123456789012-abcdef"
	want := []string{"a connection string's key in line 30001", "a token of Slack in line 60002"}
	for _, n := range []int{1, 1000, 65536, 1 << 22} {
		if diff := cmp.Diff(want, scan(text, n)); diff != "" {
			t.Errorf("writes of %d: %s", n, diff)
		}
	}
}

func TestScannerHasAnEnd(t *testing.T) {
	var many strings.Builder
	for range 1000 {
		many.WriteString("AKIAIOSFODNN7EXAMPLE\nPassword=hunter2\n")
	}
	if found := scan(many.String(), 40); len(found) != most {
		t.Errorf("%d are told", len(found))
	}
	s := &Scanner{}
	if _, err := s.Write([]byte("AKIAIOSFODNN7EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Found(), s.Found()); diff != "" {
		t.Errorf("asked again: %s", diff)
	}
	long := strings.Repeat("a", 3<<20) + " ghp_" + strings.Repeat("a1B2", 9) + " " + strings.Repeat("b", 1<<20)
	if found := scan(long, 1<<16); len(found) != 1 {
		t.Errorf("in a line of megabytes: %v", found)
	}
	if cap(s.held) > 2*longestLine {
		t.Errorf("%d bytes are held", cap(s.held))
	}
	if found := (&Scanner{}).Found(); len(found) != 0 {
		t.Errorf("in nothing: %v", found)
	}
}

// FuzzScanner: a scanner finds what Looks finds, in whatever pieces it is written.
func FuzzScanner(f *testing.F) {
	for _, texts := range []map[string]string{looking, harmlessTexts} {
		for _, text := range texts {
			f.Add(text, uint16(1), uint16(7))
			f.Add("before\n"+text+"\nafter", uint16(100), uint16(3))
		}
	}
	f.Fuzz(func(t *testing.T, text string, first, second uint16) {
		if len(text) < 10 {
			return
		}
		_, looks := Looks(text)
		if found := scan(text, int(first), int(second)); looks != (len(found) > 0) {
			t.Errorf("Looks says %v, the scanner %v", looks, found)
		}
	})
}

// FuzzQuoted: what looks like no secret does not become one by being quoted, as the strings of a generated file are.
func FuzzQuoted(f *testing.F) {
	for _, text := range harmlessTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, looks := Looks(text); looks || len(text) < 10 {
			return
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if found := scan(string(quoted), 100); len(found) > 0 {
			t.Errorf("%q is harmless, and in quotes it is %v", text, found)
		}
	})
}
