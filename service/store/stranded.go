package store

import (
	"context"
	"time"
)

// A server that is cut off from the others keeps its connections, and nothing that is asked by them is answered. How often one asks
// whether it is so, how long an answer may take, and how many have to fail: together longer than electing a leader takes.
const (
	strandedAsk   = 2 * time.Second
	strandedFails = 5
)

// leaveStranded leaves servers of a cluster that have no leader to ask, for another one.
func (s *Store) leaveStranded(background context.Context) {
	if s.replicas == 1 {
		return
	}
	for _, l := range []link{s.link, s.bulk} {
		s.running.Go(func() {
			ask := time.NewTicker(strandedAsk)
			defer ask.Stop()
			for failed := 0; ; {
				select {
				case <-ask.C:
				case <-background.Done():
					return
				}
				if failed++; !l.nc.IsConnected() || l.answered(background) {
					failed = 0
				}
				if failed < strandedFails {
					continue
				}
				failed = 0
				s.leave(l)
			}
		})
	}
}

// leave has a connection go to another server of the cluster.
func (s *Store) leave(l link) {
	s.log.Warn("the NATS server does not reach the others, and is left for another one", "url", l.nc.ConnectedUrlRedacted())
	if err := l.nc.ForceReconnect(); err != nil {
		s.log.Warn("the NATS server could not be left", "error", err)
	}
}

// answered says whether the leader of the cluster answers by this connection.
func (l link) answered(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, strandedAsk)
	defer cancel()
	_, err := l.js.AccountInfo(ctx)
	return err == nil
}
