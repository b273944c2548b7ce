package ui

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Fault shows what went wrong on stderr: message, every problem in a line, hint.
func (c *Console) Fault(f *fault.Fault) {
	if c.options.LogFormat == LogJSON {
		c.record(slog.LevelError, f.Error(), faultAttrs(f)...)
		return
	}
	p := &Page{screen: c.err}
	first, rest, _ := strings.Cut(CleanLines(f.Error()), "\n")
	head := Toned{Bad, "error:"}
	if f.Code == fault.Incomplete || f.Code == fault.Differences {
		head = Toned{Warning, "incomplete:"}
		if f.Code == fault.Differences {
			head.Text = "differences:"
		}
	}
	p.Prose(0, 2, head, " ", first)
	for line := range strings.SplitSeq(rest, "\n") { // of a cause: the tail of a backend's stderr
		if line != "" {
			p.Line("  ", Toned{Faint, strings.ReplaceAll(line, "\t", "    ")})
		}
	}
	for _, problem := range f.Problems {
		if problem.Hint == f.Hint {
			problem.Hint = "" // is said below
		}
		if problem.Message == f.Message && problem.Hint == "" && problem.Line == 0 {
			continue // is said above
		}
		p.Prose(2, 4, problemLine(problem))
	}
	if f.Resource != "" && !strings.Contains(f.Error(), f.Resource) {
		p.Line("  ", Toned{Faint, "on "}, f.Resource)
	}
	if c.options.Verbose {
		p.Line("  ", Toned{Faint, fmt.Sprintf("code %s, origin %s", f.Code, orUnknown(string(f.Origin)))})
	}
	if f.Hint != "" {
		for i, line := range strings.Split(CleanLines(f.Hint), "\n") {
			if i == 0 {
				p.Prose(0, 6, Toned{Info, "hint:"}, " ", line)
				continue
			}
			p.Prose(6, 6, line)
		}
	}
	c.err.print(p.text.String())
}

func problemLine(p fault.Problem) string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

func faultAttrs(f *fault.Fault) []any {
	attrs := []any{slog.String("code", string(f.Code)), slog.Int("exit_code", f.Code.ExitCode())}
	for _, a := range []struct{ key, value string }{{"hint", f.Hint}, {"resource", f.Resource}, {"origin", string(f.Origin)}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if f.Retryable {
		attrs = append(attrs, slog.Bool("retryable", true))
	}
	if len(f.Problems) > 0 {
		attrs = append(attrs, slog.Any("problems", f.Problems))
	}
	return attrs
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
