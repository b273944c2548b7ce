package remote

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// checkTime bounds the check of one dependency.
const checkTime = 20 * time.Second

// HealthCheck says whether the service works and takes the key, and what the service says of what it
// depends on, each with its latency. It asks once, without patience, and is never an error.
func (c *RemoteClient) HealthCheck(ctx context.Context) backend.Health {
	var told backend.Health
	service := c.check(ctx, "service", func(ctx context.Context) (message string, err error) {
		told, message, err = c.serviceHealth(ctx)
		return message, err
	})
	key := backend.Dependency{Name: "key", Message: "not checked, for the service cannot be reached"}
	if service.Healthy || len(told.Dependencies) > 0 {
		key = c.check(ctx, "key", c.tryKey)
	}
	h := backend.Health{Healthy: true, Dependencies: append([]backend.Dependency{service, key}, told.Dependencies...)}
	for _, d := range h.Dependencies[:2] {
		if !d.Healthy && h.Healthy {
			h.Healthy, h.Message = false, d.Name+": "+d.Message
		}
	}
	if h.Healthy {
		h.Message = service.Message
	}
	return h
}

// check tries one dependency.
func (c *RemoteClient) check(ctx context.Context, name string, try func(context.Context) (message string, err error)) backend.Dependency {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	began := time.Now()
	message, err := try(ctx)
	d := backend.Dependency{Name: name, Healthy: err == nil, Message: message, LatencySeconds: time.Since(began).Seconds()}
	if err != nil {
		d.Fault = fault.Of(settled(err))
		if ctx.Err() != nil && d.Fault.Code == fault.Timeout {
			d.Fault = fault.New(fault.ServiceUnavailable, "it did not answer within "+checkTime.String(), fault.Retryable(), fault.From(fault.OriginBackend))
		}
		d.Message = d.Fault.Error()
	}
	return d
}

// serviceHealth asks the service how it is. A service that is not well says so with a 503.
func (c *RemoteClient) serviceHealth(ctx context.Context) (told backend.Health, message string, err error) {
	q := call{method: http.MethodGet, path: api.PathHealth, noKey: true, allow: []int{http.StatusServiceUnavailable}}
	a, err := c.exchange(ctx, q)
	if err != nil {
		return told, "", err
	}
	var h api.Health
	if a.status == http.StatusServiceUnavailable && (json.Unmarshal(a.body, &h) != nil || h.Message == "" && len(h.Dependencies) == 0) {
		return told, "", c.refused(q, a)
	}
	if a.status != http.StatusServiceUnavailable {
		if h, err = decodeAnswer[api.Health](q, a); err != nil {
			return told, "", err
		}
	}
	if message = c.origin(); h.Version != "" {
		message += ", version " + printable(h.Version)
	}
	if !h.Healthy {
		if h.Message == "" {
			h.Message = "the service says that it is not healthy, and not why"
		}
		err = fault.New(fault.ServiceUnavailable, h.Message, fault.Retryable(), fault.From(fault.OriginService),
			fault.Hint("try again later; its operator can see more"))
	}
	return h.Health, message, err
}

// tryKey asks whose key this is.
func (c *RemoteClient) tryKey(ctx context.Context) (string, error) {
	q := call{method: http.MethodGet, path: api.PathAuth, allow: noAuth}
	a, err := c.exchange(ctx, q)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "the service cannot tell", nil
	}
	identity, err := decodeAnswer[api.Identity](q, a)
	if err != nil {
		return "", err
	}
	message := "taken"
	if identity.Name != "" {
		message += " as " + printable(identity.Name)
	}
	if at := identity.ExpiresAt; at != nil {
		message += ", until " + at.UTC().Format(time.RFC3339)
	}
	return message, nil
}
