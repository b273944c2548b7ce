package ui

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// LogFormat is how logs, progress and faults appear on stderr.
type LogFormat string

// The formats. The empty one is LogText.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json" // one object a line
)

func (c *Console) level() slog.Level {
	switch {
	case c.options.Quiet:
		return slog.LevelError
	case c.options.Verbose:
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func (c *Console) handler() slog.Handler {
	if c.options.LogFormat == LogJSON {
		return slog.NewJSONHandler(jsonLines{c.err}, &slog.HandlerOptions{Level: c.level()})
	}
	return &textHandler{screen: c.err, level: c.level()}
}

// textHandler writes a record as a line for people: level: message key=value.
type textHandler struct {
	screen *screen
	level  slog.Level
	prefix string // of groups: a.b.
	attrs  string // already written: " key=value"
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.prefix, a)
		return true
	})
	h.screen.logLine(r.Level, r.Message, b.String())
	return nil
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range attrs {
		writeAttr(&b, h.prefix, a)
	}
	clone := *h
	clone.attrs = b.String()
	return &clone
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	clone := *h
	clone.prefix += name + "."
	return &clone
}

func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			writeAttr(b, prefix, member)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	text := value.String()
	if strings.ContainsAny(text, " \t\n\"=") || text == "" {
		text = fmt.Sprintf("%q", text)
	}
	fmt.Fprintf(b, " %s%s=%s", prefix, a.Key, text)
}

func (s *screen) logLine(level slog.Level, message, attrs string) {
	name, tone := "debug", Faint
	switch {
	case level >= slog.LevelError:
		name, tone = "error", Bad
	case level >= slog.LevelWarn:
		name, tone = "warning", Warning
	case level >= slog.LevelInfo:
		name, tone = "info", Info
	}
	s.print(s.paint.text(tone, name+":") + " " + Clean(message) + s.paint.text(Faint, Clean(attrs)) + "\n")
}

// jobLog shows a line that a job wrote for people. Unlike atg's own logs those of level info are
// shown, without the level's name, unless atg is quiet.
func (c *Console) jobLog(l *backend.Log) {
	level := slog.LevelInfo
	switch l.Level {
	case backend.LevelDebug:
		level = slog.LevelDebug
	case backend.LevelWarn:
		level = slog.LevelWarn
	case backend.LevelError:
		level = slog.LevelError
	}
	least := min(c.level(), slog.LevelInfo)
	if c.options.Quiet {
		least = slog.LevelError
	}
	switch {
	case level < least:
	case c.options.LogFormat == LogJSON:
		c.record(level, l.Message, "from", "job")
	case level == slog.LevelInfo:
		c.err.print(Clean(l.Message) + "\n")
	default:
		c.err.logLine(level, l.Message, "")
	}
}

// record writes a JSON record to stderr, whatever the level of logs is.
func (c *Console) record(level slog.Level, message string, attrs ...any) {
	log := slog.New(slog.NewJSONHandler(jsonLines{c.err}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	switch {
	case level >= slog.LevelError:
		log.Error(message, attrs...)
	case level >= slog.LevelWarn:
		log.Warn(message, attrs...)
	case level >= slog.LevelInfo:
		log.Info(message, attrs...)
	default:
		log.Debug(message, attrs...)
	}
}

// jsonLines escapes what JSON allows as it is and a terminal might obey.
type jsonLines struct{ screen *screen }

func (j jsonLines) Write(b []byte) (int, error) {
	if _, err := j.screen.Write(escape(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
