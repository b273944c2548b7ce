package cli

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// signals are those that end a command.
type signals struct {
	again chan struct{} // closed at the second one
	stop  func()
	held  *atomic.Bool // Ctrl-C is somebody else's
}

// hold leaves Ctrl-C to a program that has the terminal, until the function that it answers is called.
func (s signals) hold() (release func()) {
	s.held.Store(true)
	return func() { s.held.Store(false) }
}

// interruptible is ctx that ends at the first Ctrl-C or SIGTERM, with fault.Interrupted as its cause.
func interruptible(ctx context.Context) (context.Context, signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	caught := make(chan os.Signal, 2)
	s := signals{again: make(chan struct{}), held: &atomic.Bool{}}
	watching, done := make(chan struct{}), make(chan struct{})
	s.stop = func() {
		<-watching
		signal.Stop(caught)
		close(done)
		cancel(nil)
	}
	go func() { // also to start watching takes a while, for which the command need not wait
		signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
		close(watching)
		for first := true; ; {
			select {
			case <-done:
				return
			case caught := <-caught:
				switch {
				case caught == os.Interrupt && s.held.Load():
				case first:
					first = false
					cancel(fault.New(fault.Interrupted, "interrupted", fault.From(fault.OriginHost)))
				default:
					close(s.again)
					return
				}
			}
		}
	}()
	return ctx, s
}
