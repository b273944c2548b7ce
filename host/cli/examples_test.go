package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// shell cuts what a shell would run into commands, each of its words: as much of its language as examples use.
func shell(text string) (commands [][]string) {
	var words []string
	var word strings.Builder
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	command := func() {
		end()
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'', '"':
			length := strings.IndexByte(text[i+1:], c)
			word.WriteString(text[i+1 : i+1+length])
			i += length + 1
			begun = true
		case '\\':
			i++ // a line that goes on
		case '#':
			if begun {
				word.WriteByte(c)
				continue
			}
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n - 1
			} else {
				i = len(text)
			}
		case ' ', '\t':
			end()
		case '\n', '|', '&', ';', '<', '>', '(', ')':
			command()
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	command()
	return commands
}

func TestShell(t *testing.T) {
	got := shell("a 'b c' \"d | e\" \\\n  f=g#h # i\nsource <(atg x) && y > z | w")
	want := [][]string{{"a", "b c", "d | e", "f=g#h"}, {"source"}, {"atg", "x"}, {"y"}, {"z"}, {"w"}}
	want[0] = []string{"a", "b c", "d | e", "f=g#h"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// calls are the words behind atg of each call of it in a text, also by way of xargs.
func calls(text string) (calls [][]string) {
	for _, words := range shell(text) {
		if words[0] == "xargs" {
			words = append(words[1:], "argument")
		}
		if words[0] == "atg" {
			calls = append(calls, words[1:])
		}
	}
	return calls
}

// tryCall parses a call, and the expression of --jq in it. It answers the command.
func tryCall(t *testing.T, words []string) string {
	t.Helper()
	var g grammar
	parser, err := newParser(&g, words)
	if err != nil {
		t.Fatal(err)
	}
	if node, ok := helpWanted(parser.Model.Node, words); ok {
		return path(node)
	}
	if err := kong.Bind(&app{flags: &g.globals}).Apply(parser); err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(words)
	if err != nil {
		t.Errorf("atg %s: %v", strings.Join(words, " "), err)
		return ""
	}
	if g.JQ != "" {
		if _, err := ui.ParseJQ(t.Context(), g.JQ); err != nil {
			t.Errorf("atg %s: %v", strings.Join(words, " "), err)
		}
	}
	return path(parsed.Selected())
}

// TestExamples: each command has examples of itself, and they are taken as they stand.
func TestExamples(t *testing.T) {
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		t.Fatal(err)
	}
	nodes := parser.Model.Leaves(true)
	for _, child := range parser.Model.Children {
		if len(child.Children) > 0 {
			nodes = append(nodes, child)
		}
	}
	for _, node := range nodes {
		_, examples := manual.Detail(node)
		var shown []string
		for _, words := range calls(examples) {
			shown = append(shown, tryCall(t, words))
		}
		if !slices.ContainsFunc(shown, func(p string) bool { return p == path(node) || strings.HasPrefix(p, path(node)+" ") }) {
			t.Errorf("%s has no example of itself, but of %v", path(node), shown)
		}
		for line := range strings.Lines(examples) {
			if !strings.HasPrefix(line, "  ") && line != "\n" {
				t.Errorf("%s: the example is not indented: %s", path(node), line)
			}
		}
	}
}

// told are commands in the words of topics and hints: atg, behind a blank or at the beginning of a line of its own.
var told = regexp.MustCompile(`(?m)^  atg [^#\n]*`)

func TestExamplesOfTopics(t *testing.T) {
	n := 0
	for _, text := range []string{remoteText, jobsText, extensionsText} {
		for _, line := range told.FindAllString(text, -1) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "  ") // what follows explains it
			for one := range strings.SplitSeq(command, ", ") {
				for _, words := range calls(one) {
					n++
					tryCall(t, words)
				}
			}
		}
	}
	if n < 5 {
		t.Errorf("there are %d", n)
	}
}
