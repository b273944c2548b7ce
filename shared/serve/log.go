package serve

import (
	"io"
	"log/slog"

	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// timeFormat is that of go-hclog's JSON lines.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

// newHandler writes records in go-hclog's JSON format, which shared/launch reads, from the named level
// on; info if there is no such level.
func newHandler(w io.Writer, level string) slog.Handler {
	least, known := rpc.LevelOf(level)
	if !known {
		least = slog.LevelInfo
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			if a.Value.Kind() == slog.KindTime {
				return slog.String("@timestamp", a.Value.Time().Format(timeFormat))
			}
		case slog.LevelKey:
			if l, ok := a.Value.Any().(slog.Level); ok {
				return slog.String("@level", rpc.LevelName(l))
			}
		case slog.MessageKey:
			return slog.String("@message", a.Value.String())
		}
		return a
	}})
}
