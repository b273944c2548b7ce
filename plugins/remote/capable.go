package remote

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// ableAge is how long an answer about capabilities holds within one process. From one process to the next
// it is asked whether it still holds.
const ableAge = time.Minute

// capable is what is known of what the service can do.
type capable struct {
	known atomic.Pointer[knownCapabilities]
	turn  chan struct{} // holds one while somebody asks
}

type knownCapabilities struct {
	api.Capabilities
	at time.Time
}

// Capabilities asks what the service can do.
func (c *RemoteClient) Capabilities(ctx context.Context) (api.Capabilities, error) {
	fresh := func() *knownCapabilities {
		if k := c.able.known.Load(); k != nil && time.Since(k.at) < ableAge {
			return k
		}
		return nil
	}
	if k := fresh(); k != nil {
		return k.Capabilities, nil
	}
	select {
	case c.able.turn <- struct{}{}:
		defer func() { <-c.able.turn }()
	case <-ctx.Done():
		return api.Capabilities{}, context.Cause(ctx)
	}
	if k := fresh(); k != nil {
		return k.Capabilities, nil
	}
	able, err := c.askCapabilities(ctx)
	if err != nil {
		return api.Capabilities{}, err
	}
	c.able.known.Store(&knownCapabilities{able, time.Now()})
	return able, nil
}

// askCapabilities asks the service, with the ETag of what it answered before.
func (c *RemoteClient) askCapabilities(ctx context.Context) (able api.Capabilities, err error) {
	if err := c.checkKey(ctx); err != nil {
		return able, err
	}
	before := c.recall()
	q := call{method: http.MethodGet, path: api.PathCapable, header: http.Header{}}
	if before.Capabilities != nil && before.CapabilitiesETag != "" {
		q.header.Set("If-None-Match", before.CapabilitiesETag)
		q.allow = []int{http.StatusNotModified}
	}
	a, err := c.ask(ctx, q)
	if err != nil {
		return able, err
	}
	if a.status == http.StatusNotModified {
		return *before.Capabilities, nil
	}
	if able, err = decodeAnswer[api.Capabilities](q, a); err != nil {
		return able, err
	}
	if etag := a.header.Get("ETag"); etag != "" {
		c.remember(func(m *memory) { m.Capabilities, m.CapabilitiesETag = &able, etag })
	}
	return able, nil
}

// carried are the features that this client can carry, if the service has them. Parts are the service's own.
var carried = []backend.Feature{
	backend.FeatureDurableJobs, backend.FeatureListJobs, backend.FeatureBatch,
	backend.FeatureInputs, backend.FeatureArtifacts, backend.FeatureSnapshots,
}

// usable is what of the service's capabilities can be used through this client.
func usable(able api.Capabilities) backend.Capabilities {
	can := backend.Capabilities{Formats: able.Formats}
	for _, op := range able.Operations {
		if backend.NewRequest(op) != nil {
			can.Operations = append(can.Operations, op)
		}
	}
	for _, f := range able.Features {
		if slices.Contains(carried, f) {
			can.Features = append(can.Features, f)
		}
	}
	return can
}

// needs answers fault.Unsupported unless the service has a feature.
func (c *RemoteClient) needs(ctx context.Context, f backend.Feature) error {
	able, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	if can := usable(able); !can.Has(f) {
		return fault.New(fault.Unsupported, "the service does not support "+string(f), fault.On(c.origin()), fault.From(fault.OriginBackend),
			fault.Hint("see what it can do: atg backend info remote"))
	}
	return nil
}

// can answers fault.Unsupported unless the service does an operation.
func (c *RemoteClient) can(ctx context.Context, op backend.Operation) error {
	able, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	if can := usable(able); !can.Can(op) {
		return fault.New(fault.Unsupported, "the service does not do "+string(op), fault.On(c.origin()), fault.From(fault.OriginBackend),
			fault.Hint("see what it can do: atg backend info remote"))
	}
	return nil
}
