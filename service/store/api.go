package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// message is one of a stream.
type message struct {
	subject string
	header  nats.Header
	data    []byte
	seq     uint64
	time    time.Time
}

// link is a connection.
type link struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	try time.Duration // how long an answer is waited for, before what may come twice is asked again
	// alone is how long nobody may be there to answer: while a cluster elects a leader, nobody is.
	alone time.Duration
}

// How a call that may come twice is tried again within the store's patience: a leader that has just gone leaves it
// without an answer, or without anybody to answer.
const (
	tryCluster = 2 * time.Second        // of a cluster; a single server has no other leader
	offline    = 5 * time.Second        // without a connection
	tryAgainIn = 200 * time.Millisecond // with nobody to answer
	aloneOne   = time.Second            // of a single server
	aloneMany  = 15 * time.Second       // of a cluster: after a leader was killed, NATS waits 4 to 9 seconds before it elects another
)

// nobody says whether nobody was there to answer, so that nothing was done.
func nobody(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// persist makes a call that may come twice, again if need be.
func (l link) persist(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := bound(ctx)
	defer cancel()
	alone := time.Now().Add(l.alone)
	for {
		wait := l.try
		if !l.nc.IsConnected() {
			wait = min(wait, offline)
		}
		try, cancel := context.WithTimeout(ctx, wait)
		err := call(try)
		cancel()
		switch {
		case ctx.Err() != nil:
			return err
		case nobody(err) && time.Now().Before(alone):
			if pause(ctx, tryAgainIn) != nil {
				return err
			}
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
			if !l.nc.IsConnected() {
				return nats.ErrDisconnected
			}
		default:
			return err
		}
	}
}

// request asks for something that may be asked for twice, and answers the reply.
func (l link) request(ctx context.Context, subject string, data []byte) (m *nats.Msg, err error) {
	err = l.persist(ctx, func(ctx context.Context) error {
		m, err = l.nc.RequestWithContext(ctx, subject, data)
		return err
	})
	return m, err
}

// last answers the newest message of a stream on a subject, which may have wildcards; jobs.ErrNotFound. It asks
// the stream's leader: a replica may be behind.
func (l link) last(ctx context.Context, stream, subject string) (message, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return message{}, err
	}
	answer, err := l.request(ctx, jetstream.DefaultAPIPrefix+"STREAM.MSG.GET."+stream, request)
	if err != nil {
		return message{}, err
	}
	var got struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return message{}, err
	}
	switch {
	case got.Error != nil && got.Error.ErrorCode == codeMessageNotFound:
		return message{}, jobs.ErrNotFound
	case got.Error != nil:
		return message{}, got.Error
	case got.Message == nil:
		return message{}, fmt.Errorf("%w: an answer without a message", nats.ErrInvalidMsg)
	}
	m := message{subject: got.Message.Subject, data: got.Message.Data, seq: got.Message.Seq, time: got.Message.Time}
	if len(got.Message.Header) > 0 {
		if m.header, err = nats.DecodeHeadersMsg(got.Message.Header); err != nil {
			return message{}, err
		}
	}
	return m, nil
}

// purge removes the messages of a stream on a subject, which may have wildcards, without a trace.
func (l link) purge(ctx context.Context, stream, subject string) error {
	request, err := json.Marshal(map[string]string{"filter": subject})
	if err != nil {
		return err
	}
	answer, err := l.request(ctx, jetstream.DefaultAPIPrefix+"STREAM.PURGE."+stream, request)
	if err != nil {
		return err
	}
	var got struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return err
	}
	if got.Error != nil {
		return got.Error
	}
	return nil
}

// The page of a scan.
const (
	pageMessages = 256
	pageBytes    = 4 << 20
)

// scan yields the messages of a stream on a subject, which may have wildcards, from a sequence number on, in their order,
// until yield fails or there are no more. It reads without a consumer (ADR-31), which a work queue would not allow
// beside those that it has. A replica that is behind may leave out the newest.
func (l link) scan(ctx context.Context, stream, subject string, from uint64, yield func(message) error) error {
	stuck := time.Now()
	for more := true; more; {
		began := from
		var err error
		from, more, err = l.page(ctx, stream, subject, from, yield)
		if from > began {
			stuck = time.Now()
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return err
		case nobody(err) && time.Since(stuck) < l.alone, errors.Is(err, errUnanswered) && time.Since(stuck) < patience:
			more = true
			if err := pause(ctx, tryAgainIn); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// errUnanswered says that the server that was asked for a page has sent nothing more: it may have died over it.
var errUnanswered = errors.New("unanswered")

// page reads one page of a scan, and answers where the next one begins and whether there is one.
func (l link) page(ctx context.Context, stream, subject string, from uint64, yield func(message) error) (uint64, bool, error) {
	inbox := l.nc.NewInbox()
	sub, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return from, false, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	request, err := json.Marshal(map[string]any{"seq": max(from, 1), "batch": pageMessages, "max_bytes": pageBytes, "next_by_subj": subject})
	if err != nil {
		return from, false, err
	}
	if err := l.nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+stream, inbox, request); err != nil {
		return from, false, err
	}
	for {
		m, err := l.next(ctx, sub)
		if err != nil {
			return from, false, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204": // the end of the page
			pending, err := strconv.ParseUint(m.Header.Get("Nats-Num-Pending"), 10, 64)
			return from, pending > 0, err
		case "404":
			return from, false, nil
		default:
			return from, false, fmt.Errorf("%w: %s %s", nats.ErrInvalidMsg, status, m.Header.Get("Description"))
		}
		got := message{subject: m.Header.Get("Nats-Subject"), header: m.Header, data: m.Data}
		if got.seq, err = strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64); err != nil {
			return from, false, err
		}
		got.time, _ = time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
		from = got.seq + 1
		if err := yield(got); err != nil {
			return from, false, err
		}
	}
}

// next waits for a subscription's next message.
func (l link) next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	short, cancel := context.WithTimeout(ctx, l.try)
	defer cancel()
	m, err := sub.NextMsgWithContext(short)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errUnanswered, err)
	}
	return m, err
}
