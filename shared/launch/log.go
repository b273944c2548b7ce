package launch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	maxLine = 64 << 10 // bytes of a line of standard error that are kept
	maxTail = 4 << 10  // bytes of the end of standard error that a fault shows
)

// logBridge turns a backend's standard error into records of the host's log: go-hclog's JSON lines with
// their own level, anything else at debug level. It keeps the end for the fault of a crash.
type logBridge struct {
	log *slog.Logger

	mu   sync.Mutex
	tail []string
	size int
}

func (b *logBridge) readFrom(r io.Reader) {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, more, err := lines.ReadLine()
		if len(line) > 0 {
			b.line(string(line))
		}
		for more && err == nil { // the rest of a line that is too long
			_, more, err = lines.ReadLine()
		}
		if err != nil {
			return
		}
	}
}

// Write takes what a backend printed to standard output: it belongs into the log, not to the user.
func (b *logBridge) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		b.log.Debug(clean(line), "stream", "stdout")
	}
	return len(p), nil
}

func (b *logBridge) line(text string) {
	var record map[string]any
	message, level, attrs := text, slog.LevelDebug, []any(nil)
	if json.Unmarshal([]byte(text), &record) == nil && record["@message"] != nil {
		message, _ = record["@message"].(string)
		level = levelOf(record["@level"])
		for _, key := range sortedKeys(record) {
			if !strings.HasPrefix(key, "@") {
				attrs = append(attrs, key, record[key])
			}
		}
	}
	message = clean(message)
	b.keep(message)
	b.log.Log(context.Background(), level, message, attrs...) //nolint:forbidigo // a log line belongs to no call
}

func (b *logBridge) keep(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(line) > maxTail {
		line = line[:maxTail]
	}
	b.tail, b.size = append(b.tail, line), b.size+len(line)
	for b.size > maxTail && len(b.tail) > 1 {
		b.size -= len(b.tail[0])
		b.tail = b.tail[1:]
	}
}

// end is the end of standard error, as an error that can be the cause of a fault; nil if there is none.
func (b *logBridge) end() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tail) == 0 {
		return nil
	}
	return errors.New("its last words were:\n  " + strings.Join(b.tail, "\n  "))
}

func levelOf(v any) slog.Level {
	name, _ := v.(string)
	switch strings.ToLower(name) {
	case "error":
		return slog.LevelError
	case "warn":
		return slog.LevelWarn
	case "info":
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// clean makes a stranger's line safe to print: no control characters, no stray bytes.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.TrimRight(s, "\r\n"), "\uFFFD"))
}
