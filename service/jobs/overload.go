package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Overload is the cause of a refusal that passes by itself: what ran out, and when to try again.
type Overload struct {
	Reason string        // one word, for metrics
	After  time.Duration // when there may be some again
}

// The reasons of package jobs and of stores.
const (
	ReasonWaiting       = "jobs_waiting"         // as many jobs wait for workers as may
	ReasonWaitingPerKey = "jobs_waiting_per_key" // of one key
	ReasonDisk          = "disk"                 // the store has no room
)

// How long to wait before trying again where nobody knows when there will be room: jobs end by the minute, and disks are
// freed by people.
const (
	afterJobs = 15 * time.Second
	afterDisk = time.Minute
)

func (o Overload) Error() string {
	return fmt.Sprintf("try again in %s", o.After.Round(time.Millisecond))
}

// OverloadOf is the Overload that made err, if one did.
func OverloadOf(err error) (o Overload, ok bool) {
	ok = errors.As(err, &o)
	return o, ok
}

// NoRoom is a refusal because the store has no room, as a fault.
func NoRoom(message string, options ...fault.Option) *fault.Fault {
	return fault.New(fault.ServiceUnavailable, message, append([]fault.Option{
		fault.Because(Overload{ReasonDisk, afterDisk}), fault.From(fault.OriginService), fault.Retryable(),
		fault.Hint("the service's operator can free space there, or shorten the retention"),
	}, options...)...)
}

// MaySubmit refuses a submission that Submit would refuse whatever it asks for, so that nobody need read it: too many jobs wait for
// workers, of the caller's (fault.Throttled) or altogether, or the store has no room (fault.ServiceUnavailable). A submission that
// came before, by its idempotency key, is not refused: it makes no job.
func (s *Service) MaySubmit(_ context.Context, c Caller, idempotencyKey string) error {
	err := s.mayQueue(c)
	if err == nil {
		err = s.o.Records.Room()
	}
	if err != nil && idempotencyKey != "" && s.o.Records.Known(newID(c.Key, idempotencyKey)) {
		return nil
	}
	return err
}

// mayQueue refuses one more job where as many wait as may. Submissions that are under way are not counted.
func (s *Service) mayQueue(c Caller) error {
	if s.o.Waiting <= 0 && s.o.WaitingPerKey <= 0 {
		return nil
	}
	own, all := s.o.Records.Waiting(c.Key)
	switch {
	case s.o.WaitingPerKey > 0 && own >= s.o.WaitingPerKey:
		return fault.New(fault.Throttled, fmt.Sprintf("%d jobs of this key wait for workers, as many as may", own), fault.Because(Overload{ReasonWaitingPerKey, afterJobs}),
			fault.Retryable(), fault.From(fault.OriginService), fault.Hint("wait until some have ended, or cancel some: atg job list --status pending"))
	case s.o.Waiting > 0 && all >= s.o.Waiting:
		return fault.New(fault.ServiceUnavailable, "as many jobs wait for workers as the service keeps", fault.Because(Overload{ReasonWaiting, afterJobs}),
			fault.Retryable(), fault.From(fault.OriginService), fault.Hint("try again later; the service's operator can start more workers"))
	}
	return nil
}
