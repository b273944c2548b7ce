package spec

import (
	"runtime"
	"sync/atomic"
)

// budget counts the values of a specification, so that a small file cannot become large in memory.
type budget struct {
	left  *atomic.Int64 // of all that share it
	taken int64
	over  bool
}

// take takes one value; false is that there are too many.
func (b *budget) take() bool {
	b.taken++
	b.over = b.over || b.left.Add(-1) < 0
	return !b.over
}

// reader decodes the blocks of a file beside their being found, and hands what they say to a decoder in their order.
type reader struct {
	*decoder
	left   int64        // values that those which were handed on have left
	shared atomic.Int64 // … and those that are on the way
	queue  []*reading
}

// readers is how many blocks are decoded at once. While it is decoded, a block takes some twenty times its size.
var readers = min(runtime.GOMAXPROCS(0), 4)

func newReader(d *decoder, values int) *reader {
	r := &reader{decoder: d, left: int64(values)}
	r.shared.Store(r.left)
	return r
}

// reading is a block that is decoded.
type reading struct {
	block
	values   []Value
	problems problems
	budget   budget
	shelf    *shelf
	done     chan struct{}
}

// add takes a block, which is the reader's from then on. It answers memory for the text of another one, or nil.
func (r *reader) add(b *block) (spare []byte) {
	if len(r.queue) == readers {
		spare = r.take()
	}
	one := &reading{block: *b, budget: budget{left: &r.shared}, shelf: r.spec.shelf, done: make(chan struct{})}
	r.queue = append(r.queue, one)
	go func() {
		defer close(one.done)
		one.read()
	}()
	return spare
}

// finish takes what is still on the way.
func (r *reader) finish() {
	for len(r.queue) > 0 {
		r.take()
	}
}

// stop waits for what is still on the way, and drops it.
func (r *reader) stop() {
	for _, one := range r.queue {
		<-one.done
	}
	r.queue = nil
}

// take hands on what the first block says that is on the way. Where a limit was met while others were decoded as well, it is decoded once more, by
// itself, so that it does not depend on them what is told.
func (r *reader) take() (spare []byte) {
	one := r.queue[0]
	r.queue = r.queue[1:]
	<-one.done
	if one.budget.over != (one.budget.taken > r.left) || one.budget.taken > r.left+1 {
		var left atomic.Int64
		left.Store(r.left)
		one.values, one.problems, one.budget = nil, problems{}, budget{left: &left}
		one.read()
	}
	r.left -= one.budget.taken
	r.join(&one.problems)
	for i := range one.values {
		r.block(&one.values[i])
	}
	return one.text
}

// read decodes a block, checks its form, and packs what it contains.
func (o *reading) read() {
	b, p := &o.block, &o.problems
	if !b.closed {
		p.wrong(b.fence, "", "end it by a line of the same characters", "the block that begins here has no end")
	}
	var all []Value
	if b.lang == "yaml" {
		all = readYAML(b, p, &o.budget)
	} else if v, ok := readJSON(b, p, &o.budget); ok {
		all = []Value{v}
	}
	pack := packer{shelf: o.shelf}
	for i := range all {
		if p.check(&all[i], document, nil) {
			pack.resources(&all[i])
			o.values = append(o.values, all[i])
		}
	}
	pack.close()
}
