package serve

import (
	"io"
	"log/slog"
	"time"
)

// timeFormat is that of go-hclog's JSON lines, which hosts of go-plugin understand.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

// newHandler writes slog's records as go-hclog's JSON: @timestamp, @level, @message.
func newHandler(w io.Writer, level string) slog.Handler {
	least := slog.LevelInfo
	_ = least.UnmarshalText([]byte(level)) // an unknown level leaves the default
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			if t, ok := a.Value.Any().(time.Time); ok {
				return slog.String("@timestamp", t.Format(timeFormat))
			}
		case slog.LevelKey:
			if l, ok := a.Value.Any().(slog.Level); ok {
				return slog.String("@level", name(l))
			}
		case slog.MessageKey:
			return slog.String("@message", a.Value.String())
		}
		return a
	}})
}

func name(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}
