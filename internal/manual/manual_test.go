package manual_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/manual"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type tool struct {
	Verbose bool `short:"v" group:"global" help:"Say more."`
	Draw    draw `cmd:"" help:"Draw a picture."`
	Colour  struct {
		List list `cmd:"" help:"List colours."`
		Mix  mix  `cmd:"" help:"Mix colours."`
	} `cmd:"" help:"Work with colours."`
	Secret struct{} `cmd:"" hidden:"" help:"Not for people."`
}

type draw struct {
	Size string   `required:"" placeholder:"N" env:"TOOL_SIZE" help:"How large."`
	Tag  []string `aliases:"label" group:"filter" placeholder:"K=V" help:"Only those."`
	Old  bool     `hidden:""`
	File []string `arg:"" help:"Where to."`
}

func (draw) Help() string {
	return `.so begins this line, 'quoted' and with a \backslash. It draws,
and this belongs to the paragraph.

  1  literal

     and indented

Then it ends: Größe, … and ` + "`x`" + `~^.

Examples:
  A large one:
    tool draw --size 9 a.png \
      b.png

  tool draw --size 1 .hidden`
}

type list struct{}

func (list) Help() string {
	return "It lists.\n\nExamples:\n  All of them:\n    tool colour list         # all\n\n  tool colour list | head"
}

type mix struct {
	A string `arg:"" optional:"" placeholder:"COLOUR" help:"The first."`
}

func pages(t *testing.T) []*manual.Page {
	t.Helper()
	parser, err := kong.New(&tool{}, kong.Name("tool"), kong.NoDefaultHelp(),
		kong.ExplicitGroups([]kong.Group{{Key: "filter", Title: "Filters"}, {Key: "global", Title: "Global flags"}}))
	if err != nil {
		t.Fatal(err)
	}
	return manual.Program{Root: parser.Model.Node, Section: 1, Summary: "a tool", About: "It draws.", Flags: "See tool(1)."}.Pages()
}

func TestPages(t *testing.T) {
	var got bytes.Buffer
	var names []string
	for _, page := range pages(t) {
		names = append(names, page.File())
		got.Write(page.Roff("v1", time.Date(2026, 11, 30, 23, 59, 0, 0, time.FixedZone("", -3600))))
	}
	want := []string{"man1/tool.1", "man1/tool-draw.1", "man1/tool-colour.1", "man1/tool-colour-list.1", "man1/tool-colour-mix.1"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
	file := filepath.Join("testdata", "tool.roff")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(golden), got.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestThePageSaysWhatItNeeds(t *testing.T) {
	p := manual.Page{Name: "tool-topic", Section: 7, Summary: "of this"}
	if p.File() != "man7/tool-topic.7" || p.Reference() != "tool-topic(7)" {
		t.Errorf("%s, %s", p.File(), p.Reference())
	}
}
