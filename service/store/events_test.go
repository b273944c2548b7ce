package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func logEvent(attempt int, n uint32) backend.Event {
	return backend.Event{
		Seq: jobs.Seq(attempt, n), Time: epoch, Kind: backend.EventLog, Log: &backend.Log{Level: backend.LevelInfo, Message: fmt.Sprint(n)},
	}
}

func progressEvent(attempt int, n uint32, phase string) backend.Event {
	return backend.Event{
		Seq: jobs.Seq(attempt, n), Time: epoch, Kind: backend.EventProgress, Progress: &backend.Progress{Phase: phase, Done: int64(n)},
	}
}

func terminalEvent(attempt int, n uint32) backend.Event {
	r := job("job-1", "owner")
	complete(&r)
	return backend.Event{Seq: jobs.Seq(attempt, n), Time: epoch, Kind: backend.EventStatus, Status: &r.Job}
}

func appendEvents(t testing.TB, s *Store, events ...backend.Event) {
	t.Helper()
	for _, e := range events {
		if err := s.Append(t.Context(), "job-1", e); err != nil {
			t.Error(err)
		}
	}
}

// watching is what a watcher sees.
type watching struct {
	events chan backend.Event
	ended  chan error
}

func watch(t testing.TB, s *Store, after uint64) watching {
	t.Helper()
	w := watching{make(chan backend.Event), make(chan error, 1)}
	go func() {
		w.ended <- s.Watch(t.Context(), "job-1", after, func(e backend.Event) error {
			select {
			case w.events <- e:
				return nil
			case <-t.Context().Done():
				return t.Context().Err()
			}
		})
		close(w.events)
	}()
	return w
}

// all is what comes until the end.
func (w watching) all(t testing.TB) []backend.Event {
	t.Helper()
	var all []backend.Event
	for e := range w.events {
		all = append(all, e)
	}
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	return all
}

func TestWatchReplaysAndGoesOnLive(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	other := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"))
	var want []backend.Event
	for n := range uint32(300) { // more than a page
		want = append(want, logEvent(1, n+1))
	}
	appendEvents(t, s, want...)
	here, there, late := watch(t, s, 0), watch(t, other, 0), watch(t, other, jobs.Seq(1, 299))
	if e := <-late.events; e.Seq != jobs.Seq(1, 300) {
		t.Errorf("the first one after 299 is %d", e.Seq)
	}
	end := []backend.Event{logEvent(1, 301), logEvent(2, 1), terminalEvent(2, 2)}
	want = append(want, end...)
	go appendEvents(t, s, end...)
	for name, w := range map[string]watching{"here": here, "there": there} {
		if diff := cmp.Diff(want, w.all(t)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if diff := cmp.Diff(end, late.all(t)); diff != "" {
		t.Errorf("late: %s", diff)
	}
	if diff := cmp.Diff(want, watch(t, other, 0).all(t)); diff != "" {
		t.Errorf("behind the end: %s", diff)
	}
	if all := watch(t, s, jobs.Seq(2, 2)).all(t); len(all) != 0 {
		t.Errorf("after the last one there is %v", all)
	}
}

// Events of a worker that does not know yet that its job was given to another one come late.
func TestWatchLeavesOutWhatIsOutOfOrder(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	events := []backend.Event{logEvent(1, 1), logEvent(2, 1), logEvent(1, 2), logEvent(2, 2), logEvent(2, 2), terminalEvent(2, 3)}
	live := watch(t, s, 0)
	go appendEvents(t, s, events...)
	want := []backend.Event{events[0], events[1], events[3], events[5]}
	if diff := cmp.Diff(want, live.all(t)); diff != "" {
		t.Errorf("live: %s", diff)
	}
	if diff := cmp.Diff(want, watch(t, s, 0).all(t)); diff != "" {
		t.Errorf("replayed: %s", diff)
	}
	if diff := cmp.Diff(want[1:], watch(t, s, jobs.Seq(1, 2)).all(t)); diff != "" {
		t.Errorf("replayed in part: %s", diff)
	}
}

func TestASlowReaderLosesNothingButProgress(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	w := watch(t, s, 0)
	appendEvents(t, s, logEvent(1, 1))
	first := <-w.events // the reader has this one for a long time
	n := uint32(1)
	var logs []uint64
	for range 3 * behind {
		appendEvents(t, s, progressEvent(1, n+1, "resources"), progressEvent(1, n+2, "role assignments"), logEvent(1, n+3))
		logs = append(logs, jobs.Seq(1, n+3))
		n += 3
	}
	appendEvents(t, s, terminalEvent(1, n+1))
	<-s.js.PublishAsyncComplete()
	last, err := s.last(t.Context(), eventsStream, eventsSubject("job-1"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the events never came", func() bool {
		s.fan.mu.Lock()
		defer s.fan.mu.Unlock()
		return s.fan.last >= last.seq
	})
	all := append([]backend.Event{first}, w.all(t)...)
	var seen []uint64
	progress := 0
	for i, e := range all {
		if i > 0 && e.Seq <= all[i-1].Seq {
			t.Errorf("%d comes after %d", e.Seq, all[i-1].Seq)
		}
		switch e.Kind {
		case backend.EventLog:
			seen = append(seen, e.Seq)
		case backend.EventProgress:
			progress++
		}
	}
	if diff := cmp.Diff(append([]uint64{jobs.Seq(1, 1)}, logs...), seen); diff != "" {
		t.Errorf("logs: %s", diff)
	}
	if progress == 0 || progress >= 6*behind {
		t.Errorf("%d of %d events of progress", progress, 6*behind)
	}
	if !all[len(all)-1].Terminal() {
		t.Errorf("the last one is %+v", all[len(all)-1])
	}
}

func TestCoalesce(t *testing.T) {
	t.Parallel()
	var events []backend.Event
	for _, e := range []backend.Event{
		progressEvent(1, 1, "a"), logEvent(1, 2), progressEvent(1, 3, "b"), progressEvent(1, 4, "a"), logEvent(1, 5), progressEvent(1, 6, "a"),
	} {
		events = coalesce(events, e)
	}
	var got []uint64
	for _, e := range events {
		got = append(got, e.Seq)
	}
	if want := []uint64{jobs.Seq(1, 2), jobs.Seq(1, 3), jobs.Seq(1, 5), jobs.Seq(1, 6)}; !slices.Equal(got, want) {
		t.Error(got)
	}
}

func TestATerminalEventThatWasLostIsMadeFromTheRecord(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	s.grace = 20 * time.Millisecond
	other := neighbour(t, s)
	other.grace = s.grace
	enqueue(t, s, job("job-1", "owner"))
	update(t, s, "job-1", run)
	appendEvents(t, s, logEvent(1, 1))
	live, elsewhere := watch(t, s, 0), watch(t, other, 0)
	<-live.events
	<-elsewhere.events
	update(t, s, "job-1", func(r *jobs.Record) {
		complete(r)
		now := time.Now().UTC()
		r.Job.CompletedAt = &now
	})
	for name, w := range map[string]watching{"live": live, "elsewhere": elsewhere, "later": watch(t, s, jobs.Seq(1, 1))} {
		all := w.all(t)
		if len(all) != 1 || !all[0].Terminal() || all[0].Seq <= jobs.Seq(1, 1) || all[0].Seq >= jobs.Seq(2, 0) {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

func TestATerminalEventThatIsLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	s.grace = time.Hour
	enqueue(t, s, job("job-1", "owner"))
	update(t, s, "job-1", run)
	w := watch(t, s, 0)
	update(t, s, "job-1", func(r *jobs.Record) {
		complete(r)
		now := time.Now().UTC()
		r.Job.CompletedAt = &now
	})
	want := []backend.Event{logEvent(1, 1), terminalEvent(1, 2)}
	go appendEvents(t, s, want...)
	if diff := cmp.Diff(want, w.all(t)); diff != "" {
		t.Error(diff)
	}
}

func TestWatchEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	appendEvents(t, s, logEvent(1, 1), logEvent(1, 2))
	stop := errors.New("enough")
	if err := s.Watch(t.Context(), "job-1", 0, func(backend.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("its own error: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Watch(ctx, "job-1", 0, func(e backend.Event) error {
		if e.Seq == jobs.Seq(1, 2) {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("its context: %v", err)
	}
	if err := s.Watch(t.Context(), "job-2", 0, nil); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("no job: %v", err)
	}
	s.fan.mu.Lock()
	defer s.fan.mu.Unlock()
	if len(s.fan.watching) != 0 {
		t.Errorf("somebody still watches %v", s.fan.watching)
	}
}

// A server that was killed may have lost its latest events, and gives their numbers in the stream to others.
func TestWatchSurvivesEventsThatTheServerLost(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	w := watch(t, s, 0)
	appendEvents(t, s, logEvent(1, 1), logEvent(1, 2), logEvent(1, 3))
	for range 3 {
		<-w.events
	}
	if err := s.js.DeleteStream(t.Context(), eventsStream); err != nil {
		t.Fatal(err)
	}
	if err := s.lay(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendEvents(t, s, logEvent(1, 4))
	<-s.js.PublishAsyncComplete()
	if err := s.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	if e := <-w.events; e.Seq != jobs.Seq(1, 4) {
		t.Errorf("%d instead of %d", e.Seq, jobs.Seq(1, 4))
	}
	go appendEvents(t, s, terminalEvent(1, 5))
	if all := w.all(t); len(all) != 1 || !all[0].Terminal() {
		t.Errorf("%+v", all)
	}
}

func TestEventsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storeOn(t, dir)
	enqueue(t, s, job("job-1", "owner"))
	appendEvents(t, s, logEvent(1, 1), logEvent(1, 2))
	closeStore(t, s)
	s = storeOn(t, dir)
	w := watch(t, s, 0)
	for _, want := range []uint64{jobs.Seq(1, 1), jobs.Seq(1, 2)} {
		if e := <-w.events; e.Seq != want {
			t.Errorf("%d instead of %d", e.Seq, want)
		}
	}
	go appendEvents(t, s, terminalEvent(1, 3))
	if all := w.all(t); len(all) != 1 || !all[0].Terminal() {
		t.Errorf("%+v", all)
	}
}
