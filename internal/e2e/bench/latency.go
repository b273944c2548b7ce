package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	tickingJobs = 200
	tickEvery   = 200 * time.Millisecond
	terminals   = 10 // atg job watch
	listening   = 10 * time.Second
)

// eventLatency runs many jobs at once, each in a backend process of its own that tells the time again and again, and watches each
// over a WebSocket and some with atg itself, whose lines are read from its standard error as a terminal would. The
// reference is a bare server that tells as many WebSockets the time as often.
func (b bench) eventLatency(ctx context.Context) ([]figure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sockets, lines, err := b.tickingService(ctx)
	if err != nil {
		return nil, err
	}
	reference, err := b.tickingBare(ctx)
	if err != nil {
		return nil, err
	}
	return []figure{{Name: "event_latency_p99_ms", Value: round(max(percentile(sockets, 99), percentile(lines, 99))), Unit: "ms", Goal: "<= 100",
		Reference: round(percentile(reference, 99)),
		Note: fmt.Sprintf("%d jobs in as many processes, an event each %s; %d events over %d WebSockets: median %.1f ms, p99 %.1f ms; %d lines of %d atg job watch: median %.1f ms, p99 %.1f ms; "+
			"the reference is a bare WebSocket server", tickingJobs, tickEvery,
			len(sockets), tickingJobs, median(sockets), percentile(sockets, 99), len(lines), terminals, median(lines), percentile(lines, 99))}}, nil
}

// tickingService measures the latency of events at WebSockets and of lines at terminals, in milliseconds.
func (b bench) tickingService(ctx context.Context) (sockets, lines []float64, err error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: tickingJobs})
	if err != nil {
		return nil, nil, err
	}
	defer s.stop()
	ids := make([]string, tickingJobs)
	for i := range ids {
		if ids[i], err = s.submit(ctx, "tick-"+tickEvery.String()); err != nil {
			return nil, nil, err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var atSocket, atTerminal ear
	var deaf sync.WaitGroup // those who have heard nothing yet
	for _, id := range ids {
		deaf.Add(1)
		group.Go(func() error { return s.hear(ctx, &atSocket, api.Fill(api.PathEvents, id), sync.OnceFunc(deaf.Done)) })
	}
	for _, id := range ids[:terminals] {
		deaf.Add(1)
		group.Go(func() error {
			return atTerminal.read(ctx, b.command(ctx, b.program("atg"), "--profile", profile, "job", "watch", id), sync.OnceFunc(deaf.Done))
		})
	}
	group.Go(func() error {
		defer cancel()
		if err := heard(ctx, &deaf); err != nil {
			return err
		}
		return listen(ctx, &atSocket, &atTerminal)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, nil, fmt.Errorf("%w\n%s", err, s.tail())
	}
	if len(atSocket.ms) == 0 || len(atTerminal.ms) == 0 {
		return nil, nil, errors.New("no event came")
	}
	return atSocket.ms, atTerminal.ms, nil
}

// tickingBare is the same for WebSockets of a bare server.
func (b bench) tickingBare(ctx context.Context) ([]float64, error) {
	s, err := b.startBare(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var e ear
	var deaf sync.WaitGroup
	for range tickingJobs {
		deaf.Add(1)
		group.Go(func() error { return s.hear(ctx, &e, "/watch?every="+tickEvery.String(), sync.OnceFunc(deaf.Done)) })
	}
	group.Go(func() error {
		defer cancel()
		if err := heard(ctx, &deaf); err != nil {
			return err
		}
		return listen(ctx, &e)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return e.ms, nil
}

// heard waits until everybody has heard something.
func heard(ctx context.Context, deaf *sync.WaitGroup) error {
	all := make(chan struct{})
	go func() { deaf.Wait(); close(all) }()
	select {
	case <-all:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(2 * time.Minute):
		return errors.New("not every job told something within two minutes")
	}
}

// listen lets ears listen for a while.
func listen(ctx context.Context, ears ...*ear) error {
	for _, e := range ears {
		e.open.Store(time.Now().UnixNano())
	}
	return pause(ctx, listening)
}

// ear collects how old messages are when they arrive.
type ear struct {
	open atomic.Int64 // messages of an earlier time do not count; 0 is none does
	mu   sync.Mutex
	ms   []float64
}

// take takes a message that is a time in nanoseconds.
func (e *ear) take(message string, now time.Time) bool {
	told, err := strconv.ParseInt(message, 10, 64)
	if err != nil {
		return false
	}
	if open := e.open.Load(); open != 0 && told >= open {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ms = append(e.ms, float64(now.UnixNano()-told)/1e6)
	}
	return true
}

// hear takes the messages of a WebSocket, plain or of events, until ctx ends. It calls first with the first one.
func (t target) hear(ctx context.Context, e *ear, path string, first func()) error {
	conn, err := t.watch(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		message, err := text(ctx, conn)
		if err != nil {
			return err
		}
		if e.take(message, time.Now()) {
			first()
		}
	}
}

// text is the text of the next message.
func text(ctx context.Context, conn *websocket.Conn) (string, error) {
	_, content, err := conn.Read(ctx)
	if err != nil || len(content) == 0 || content[0] != '{' {
		return string(content), err
	}
	var event backend.Event
	if err := json.Unmarshal(content, &event); err != nil {
		return "", err
	}
	switch {
	case event.Progress != nil:
		return event.Progress.Message, nil
	case event.Log != nil:
		return event.Log.Message, nil
	case event.Terminal():
		return "", fmt.Errorf("a job ended: %s", event.Status.Error)
	}
	return "", nil
}

// read takes the lines that a command writes to its standard error, until ctx ends.
func (e *ear) read(ctx context.Context, cmd *exec.Cmd, first func()) error {
	r, w := io.Pipe()
	cmd.Stderr = w
	cmd.WaitDelay = ending
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = w.CloseWithError(cmd.Wait()) }()
	var said []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if e.take(strings.TrimSpace(lines.Text()), time.Now()) {
			first()
		} else if len(said) < 10 {
			said = append(said, lines.Text())
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%v ended: %w\n%s", cmd.Args, lines.Err(), strings.Join(said, "\n"))
}
