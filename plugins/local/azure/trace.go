package azure

import (
	"context"
	"time"
)

// Trace follows the calls that one job makes to Azure. A nil function hears nothing. They may be
// called from several goroutines.
type Trace struct {
	// CorrelationID is sent with every call, so that Azure's operators can find them; a GUID.
	CorrelationID string
	// Waiting hears that a call waits for Azure.
	Waiting func(Wait)
	// SignIn asks a person to sign in.
	SignIn func(SignIn)
}

// Wait says why and how long a call waits.
type Wait struct {
	Reason string // throttled by Resource Manager, Azure fails (HTTP 503)
	For    time.Duration
}

// SignIn is where to enter which code.
type SignIn struct {
	URL, Code string
	ExpiresAt time.Time
}

type traceKey struct{}

// WithTrace makes the calls under ctx followed by t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

func traceOf(ctx context.Context) *Trace {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok {
		return t
	}
	return &Trace{}
}

// announceFrom is how long a wait is that people hear of: a second, less what passes before it begins.
const announceFrom = 900 * time.Millisecond

// pause waits, and says so if it is long.
func pause(ctx context.Context, w Wait) error {
	tell(ctx, w)
	return sleep(ctx, w.For, nil)
}

// tell says that a call waits, if it is for long.
func tell(ctx context.Context, w Wait) {
	if t := traceOf(ctx); t.Waiting != nil && w.For >= announceFrom {
		t.Waiting(w)
	}
}

// sleep returns when the time is over or changed is closed.
func sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
