package spec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// lines hands a file out line by line, so that it is never in memory as a whole.
type lines struct {
	file io.Reader
	most int64 // bytes that the file may have
	left int64 // of them

	buffer   []byte
	from, to int   // what was read into it and not handed out
	number   int32 // of the last line that was handed out
	ended    bool
}

// chunk is how much of a file is read at once, and the longest line for which no memory has to be made.
const chunk = 64 << 10

func newLines(file io.Reader, most int64) *lines {
	return &lines{file: file, most: most, left: most, buffer: make([]byte, chunk)}
}

// noText is a place at which a file is no text.
type noText struct {
	at   Position
	what string
}

// Error implements error.
func (e *noText) Error() string { return "the file is no text: it has " + e.what }

// next is the next line, valid until it is called again. It ends in a newline, also where the file has a carriage return that stands alone; the
// last one may end in nothing. The error is io.EOF, a *noText, or a *fault.Fault: the file cannot be read, or is too large.
func (l *lines) next(ctx context.Context) ([]byte, error) {
	for seen := l.from; ; {
		end := lineEnd(l.buffer[seen:l.to], l.ended)
		if end == 0 && !l.ended {
			at := max(l.to-1, l.from) - l.from // a carriage return may be the last
			if err := l.fill(ctx); err != nil {
				return nil, err
			}
			seen = l.from + at
			continue
		}
		if end == 0 {
			end = l.to - seen
		}
		line := l.buffer[l.from : seen+end]
		l.from = seen + end
		if len(line) == 0 {
			return nil, io.EOF
		}
		if l.number++; l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		return line, l.check(line)
	}
}

// lineEnd is how long the line is that text begins with; 0 is that its end is not there. A carriage return that ends it is made a newline.
func lineEnd(text []byte, all bool) int {
	end := bytes.IndexByte(text, '\n') + 1
	head := text
	if end > 0 {
		head = text[:end]
	}
	at := bytes.IndexByte(head, '\r')
	switch {
	case at < 0, at+2 == end:
		return end
	case at+1 == len(text) && !all:
		return 0
	}
	text[at] = '\n'
	return at + 1
}

// fill reads more.
func (l *lines) fill(ctx context.Context) error {
	if ctx.Err() != nil {
		return fault.Of(context.Cause(ctx))
	}
	if l.from > 0 {
		l.to = copy(l.buffer, l.buffer[l.from:l.to])
		l.from = 0
	}
	if l.to == len(l.buffer) {
		l.buffer = append(l.buffer, make([]byte, len(l.buffer))...)
	}
	n, err := l.file.Read(l.buffer[l.to:])
	l.to += n
	if l.left -= int64(n); l.left < 0 {
		return l.tooLarge()
	}
	if errors.Is(err, io.EOF) {
		l.ended, err = true, nil
	}
	if err != nil {
		return fault.New(fault.InvalidArgument, "the specification cannot be read", fault.Because(err))
	}
	return nil
}

// weigh refuses a file that tells that it is too large, before it is read.
func (l *lines) weigh() error {
	f, ok := l.file.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > l.most {
		return l.tooLarge()
	}
	return nil
}

func (l *lines) tooLarge() error {
	size := fmt.Sprintf("%d bytes", l.most)
	if l.most >= 1<<20 {
		size = fmt.Sprintf("%d MiB", l.most>>20)
	}
	return fault.New(fault.InvalidArgument, "the specification is larger than "+size, fault.Hint("split it into several, and deploy one after the other"))
}

// check says where a line is no text.
func (l *lines) check(line []byte) error {
	at, what := bytes.IndexByte(line, 0), "a NUL character"
	if !utf8.Valid(line) {
		for i := 0; i < len(line) && (at < 0 || i < at); {
			r, n := utf8.DecodeRune(line[i:])
			if r == utf8.RuneError && n == 1 {
				at, what = i, "a byte that is no UTF-8"
				break
			}
			i += n
		}
	}
	if at < 0 {
		return nil
	}
	return &noText{Position{l.number, int32(utf8.RuneCount(line[:at])) + 1}, what} //nolint:gosec // a line is shorter than 2^31
}
