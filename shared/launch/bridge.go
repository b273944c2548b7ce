package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// bridge turns what a backend writes into records of the host's log, and keeps the end of its standard
// error for faults. Lines in go-hclog's JSON format keep their level, time and attributes; any other
// line is text: at level info from standard error, an error from the start of a Go panic on, and at level
// debug from standard output.
type bridge struct {
	ctx     context.Context // of Start, without its end: a line belongs to no call
	handler slog.Handler
	streams []*lines

	mu    sync.Mutex
	tail  tail
	panic bool // the process is printing a Go panic
}

func newBridge(ctx context.Context, log *slog.Logger) *bridge {
	return &bridge{ctx: ctx, handler: log.Handler()}
}

// level is the name of the level from which on the backend shall write records: the least that the host's
// log takes, but warnings at any rate, as last words.
func (b *bridge) level() string {
	for _, level := range []slog.Level{rpc.LevelTrace, slog.LevelDebug, slog.LevelInfo} {
		if b.handler.Enabled(b.ctx, level) {
			return rpc.LevelName(level)
		}
	}
	return rpc.LevelName(slog.LevelWarn)
}

// stderr takes the process's standard error.
func (b *bridge) stderr() *lines { return b.stream(b.fromStderr) }

// stdout takes what the process prints to standard output.
func (b *bridge) stdout() *lines {
	return b.stream(func(line string) {
		b.log(time.Now(), slog.LevelDebug, line, slog.String("stream", "stdout"))
	})
}

func (b *bridge) stream(emit func(string)) *lines {
	l := &lines{emit: emit}
	b.streams = append(b.streams, l)
	return l
}

// flush takes the last lines, which have no end.
func (b *bridge) flush() {
	for _, l := range b.streams {
		l.flush()
	}
}

func (b *bridge) fromStderr(line string) {
	if at, level, message, attrs, ok := parse(line); ok {
		if level > slog.LevelDebug {
			b.keep(fmt.Sprintf("%s: %s%s", rpc.LevelName(level), message, inline(attrs)), false)
		}
		b.log(at, level, message, attrs...)
		return
	}
	line = clean(line)
	if line == "" {
		return
	}
	begins := strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
	level := slog.LevelInfo
	if b.keep(line, begins) {
		level = slog.LevelError
	}
	b.log(time.Now(), level, line)
}

// keep remembers a line for lastWords and says whether it is part of a panic.
func (b *bridge) keep(line string, panics bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if panics && !b.panic {
		b.panic = true
		b.tail.freeze()
	}
	b.tail.add(line)
	return b.panic
}

// lastWords is the end of standard error as the cause of a fault; nil if there was nothing.
func (b *bridge) lastWords() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tail.words()
}

func (b *bridge) log(at time.Time, level slog.Level, message string, attrs ...slog.Attr) {
	if !b.handler.Enabled(b.ctx, level) {
		return
	}
	record := slog.NewRecord(at, level, message, 0)
	record.AddAttrs(attrs...)
	_ = b.handler.Handle(b.ctx, record) // there is nowhere to report it
}

// parse reads a line in go-hclog's JSON format. Whatever is not exactly that is text.
func parse(line string) (at time.Time, level slog.Level, message string, attrs []slog.Attr, ok bool) {
	if !strings.HasPrefix(line, "{") {
		return
	}
	var record map[string]any
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	if decoder.Decode(&record) != nil || decoder.More() {
		return
	}
	name, _ := record["@level"].(string)
	level, known := rpc.LevelOf(strings.ToLower(name))
	message, isText := record["@message"].(string)
	if !known || !isText {
		return
	}
	at = time.Now()
	if stamp, isText := record["@timestamp"].(string); isText {
		if parsed, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			at = parsed
		}
	}
	for _, key := range slices.Sorted(maps.Keys(record)) {
		switch key {
		case "@level", "@message", "@timestamp":
		default:
			attrs = append(attrs, slog.Any(clean(strings.TrimPrefix(key, "@")), cleanValue(record[key])))
		}
	}
	return at, level, clean(message), attrs, true
}

// cleanValue makes a decoded JSON value safe to print.
func cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case map[string]any, []any:
		text, err := json.Marshal(v)
		if err != nil {
			return clean(fmt.Sprint(v))
		}
		return clean(string(text))
	}
	return v
}

func inline(attrs []slog.Attr) string {
	var text strings.Builder
	for _, a := range attrs {
		fmt.Fprintf(&text, " %s=%v", a.Key, a.Value)
	}
	return text.String()
}
