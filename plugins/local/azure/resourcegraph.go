package azure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	resourceGraphPath = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
	apiResourceGraph  = "Resource Graph"

	// maxTop is how many rows Resource Graph gives in one page.
	maxTop = 1000
	// payloadTooLarge is the code of Resource Graph's refusal to send a page of more than payloadMost.
	payloadTooLarge = "ResponsePayloadTooLarge"
	payloadMost     = 16 << 20
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

// The body of a query; see armresourcegraph's models.
type queryBody struct {
	Query         string       `json:"query"`
	Subscriptions []string     `json:"subscriptions,omitempty"`
	Options       queryOptions `json:"options"`
}

type queryOptions struct {
	Top          int64  `json:"$top"`
	Skip         int64  `json:"$skip,omitempty"` // stands above the token's place
	SkipToken    string `json:"$skipToken,omitempty"`
	ResultFormat string `json:"resultFormat"`
}

// Read asks a query and reads its pages to the end. Whole pages only are taken: what breaks in the
// middle of one is read again. A page is made smaller when its rows are too large; see IsTooLarge for
// a row that alone is.
func Read[T any](ctx context.Context, s *Session, q Query, r Reader[T]) error {
	body := queryBody{Query: q.KQL, Subscriptions: q.Subscriptions, Options: queryOptions{ResultFormat: "objectArray"}}
	table, next, read := q.table(), ahead{}, stretch{}
	seam := seam[T]{session: s, key: r.Key}
	if q.Limit > 0 {
		seam.key = nil
	}
	for left := q.Limit; ; {
		page, err := r.New(ctx)
		if err != nil {
			return err
		}
		var around envelope
		body.Options.Skip = seam.skip()
		if next, err = s.page(ctx, &body, table, next, left, func(content io.Reader) (err error) {
			around, err = page.read(content, shapeGraph, r.Set)
			return err
		}); err != nil {
			page.Rows = page.Rows[:0]
			return errors.Join(err, r.Take(page))
		}
		brought := stretch{int64(len(page.Rows)), int64(page.body.Len())}
		next = next.passed(brought)
		read.rows += brought.rows
		read.bytes += brought.bytes
		if brought.rows == body.Options.Top { // the rest of a query, and counts, say nothing about its table
			s.tops.fitted(table, read)
		}
		if q.Limit > 0 {
			page.Rows = page.Rows[:min(int64(len(page.Rows)), left)]
			left -= int64(len(page.Rows))
		}
		if !seam.joins(page) {
			page.Rows = page.Rows[:0]
			return errors.Join(q.moved(), r.Take(page))
		}
		if err := r.Take(page); err != nil {
			return err
		}
		switch {
		case q.Limit > 0 && left == 0, around.link == "" && !around.truncated:
			return nil
		case around.link == "":
			return q.fault("cuts its answer short and cannot page it")
		case around.link == body.Options.SkipToken:
			return q.fault("sends the same page again and again")
		}
		body.Options.SkipToken = around.link
	}
}

// page asks for one page of at most limit rows, 0 being no limit, with fewer rows each time that they
// are too many bytes. It returns what it has learnt of the rows ahead, those of the page included.
func (s *Session) page(ctx context.Context, body *queryBody, table string, next ahead, limit int64, read func(io.Reader) error) (ahead, error) {
	for {
		usual, goal := s.tops.get(table)
		body.Options.Top = cmp.Or(next.top(goal), usual)
		if limit > 0 {
			body.Options.Top = min(body.Options.Top, limit)
		}
		content, err := json.Marshal(body)
		if err != nil {
			return nil, fault.New(fault.Internal, "the query cannot be encoded", fault.Because(err))
		}
		err = s.do(ctx, &call{api: apiResourceGraph, query: shorten(body.Query), limiter: s.limits.graph, method: http.MethodPost,
			url: s.config.Endpoints.ResourceManager + resourceGraphPath, body: content, read: read})
		f := (*failure)(nil)
		if !errors.As(err, &f) || !f.has(payloadTooLarge) {
			return next, final(err)
		}
		size, most := f.payload()
		if body.Options.Top == 1 {
			return nil, fault.New(fault.ExecutionFailed, fmt.Sprintf("one row of %s is larger than the %d MiB that Resource Graph can send",
				shorten(body.Query), most>>20), fault.From(fault.OriginAzure), fault.Because(f))
		}
		refused := stretch{body.Options.Top, size}
		if len(next) == 0 {
			s.tops.tooLarge(table, refused, most)
		}
		next = append(next, refused)
	}
}

// table is the table that a query begins with, lower case.
func (q *Query) table() string {
	name, _, _ := strings.Cut(strings.TrimSpace(q.KQL), "|")
	return strings.ToLower(strings.TrimSpace(name))
}

// fault says what Resource Graph does to a query.
func (q *Query) fault(does string) *fault.Fault {
	return fault.New(fault.ExecutionFailed, "Resource Graph "+does+" ("+shorten(q.KQL)+")", fault.From(fault.OriginAzure))
}

// shorten is as much of a query as a message has room for.
func shorten(kql string) string {
	const most = 80
	if text := []rune(oneLine(kql)); len(text) > most {
		return "`" + string(text[:most]) + "…`"
	}
	return "`" + oneLine(kql) + "`"
}
