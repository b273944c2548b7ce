package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// readAhead is how much has to be read in one go before the next segment is fetched ahead.
const readAhead = 256 << 10

// file reads a file. It has one segment in memory, or two while it reads on.
type file struct {
	ctx      context.Context // the opener's: a reader has no other
	close    context.CancelFunc
	store    *Store
	manifest manifest

	offset  int64
	inOneGo int64 // bytes since the last seek
	current *segment
	ahead   *segment
}

// segment is an object that is fetched or on its way.
type segment struct {
	number int
	done   chan struct{}
	chunks [][]byte // when done
	err    error
}

func newFile(ctx context.Context, s *Store, m manifest) *file {
	ctx, cancel := context.WithCancel(ctx)
	return &file{ctx: ctx, close: cancel, store: s, manifest: m}
}

func (f *file) Artifact() backend.Artifact { return f.manifest.artifact() }

func (f *file) Close() error {
	f.close()
	f.current, f.ahead = nil, nil
	return nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.manifest.Size
	}
	if offset < 0 {
		return f.offset, fault.New(fault.InvalidArgument, "a file has nothing before its beginning", fault.On(f.manifest.Path))
	}
	if offset != f.offset {
		f.offset, f.inOneGo = offset, 0
	}
	return offset, nil
}

func (f *file) Read(p []byte) (int, error) {
	if f.offset >= f.manifest.Size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	g := f.fetched(int(f.offset / segmentSize))
	select {
	case <-g.done:
	case <-f.ctx.Done():
		return 0, context.Cause(f.ctx)
	}
	if g.err != nil {
		f.current = nil // the next try fetches it anew
		return 0, g.err
	}
	number, within := f.offset%segmentSize/chunkSize, f.offset%segmentSize%chunkSize
	if g.chunks[number] == nil { // it was read before
		f.current = nil
		return f.Read(p)
	}
	n := copy(p, g.chunks[number][within:])
	f.offset += int64(n)
	f.inOneGo += int64(n)
	if f.offset%chunkSize == 0 {
		g.chunks[number] = nil // a slow reader keeps little
	}
	return n, nil
}

// fetched answers a segment, and fetches the next one ahead if the file is read on and on.
func (f *file) fetched(number int) *segment {
	if f.current == nil || f.current.number != number {
		if f.ahead != nil && f.ahead.number == number {
			f.current = f.ahead
		} else {
			f.current = f.fetch(number)
		}
		f.ahead = nil
	}
	if next := number + 1; f.ahead == nil && f.inOneGo >= readAhead && next < len(f.manifest.Segments) {
		f.ahead = f.fetch(next)
	}
	return f.current
}

func (f *file) fetch(number int) *segment {
	g := &segment{number: number, done: make(chan struct{})}
	size := min(segmentSize, f.manifest.Size-int64(number)*segmentSize)
	go func() {
		defer close(g.done)
		g.chunks, g.err = f.store.chunks(f.ctx, f.manifest, number, size)
	}()
	return g
}

// chunks reads an object.
func (s *Store) chunks(ctx context.Context, m manifest, number int, size int64) ([][]byte, error) {
	what := fmt.Sprintf("the file %q could not be read", m.Path)
	select {
	case s.fetching <- struct{}{}:
		defer func() { <-s.fetching }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	began := time.Now()
	for {
		var chunks [][]byte
		left := size
		err := s.bulk.scan(ctx, segmentsStream, chunkSubject(m.Segments[number]), 1, func(c message) error {
			if left -= int64(len(c.data)); left < 0 || left > 0 && len(c.data) != chunkSize {
				return errDamaged
			}
			chunks = append(chunks, c.data)
			return nil
		})
		switch {
		case err == nil && left == 0:
			return chunks, nil
		case err == nil && s.replicas > 1 && time.Since(began) < patience: // a replica is behind
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return nil, err
			}
		case err == nil, errors.Is(err, errDamaged):
			return nil, fault.New(fault.Integrity, what+": a part of it is missing or has another size", fault.On(m.Path), fault.From(fault.OriginService),
				fault.Hint("it was replaced or removed meanwhile: open it again"))
		default:
			return nil, s.fault(ctx, err, what)
		}
	}
}

var errDamaged = errors.New("damaged")
