package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/avast/retry-go/v4"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	minWait = time.Second      // between two tries
	maxWait = 10 * time.Second // between two tries, unless the service asks for more
	// maxAsked is the longest wait that a service may ask for. If it asks for more, the request has failed.
	maxAsked = 5 * time.Minute
)

// retried tries until it succeeds, fails for good, or has been tried MaxRetries times more. It answers the
// last failure, as a fault; the cause of ctx if that ended it.
func retried[T any](ctx context.Context, c *RemoteClient, try func(context.Context) (T, error)) (T, error) {
	v, err := retry.DoWithData(func() (T, error) { return try(ctx) },
		retry.Context(ctx),
		retry.Attempts(uint(c.config.MaxRetries)+1),
		retry.LastErrorOnly(true),
		retry.RetryIf(mayPass),
		retry.DelayType(func(n uint, err error, _ *retry.Config) time.Duration {
			d := c.delay(int(n), err)
			c.announce(ctx, err, d, fmt.Sprintf(" (retry %d of %d)", n, c.config.MaxRetries))
			return d
		}))
	return v, settled(err)
}

// mayPass says whether a failure may pass while somebody still waits.
func mayPass(err error) bool {
	var t *transient
	return errors.As(err, &t) && t.after <= maxAsked
}

// settled is a failure as callers see it.
func settled(err error) error {
	var t *transient
	if errors.As(err, &t) {
		return t.fault
	}
	return err
}

// delay is how long to wait before the nth retry, from 1: as long as the service asks for, else a random
// time that grows by the configured factor, so that many clients do not come back at once.
func (c *RemoteClient) delay(n int, err error) time.Duration {
	most := min(float64(maxWait), float64(minWait)*math.Pow(c.config.RetryBackoffFactor, float64(n)))
	least := max(float64(minWait), most/2)
	d := time.Duration(least + rand.Float64()*(most-least))
	var t *transient
	if errors.As(err, &t) && t.after > 0 {
		return t.after + rand.N(minWait/2)
	}
	return d
}

// announce says that something has to wait, and why: to the log, and to whoever follows a job or a
// download.
func (c *RemoteClient) announce(ctx context.Context, err error, d time.Duration, count string) {
	f := fault.Of(settled(err))
	what := f.Message
	if f.Code == fault.Throttled {
		what = "throttled"
	}
	text := fmt.Sprintf("%s, waiting %s s%s", what, strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64), count)
	level := slog.LevelWarn
	if c.notices.tell(text) {
		level = slog.LevelDebug // somebody shows it already
	}
	var cause []any
	if f.Cause != nil {
		cause = []any{"cause", f.Cause.Error()}
	}
	slog.Log(ctx, level, text, cause...)
}
