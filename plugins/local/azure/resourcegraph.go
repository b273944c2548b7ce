package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	resourceGraphPath = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
	apiResourceGraph  = "Resource Graph"

	// maxTop is how many rows Resource Graph gives in one page.
	maxTop = 1000
	// payloadTooLarge is the code of Resource Graph's refusal to send a page of more than 16 MiB.
	payloadTooLarge = "ResponsePayloadTooLarge"
)

// MaxSubscriptions is how many subscriptions one query should name, as Microsoft recommends
// ("Guidance for throttled requests").
const MaxSubscriptions = 300

// Query is a question to Resource Graph. To be paged it must have the column id and be ordered by it,
// and must not limit its rows itself.
type Query struct {
	KQL           string
	Subscriptions []string // ids; empty asks the whole tenant
	Limit         int64    // so many rows and no more; 0 is no limit
}

// Page is a page of rows. What Column hands out points into it until it is used again.
type Page[T any] struct {
	Rows []T
	body bytes.Buffer
}

// Column is one column of a row: its JSON name without quotes, and its JSON value.
type Column struct {
	Name  []byte
	Value jsontext.Value
}

// Reader reads a query's pages. Each page is read into one that New gives, which may wait for one to
// become free; Take gets it with its rows, or without any, to give it back.
type Reader[T any] struct {
	New  func(context.Context) (*Page[T], error)
	Set  func(*T, Column) error
	Take func(*Page[T]) error
}

// The body of a query; see armresourcegraph's models.
type queryBody struct {
	Query         string       `json:"query"`
	Subscriptions []string     `json:"subscriptions,omitempty"`
	Options       queryOptions `json:"options"`
}

type queryOptions struct {
	Top          int64  `json:"$top"`
	SkipToken    string `json:"$skipToken,omitempty"`
	ResultFormat string `json:"resultFormat"`
}

// envelope is what stands around the rows of a page.
type envelope struct {
	token     string
	truncated bool
	data      bool
}

// Read asks a query and reads its pages to the end. Whole pages only are taken: what breaks in the
// middle of one is read again.
func Read[T any](ctx context.Context, s *Session, q Query, r Reader[T]) error {
	body := queryBody{Query: q.KQL, Subscriptions: q.Subscriptions, Options: queryOptions{Top: maxTop, ResultFormat: "objectArray"}}
	for left := q.Limit; ; {
		if q.Limit > 0 {
			body.Options.Top = min(body.Options.Top, left)
		}
		page, err := r.New(ctx)
		if err != nil {
			return err
		}
		var around envelope
		if err := s.page(ctx, &body, func(content io.Reader) (err error) {
			around, err = page.read(content, r.Set)
			return err
		}); err != nil {
			page.Rows = page.Rows[:0]
			return errors.Join(err, r.Take(page))
		}
		if q.Limit > 0 {
			page.Rows = page.Rows[:min(int64(len(page.Rows)), left)]
			left -= int64(len(page.Rows))
		}
		if err := r.Take(page); err != nil {
			return err
		}
		switch {
		case q.Limit > 0 && left == 0, around.token == "" && !around.truncated:
			return nil
		case around.token == "":
			return fault.New(fault.ExecutionFailed, "Resource Graph cut its answer short and cannot page it", fault.From(fault.OriginAzure))
		case around.token == body.Options.SkipToken:
			return fault.New(fault.ExecutionFailed, "Resource Graph sends the same page again and again", fault.From(fault.OriginAzure))
		}
		body.Options.SkipToken = around.token
		body.Options.Top = min(2*body.Options.Top, maxTop)
	}
}

// page asks for one page, with fewer rows each time that they are too many bytes.
func (s *Session) page(ctx context.Context, body *queryBody, read func(io.Reader) error) error {
	for {
		content, err := json.Marshal(body)
		if err != nil {
			return fault.New(fault.Internal, "the query cannot be encoded", fault.Because(err))
		}
		err = s.do(ctx, &call{api: apiResourceGraph, limiter: s.graph, method: http.MethodPost,
			url: s.config.Endpoints.ResourceManager + resourceGraphPath, body: content, read: read})
		if f := (*failure)(nil); errors.As(err, &f) && f.code == payloadTooLarge && body.Options.Top > 1 {
			body.Options.Top /= 2
			continue
		}
		return final(apiResourceGraph, err)
	}
}

// read reads a page from the content of an answer. The rows' values point into the page.
func (p *Page[T]) read(content io.Reader, set func(*T, Column) error) (around envelope, err error) {
	p.Rows = p.Rows[:0]
	p.body.Reset()
	if _, err := p.body.ReadFrom(io.LimitReader(content, maxPage)); err != nil {
		return around, err
	}
	// A decoder over a bytes.Buffer works in its bytes. A buffer of its own leaves them in the page.
	d := jsontext.NewDecoder(bytes.NewBuffer(p.body.Bytes()), jsontext.AllowDuplicateNames(true))
	err = members(d, func(name []byte) error {
		switch string(name) {
		case "data":
			around.data = true
			return elements(d, func() error {
				var row T
				p.Rows = append(p.Rows, row)
				last := &p.Rows[len(p.Rows)-1]
				return members(d, func(name []byte) error {
					value, err := d.ReadValue()
					if err != nil {
						return err
					}
					return set(last, Column{name, value})
				})
			})
		case "$skipToken", "resultTruncated":
			value, err := d.ReadToken()
			if err != nil || value.Kind() != '"' {
				return err
			}
			if name[0] == '$' {
				around.token = value.String()
			} else {
				around.truncated = value.String() == "true"
			}
			return nil
		}
		return d.SkipValue()
	})
	if err == nil && !around.data {
		err = errors.New("the answer has no rows")
	}
	if err != nil {
		return around, fmt.Errorf("the answer is not as documented: %w", err)
	}
	return around, nil
}

// members reads an object; member must read the value of each name.
func members(d *jsontext.Decoder, member func(name []byte) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := member(name[1 : len(name)-1]); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// elements reads an array; element must read each value.
func elements(d *jsontext.Decoder, element func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("there is %s instead of %s", token.Kind(), kind)
	}
	return err
}

// Text is a string's text, and empty for any other value.
func (c Column) Text() string {
	v := c.Value
	switch {
	case v.Kind() != '"':
		return ""
	case bytes.IndexByte(v, '\\') < 0:
		return string(v[1 : len(v)-1])
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "" // the decoder accepts no such string
	}
	return string(text)
}

// JSON is a value other than nothing: null and the empty string, object and array, which Resource
// Graph sends for what a resource does not have, are nil.
func (c Column) JSON() []byte {
	switch string(c.Value) {
	case "null", `""`, "{}", "[]":
		return nil
	}
	return c.Value
}

// Int is a whole number.
func (c Column) Int() (int64, error) {
	return strconv.ParseInt(string(c.Value), 10, 64)
}

// keptBody is how much of a page's memory is kept for the next one; most pages need less.
const keptBody = 8 << 20

// Shrink gives the memory of an unusually large page back.
func (p *Page[T]) Shrink() {
	clear(p.Rows)
	if p.body.Cap() > keptBody {
		p.body = bytes.Buffer{}
	}
}
