package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// TestManual: there is a page for each command, with its words.
func TestManual(t *testing.T) {
	pages, err := Manual()
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, p := range pages {
		text[p.Reference()] = plain(string(p.Roff("v1", time.Unix(0, 0))))
	}
	var visit func(*kong.Node)
	visit = func(node *kong.Node) {
		page := text[strings.ReplaceAll(path(node), " ", "-")+"(1)"]
		for _, f := range node.Flags {
			if !strings.Contains(page, "--"+f.Name) || !strings.Contains(page, strings.ReplaceAll(f.Help, "…", "...")) {
				t.Errorf("the page of %s lacks --%s", path(node), f.Name)
			}
		}
		if _, examples := manual.Detail(node); !strings.Contains(page, strings.TrimSpace(strings.Split(examples+"\n", "\n")[0])) {
			t.Errorf("the page of %s lacks its examples", path(node))
		}
		for _, child := range node.Children {
			visit(child)
		}
	}
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		t.Fatal(err)
	}
	visit(parser.Model.Node)
	for _, word := range []string{"ATG_API_KEY", "NO_COLOR", "config.yaml", "azure_forbidden", "130"} {
		if !strings.Contains(text["atg(1)"], word) {
			t.Errorf("atg(1) lacks %s", word)
		}
	}
}

// plain undoes what roff needs.
func plain(page string) string {
	return strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fR`, "", `\&`, "", `\(aq`, "'", `\(ti`, "~", `\(ha`, "^", `\e`, `\`, `\(dq`, `"`).Replace(page)
}
