package tenant

import (
	"bufio"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// odd are texts that YAML, or somebody's YAML, could take for something else.
var odd = []string{
	"", " ", "a", "a ", " a", "a: b", "a:b", "a #b", "#a", "- a", "-a", "?", ":", "a:", "true", "Yes", "no", "null", "~", "1", "1.5", "1e5", "0x1F", "012", "1_000", ".5", ".inf", "12:30:45", "2024-01-01", "2024-01-01T00:00:00Z",
	"10.0.0.0/24", "10.0.0.1", "*", "*a", "&a", "!a", "%a", "@a", "`a`", "{a}", "[a]", "a, b", "'a'", `"a"`, `a\b`, "a\nb", "a\tb", "\r\n", "\u0085", "\u2028", "\uFEFF", "\x7f", "ü", "日本", "😀", "${tenant}", "$${x}",
	"11111111-1111-4111-8111-111111111111", "1111e111-1111-4111-8111-111111111111", "=", "<<", "---", "...", "|", ">", strings.Repeat("x", 500), "a: ", "\u00a0a", "0", "-0", "+1", "1,2", "e5", "NaN", "\uFFFE", "\U0001F4A9", "a\u200bb",
}

// TestQuote: each text comes back as it was, as a value, as a name, and in a list.
func TestQuote(t *testing.T) {
	for _, text := range odd {
		checkQuote(t, text)
	}
}

func FuzzQuote(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
			checkQuote(t, text)
		}
	})
}

func checkQuote(t *testing.T, text string) {
	t.Helper()
	lit := func(s string) template.Value {
		return template.Value{Kind: template.String, Text: []template.Part{{Literal: s}}}
	}
	v := template.Value{Kind: template.Map, Fields: []template.Field{
		{Name: "value", Value: lit(text)}, {Name: text + "_", Value: lit("named")}, {Name: "list", Value: template.Value{Kind: template.List, Items: []template.Value{lit(text), {Kind: template.Map, Fields: []template.Field{{Name: "in", Value: lit(text)}}}}}},
	}}
	var b strings.Builder
	w := bufio.NewWriter(&b)
	y := &yamlWriter{Writer: w, text: func(p []template.Part, _ *member) string { return plainText(p) }, name: func(name string, _ *member) string { return name }}
	y.fields(0, &v, nil, true)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatalf("%q: %v\n%s", text, err, b.String())
	}
	want := map[string]any{"value": text, text + "_": "named", "list": []any{text, map[string]any{"in": text}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: %s\n%s", text, diff, b.String())
	}
}

func TestWriteValues(t *testing.T) {
	n := func(digits string) template.Value {
		return template.Value{Kind: template.Number, Text: []template.Part{{Literal: digits}}}
	}
	list := func(items ...template.Value) template.Value { return template.Value{Kind: template.List, Items: items} }
	v := template.Value{Kind: template.Map, Fields: []template.Field{
		{Name: "counts", Value: list(n("1"), n("1.50"), n("1e400"), n("123456789012345678901234567890"), n("-0"))},
		{Name: "empty", Value: list(template.Value{Kind: template.Map}, list(), template.Value{})},
		{Name: "nested", Value: list(list(n("1"), list(n("2"))), template.Value{Kind: template.Map, Fields: []template.Field{{Name: "a", Value: list(n("3"))}, {Name: "b", Value: template.Value{Kind: template.Bool, Bool: true}}}})},
	}}
	var b strings.Builder
	w := bufio.NewWriter(&b)
	y := &yamlWriter{Writer: w, text: func(p []template.Part, _ *member) string { return plainText(p) }, name: func(name string, _ *member) string { return name }}
	y.fields(0, &v, nil, true)
	_ = w.Flush()
	const want = `counts:
  - 1
  - 1.50
  - 1e400
  - 123456789012345678901234567890
  - -0
empty:
  - {}
  - []
  - null
nested:
  -
    - 1
    -
      - 2
  - a:
      - 3
    b: true
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	block := "```yaml\nresources:\n  - type: Contoso.Own/things\n    name: a\n    api_version: \"2024-01-01\"\n    properties:\n      " + strings.ReplaceAll(strings.TrimRight(want, "\n"), "\n", "\n      ") + "\n```\n"
	s, problems, err := spec.Parse(t.Context(), strings.NewReader(block), spec.Limits{})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	for i, digits := range []string{"1", "1.50", "1e400", "123456789012345678901234567890", "-0"} {
		if got := s.Resources[0].Member("properties").Fields[0].Value.Items[i]; got.Kind != template.Number || got.Text != digits {
			t.Errorf("%s is read as %+v", digits, got)
		}
	}
}
