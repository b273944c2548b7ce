package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// FuzzParse: whatever a file holds, it is read or refused, with problems that have places; a specification without errors makes rows, the same ones each time.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		yaml(hub), yaml("tenant: &a {name: x}\nb: *a"), "```json\n{\"tenant\": {}}\n```\n", "- ```yaml\n  a: 1\n", "> ~~~json\n> {\n", "```jsonc\n{/*\n```", "```yaml\r\ntenant:\r\n\tname: x\r\n```",
		yaml("role_assignments: [{principal: '${user:a}', role: Reader, scope: /}]\nusers: [{name: a}]"), account("", "a: '${secret:x}'"), many(3, true),
	} {
		f.Add([]byte(text))
	}
	examples, err := filepath.Glob("../../../../examples/specs/*.md")
	if err != nil || len(examples) == 0 {
		f.Fatal("there are no examples: ", err)
	}
	for _, name := range examples {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, problems, err := spec.Parse(t.Context(), bytes.NewReader(content), spec.Limits{Bytes: 1 << 20, Values: 20_000})
		if err != nil {
			return
		}
		lines := int32(bytes.Count(content, []byte("\n"))+bytes.Count(content, []byte("\r"))) + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines+1 || p.Column < 1 || p.Message == "" {
				t.Errorf("%d lines: %+v", lines, p)
			}
		}
		if spec.HasErrors(problems) {
			return
		}
		first, second := rowsOf(t, s), rowsOf(t, s)
		if first != second {
			t.Errorf("%s\n%s", first, second)
		}
	})
}

// rowsOf are the rows of a specification as text.
func rowsOf(t *testing.T, s *spec.Spec) string {
	t.Helper()
	var b strings.Builder
	_, err := s.Rows(spec.Places{}, func(r graph.Row) error {
		b.WriteString(r.Table + " " + r.Type + " " + r.ID + " " + r.Location + " " + r.Kind + "\n")
		for _, j := range [][]byte{r.SKU, r.Plan, r.Tags, r.Identity, r.Zones, r.ExtendedLocation, r.Extra, r.Properties} {
			if len(j) > 0 {
				b.WriteString("  " + string(j) + "\n")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
