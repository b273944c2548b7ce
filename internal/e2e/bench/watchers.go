package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

const (
	idleWatchers = 3000
	allWatchers  = 10_000
	dialers      = 16 // that connect them
	settling     = 3 * time.Second
)

// idleWatcher is by how much a server grows for each WebSocket that watches a job of which nothing is to be told.
func (b bench) idleWatcher(ctx context.Context) ([]figure, error) {
	own, reference, err := b.watching(ctx, growth)
	if err != nil {
		return nil, err
	}
	return []figure{{Name: "idle_watcher_kb", Value: round(own), Unit: "KiB", Goal: "<= 60", Reference: round(reference),
		Note: fmt.Sprintf("growth of the server's resident memory for each of %d WebSockets over TLS on one job; the reference is a bare WebSocket server", idleWatchers)}}, nil
}

// manyWatchers is the memory of a service that ten thousand WebSockets watch.
func (b bench) manyWatchers(ctx context.Context) ([]figure, error) {
	own, reference, err := b.watching(ctx, watched)
	if err != nil {
		return nil, err
	}
	return []figure{{Name: "watchers_10k_mb", Value: round(own / 1024), Unit: "MiB", Goal: "<= 600", Reference: round(reference / 1024),
		Note: fmt.Sprintf("resident memory of the service, store and worker included, while %d WebSockets over TLS watch one job; the reference is a bare WebSocket server with as many", allWatchers)}}, nil
}

// watching measures the service whose job is watched, and then a bare server with as many WebSockets: one after the other, so
// that they do not share the machine.
func (b bench) watching(ctx context.Context, measure func(context.Context, *program, target, string) (float64, error)) (own, reference float64, err error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: 1})
	if err != nil {
		return 0, 0, err
	}
	defer s.stop()
	id, err := s.occupy(ctx)
	if err != nil {
		return 0, 0, err
	}
	if own, err = measure(ctx, s.program, s.target, api.Fill(api.PathEvents, id)); err != nil {
		return 0, 0, err
	}
	least, err := b.startBare(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer least.stop()
	reference, err = measure(ctx, least.program, least.target, "/watch")
	return own, reference, err
}

// watched is the resident memory of a server with so many watchers, in KiB.
func watched(ctx context.Context, p *program, t target, path string) (float64, error) {
	all, err := t.idle(ctx, path, allWatchers)
	defer func() {
		for _, conn := range all {
			_ = conn.CloseNow()
		}
	}()
	if err != nil {
		return 0, err
	}
	return settled(ctx, p)
}

// growth is by how many KiB of resident memory a server grows for each watcher.
func growth(ctx context.Context, p *program, t target, path string) (float64, error) {
	var watching []*websocket.Conn
	defer func() {
		for _, conn := range watching {
			_ = conn.CloseNow()
		}
	}()
	few, err := t.idle(ctx, path, 2*dialers) // what the first ones cost is not theirs alone
	watching = append(watching, few...)
	if err != nil {
		return 0, err
	}
	before, err := settled(ctx, p)
	if err != nil {
		return 0, err
	}
	many, err := t.idle(ctx, path, idleWatchers)
	watching = append(watching, many...)
	if err != nil {
		return 0, err
	}
	after, err := settled(ctx, p)
	return (after - before) / idleWatchers, err
}

// settled is a program's resident memory a while after its latest work.
func settled(ctx context.Context, p *program) (float64, error) {
	if err := pause(ctx, settling); err != nil {
		return 0, err
	}
	return p.resident()
}

// idle opens WebSockets, and waits for the first message of each.
func (t target) idle(ctx context.Context, path string, n int) ([]*websocket.Conn, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	all := make([]*websocket.Conn, n)
	for i := range all {
		group.Go(func() (err error) {
			if all[i], err = t.watch(ctx, path); err == nil {
				_, _, err = all[i].Read(ctx)
			}
			return err
		})
	}
	err := group.Wait()
	open := all[:0]
	for _, conn := range all {
		if conn != nil {
			open = append(open, conn)
		}
	}
	return open, err
}
