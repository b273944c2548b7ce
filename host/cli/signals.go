package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// signals are those that end a command.
type signals struct {
	again chan struct{} // closed at the second one
	stop  func()
}

// interruptible is ctx that ends at the first Ctrl-C or SIGTERM, with fault.Interrupted as its cause.
func interruptible(ctx context.Context) (context.Context, signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	caught := make(chan os.Signal, 2)
	s := signals{again: make(chan struct{})}
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
		for first := true; ; first = false {
			select {
			case <-done:
				return
			case <-caught:
				if !first {
					close(s.again)
					return
				}
				cancel(fault.New(fault.Interrupted, "interrupted", fault.From(fault.OriginHost)))
			}
		}
	}()
	return ctx, s
}
