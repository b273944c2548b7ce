package diff

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestDocs: the document tells all rules, kinds and fields.
func TestDocs(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "diff.md"))
	if err != nil {
		t.Fatal(err)
	}
	document := strings.ToLower(string(content))
	wanted := map[string]string{}
	for _, r := range noise {
		name := r.path[strings.LastIndexByte(r.path, '.')+1:]
		if r.path == "**.@odata.etag" {
			name = "@odata.etag"
		}
		wanted[strings.Replace(name, "*", "…", 1)] = "noise"
	}
	for name := range ordered {
		wanted[name] = "list with an order"
	}
	for _, k := range kinds {
		wanted[k.kind] = "kind"
	}
	for _, change := range []string{Added, Removed, Changed, Unknown} {
		wanted[change] = "change"
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Change]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		wanted[name] = "field"
	}
	for name, what := range wanted {
		if !strings.Contains(document, name+"`") && !strings.Contains(document, "."+name+"`") {
			t.Errorf("docs/diff.md does not tell of the %s %s", what, name)
		}
	}
}
