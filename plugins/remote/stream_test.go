package remote

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestStream(t *testing.T) {
	pending, running, done := state(1, backend.JobPending), state(2, backend.JobRunning), state(9, backend.JobCompleted)
	ended := func(w http.ResponseWriter, r *http.Request) { reply(w, r, 200, job(backend.JobCompleted)) }
	gone := func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, fault.New(fault.JobNotFound, "there is no such job"))
	}
	revoked := func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, fault.New(fault.AuthFailed, "the key was revoked"))
	}
	broke, again := "the stream of events broke off", "reached again"
	polled := []string{"1 pending", "4294967297 running", "end completed"}
	cases := map[string]struct {
		play   *played
		after  uint64 // the service's number
		want   []string
		err    error
		afters []string
	}{
		"a whole stream": {play: &played{streams: []func(*stream){all(pending, running, logged(3, "a"), progressed(4, 5), done)}},
			want: []string{"1 pending", "2 running", "3 a", "4 resources 5", "9 completed"}, afters: []string{"0"}},
		"from the middle": {play: &played{streams: []func(*stream){all(logged(3, "a"), done)}}, after: 2,
			want: []string{"3 a", "9 completed"}, afters: []string{"2"}},
		"torn twice": {play: &played{streams: []func(*stream){torn(pending), torn(running, progressed(4, 5)), all(logged(5, "b"), done)}},
			want: []string{"1 pending", "1+ " + broke, "1+ " + again, "2 running", "4 resources 5", "4+ " + broke, "4+ " + again, "5 b", "9 completed"}, afters: []string{"0", "1", "4"}},
		"repeated events": {play: &played{streams: []func(*stream){torn(pending, running), all(pending, running, running, done)}},
			want: []string{"1 pending", "2 running", "2+ " + broke, "2+ " + again, "9 completed"}, afters: []string{"0", "2"}},
		"what nobody knows": {play: &played{streams: []func(*stream){all(pending, backend.Event{Seq: 2, Kind: "of-tomorrow"}, backend.Event{Seq: 3, Kind: backend.EventLog},
			backend.Event{Seq: 4, Kind: backend.EventStatus, Status: &backend.JobStatusResponse{JobID: "j2", Status: backend.JobFailed}}, done)}},
			want: []string{"1 pending", "9 completed"}, afters: []string{"0"}},
		"a service that restarts": {play: &played{streams: []func(*stream){closed(websocket.StatusGoingAway, "", pending), all(running, done)}},
			want: []string{"1 pending", "1+ the service ended the stream of events", "1+ " + again, "2 running", "9 completed"}, afters: []string{"0", "1"}},
		"a reader that was too slow": {play: &played{streams: []func(*stream){closed(websocket.StatusTryAgainLater, "slow_reader: connect again with after=2", pending, running), all(logged(3, "a"), done)}},
			want: []string{"1 pending", "2 running", "2+ the service ended the stream of events", "2+ " + again, "3 a", "9 completed"}, afters: []string{"0", "2"}},
		"a stream that forgets its end": {play: &played{streams: []func(*stream){all(pending, running)}, states: ended},
			want: []string{"1 pending", "2 running", "end completed"}, afters: []string{"0"}},
		"a service that is not up yet": {play: &played{refuse: []int{503, 502}, streams: []func(*stream){all(pending, done)}},
			want: []string{"0+ the service answered 503 (Service Unavailable)", "0+ the service answered 502 (Bad Gateway)", "0+ " + again, "1 pending", "9 completed"}, afters: []string{"0", "0", "0"}},
		"a job that is deleted": {play: &played{streams: []func(*stream){closed(websocket.StatusInternalError, "job_not_found", pending)}, states: gone},
			want: []string{"1 pending"}, err: fault.ErrJobNotFound, afters: []string{"0"}},
		"a key that is revoked": {play: &played{streams: []func(*stream){closed(websocket.StatusPolicyViolation, "auth_failed", pending)}, states: revoked},
			want: []string{"1 pending"}, err: fault.ErrAuthentication, afters: []string{"0"}},
		"no such job": {play: &played{refuse: []int{404}, states: gone}, err: fault.ErrJobNotFound, afters: []string{"0"}},
		"nonsense": {play: &played{streams: []func(*stream){func(s *stream) { _ = s.conn.Write(s.ctx, websocket.MessageText, []byte("<html>")) }}, states: ended},
			want: polled, afters: []string{"0"}},
		"numbers without room": {play: &played{streams: []func(*stream){all(state(1<<60, backend.JobPending))}, states: ended}, want: polled, afters: []string{"0"}},
		"binary": {play: &played{streams: []func(*stream){func(s *stream) { _ = s.conn.Write(s.ctx, websocket.MessageBinary, []byte("{}")) }}, states: ended},
			want: polled, afters: []string{"0"}},
		"a proxy that breaks each stream": {play: &played{streams: []func(*stream){torn()}, states: endsBehind(4)},
			want: []string{"0+ " + broke, "0+ " + again, "0+ " + broke, "0+ " + again, "1 pending", "4294967297 running", "end completed"}, afters: []string{"0", "0", "0", "0"}},
		"a proxy that breaks each handshake": {play: &played{refuse: []int{-1, -1, -1, -1, -1}, states: endsBehind(4)},
			want:   []string{"0+ the service at https://example.com cannot be reached", "0+ the service at https://example.com cannot be reached", "0+ " + again, "1 pending", "4294967297 running", "end completed"},
			afters: []string{"0", "0", "0", "0"}},
	}
	for _, status := range []int{200, 400, 401, 403, 404, 405, 426, 500, 501} {
		cases[fmt.Sprintf("a proxy that answers %d", status)] = struct {
			play   *played
			after  uint64
			want   []string
			err    error
			afters []string
		}{play: &played{refuse: []int{status}, states: ended}, want: polled, afters: []string{"0"}}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, c.play, func(t *testing.T, client *RemoteClient) {
				var events []backend.Event
				last := c.after * room
				err := client.WatchJob(t.Context(), "j1", last, func(e backend.Event) error {
					if e.Seq <= last || e.Time.IsZero() {
						t.Errorf("event %d at %s came behind %d", e.Seq, e.Time, last)
					}
					last = e.Seq
					events = append(events, e)
					return nil
				})
				if !errors.Is(err, c.err) {
					t.Errorf("the answer is %v", err)
				}
				if d := cmp.Diff(c.want, told(events)); d != "" {
					t.Errorf("events (-want +got): %s", d)
				}
				if d := cmp.Diff(c.afters, c.play.afters); d != "" {
					t.Errorf("connections (-want +got): %s", d)
				}
			})
		})
	}
}

// endsBehind answers that the job runs, so many times, and then that it has completed.
func endsBehind(n int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if n--; n > 0 {
			reply(w, r, 200, job(backend.JobRunning))
			return
		}
		reply(w, r, 200, job(backend.JobCompleted))
	}
}

// A connection whose other side is gone without a word is given up within a minute.
func TestHalfOpenStream(t *testing.T) {
	silent := func(s *stream) {
		s.send(state(1, backend.JobPending))
		<-s.ctx.Done() // it does not even read
	}
	p := &played{streams: []func(*stream){silent, all(state(2, backend.JobCompleted))}}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		began := time.Now()
		job, err := c.WaitForCompletion(t.Context(), "j1", nil)
		if err != nil || job.Status != backend.JobCompleted || len(p.afters) != 2 {
			t.Errorf("it ended as %s: %v", job.Status, err)
		}
		if took := time.Since(began); took < pulse || took > 3*pulse {
			t.Errorf("it took %s", took)
		}
	})
}

// A quiet job is no dead connection.
func TestQuietStream(t *testing.T) {
	quiet := func(s *stream) {
		ctx := s.conn.CloseRead(s.ctx) // answers pings
		s.send(state(1, backend.JobPending))
		if wait(ctx, 50*time.Minute) == nil {
			s.send(state(2, backend.JobCompleted))
		}
	}
	p := &played{streams: []func(*stream){quiet}}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		job, err := c.WaitForCompletion(t.Context(), "j1", nil)
		if err != nil || job.Status != backend.JobCompleted || len(p.afters) != 1 {
			t.Errorf("it ended as %s behind %d connections: %v", job.Status, len(p.afters), err)
		}
	})
}

func TestOutage(t *testing.T) {
	for name, c := range map[string]struct {
		down  time.Duration
		want  error
		least int // notices
	}{
		"a short one": {2 * time.Minute, nil, 10},
		"a long one":  {10 * time.Minute, fault.ErrServiceUnavailable, 30},
	} {
		t.Run(name, func(t *testing.T) {
			p := &played{}
			p.streams = []func(*stream){func(s *stream) {
				s.send(state(1, backend.JobPending))
				p.net.down.Store(true)
				p.net.cut()
				time.AfterFunc(c.down, func() { p.net.down.Store(false) })
			}, all(state(2, backend.JobCompleted))}
			play(t, p, func(t *testing.T, client *RemoteClient) {
				notices := 0
				_, err := client.WaitForCompletion(t.Context(), "j1", func(e backend.Event) error {
					if e.Seq%room != 0 {
						notices++
					}
					return nil
				})
				if !errors.Is(err, c.want) || notices < c.least {
					t.Errorf("behind %d notices: %v", notices, err)
				}
			})
		})
	}
}

func TestJobMaxWait(t *testing.T) {
	forever := func(s *stream) { s.send(state(1, backend.JobPending)); <-s.conn.CloseRead(s.ctx).Done() }
	for name, p := range map[string]*played{"streaming": {streams: []func(*stream){forever}}, "polling": {}} {
		t.Run(name, func(t *testing.T) {
			play(t, p, func(t *testing.T, c *RemoteClient) {
				began := time.Now()
				_, err := c.WaitForCompletion(t.Context(), "j1", nil)
				f := fault.As(err)
				if f == nil || f.Code != fault.JobMaxWait || f.Resource != "j1" || !strings.Contains(f.Hint, "atg --backend remote job watch j1") {
					t.Errorf("the answer is %+v", f)
				}
				if took := time.Since(began); took != c.config.JobMaxWait {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestReaderLeaves(t *testing.T) {
	for name, p := range map[string]*played{"streaming": {streams: []func(*stream){all(state(1, backend.JobPending), state(2, backend.JobRunning))}}, "polling": {}} {
		t.Run(name, func(t *testing.T) {
			play(t, p, func(t *testing.T, c *RemoteClient) {
				enough := errors.New("enough")
				err := c.WatchJob(t.Context(), "j1", 0, func(backend.Event) error { return enough })
				if !errors.Is(err, enough) {
					t.Errorf("the answer is %v", err)
				}
			})
		})
	}
}

// More followers than there are streams for follow by polling, and none waits for another.
func TestManyFollowers(t *testing.T) {
	double := newService()
	release := make(chan struct{})
	double.scan = gateOf(release)
	s := double.start(t)
	c := s.client(t, func(c *backend.ATGClientConfig) { c.JobPollInterval = 100 * time.Millisecond })
	job, err := c.SubmitScanJob(t.Context(), backend.ScanRequest{}, "")
	if err != nil {
		t.Fatal(err)
	}
	var followers, begun sync.WaitGroup
	for range 3 * maxPatient {
		begun.Add(1)
		followers.Go(func() {
			once := sync.OnceFunc(begun.Done)
			end, err := c.WaitForCompletion(t.Context(), job.JobID, func(backend.Event) error { once(); return nil })
			if err != nil || end.Status != backend.JobCompleted {
				t.Errorf("it ended as %s: %v", end.Status, err)
			}
		})
	}
	begun.Wait()
	if n := double.count("GET " + api.Fill(api.PathEvents, job.JobID)); n != maxPatient {
		t.Errorf("%d streams are open", n)
	}
	if _, err := c.ListJobs(t.Context(), backend.JobFilter{}); err != nil {
		t.Error(err)
	}
	close(release)
	followers.Wait()
	if most := s.net.most.Load(); most > maxConns {
		t.Errorf("%d connections were open", most)
	}
}
