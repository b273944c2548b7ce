package store

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// delivery is a job in a worker's hands.
type delivery struct {
	store   *Store
	message *nats.Msg
	record  jobs.Record
	owner   string // whose: a lane's token
	attempt int
	asked   *nats.Subscription // to whether it is at work here; nil if that cannot be asked
	beaten  atomic.Int64       // when it last showed life, or tried to: nanoseconds since 1970
	leaving sync.Once
}

// asking is how long a worker that is asked whether it has a job may take to answer.
const asking = time.Second

// The answers.
var (
	haveIt  = []byte("+")
	haveNot = []byte("-")
)

// hold answers whoever asks whether the job is at work here, for as long as it shows life.
func (d *delivery) hold() {
	d.beaten.Store(time.Now().UnixNano())
	var err error
	d.asked, err = d.store.nc.Subscribe(havePrefix+token(d.ID()), func(m *nats.Msg) {
		answer := haveNot
		if time.Since(time.Unix(0, d.beaten.Load())) < d.store.config.AckWait {
			answer = haveIt
		}
		_ = m.Respond(answer) // who gets none takes the job
	})
	if err != nil {
		d.store.log.Warn("nobody can ask whether a job is at work here", "job_id", d.ID(), "error", err)
	}
}

// held asks whether a job that was delivered again is at work all the same. A queue that has lost its leader may take a worker for
// dead that it did not hear; a worker that is dead does not answer, and where its connection is known to be gone, NATS says so at once.
func (s *Store) held(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	answer, err := s.nc.RequestWithContext(ctx, havePrefix+token(id), nil)
	return err == nil && bytes.Equal(answer.Data, haveIt)
}

// Leave is jobs.Delivery.
func (d *delivery) Leave() {
	d.leaving.Do(func() {
		if d.asked != nil {
			_ = d.asked.Unsubscribe() // with the connection it is gone as well
		}
		d.store.owners.gave(d.owner)
	})
}

func (d *delivery) ID() string          { return d.record.Job.JobID }
func (d *delivery) Record() jobs.Record { return d.record }
func (d *delivery) Attempt() int        { return d.attempt }

// What a consumer is told (ADR-8 and the client protocol of JetStream).
const (
	ackDone  = "+ACK"
	ackAlive = "+WPI"
	ackRetry = "-NAK"
	ackTerm  = "+TERM"
)

func (d *delivery) Alive(ctx context.Context) error {
	d.beaten.Store(time.Now().UnixNano())
	return d.tell(ctx, ackAlive)
}

func (d *delivery) Done(ctx context.Context) error { return d.end(ctx, ackDone, -1) }

func (d *delivery) Retry(ctx context.Context, delay time.Duration) error {
	how, err := json.Marshal(map[string]int64{"delay": max(delay, 0).Nanoseconds()})
	if err != nil {
		return err
	}
	return d.end(ctx, ackRetry+" "+string(how), max(delay, 0))
}

func (d *delivery) Bury(ctx context.Context, reason string) error {
	bounded, cancel := bound(ctx)
	defer cancel()
	m := &nats.Msg{Subject: deadPrefix + d.owner + "." + token(d.ID()), Data: d.message.Data, Header: nats.Header{}}
	m.Header.Set(nats.MsgIdHdr, d.ID())
	m.Header.Set("Atg-Reason", strings.Join(strings.Fields(reason), " "))
	m.Header.Set("Atg-Attempt", strconv.Itoa(d.attempt))
	if _, err := d.store.js.PublishMsg(bounded, m); err != nil {
		return d.store.fault(ctx, err, "the job could not be put among the dead letters")
	}
	return d.end(ctx, ackTerm, -1)
}

// end gives the job up, and tells who waits for one of its owner's, with the delay after which it comes again; it
// does not if that is negative.
func (d *delivery) end(ctx context.Context, how string, delay time.Duration) error {
	d.Leave() // before anybody else may get it
	if err := d.tell(ctx, how); err != nil {
		return err
	}
	again, _ := json.Marshal(delay)
	if err := d.store.nc.Publish(freeSubject(d.owner, d.record.Parent != ""), again); err != nil {
		d.store.log.WarnContext(ctx, "the other workers could not be told of a free place", "error", err)
	}
	return nil
}

// tell tells the server, and waits until it has heard.
func (d *delivery) tell(ctx context.Context, what string) error {
	_, err := d.store.request(ctx, d.message.Reply, []byte(what))
	return d.store.fault(ctx, err, "the queue could not be told of the job")
}
