package discovery

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// page is a page of rows on its way from Azure to the disk.
type page = azure.Page[graph.Row]

// sink takes rows from all who read, and writes them to the snapshot, which has one writer. A reader that finds
// no page free waits for the disk, so that memory does not grow.
type sink struct {
	writer *graph.Writer // nil takes the rows, and keeps none
	rows   chan rows
	free   chan *page // of Resource Graph's, 16 MiB at most
	smalls chan *page // of Resource Manager's, which has many small answers
	cancel context.CancelCauseFunc
	ended  chan struct{}
	err    error // valid once ended is closed
}

// rows are some rows, and what gives their memory back.
type rows struct {
	rows []graph.Row
	done func()
}

// newSink starts writing. A failure of the writer ends the context that it answers.
func newSink(ctx context.Context, writer *graph.Writer, pages, smalls int) (context.Context, *sink) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &sink{writer: writer, rows: make(chan rows, pages), free: make(chan *page, pages), smalls: make(chan *page, smalls), cancel: cancel, ended: make(chan struct{})}
	for range pages {
		s.free <- new(page)
	}
	for range smalls {
		s.smalls <- new(page)
	}
	go s.write()
	return ctx, s
}

func (s *sink) write() {
	defer close(s.ended)
	for r := range s.rows {
		if s.err == nil && s.writer != nil {
			if s.err = s.writer.Add(r.rows); s.err != nil {
				s.cancel(s.err)
			}
		}
		r.done()
	}
}

// page waits for a page that is free.
func (s *sink) page(ctx context.Context) (*page, error) { return wait(ctx, s.free) }

// small waits for a page for an answer of Resource Manager.
func (s *sink) small(ctx context.Context) (*page, error) { return wait(ctx, s.smalls) }

func wait[T any](ctx context.Context, free <-chan *T) (*T, error) {
	select {
	case p := <-free:
		return p, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// keptPage and keptSmall are how much memory of a page is kept for the next one, in bytes.
const (
	keptPage  = 8 << 20
	keptSmall = 128 << 10
)

// take writes a page of page, and frees it.
func (s *sink) take(p *page) {
	s.put(p.Rows, func() {
		p.Shrink(keptPage)
		s.free <- p
	})
}

// takeSmall writes a page of small, and frees it.
func (s *sink) takeSmall(p *page) {
	s.put(p.Rows, func() {
		p.Shrink(keptSmall)
		s.smalls <- p
	})
}

// put writes rows, and then calls done.
func (s *sink) put(r []graph.Row, done func()) { s.rows <- rows{r, done} }

// close waits until all is written. Nobody may write any more.
func (s *sink) close() error {
	close(s.rows)
	<-s.ended
	s.cancel(nil)
	return s.err
}
