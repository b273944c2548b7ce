package ui

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestLinked(t *testing.T) {
	for name, c := range map[string]struct {
		colored, terminal bool
		env               map[string]string
		want              bool
	}{
		"unknown":                 {true, true, map[string]string{"TERM": "xterm-256color"}, false},
		"nothing known":           {true, true, nil, false},
		"iTerm":                   {true, true, map[string]string{"TERM_PROGRAM": "iTerm.app"}, true},
		"no colours":              {false, true, map[string]string{"TERM_PROGRAM": "iTerm.app"}, false},
		"a pipe":                  {true, false, map[string]string{"TERM_PROGRAM": "iTerm.app"}, false},
		"Apple's own":             {true, true, map[string]string{"TERM_PROGRAM": "Apple_Terminal"}, false},
		"kitty":                   {true, true, map[string]string{"TERM": "xterm-kitty"}, true},
		"Windows Terminal":        {true, true, map[string]string{"WT_SESSION": "x"}, true},
		"GNOME":                   {true, true, map[string]string{"VTE_VERSION": "7600", "TERM": "xterm-256color"}, true},
		"an old VTE":              {true, true, map[string]string{"VTE_VERSION": "4999"}, false},
		"VTE with a flaw":         {true, true, map[string]string{"VTE_VERSION": "5000"}, false},
		"tmux in kitty":           {true, true, map[string]string{"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, false},
		"screen in iTerm":         {true, true, map[string]string{"TERM": "screen", "TERM_PROGRAM": "iTerm.app"}, false},
		"forced":                  {true, false, map[string]string{"FORCE_HYPERLINK": "1"}, true},
		"forced, without colours": {false, true, map[string]string{"FORCE_HYPERLINK": "1"}, false},
		"forced off":              {true, true, map[string]string{"FORCE_HYPERLINK": "0", "TERM": "xterm-kitty"}, false},
		"CI":                      {true, true, map[string]string{"CI": "true", "TERM_PROGRAM": "vscode"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := linked(c.colored, c.terminal, func(k string) string { return c.env[k] }); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

const subscription = "/subscriptions/00000000-0000-0000-0000-000000000001"

func linking(portal string) *screen { return &screen{links: true, portal: portal} }

func TestResourceAddress(t *testing.T) {
	const portal = "https://portal.azure.com"
	for id, want := range map[string]string{
		subscription: portal + "/#resource" + subscription,
		subscription + "/resourceGroups/rg/providers/Microsoft.Web/sites/a b": portal + "/#resource" + subscription + "/resourceGroups/rg/providers/Microsoft.Web/sites/a%20b",
		subscription + "/resourceGroups/größe":                                portal + "/#resource" + subscription + "/resourceGroups/gr%C3%B6%C3%9Fe",
		subscription + "/x\x1b\\\x1b]8;;https://evil.example\x1b\\":           "",
		subscription + "/x\x07":                                               "",
		subscription + "/x?y=z":                                               "",
		subscription + "/x#y":                                                 "",
		subscription + strings.Repeat("/x", 1000):                             "",
		"/subscriptions/prod":                                                 "",
		"see " + subscription:                                                 "",
		"/etc/passwd":                                                         "",
		"":                                                                    "",
	} {
		if got := linking(portal).resourceAddress(id); got != want {
			t.Errorf("%q leads to %q, want %q", id, got, want)
		}
		if got := linking("").resourceAddress(id); got != "" {
			t.Errorf("without a portal, %q leads to %q", id, got)
		}
	}
	if got := (&screen{portal: portal}).resourceAddress(subscription); got != "" {
		t.Errorf("without links: %q", got)
	}
}

func TestLinksOnAPage(t *testing.T) {
	c, out, errors := fakeConsole(100, Options{Color: ColorNever})
	c.out.links, c.err.links = true, true
	c.SetPortal("https://portal.azure.us")
	to := "\x1b]8;;https://portal.azure.us/#resource" + subscription + "\x1b\\"
	err := c.PrintStream(Stream{Rows: ReadRows(strings.NewReader(`{"id":"` + subscription + `","name":"prod\u001b]8;;x"}` + "\n" + `{"name":"other"}`)),
		Page: func(p *Page, rows Rows) error {
			p.Line("on ", subscription)
			p.Pairs(Pair{"file", fileLink("/tmp/a b.txt")}, Pair{"none", fileLink("")})
			return p.Rows(RowTable{Columns: []RowColumn{{Column{Title: "NAME"}, "name"}, {Column{Title: "ID"}, "id"}}}, rows)
		}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"on " + to + subscription + "\x1b]8;;\x1b\\\n",
		"/tmp/a%20b.txt\x1b\\/tmp/a b.txt\x1b]8;;\x1b\\\n",
		to + `prod\x1b]8;;x` + "\x1b]8;;\x1b\\", // what Azure says stays text
		"\nother\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out, want)
		}
	}
	if strings.Contains(out.String(), "none") {
		t.Errorf("a file that is not there has a line: %q", out)
	}
	if plain := string(unlinked(out.Bytes())); strings.Contains(plain, "\x1b") || !strings.Contains(plain, "on "+subscription) {
		t.Errorf("without links: %q", plain)
	}
	c.Fault(fault.New(fault.AzureForbidden, "no", fault.On(subscription)))
	if !strings.Contains(errors.String(), to) {
		t.Errorf("%q", errors)
	}
}

func TestJSONHasNoLinks(t *testing.T) {
	for _, format := range []Format{FormatJSON, FormatNDJSON, FormatYAML} {
		c, out, _ := fakeConsole(100, Options{Format: format})
		c.out.links = true
		c.SetPortal("https://portal.azure.com")
		if err := c.Print(Document{Data: json.RawMessage(`{"id":"` + subscription + `"}`)}); err != nil || strings.Contains(out.String(), "portal") {
			t.Errorf("%s: %v, %s", format, err, out)
		}
	}
}
