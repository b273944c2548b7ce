//go:build unix

package ui

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// terminal is a terminal of ten rows to write to; what appears on it is answered when it is closed.
func terminal(t *testing.T) (tty *os.File, shown func() string) {
	t.Helper()
	control, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(control, &pty.Winsize{Rows: 10, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	text, done := bytes.Buffer{}, make(chan struct{})
	go func() {
		defer close(done)
		_, _ = text.ReadFrom(control) // ends with an error, when the other side is closed
	}()
	t.Cleanup(func() { _ = control.Close() })
	return tty, func() string {
		_ = tty.Close()
		<-done
		return strings.ReplaceAll(text.String(), "\r\n", "\n")
	}
}

// paged marks what went through it.
var paged = []string{"sed", "s/^/|/"}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d\n", i+1)
	}
	return b.String()
}

func marked(text string) string {
	return "|" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n|") + "\n"
}

func TestPager(t *testing.T) {
	long := strings.Repeat("x", 100) + "\n"
	for name, c := range map[string]struct {
		text    string
		pager   []string
		options Options
		env     map[string]string
		want    string
		warning string
	}{
		"what fits":                    {text: lines(9), pager: paged, want: lines(9)},
		"what does not":                {text: lines(10), pager: paged, want: marked(lines(10))},
		"of wide lines":                {text: long + long + long + long, pager: paged, want: marked(long + long + long + long)},
		"a result of any length":       {text: lines(20_000), pager: paged, want: marked(lines(20_000))},
		"none":                         {text: lines(30), want: lines(30)},
		"NDJSON":                       {text: lines(30), pager: paged, options: Options{Format: FormatNDJSON}, want: lines(30)},
		"nobody to turn pages":         {text: lines(30), pager: paged, options: Options{NoInput: true}, want: lines(30)},
		"CI":                           {text: lines(30), pager: paged, env: map[string]string{"CI": "1"}, want: lines(30)},
		"a dumb terminal":              {text: lines(30), pager: paged, env: map[string]string{"TERM": "dumb"}, want: lines(30)},
		"one that is not there":        {text: lines(30), pager: []string{"no-such-pager"}, want: lines(30), warning: "no-such-pager"},
		"one that fails":               {text: lines(30), pager: []string{"false"}, want: lines(30), warning: "the pager failed"},
		"one that fails in the middle": {text: lines(9000), pager: []string{"sh", "-c", "head -n 1 | sed 's/^/|/'; exit 3"}, want: "|line 1\n", warning: "the pager failed"},
		"one that is left":             {text: lines(200_000), pager: []string{"sed", "-n", "s/^/|/p;3q"}, want: marked(lines(3))},
	} {
		t.Run(name, func(t *testing.T) {
			tty, shown := terminal(t)
			var errors bytes.Buffer
			o := c.options
			o.Getenv = func(k string) string { return c.env[k] }
			o.Pager = func() (Pager, bool) { return Pager{Args: c.pager, Env: os.Environ()}, c.pager != nil }
			held := 0
			o.Hold = func() func() { held++; return func() { held-- } }
			console := New(Streams{Out: tty, Err: &errors}, o)
			if err := console.PrintText(strings.NewReader(c.text)); err != nil {
				t.Error(err)
			}
			if got := shown(); got != c.want {
				t.Errorf("shown: %.200q, want %.200q", got, c.want)
			}
			if said := errors.String(); said == "" != (c.warning == "") || !strings.Contains(said, c.warning) {
				t.Errorf("said %q", said)
			}
			if held != 0 {
				t.Errorf("Ctrl-C is held %d times", held)
			}
		})
	}
}

// TestPagerIsForTerminals: elsewhere it is not even asked for.
func TestPagerIsForTerminals(t *testing.T) {
	var out bytes.Buffer
	c := New(Streams{Out: &out}, Options{Pager: func() (Pager, bool) { t.Error("asked"); return Pager{}, false }})
	if err := c.PrintText(strings.NewReader(lines(100))); err != nil || out.String() != lines(100) {
		t.Errorf("%v, %q", err, out.String())
	}
}

// TestPagerGetsNoLinks: not every pager knows them.
func TestPagerGetsNoLinks(t *testing.T) {
	tty, shown := terminal(t)
	c := New(Streams{Out: tty}, Options{
		Color: ColorAlways, Getenv: func(k string) string { return map[string]string{"FORCE_HYPERLINK": "1"}[k] },
		Pager: func() (Pager, bool) { return Pager{Args: paged, Env: os.Environ()}, true },
	})
	c.SetPortal("https://portal.azure.com")
	err := c.Show(func(p *Page) {
		for range 12 {
			p.Line(subscription)
		}
	})
	if got := shown(); err != nil || strings.Contains(got, "portal") || !strings.Contains(got, "|"+subscription) {
		t.Errorf("%v, %q", err, got)
	}
}

// TestErrorBesideAPager: what fails while a result is printed is not lost.
func TestErrorBesideAPager(t *testing.T) {
	tty, shown := terminal(t)
	c := New(Streams{Out: tty}, Options{Pager: func() (Pager, bool) { return Pager{Args: paged, Env: os.Environ()}, true }})
	err := c.PrintStream(Stream{Rows: ReadRows(strings.NewReader("no JSON\n")), Page: func(p *Page, rows Rows) error {
		p.Lines(lines(20))
		for _, err := range rows {
			return err
		}
		return nil
	}})
	if got := shown(); fault.CodeOf(err) != fault.Integrity || !strings.Contains(got, "|line 20\n") {
		t.Errorf("%v, %q", err, got)
	}
}
