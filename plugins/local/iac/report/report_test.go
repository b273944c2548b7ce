package report

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReasons: each reason has words and a class, and no words are those of another.
func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for r := None + 1; r < Reasons; r++ {
		if r.String() == "" || seen[r.String()] || strings.HasSuffix(r.String(), ".") {
			t.Errorf("reason %d is %q", r, r)
		}
		seen[r.String()] = true
		if c := r.Class().String(); c == "" {
			t.Errorf("reason %d is of no class", r)
		}
	}
}

func TestChanges(t *testing.T) {
	r := New()
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for j := range maxChanges / 4 {
				r.Change(Entry{Resource: fmt.Sprintf("%d-%05d", i, j), Reason: SecretProperty})
			}
		})
	}
	wait.Wait()
	for range 3 {
		r.Change(Entry{Resource: "z", Reason: SecretProperty})
	}
	r.Change(Entry{Resource: "deep", Property: "properties", Reason: TooDeep})
	changes, more := r.Changes()
	if len(changes) != maxChanges+1 || more != 3 || changes[0].Resource != "0-00000" || changes[maxChanges].Resource != "deep" || r.Missing() != 1 {
		t.Errorf("%d changes, %d more, %d missing; the last is %+v", len(changes), more, r.Missing(), changes[len(changes)-1])
	}
}

func TestNotes(t *testing.T) {
	r := New()
	for _, n := range []string{"b", "a", "b"} {
		r.Note(n)
	}
	if diff := cmp.Diff([]string{"a", "b"}, r.Notes()); diff != "" {
		t.Error(diff)
	}
}

func TestTally(t *testing.T) {
	tally := NewTally()
	for i := range named + 1 {
		tally.Add(Entry{Resource: fmt.Sprint(i), Type: "a", Class: Trimmed, Reason: BuiltIn})
		tally.Add(Entry{Resource: fmt.Sprint(i), Type: "b", Class: Omitted, Reason: NoID})
	}
	if tally.Of(Trimmed) != named+1 || tally.Of(Omitted) != named+1 || tally.Of(InBody) != 0 {
		t.Errorf("%d trimmed, %d omitted", tally.Of(Trimmed), tally.Of(Omitted))
	}
	if len(tally.ids[BuiltIn]) != named || len(tally.ids[NoID]) != named {
		t.Errorf("%d and %d ids", len(tally.ids[BuiltIn]), len(tally.ids[NoID]))
	}
}

func TestLines(t *testing.T) {
	r := New()
	r.Change(Entry{Resource: "/x", Type: "T", Property: "p<q>", Reason: SecretProperty, Detail: "x_p"})
	r.Change(Entry{Resource: "/x", Type: "T", Property: "properties", Reason: TooDeep})
	var out strings.Builder
	if err := r.Lines(&out, func(yield func(Entry) error) error {
		return errors.Join(yield(Entry{Resource: "/a\n\"b\"", Class: Trimmed, Reason: BuiltIn}), yield(Entry{Resource: "/s", Type: "S", Class: InBody, Reason: PartOfParent}))
	}); err != nil {
		t.Fatal(err)
	}
	want := `{"resource":"/a\n\"b\"","state":"trimmed","reason":"Azure's own definition, which is there in every tenant"}
{"resource":"/s","type":"S","state":"part_of_parent","reason":"it is a part of its parent's body"}
{"resource":"/x","type":"T","state":"changed","property":"p<q>","reason":"a secret: it is a parameter now","detail":"x_p"}
{"resource":"/x","type":"T","state":"omitted","property":"properties","reason":"it is nested more deeply than the format can hold"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	failed := errors.New("failed")
	if err := r.Lines(&out, func(func(Entry) error) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("the error is %v", err)
	}
}

func TestMarkdown(t *testing.T) {
	for text, want := range map[string][2]string{
		"":            {"", "-"},
		"a|b`c`":      {"a\\|b\\`c\\`", "a¦b'c'"},
		"<b>&#1;\\":   {`\<b\>\&\#1;\\`, `<b>&#1;\`},
		"a\nb\r\tc":   {"a b  c", "a b  c"},
		"\u202ea\x1b": {" a ", " a "},
		"日本 é":        {"日本 é", "日本 é"},
	} {
		if diff := cmp.Diff(want, [2]string{md(text), code(text)}); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
