package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// MaxBatch is how many queries Microsoft Graph takes in one call.
// https://learn.microsoft.com/graph/json-batching#batch-size-limitations
const MaxBatch = 20

// BatchReader reads the answers of many queries.
type BatchReader[T any] struct {
	Reader[T]               // its pages have rows of several queries
	Of        func(*T, int) // hears of each row which query it answers
	// Failed hears that a query has failed for good, perhaps after some of its pages; what it answers ends all.
	Failed func(query int, err error) error
}

// ReadBatch asks Microsoft Graph many queries, twenty in a call, and reads their pages to the end. Those of a call that are throttled
// or fail in passing are asked again.
func ReadBatch[T any](ctx context.Context, s *Session, queries []DirectoryQuery, r BatchReader[T]) error {
	return readBatch(ctx, s, queries, directoryTop, r)
}

func readBatch[T any](ctx context.Context, s *Session, queries []DirectoryQuery, top string, r BatchReader[T]) error {
	for first := 0; first < len(queries); first += MaxBatch {
		b := batch[T]{session: s, queries: queries, top: top, reader: r}
		for i := first; i < min(first+MaxBatch, len(queries)); i++ {
			b.open = append(b.open, i)
		}
		if err := b.read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// batch is some queries that are asked in one call, again and again until each is answered.
type batch[T any] struct {
	session  *Session
	queries  []DirectoryQuery
	top      string // rows of a page
	reader   BatchReader[T]
	open     []int // not answered yet
	began    time.Time
	failures int
}

// answered is what came of one query of a batch.
type answered struct {
	query int
	link  string   // to the next page
	fail  *failure // nil is an answer
}

func (b *batch[T]) read(ctx context.Context) error {
	for len(b.open) > 0 {
		answers, err := b.ask(ctx)
		if err != nil {
			return err
		}
		var wait time.Duration
		var why *failure
		b.open = b.open[:0]
		for _, a := range answers {
			switch {
			case a.fail == nil && a.link != "":
				err = b.rest(ctx, a)
			case a.fail == nil:
			case b.again(a.fail):
				b.open = append(b.open, a.query)
				if w := a.fail.wait; why == nil || w > wait {
					wait, why = w, a.fail
				}
			default:
				err = b.reader.Failed(a.query, a.fail.fault())
			}
			if err != nil {
				return err
			}
		}
		if err := b.pause(ctx, why, wait); err != nil {
			return err
		}
	}
	return nil
}

// again says that a query which failed is worth asking once more.
func (b *batch[T]) again(f *failure) bool {
	if b.began.IsZero() {
		b.began = time.Now()
	}
	return f.passing() && (f.throttled() || b.failures+1 < maxFailures) && time.Now().Add(f.wait).Sub(b.began) <= b.session.config.Patience
}

// pause waits before queries are asked again, for the reason of the one that asks for the longest wait; nil is none.
func (b *batch[T]) pause(ctx context.Context, why *failure, wait time.Duration) error {
	if why == nil {
		return nil
	}
	b.failures++
	if wait == 0 {
		wait = backoff(b.failures)
	}
	if why.throttled() { // it concerns others too
		b.session.limits.directory.refused(why, wait)
		return nil
	}
	return pause(ctx, Wait{why.why(), wait})
}

// rest reads the pages of a query behind the first.
func (b *batch[T]) rest(ctx context.Context, a answered) error {
	r := b.reader.Reader
	r.Take = func(p *Page[T]) error {
		for i := range p.Rows {
			b.reader.Of(&p.Rows[i], a.query)
		}
		return b.reader.Take(p)
	}
	q := b.queries[a.query]
	link, err := follow(apiDirectory, b.session.config.Endpoints.Graph, q.Path, a.link)
	if err == nil {
		err = readDirectory(ctx, b.session, q, link, r)
	}
	if err != nil && ctx.Err() == nil {
		return b.reader.Failed(a.query, err)
	}
	return err
}

// item is a query of a batch, as Microsoft Graph takes it.
type item struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
}

// ask asks the open queries in one call, and takes the rows of those that are answered.
func (b *batch[T]) ask(ctx context.Context) ([]answered, error) {
	items := make([]item, len(b.open))
	for i, n := range b.open {
		q := b.queries[n]
		items[i] = item{ID: strconv.Itoa(n), Method: http.MethodGet, URL: q.relative(b.top)}
		if q.Cast {
			items[i].Headers = map[string]string{"ConsistencyLevel": "eventual"}
		}
	}
	body, err := json.Marshal(map[string][]item{"requests": items})
	if err != nil {
		return nil, fault.New(fault.Internal, "the batch cannot be encoded", fault.Because(err))
	}
	page, err := b.reader.New(ctx)
	if err != nil {
		return nil, err
	}
	var answers []answered
	s := b.session
	if err := s.do(ctx, &call{api: apiDirectory, on: "/$batch", limiter: s.limits.directory, method: http.MethodPost, body: body,
		url: s.config.Endpoints.Graph + directoryVersion + "/$batch", permission: b.queries[b.open[0]].Permission,
		read: func(content io.Reader) (err error) {
			answers, err = b.take(page, content)
			return err
		}}); err != nil {
		page.Rows = page.Rows[:0]
		return nil, errors.Join(final(err), b.reader.Take(page))
	}
	return answers, b.reader.Take(page)
}

// response is the answer to one query in that of a batch.
type response struct {
	id, status int
	header     http.Header
	body       span
}

// take reads the answers of a batch into a page.
func (b *batch[T]) take(page *Page[T], content io.Reader) ([]answered, error) {
	if err := page.take(content); err != nil {
		return nil, err
	}
	responses, err := page.responses()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errForm, err)
	}
	var answers []answered
	for _, r := range responses {
		if !slices.Contains(b.open, r.id) || slices.ContainsFunc(answers, func(a answered) bool { return a.query == r.id }) {
			return nil, fmt.Errorf("%w: the batch has an answer to nothing", errForm)
		}
		a, err := b.answer(page, r)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	if len(answers) < len(b.open) {
		return nil, fmt.Errorf("%w: the batch has %d answers to %d queries", errForm, len(answers), len(b.open))
	}
	return answers, nil
}

// answer reads the answer to one query into a page.
func (b *batch[T]) answer(page *Page[T], r response) (answered, error) {
	b.session.limits.directory.answered(r.header)
	body := page.body.Bytes()[r.body.from:r.body.to:r.body.to]
	q := b.queries[r.id]
	if r.status != http.StatusOK {
		f := failedWith(r.status, r.header, body)
		f.call = q.call(b.session, "", nil)
		return answered{query: r.id, fail: f}, nil
	}
	form := shapeDirectory
	if q.One {
		form = shapeOne
	}
	from := len(page.Rows)
	around, err := page.parse(body, r.body.from, form, b.reader.Set)
	if err != nil {
		return answered{}, err
	}
	for i := from; i < len(page.Rows); i++ {
		b.reader.Of(&page.Rows[i], r.id)
	}
	return answered{query: r.id, link: around.link}, nil
}

// responses finds the answers in that of a batch.
func (p *Page[T]) responses() (all []response, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(p.body.Bytes()), jsontext.AllowDuplicateNames(true))
	return all, members(d, func(name []byte) error {
		if string(name) != "responses" {
			return d.SkipValue()
		}
		return elements(d, func() error {
			r := response{id: -1, header: http.Header{}}
			err := members(d, func(name []byte) error { return r.set(d, string(name)) })
			all = append(all, r)
			return err
		})
	})
}

// set takes a member of an answer in.
func (r *response) set(d *jsontext.Decoder, name string) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch name {
	case "id":
		r.id, err = strconv.Atoi(Column{Value: value}.Text())
	case "status":
		r.status, err = strconv.Atoi(string(value))
	case "headers":
		if value.Kind() != '{' {
			return nil
		}
		err = Members(value, func(c Column) error {
			r.header.Set(string(c.Name), c.Text())
			return nil
		})
	case "body":
		r.body = span{d.InputOffset() - int64(len(value)), d.InputOffset()}
	}
	return err
}

// BatchCalls is how many calls ReadBatch makes for the first pages of so many queries.
func BatchCalls(queries int64) int64 { return (queries + MaxBatch - 1) / MaxBatch }
