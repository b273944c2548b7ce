package store

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
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
	ending  sync.Once
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

func (d *delivery) Alive(ctx context.Context) error { return d.tell(ctx, ackAlive) }

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
	if err := d.tell(ctx, how); err != nil {
		return err
	}
	d.ending.Do(func() {
		d.store.owners.gave(d.owner)
		again, _ := json.Marshal(delay)
		if err := d.store.nc.Publish(freeSubject(d.owner, d.record.Parent != ""), again); err != nil {
			d.store.log.WarnContext(ctx, "the other workers could not be told of a free place", "error", err)
		}
	})
	return nil
}

// tell tells the server, and waits until it has heard.
func (d *delivery) tell(ctx context.Context, what string) error {
	_, err := d.store.request(ctx, d.message.Reply, []byte(what))
	return d.store.fault(ctx, err, "the queue could not be told of the job")
}
