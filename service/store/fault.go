package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// patience is how long a call of the store waits for the server, whatever the caller's own patience: a busy disk may
// take seconds for a sync.
const patience = 30 * time.Second

// The server's error codes that the store acts on (nats-server, errors.json).
const (
	codeNoResources        = 10023
	codeAccountResources   = 10002
	codeStorageResources   = 10047
	codeMemoryResources    = 10028
	codeStoreFailed        = 10077 // "no space left on device", "maximum bytes exceeded"
	codeUnavailable        = 10008
	codeNotEnabled         = 10076
	codeNotEnabledAccount  = 10039
	codeMessageNotFound    = 10037
	codeDuplicateInProcess = 10158 // the same message id is being stored at this moment
	codeNoPeers            = 10005
	codeReplicasOnOne      = 10074
)

// fault says what an error of NATS means, unless it is the caller's own giving up, a fault, or an answer
// of the store.
func (s *Store) fault(ctx context.Context, err error, what string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, jobs.ErrNotFound), errors.Is(err, jobs.ErrChanged), fault.As(err) != nil:
		return err
	case fullDisk(err):
		return fault.New(fault.ServiceUnavailable, what+": the disk of the service is full", fault.Because(err), fault.On(s.place()),
			fault.From(fault.OriginService), fault.Retryable(), fault.Hint("the service's operator can free space on %s, or shorten the retention", s.place()))
	case unavailable(err):
		return fault.New(fault.ServiceUnavailable, what+": NATS does not answer", fault.Because(silent{err}), fault.On(s.place()),
			fault.From(fault.OriginService), fault.Retryable(), fault.Hint("try again; if it stays so, the service's operator can see to NATS at %s", s.place()))
	case errors.Is(err, nats.ErrMaxPayload):
		return fault.New(fault.InvalidArgument, fmt.Sprintf("%s: it is larger than the %d bytes that NATS takes at once", what, s.nc.MaxPayload()),
			fault.Because(err), fault.From(fault.OriginService), fault.Hint("ask for less at once, or let the service's operator raise max_payload of NATS"))
	}
	return fault.New(fault.Internal, what, fault.Because(err), fault.From(fault.OriginService))
}

// silent is an error of a server that did not answer: jobs.ErrSilent.
type silent struct{ error }

func (s silent) Unwrap() error      { return s.error }
func (silent) Is(target error) bool { return target == jobs.ErrSilent }

// place names where things are kept.
func (s *Store) place() string {
	if s.server != nil {
		return s.config.DataDir
	}
	if s.nc != nil {
		return s.nc.ConnectedUrlRedacted()
	}
	return "the configured URL"
}

func unavailable(err error) bool {
	for _, e := range []error{
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrConnectionClosed, nats.ErrConnectionDraining, nats.ErrDisconnected, nats.ErrNoServers,
		nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded, nats.ErrStaleConnection, nats.ErrBadSubscription,
		jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount,
		jetstream.ErrTooManyStalledMsgs, jetstream.ErrAsyncPublishTimeout,
		context.DeadlineExceeded, errStopped, errUnanswered,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return isCode(err, codeUnavailable, codeNotEnabled, codeNotEnabledAccount)
}

func fullDisk(err error) bool {
	return errors.Is(err, syscall.ENOSPC) ||
		isCode(err, codeNoResources, codeAccountResources, codeStorageResources, codeMemoryResources) ||
		isCode(err, codeStoreFailed) && (strings.Contains(err.Error(), "no space") || strings.Contains(err.Error(), "maximum bytes"))
}

// isCode says whether err is one of the server's errors with these codes.
func isCode(err error, codes ...int) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if int(api.ErrorCode) == c {
			return true
		}
	}
	return false
}

// bound gives a call the store's patience.
func bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}
