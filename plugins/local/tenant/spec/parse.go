package spec

import (
	"context"
	"errors"
	"io"
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
	p := &problems{}
	d := newDecoder(p)
	found, err := readBlocks(ctx, newLines(r, limits.Bytes), newReader(d, limits.Values))
	var binary *noText
	switch {
	case errors.As(err, &binary): // nothing of it is worth telling but that
		p = &problems{}
		p.wrong(binary.at, "", "save the file as UTF-8", "%s", binary.Error())
		return &Spec{}, p.sorted(), nil
	case err != nil:
		return nil, nil, err
	}
	d.finish()
	if found == 0 {
		p.wrong(Position{1, 1}, "", "put the structure between ```yaml and ```, or ```json and ```", "the specification has no block of JSON or YAML")
	}
	if err := lint(ctx, d.spec, p); err != nil {
		return nil, nil, err
	}
	return d.spec, p.sorted(), nil
}

// readBlocks hands the blocks of a file to a reader, and says how many there were.
func readBlocks(ctx context.Context, file *lines, r *reader) (found int, err error) {
	defer r.stop()
	if err := file.weigh(); err != nil {
		return 0, err
	}
	var s scanner
	for {
		line, err := file.next(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return found, err
		}
		if err != nil {
			s.end()
		} else {
			s.line(line)
		}
		for i := range s.found {
			found++
			s.spare = r.add(&s.found[i])
		}
		s.found = s.found[:0]
		if err != nil {
			r.finish()
			return found, nil
		}
	}
}
