package launch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	maxLine     = 64 << 10 // bytes of a line that are kept; the rest is counted and dropped
	maxTail     = 20       // lines of the end of standard error that a fault shows
	maxTailLine = 300      // bytes of each of them
	maxLeadIn   = 4        // of these lines, how many before a panic
)

// lines cuts a stream into lines. It holds at most maxLine bytes, and never fails or blocks by itself.
type lines struct {
	emit func(line string)

	mu      sync.Mutex
	buffer  []byte
	dropped int
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		part, rest, found := bytes.Cut(p, []byte("\n"))
		keep := min(len(part), maxLine-len(l.buffer))
		l.buffer = append(l.buffer, part[:keep]...)
		l.dropped += len(part) - keep
		if found {
			l.end()
		}
		p = rest
	}
	return n, nil
}

// flush takes what is there as a line.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buffer) > 0 {
		l.end()
	}
}

func (l *lines) end() {
	line := string(l.buffer)
	if l.dropped > 0 {
		line += fmt.Sprintf("… (%d bytes more)", l.dropped)
	}
	l.buffer, l.dropped = l.buffer[:0], 0
	l.emit(line)
}

// tail is the end of a stream of lines. Frozen, it keeps what comes next instead of what comes last:
// of a Go panic the beginning matters, not the last of a hundred goroutines.
type tail struct {
	kept   []string
	frozen bool
}

func (t *tail) freeze() {
	t.kept = slices.Clone(t.kept[max(0, len(t.kept)-maxLeadIn):])
	t.frozen = true
}

func (t *tail) add(line string) {
	if len(line) > maxTailLine {
		line = strings.ToValidUTF8(line[:maxTailLine], "") + "…"
	}
	switch {
	case len(t.kept) < maxTail:
		t.kept = append(t.kept, line)
	case !t.frozen:
		copy(t.kept, t.kept[1:])
		t.kept[maxTail-1] = line
	}
}

func (t *tail) words() error {
	if len(t.kept) == 0 {
		return nil
	}
	return errors.New("its last words were:\n  " + strings.Join(t.kept, "\n  "))
}

// clean makes a stranger's text safe to print on a terminal and in a log: no control characters, no
// invisible ones that could reorder it, no broken encoding.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
