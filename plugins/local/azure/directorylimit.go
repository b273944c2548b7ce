package azure

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Microsoft Graph counts the resource units of an application's calls in a tenant: a token bucket whose size, 3,500 to 8,000 in ten
// seconds, depends on how many users the tenant has, and that others' calls as the same application empty too. Answers say nothing
// of it until more than four fifths are used, and then which share is.
// https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits
const (
	headerDirectoryUsed = "x-ms-throttle-limit-percentage"
	directoryEase       = 0.8 // the share from which it is told
	directoryWindow     = 10 * time.Second
)

const reasonDirectory = "throttled by Microsoft Graph"

// directoryLimiter is that of the calls to Microsoft Graph.
type directoryLimiter struct {
	pace *pace

	mu      sync.Mutex
	blocked time.Time // nobody calls until then
}

func (d *directoryLimiter) acquire(ctx context.Context, patience time.Duration) (turn, error) {
	w := waiter{patience: patience}
	for wait := d.due(time.Now()); wait > 0; wait = d.due(time.Now()) {
		if err := w.wait(ctx, Wait{reasonDirectory, wait}, nil); err != nil {
			return nil, err
		}
	}
	if err := d.pace.wait(ctx); err != nil {
		return nil, err
	}
	return func(_ int, header http.Header) { d.answered(header) }, nil
}

func (d *directoryLimiter) due(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.blocked.Sub(now)
}

// answered eases off when the bucket is nearly empty: what is used above four fifths is given back in that share of a window.
func (d *directoryLimiter) answered(header http.Header) {
	used, err := strconv.ParseFloat(header.Get(headerDirectoryUsed), 64)
	if err != nil || used <= directoryEase {
		return
	}
	d.block(time.Duration(min(used-directoryEase, 1) * float64(directoryWindow)))
}

func (d *directoryLimiter) refused(_ *failure, wait time.Duration) { d.block(wait) }

func (d *directoryLimiter) block(wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if until := time.Now().Add(wait); until.After(d.blocked) {
		d.blocked = until
	}
}
