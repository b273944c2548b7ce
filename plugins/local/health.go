package local

import (
	"context"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// checkTime bounds the check of one dependency.
const checkTime = 20 * time.Second

// CheckHealth implements backend.Backend.
func (l *local) CheckHealth(ctx context.Context) backend.Health {
	e, err := l.configured()
	if err != nil {
		return backend.Health{Message: err.Error()}
	}
	h := backend.Health{Healthy: true, Dependencies: []backend.Dependency{
		check(ctx, "snapshot store", func(context.Context) (string, error) {
			return e.store.Dir(), writable(e.store.Dir())
		}),
	}}
	session := e.azure.Session("")
	credential := check(ctx, "credential", func(ctx context.Context) (string, error) {
		source, _, err := session.Authenticate(ctx)
		return source, err
	})
	h.Dependencies = append(h.Dependencies, credential)
	if credential.Healthy {
		h.Dependencies = append(h.Dependencies, check(ctx, "Azure Resource Manager", func(ctx context.Context) (string, error) {
			subscriptions, err := session.Subscriptions(ctx)
			return fmt.Sprintf("%s, %d subscriptions visible", e.azure.Config().Endpoints.ResourceManager, len(subscriptions)), err
		}), check(ctx, "Resource Graph", func(ctx context.Context) (string, error) {
			return "", session.TryResourceGraph(ctx)
		}))
		if session.HasDirectory() {
			h.Dependencies = append(h.Dependencies, checkDirectory(ctx, session))
		}
		h.Dependencies = append(h.Dependencies, checkPermissions(ctx, session)...)
		h.Dependencies = append(h.Dependencies, e.checkClock())
	} else {
		for _, name := range []string{"Azure Resource Manager", "Resource Graph"} {
			h.Dependencies = append(h.Dependencies, backend.Dependency{Name: name, Message: "not checked, for lack of a credential"})
		}
	}
	for _, d := range h.Dependencies {
		if !d.Healthy && !d.Optional && h.Healthy {
			h.Healthy, h.Message = false, d.Name+": "+d.Message
		}
	}
	return h
}

// checkDirectory tries what scans read identities with. They can do without.
func checkDirectory(ctx context.Context, session *azure.Session) backend.Dependency {
	d := check(ctx, "Microsoft Graph", func(ctx context.Context) (string, error) {
		missing, err := session.TryDirectory(ctx)
		if err == nil && len(missing) > 0 {
			err = azure.MissingPermissions(missing, "not all identities can be read")
		}
		return "users, groups and applications can be read", err
	})
	d.Optional = true
	return d
}

// check tries one dependency.
func check(ctx context.Context, name string, try func(context.Context) (found string, err error)) backend.Dependency {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	// Nobody is there to sign in while health is checked.
	ctx = azure.WithTrace(ctx, &azure.Trace{})
	began := time.Now()
	found, err := try(ctx)
	d := backend.Dependency{Name: name, Healthy: err == nil, Message: found, LatencySeconds: time.Since(began).Seconds()}
	if err != nil {
		d.Fault = fault.Of(err)
		d.Message = d.Fault.Error()
	}
	return d
}
