package spec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Limits are how large a specification may be. Zero is the default.
type Limits struct {
	Bytes  int64 // of the file; 64 MiB
	Values int   // in its blocks, each object, list, text, number counted; 3,000,000, which is some 500 MB of memory
}

// The defaults of Limits.
const (
	MaxBytes  = 64 << 20
	MaxValues = 3_000_000
)

// Parse reads a specification and checks it. The problems are all that is wrong with it, in the order of the file; with errors among them
// (see HasErrors) the specification is what could be read, and nothing should be made of it. The error is a *fault.Fault: the file cannot be read, or is larger than
// the limits.
func Parse(ctx context.Context, r io.Reader, limits Limits) (*Spec, []Problem, error) {
	if limits.Bytes == 0 {
		limits.Bytes = MaxBytes
	}
	if limits.Values == 0 {
		limits.Values = MaxValues
	}
	text, err := read(ctx, r, limits.Bytes)
	if err != nil {
		return nil, nil, err
	}
	p := &problems{}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	oneLineEnd(text)
	if !readable(text, p) {
		return &Spec{}, p.sorted(), nil
	}
	found := blocks(text)
	d, left := newDecoder(p), &budget{left: limits.Values}
	for i := range found {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, fault.Of(err)
		}
		b := &found[i]
		if !b.closed {
			p.wrong(b.fence, "", "end it by a line of the same characters", "the block that begins here has no end")
		}
		switch b.lang {
		case "yaml":
			for _, v := range readYAML(b, p, left) {
				d.block(&v)
			}
		default:
			if v, ok := readJSON(b, p, left); ok {
				d.block(&v)
			}
		}
		b.text = nil
	}
	d.finish()
	if len(found) == 0 {
		p.wrong(Position{1, 1}, "", "put the structure between ```yaml and ```, or ```json and ```", "the specification has no block of JSON or YAML")
	}
	if err := lint(ctx, d.spec, p); err != nil {
		return nil, nil, err
	}
	return d.spec, p.sorted(), nil
}

// read reads at most so many bytes. What is too large is refused before it is put together.
func read(ctx context.Context, r io.Reader, most int64) ([]byte, error) {
	const chunk = 1 << 20
	if f, ok := r.(*os.File); ok { // whose size is known: it is put together where it stays
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() <= most {
			whole := make([]byte, info.Size()+1)
			n, err := io.ReadFull(f, whole)
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				return whole[:n], nil
			}
			if err == nil {
				err = errors.New("it grows while it is read")
			}
			return nil, fault.New(fault.InvalidArgument, "the specification cannot be read", fault.Because(err))
		}
	}
	var chunks [][]byte
	for n := int64(0); ; {
		if ctx.Err() != nil {
			return nil, fault.Of(context.Cause(ctx))
		}
		part, err := io.ReadAll(io.LimitReader(r, min(chunk, most+1-n)))
		n += int64(len(part))
		chunks = append(chunks, part)
		switch {
		case err != nil:
			return nil, fault.New(fault.InvalidArgument, "the specification cannot be read", fault.Because(err))
		case n > most:
			return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the specification is larger than %s", size(most)),
				fault.Hint("split it into several, and deploy one after the other"))
		case len(part) < chunk:
			return bytes.Join(chunks, nil), nil
		}
	}
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// oneLineEnd makes carriage returns that stand alone, which end a line too, the newlines that everything here counts.
func oneLineEnd(text []byte) {
	for i := range text {
		if text[i] == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			text[i] = '\n'
		}
	}
}

// readable says that a file is text: what is not is told.
func readable(text []byte, p *problems) bool {
	at := bytes.IndexByte(text, 0)
	what := "a NUL character"
	if !utf8.Valid(text) {
		for i := 0; i < len(text); {
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n == 1 {
				if at < 0 || i < at {
					at, what = i, "a byte that is no UTF-8"
				}
				break
			}
			i += n
		}
	}
	if at < 0 {
		return true
	}
	line := bytes.Count(text[:at], []byte("\n"))
	column := utf8.RuneCount(text[bytes.LastIndexByte(text[:at], '\n')+1:at]) + 1
	p.wrong(Position{int32(line) + 1, int32(column)}, "", "save the file as UTF-8", "the file is no text: it has %s", what) //nolint:gosec // the file is smaller than 2^31
	return false
}
