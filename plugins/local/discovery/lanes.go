package discovery

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// calls is how many calls to Resource Manager one lane makes at once.
const calls = 4

// lanes read what Resource Manager has. Its limits are each subscription's own, so each has a lane, which does
// its tasks one after the other; so many lanes as there are workers are at work at once.
type lanes struct {
	group  *errgroup.Group
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	more  *sync.Cond // something may be ready, or all is done
	lanes map[string][]task
	ready []string // lanes with tasks that nobody works on
	tasks int      // not yet finished
	open  bool     // tasks may still come from outside
}

// task reads something. Its error ends the scan; what Azure refuses goes to the ledger.
type task func(context.Context) error

// newLanes starts the workers. The first error of a task ends the context that it answers.
func newLanes(ctx context.Context, workers int) (context.Context, *lanes) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &lanes{cancel: cancel, lanes: map[string][]task{}, open: true}
	l.more = sync.NewCond(&l.mu)
	l.group, ctx = errgroup.WithContext(ctx)
	for range workers {
		l.group.Go(func() error { return l.work(ctx) })
	}
	return ctx, l
}

// add gives a lane a task.
func (l *lanes) add(lane string, t task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks++
	queue, busy := l.lanes[lane]
	l.lanes[lane] = append(queue, t)
	if !busy {
		l.ready = append(l.ready, lane)
		l.more.Signal()
	}
}

// close says that no more tasks come, other than those that tasks bring about; an error ends all.
func (l *lanes) close(err error) {
	if err != nil {
		l.cancel(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = false
	l.more.Broadcast()
}

// wait returns when all tasks are done.
func (l *lanes) wait() error {
	err := l.group.Wait()
	l.cancel(nil)
	return err
}

func (l *lanes) work(ctx context.Context) error {
	for {
		lane, t, ok := l.next()
		if !ok {
			return nil
		}
		var err error
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else {
			err = t(ctx)
		}
		l.done(lane)
		if err != nil {
			return err
		}
	}
}

// next waits for a task; ok is false when there will be none.
func (l *lanes) next() (lane string, t task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ready) == 0 {
		if !l.open && l.tasks == 0 {
			return "", nil, false
		}
		l.more.Wait()
	}
	lane, l.ready = l.ready[0], l.ready[1:]
	return lane, l.lanes[lane][0], true
}

// done takes a finished task off its lane.
func (l *lanes) done(lane string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks--
	if rest := l.lanes[lane][1:]; len(rest) > 0 {
		l.lanes[lane] = rest
		l.ready = append(l.ready, lane)
	} else {
		delete(l.lanes, lane)
	}
	l.more.Broadcast()
}
