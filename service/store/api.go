package store

import (
	"context"
	"encoding/json"
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

// last answers the newest message of a stream on a subject, which may have wildcards; jobs.ErrNotFound. It asks
// the stream's leader: a replica may be behind.
func (l link) last(ctx context.Context, stream, subject string) (message, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return message{}, err
	}
	answer, err := l.nc.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"STREAM.MSG.GET."+stream, request)
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

// The page of a scan.
const (
	pageMessages = 256
	pageBytes    = 4 << 20
)

// scan yields the messages of a stream on a subject, which may have wildcards, from a sequence number on, in their order,
// until yield fails or there are no more. It reads without a consumer (ADR-31), which a work queue would not allow
// beside those that it has. A replica that is behind may leave out the newest.
func (l link) scan(ctx context.Context, stream, subject string, from uint64, yield func(message) error) error {
	inbox := l.nc.NewInbox()
	sub, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	for more := true; more; {
		request, err := json.Marshal(map[string]any{"seq": max(from, 1), "batch": pageMessages, "max_bytes": pageBytes, "next_by_subj": subject})
		if err != nil {
			return err
		}
		if err := l.nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+stream, inbox, request); err != nil {
			return err
		}
		if from, more, err = page(ctx, sub, from, yield); err != nil {
			return err
		}
	}
	return nil
}

// page reads one page of a scan, and answers where the next one begins and whether there is one.
func page(ctx context.Context, sub *nats.Subscription, from uint64, yield func(message) error) (uint64, bool, error) {
	for {
		m, err := next(ctx, sub)
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
func next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}
